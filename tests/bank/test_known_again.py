"""What lines and statements are known by never changes: each fingerprint here was written by an earlier version.

A statement that was imported before an upgrade is known again after it, though more of its texts is read now.
"""

from datetime import date

import pytest

from billing.bank.continuation import printed_statements
from billing.bank.formats.comma_separated import csv_mapping
from billing.bank.formats.reading import CsvReading, read_statements
from billing.frame.terms import load_terms
from tests.support import bank_files as files
from tests.support.bank_dialects import READ_BEFORE
from tests.support.bank_files import RIB

FRENCH = csv_mapping(load_terms(None).at("statements.csv_mappings", date(2026, 11, 3)), "fr")
SAMPLES = {
    "camt 02": files.CAMT_02.encode(),
    "camt 08": files.CAMT_08.encode(),
    "MT940": files.MT940.encode(),
    "CSV": files.CSV_FRENCH.encode(),
    "CSV of Windows": files.CSV_FRENCH.encode("cp1252"),
    **READ_BEFORE,
}
# The digest of each sample's statement, and the fingerprints of its lines.
KNOWN = {
    "camt 02": (
        "c6727537b63d5fe466d7177d332f3586",
        [
            "ee95152dec897472f4a3e592c8b00be5",
            "d59ea14cebded6fc38230bd12a43c207",
            "42d0996f1d2e7a302dfb7a2a81dd5578",
            "d70324afe6c50658bb1ddca81f834378",
            "ba12a066d0e88c319f5d6aec03178f99",
        ],
    ),
    "camt 08": (
        "437210aea9abef9bb336d0d8bbb61b5e",
        [
            "9a96b18af7664009bf36beebec5225a6",
            "605a1992aace8555f50f653b8a13b6dd",
            "831f142ba9d2111bc027b01f8694c955",
        ],
    ),
    "MT940": (
        "68dda7bed5bfb2b574452fe83c78b2e5",
        [
            "ee95152dec897472f4a3e592c8b00be5",
            "1dba844da1c82b5384ad21e864d6c5b2",
            "5fa0e81bff14263d3f9875a0d61a4c16",
        ],
    ),
    "CSV": (
        "b1b3e34fce4b1e1d932c5ec62605721e",
        [
            "e6f379354d834233888ca1269f6f2869",
            "1dba844da1c82b5384ad21e864d6c5b2",
            "6f8287dd46556c6a4efca145e0995e59",
        ],
    ),
    "CSV of Windows": (
        "b1b3e34fce4b1e1d932c5ec62605721e",
        [
            "e6f379354d834233888ca1269f6f2869",
            "1dba844da1c82b5384ad21e864d6c5b2",
            "6f8287dd46556c6a4efca145e0995e59",
        ],
    ),
    "numbered sub-fields": (
        "1fb41f365e51fe983046ce7e2187ee19",
        [
            "e8eee3282a336c810132303ff815f628",
        ],
    ),
    "numbered without a code": (
        "9ef76a601a18e6f6b724fd6a06bffcf4",
        [
            "658ad6bcd152d82657a14b97a1f57981",
        ],
    ),
    "numbered by another sign": (
        "379a7eadd32623e5ef1c704159ab61ec",
        [
            "a32649737923cbc7c8e4cf7c6700462c",
        ],
    ),
    "a question mark in a numbered text": (
        "cabaa60ecf2ebc226d717a2d94cf62f3",
        [
            "3986baabc743360650a7dc0eb5318b08",
        ],
    ),
    "parts of a purpose": (
        "b60c8d094fb39bde4389f031d0d8baef",
        [
            "3b4401982f2325a4c93c94035c7c2550",
        ],
    ),
    "named sub-fields": (
        "114d3a69e7fb89c62565457bac2d2a29",
        [
            "af87f2fef7463c8b4804fab5591fc4b7",
        ],
    ),
    "a long customer reference": (
        "94a13081e9a923054fc9aef858929f1c",
        [
            "90dee8a67ae25d3ba238b4954d0b1625",
        ],
    ),
    "a text on the whole statement": (
        "306c563757dd219b20c862fa173ccd39",
        [
            "8a09a1a29c09e7976b30fb33cfcf2220",
        ],
    ),
    "no booking day": (
        "ff3882c30aa16dd1eca53607f502c567",
        [
            "037e3d9aa861ca8153aca6d95d0558a6",
        ],
    ),
    "two structured references": (
        "63d64b8aedb9d532d0738afb6dde0459",
        [
            "11e1e91ac8bb6c14e5b8db9b085a2c00",
        ],
    ),
    "a cheque and the payer behind the payer": (
        "f1aabbccbf2ed79ac4a184b1ce525297",
        [
            "4ff37f45ffede48c9a1ad2ed6ecfeccb",
        ],
    ),
    "details without amounts": (
        "51e45bbe0391871c8a196561374f1911",
        [
            "c80fdf318bc04b197eb49c3be051dc0e",
        ],
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_statement_is_known_by_what_it_was_known_by_before(name: str) -> None:
    content = read_statements(SAMPLES[name], name, CsvReading(FRENCH), own_account=RIB)
    (printed,) = printed_statements(RIB, content.statements)
    assert (printed.digest, [line.fingerprint for line in printed.lines]) == KNOWN[name]
