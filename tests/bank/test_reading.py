"""Files of banks, read into statements: camt.053, MT940, CSV; what is malformed or hostile is refused in sentences."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.bank.formats.camt import parse_camt
from billing.bank.formats.comma_separated import csv_mapping, parse_csv
from billing.bank.formats.mt940 import parse_mt940
from billing.bank.formats.reading import CAMT, CSV, MT940, CsvReading, format_of, read_statements
from billing.bank.formats.statement import BankLine, FileContent, Statement, faults_of
from billing.frame.errors import BadConfiguration, Refused
from billing.frame.terms import load_terms
from tests.support import bank_files as files
from tests.support.bank_files import RIB, balance, camt, entry, french
from tests.support.examples import examples

DAY = date(2026, 11, 3)
MAPPINGS = load_terms(None).at("statements.csv_mappings", DAY)
FRENCH = csv_mapping(MAPPINGS, "fr")


def _only(found: FileContent) -> Statement:
    (one,) = found.statements
    assert list(faults_of(one)) == []
    return one


def _sentences(content: bytes, **csv: Any) -> str:
    with pytest.raises(Refused) as refused:
        read_statements(content, "file", CsvReading(FRENCH, **csv))
    return str(refused.value)


# --- camt.053 ----------------------------------------------------------------------------------------


def test_a_camt_statement_is_read_with_everything_the_bank_tells() -> None:
    found = _only(parse_camt(files.CAMT_02.encode(), "camt.xml"))
    assert (found.account, found.currency, found.reference) == (RIB, "MAD", "REL-2026-211")
    assert (found.opened_on, found.opening, found.closed_on, found.closing) == (DAY, 1_000_000, DAY, 1_580_450)
    assert found.lines[0] == BankLine(
        booked_on=DAY,
        value_on=date(2026, 11, 4),
        amount=281_515,
        bank_reference="VR26307000411",
        end_to_end_id="NOOR-2026-118",
        structured_reference="RF21FA2026000012",
        counterparty="Noor Santé SARL AU",
        counterparty_account="007780000151200000031512",
        text="Règlement loyer et repas VIREMENT RECU",
        code="PMNT/RCDT/ESCT",
        is_reversal=False,
    )


def test_a_batch_is_a_line_a_transfer_where_the_bank_tells_their_amounts() -> None:
    found = _only(parse_camt(files.CAMT_02.encode(), "camt.xml"))
    batch = [(line.amount, line.bank_reference, line.counterparty, line.text) for line in found.lines[1:3]]
    assert batch == [
        (150_000, "LOT26307/1", "ATLAS CODE", "FACTURE FA-2026- 000031"),
        (250_000, "VR26307000999", "Yasmine Design", ""),
    ]


def test_a_batch_whose_details_do_not_make_its_amount_stays_one_line() -> None:
    told = files.CAMT_02.replace('<Amt Ccy="MAD">2500.00</Amt></TxAmt>', '<Amt Ccy="MAD">2400.00</Amt></TxAmt>')
    found = _only(parse_camt(told.encode(), "camt.xml"))
    assert (found.lines[1].amount, found.lines[1].text) == (400_000, "FACTURE FA-2026- 000031")


def test_what_is_not_booked_yet_is_left_out_and_what_goes_back_keeps_its_payer() -> None:
    found = _only(parse_camt(files.CAMT_02.encode(), "camt.xml"))
    assert [line.amount for line in found.lines] == [281_515, 150_000, 250_000, -1_065, -100_000]
    back = found.lines[-1]
    assert (back.is_reversal, back.counterparty) == (True, "Sahara Énergie")


def test_later_versions_have_a_status_and_parties_of_their_own_and_charges_become_a_line() -> None:
    found = _only(parse_camt(files.CAMT_08.encode(), "camt.xml"))
    assert (found.account, found.opening, found.closing) == (RIB, 1_580_450, 1_677_950)
    assert [(line.amount, line.bank_reference, line.counterparty) for line in found.lines] == [
        (60_000, "B1/1", "Atlas & Fils"), (40_000, "B1/2", ""), (-2_500, "B1/0", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("version", [2, 3, 4, 6, 7, 8, 10, 11, 12, 13])
def test_every_version_is_read(version: int) -> None:
    content = camt([entry(12_345, DAY)], opening=0, closing=12_345, on=DAY, version=version)
    assert _only(parse_camt(content, "camt.xml")).lines[0].amount == 12_345


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_any_encoding_an_xml_file_declares_is_read(encoding: str) -> None:
    content = files.CAMT_02.replace('encoding="UTF-8"', f'encoding="{encoding}"').encode(encoding)
    assert _only(parse_camt(content, "camt.xml")).lines[0].counterparty == "Noor Santé SARL AU"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"camt.053.001.02": "camt.054.001.02"}, "is no camt.053 but"),
        ({"<Cd>OPBD</Cd>": "<Cd>XXXX</Cd>"}, "holds no opening balance (OPBD or PRCD)"),
        ({"<Cd>CLBD</Cd>": "<Cd>XXXX</Cd>"}, "holds no closing balance (CLBD)"),
        ({'<Amt Ccy="MAD">10.65</Amt>': '<Amt Ccy="MAD">10.655</Amt>'}, "file:66: Amt '10.655' has parts of a centime"),
        ({'<Amt Ccy="MAD">10.65</Amt>': '<Amt Ccy="MAD">-10.65</Amt>'}, "bears a sign, which CdtDbtInd gives"),
        ({'<Amt Ccy="MAD">10.65</Amt>': '<Amt Ccy="MAD">ten</Amt>'}, "Amt 'ten' is not an amount"),
        ({'<Amt Ccy="MAD">10.65</Amt>': ""}, "Amt is missing"),
        ({"<ValDt><Dt>2026-11-04</Dt></ValDt>": "<ValDt><Dt>2026-02-30</Dt></ValDt>"}, "'2026-02-30' is not a day"),
        ({'<Amt Ccy="MAD">10.65</Amt>': '<Amt Ccy="EUR">10.65</Amt>'}, "are several currencies in one statement"),
        ({"</Document>": ""}, "is not well-formed XML"),
        ({"<Stmt>": "<Rpt>", "</Stmt>": "</Rpt>"}, "holds no statement"),
    ],
)  # fmt: skip
def test_a_malformed_camt_file_is_refused_with_what_is_wrong(changes: Mapping[str, str], sentence: str) -> None:
    content = files.CAMT_02
    for old, new in changes.items():
        assert old in content
        content = content.replace(old, new)
    assert sentence in _sentences(content.encode())


def test_every_fault_of_a_file_is_told() -> None:
    content = files.CAMT_02.replace("10.65", "ten").replace('"MAD">1000.00', '"MAD">1000.001')
    assert len(_sentences(content.encode()).splitlines()) == 2


def test_a_statement_that_does_not_sum_or_is_in_another_currency_says_so() -> None:
    ((found,), _) = parse_camt(
        camt([entry(100, DAY, currency="EUR")], opening=0, closing=150, on=DAY, currency="EUR"), "camt.xml"
    )
    currency, closing = map(str, faults_of(found))
    assert "'EUR' is not MAD" in currency
    assert "lines of 0.50 are missing or wrong" in closing


# --- hostile XML -------------------------------------------------------------------------------------

_LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
HOSTILE = {
    "external entity": '<!DOCTYPE d [<!ENTITY x SYSTEM "{file}">]><Document>&x;</Document>',
    "parameter entity": '<!DOCTYPE d [<!ENTITY % p SYSTEM "{file}"> %p;]><Document/>',
    "external DTD": '<!DOCTYPE d SYSTEM "{file}"><Document/>',
    "billion laughs": f'<!DOCTYPE d [<!ENTITY l0 "lol">{_LAUGHS}]><Document>&l9;</Document>',
    "quadratic": '<!DOCTYPE d [<!ENTITY q "' + "q" * 100_000 + '">]><Document>' + "&q;" * 1000 + "</Document>",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_with_a_document_type_is_refused_unread(tmp_path: Path, name: str, encoding: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret", encoding="utf-8")
    told = f'<?xml version="1.0" encoding="{encoding}"?>' + HOSTILE[name].replace("{file}", secret.as_uri())
    sentence = _sentences(told.encode(encoding))
    assert "s3cret" not in sentence
    assert "document type" in sentence or "not well-formed" in sentence


def test_an_xinclude_is_no_statement(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret", encoding="utf-8")
    include = f'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/>'
    content = camt([entry(100, DAY, text="x")], opening=0, closing=100, on=DAY).replace(
        b"<Ustrd>x</Ustrd>", f"<Ustrd>{include}</Ustrd>".encode()
    )
    assert _only(parse_camt(content, "camt.xml")).lines[0].text == ""


def test_a_file_named_like_one_of_ours_is_not_opened() -> None:
    # The library for MT940 would open a file of the name it is given as text.
    with pytest.raises(Refused, match="holds no message of MT940"):
        parse_mt940(b"/etc/passwd", "file")


def test_a_file_too_deep_or_too_large_is_refused() -> None:
    assert "not well-formed" in _sentences(b"<a>" * 100_000)
    assert "is larger than 32 MiB" in _sentences(b"<" + b" " * (32 << 20))
    assert "is empty" in _sentences(b" \n")


# --- MT940 -------------------------------------------------------------------------------------------


def test_an_mt940_statement_is_read_with_its_references_and_reversals() -> None:
    found = _only(parse_mt940(files.MT940.encode(), "mt940.sta"))
    assert (found.account, found.currency, found.reference) == (RIB, "MAD", "211/1")
    assert (found.opened_on, found.opening, found.closed_on, found.closing) == (DAY, 1_000_000, DAY, 1_180_450)
    first, charge, back = found.lines
    assert first == BankLine(
        booked_on=DAY,
        value_on=date(2026, 11, 4),
        amount=281_515,
        bank_reference="VR26307000411",
        end_to_end_id="NOOR-118",
        structured_reference="",
        counterparty="NOOR SANTE SARL AU",
        counterparty_account="007780000151200000031512",
        text=first.text,
        code="NTRF",
        is_reversal=False,
    )
    assert "REMI/RF21 FA 20 2600 0012 LOYER NOVEMBRE" in first.text
    assert (charge.amount, charge.end_to_end_id, charge.code) == (-1_065, "", "NCHG")
    assert (back.amount, back.is_reversal) == (-100_000, True)


def test_swift_blocks_several_messages_and_windows_line_ends_are_read() -> None:
    second = files.MT940.replace("C261103MAD10000,00", "C261103MAD11804,50").replace(
        ":62F:C261103MAD11804,50", ":62F:C261104MAD13609,00"
    )
    content = f"{{1:F01BMCEMAMC}}{{4:\n{files.MT940}-}}\n{{4:\n{second}-}}".replace("\n", "\r\n")
    found = parse_mt940(content.encode(), "mt940.sta")
    assert [one.closing for one in found.statements] == [1_180_450, 1_360_900]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({":62F:C261103MAD11804,50": ""}, "file:1: :62F: holds no closing balance"),
        ({":60F:C261103MAD10000,00\n": ""}, "file:1: :60F: holds no opening balance"),
        ({":60F:C261103MAD10000,00": ":60F:nothing"}, "file:4: :60F: 'nothing' is no balance"),
        ({":61:2611041103C": ":61:2613041103C"}, "has a day that is none"),
        ({"D10,65": "D10,651"}, "file:8: :61: '2611031103D10,651NCHGNONREF//CM4411' has parts of a centime"),
        ({"D10,65": "D1.065"}, "has an amount that can be read in two ways, 1.065: SWIFT writes it like 1234,56"),
        ({"D10,65": "X10,65"}, "is no movement: a day YYMMDD, C or D"),
    ],
)  # fmt: skip
def test_a_malformed_mt940_file_is_refused_with_what_is_wrong(changes: Mapping[str, str], sentence: str) -> None:
    content = files.MT940
    for old, new in changes.items():
        assert old in content
        content = content.replace(old, new)
    assert sentence in _sentences(content.encode())


# --- CSV ---------------------------------------------------------------------------------------------


def test_a_french_csv_is_read_by_the_shipped_mapping_oldest_first() -> None:
    found = _only(parse_csv(files.CSV_FRENCH.encode(), "csv", FRENCH))
    assert (found.opening, found.closed_on, found.closing) == (1_000_000, date(2026, 11, 4), 1_330_450)
    assert [(line.amount, line.bank_reference) for line in found.lines] == [
        (181_515, "VR26307000411"), (-1_065, "CM4411"), (150_000, "VR26308000001"),
    ]  # fmt: skip
    assert found.lines[0].text == "VIR RECU NOOR SANTÉ RF21 FA20 2600 0012"


def test_a_csv_of_windows_is_read_too() -> None:
    found = _only(parse_csv(files.CSV_FRENCH.encode("cp1252"), "csv", FRENCH))
    assert found.lines[0].text == "VIR RECU NOOR SANTÉ RF21 FA20 2600 0012"


def test_a_csv_without_balances_takes_those_a_person_gives() -> None:
    content = re.sub(r";[^;\n]*$", "", files.CSV_FRENCH, flags=re.MULTILINE).encode()
    assert "says no opening and closing balance" in _sentences(content)
    found = _only(parse_csv(content, "csv", FRENCH, opening=1_000_000, closing=1_330_450))
    assert len(found.lines) == 3


def test_amounts_in_one_column_signed_or_turned_round() -> None:
    content = b"Date;Libell\xc3\xa9;Montant\n03/11/2026;Loyer;-1 500,00\n03/11/2026;Frais;+12,5\n"
    mapping = csv_mapping(MAPPINGS, "signed")
    ((found,), _) = parse_csv(content, "csv", mapping, opening=0, closing=0)
    assert [line.amount for line in found.lines] == [-150_000, 1_250]
    turned = csv_mapping({"own": {**MAPPINGS["signed"], "inverted": True}}, "own")
    ((found,), _) = parse_csv(content, "csv", turned, opening=0, closing=0)
    assert [line.amount for line in found.lines] == [150_000, -1_250]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"Débit;": "Sortie;"}, "has no line of titles with debit"),
        ({"Libellé;": "Foo;"}, "or motif or detail): its titles are Date opération, Date valeur, Foo, Référence"),
        ({"03/11/2026;03/11/2026": "31/11/2026;03/11/2026"}, "file:5: booked_on '31/11/2026' is not a day"),
        ({"03/11/2026;03/11/2026": "03/11/2026;3 novembre"}, "value_on '3 novembre' is not a day"),
        ({"10,65;;11": "10,655;;11"}, "debit '10,655' has parts of a centime"),
        ({"10,65;;11": ";;11"}, "amount is blank"),
        ({"1 815,15;11 815,15": "1815.15;11 815,15"}, "credit '1815.15' is not an amount"),
        ({"11 815,15\n": "11 815,16\n"}, "balance is not the balance before it with its amount"),
        ({'"VIR RECU ""ATLAS': '"VIR RECU "ATLAS'}, "can't be read as CSV"),
    ],
)  # fmt: skip
def test_a_malformed_csv_file_is_refused_with_what_is_wrong(changes: Mapping[str, str], sentence: str) -> None:
    assert sentence in _sentences(french(changes))


def test_a_mapping_that_can_not_be_is_refused_where_it_is_written() -> None:
    with pytest.raises(Refused, match="'bmce' is no mapping of a CSV file"):
        csv_mapping(MAPPINGS, "bmce")
    for wrong in (
        {}, {"columns": {"booked_on": "Date"}}, {"columns": {"booked_on": "Date", "amount": "M"}, "delimiter": ";;"},
        {"columns": {"booked_on": "Date", "amount": 3}}, {"columns": {"when": "Date"}},
        {"columns": {"booked_on": "Date", "amount": "M"}, "decimal": 5},
    ):  # fmt: skip
        with pytest.raises(BadConfiguration, match=r"statements.csv_mappings, own"):
            csv_mapping({"own": wrong}, "own")


# --- any bytes ---------------------------------------------------------------------------------------


def test_the_kind_of_a_file_is_told_by_its_first_bytes() -> None:
    assert format_of(files.CAMT_02.encode("utf-16")) == CAMT
    assert format_of(b"\xef\xbb\xbf{1:F01}") == MT940
    assert format_of(files.MT940.encode()) == MT940
    assert format_of(files.CSV_FRENCH.encode()) == CSV


_SAMPLES = [files.CAMT_02.encode(), files.CAMT_08.encode(), files.MT940.encode(), files.CSV_FRENCH.encode()]


def _mutated(sample: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for at, length, new in edits:
        place = at % (len(sample) + 1)
        sample = sample[:place] + new + sample[place + length :]
    return sample


@given(
    st.one_of(
        st.binary(max_size=400),
        st.builds(
            _mutated,
            st.sampled_from(_SAMPLES),
            st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.binary(max_size=12)), max_size=6),
        ),
    ),
    st.sampled_from([None, CAMT, MT940, CSV]),
)
@settings(max_examples=examples(300))
def test_any_bytes_are_a_statement_or_refused(content: bytes, file_format: str | None) -> None:
    try:
        found = read_statements(content, "file", CsvReading(FRENCH), file_format)
    except Refused:
        return
    for one in found.statements:
        assert all(line.amount for line in one.lines)
        assert all("\0" not in text for line in one.lines for text in line if isinstance(text, str))
        list(faults_of(one))


def test_balances_of_pages_within_a_statement_count_only_where_no_other_does() -> None:
    on = date(2026, 11, 3)
    inner = balance("OPBD", 999, on).replace("</CdOrPrtry>", "</CdOrPrtry><SubTp><Cd>INTM</Cd></SubTp>")
    content = camt([entry(100, on)], opening=50, closing=150, on=on).decode()
    content = content.replace("<Ccy>MAD</Ccy></Acct>", f"<Ccy>MAD</Ccy></Acct>{inner}")
    assert _only(parse_camt(content.encode(), "camt.xml")).opening == 50
