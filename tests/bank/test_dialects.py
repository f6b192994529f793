"""MT940 and CSV as banks really write them: what nobody needs stops no file, no text is lost, nothing is guessed."""

import io
import time
import zipfile
from datetime import date
from typing import Any

import pytest

from billing.bank.formats.comma_separated import csv_mapping
from billing.bank.formats.reading import MT940, CsvReading, format_of, read_statements
from billing.bank.formats.statement import LINES_MAX, STATEMENTS_MAX, BankLine, FileContent, faults_of
from billing.frame.errors import Refused
from billing.frame.terms import load_terms
from tests.support.bank_dialects import READ_BEFORE, one_entry, swift
from tests.support.bank_files import MT940 as SAMPLE
from tests.support.bank_files import RIB, french

ON = date(2026, 11, 16)
MAPPINGS = load_terms(None).at("statements.csv_mappings", ON)
FRENCH = csv_mapping(MAPPINGS, "fr")
OTHER = "007780000151200000031512"
CHEQUE = ":61:2611161116C3480,00NTRFNONREF//B77"


def _read(content: bytes, own_account: str = RIB, **csv: Any) -> FileContent:
    found = read_statements(content, "releve.sta", CsvReading(FRENCH, **csv), own_account=own_account)
    for statement in found.statements:
        assert list(faults_of(statement)) == []
    return found


def _lines(content: bytes) -> tuple[BankLine, ...]:
    (statement,) = _read(content).statements
    return statement.lines


def _line(content: bytes) -> BankLine:
    (line,) = _lines(content)
    return line


def _sentence(content: bytes, **csv: Any) -> str:
    with pytest.raises(Refused) as refused:
        read_statements(content, "releve.sta", CsvReading(FRENCH, **csv), own_account=RIB)
    sentence = str(refused.value)
    assert "object at" not in sentence
    assert "Unable to parse" not in sentence
    return sentence


# --- whose a text is, and what stops no file ---------------------------------------------------------


@pytest.mark.parametrize(
    "behind",
    [
        ":64:C261116MAD4480,00\n:86:RF48FA2026000011", ":65:C261117MAD4480,00\n:86:RF48FA2026000011",
        ":86:RF48FA2026000011", ":64:C261116MAD4480,00\n:NS:RF48FA2026000011",
        ":64:C261116MAD4480,00\n:65:Dnullnull7414,3\n:86:RF48FA2026000011\nINFO",
    ],
)  # fmt: skip
def test_a_text_behind_the_closing_balance_is_no_movements(behind: str) -> None:
    assert _line(swift(CHEQUE, ":86:VIR", closing="4480,00", behind=behind)).text == "VIR"


def test_a_text_before_the_first_movement_and_one_behind_an_early_balance_are_no_movements() -> None:
    content = swift(":86:INFO DU RELEVE", CHEQUE, ":86:VIR", ":64:C261116MAD4480,00", ":86:INFO", closing="4480,00")
    assert _line(content).text == "VIR"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b":28C:1/1\n", b":28C: /1\n"), (b":28C:1/1\n", b""), (b":28C:1/1\n", b":28C:MENSUEL 11\n"),
        (b":20:R1\n", b""), (b":20:R1\n", b":20:A REFERENCE OF MORE THAN SIXTEEN\n"), (f":25:{RIB}\n".encode(), b""),
        (b"-\n", b":64:C261116MAD4480,00\n:65:Dnullnull7414,3\n"), (b"-\n", b":64:\n"), (b"-\n", b":90D:no\n:90C:\n"),
        (b":60F:C261116", b":34F:MADnull\n:13D:never\n:21:\n:60F:C261116"), (b":60F:C261116", b":60F:C000000"),
        (b":60F", b":60M"), (b":62F", b":62M"), (b":60F", b":60"), (b"//B77", b"//B77\n:NS:22TEXTE DE LA BANQUE"),
        (b":20:R1", b"{1:F01BMCEMAMC}{4::20:R1"), (b":20:R1", b":940:\n:20:R1"), (b":20:R1", b"\x1a:20:R1"),
        (b"NTRFNONREF//B77", b""), (b"NTRFNONREF//B77", b"//B77"), (b"2611161116C", b"261116    C"),
        (b"2611161116C", b"2611160000C"), (b"2611161116C", b"2611161116c"), (b"1116C3480", b"1116CD3480"),
        (b"C3480,00", b"C3480"), (b"C3480,00", b"C3480,"), (b"C3480,00", b"C000000003480,00"),
        (b"C3480,00", b"C3480.00"),
        (b"C3480,00", b"CR\n3480,00"), (b":61:", b":\n61:"), (b"\n", b"\r\n"), (b"\n", b"\n\n"), (b"\n", b" \n"),
    ],
)  # fmt: skip
def test_a_field_that_nobody_needs_stops_no_file(old: bytes, new: bytes) -> None:
    content = swift(CHEQUE, closing="4480,00")
    assert old in content
    line = _line(content.replace(old, new))
    assert (line.amount, line.booked_on, line.value_on, line.is_reversal) == (348_000, ON, ON, False)


@pytest.mark.parametrize(
    ("fields", "closing", "days"),
    [
        ((":61:261118C3480,00NCHKNONREF//B77",), "4480,00", [(16, 18)]),
        ((":61:261116D120,83N544EREF", ":61:261117D16,38N544EREF"), "862,79", [(16, 16), (16, 17)]),
        ((":61:261114C3480,00NTRFX",), "4480,00", [(14, 14)]),
        ((":61:2611181116C3480,00NCHKX",), "4480,00", [(16, 18)]),
    ],
)
def test_without_booking_day_a_movement_is_booked_on_its_value_day_or_the_closing_day(
    fields: tuple[str, ...], closing: str, days: list[tuple[int, int]]
) -> None:
    lines = _lines(swift(*fields, closing=closing))
    assert [(line.booked_on.day, line.value_on.day) for line in lines] == days


def test_a_booking_day_of_the_next_or_the_last_year_is_the_nearest_one() -> None:
    content = swift(":61:2612310102C3480,00NTRFX", closing="4480,00").replace(b":62F:C261116", b":62F:C270102")
    assert (_line(content).value_on, _line(content).booked_on) == (date(2026, 12, 31), date(2027, 1, 2))


def test_several_statements_in_one_message_are_told_apart() -> None:
    second = f":25:{RIB}\n:28C:2/1\n:60F:C261116MAD4480,00\n:61:2611171117D10,00NCHGX\n:62F:C261117MAD4470,00"
    found = _read(swift(CHEQUE, closing="4480,00", behind=second))
    assert [(one.reference, one.closing, len(one.lines)) for one in found.statements] == [
        ("1/1", 448_000, 1), ("2/1", 447_000, 1),
    ]  # fmt: skip
    pages = second.replace(f":25:{RIB}\n:28C:2/1\n:60F", ":60M")
    assert len(_read(swift(CHEQUE, closing="4480,00", behind=pages)).statements) == 2


# --- texts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "counterparty", "account", "text"),
    [
        ("numbered sub-fields", "HOLDING XYZ SARL", "", "VIREMENT RECU LOYERNOVEMBRE RF48FA2026000011"),
        ("numbered without a code", "NOOR SANTE", "", "LOYER NOVEMBRE"),
        ("numbered by another sign", "", "0454545454", "LOYER NOVEMBRE"),
        ("a question mark in a numbered text", "", "", "LOYER PAYE? OUINOVEMBRE"),
        ("parts of a purpose", "NOOR SANTE", "", "GUTSCHRIFT VORAB LOYER NOVEMBRE M1 HOLDING"),
        ("named sub-fields", "NOOR SANTE", OTHER, None),
        ("a text on the whole statement", "", "", "VIR"),
        ("two structured references", "", "", "LOYERS RF37FA2026000015"),
        ("a cheque and the payer behind the payer", "BANQUE X", "", "LOYER 4411207 NOOR SANTE"),
        ("details without amounts", "NOOR SANTE / ZAGORA", "", "RF48FA2026000011 E1 / LOYER NOV"),
    ],
)
def test_no_text_is_lost(name: str, counterparty: str, account: str, text: str | None) -> None:
    line = _line(READ_BEFORE[name])
    assert (line.counterparty, line.counterparty_account) == (counterparty, account)
    assert text is None or line.text == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("808?00COMMISSION SUR IMPAYE?20DOSSIER 7", "COMMISSION SUR IMPAYE DOSSIER 7"),
        ("166?20A?21B?60C?61D?62E?63F", "AB CDEF"), ("?20A\n?2\n1B", "AB"),
        ("166?20A?35SARL X?38RIB?70SUITE", "A SARL X RIB SUITE"), ("166?20A?20B", "AB"),
        ("166~00VIREMENT~20LOYER~60SUITE", "VIREMENT LOYER SUITE"), ("QUI? OUI?20", "QUI? OUI?20"),
        ("A" * 65 + "\n" + "B" * 65 + "\n" + "C" * 65, " ".join(("A" * 65, "B" * 65, "C" * 65))),
    ],
)  # fmt: skip
def test_numbered_sub_fields_are_joined_in_their_order(text: str, read: str) -> None:
    assert _line(swift(CHEQUE, f":86:{text}", closing="4480,00")).text == read


@pytest.mark.parametrize(
    ("text", "counterparty", "account", "reference"),
    [
        ("/IBAN/MA41007780000151200000031512/NAME/NOOR SANTE/ADDR/RUE X/CASA", "NOOR SANTE", OTHER, ""),
        ("/BENM//NAME/ONEE/REMI/ELECTRICITE", "ONEE", "", ""), ("/NAME/A/B SARL/REMI/X", "A/B SARL", "", ""),
        ("/EREF/E-1//MARF/M//CSID/C//NAME/IAM", "IAM", "", "E-1"), ("/NAME/NOOR SAN\nTE/REMI/X", "NOOR SANTE", "", ""),
        ("/NAME/NOOR/UNKN/REST", "NOOR", "", ""), ("/NAME//REMI/X", "", "", ""), ("FACTURE 1/NAME/2", "2", "", ""),
    ],
)  # fmt: skip
def test_a_named_sub_field_ends_where_the_next_begins(
    text: str, counterparty: str, account: str, reference: str
) -> None:
    line = _line(swift(CHEQUE, f":86:{text}", closing="4480,00"))
    assert (line.counterparty, line.counterparty_account, line.end_to_end_id) == (counterparty, account, reference)
    assert line.text == text.replace("\n", " ")


@pytest.mark.parametrize(
    ("tail", "customer", "bank", "text"),
    [
        ("NTRFMA41007780000151200000031512//B771234", "MA41007780000151200000031512", "B771234", ""),
        ("NTRFMA41007780000151200000031512\nNOOR SANTE\nCASA", "MA41007780000151200000031512", "", "NOOR SANTE CASA"),
        ("NTRF0121470966      NOOR SANTE", "0121470966", "", "NOOR SANTE"),
        ("NTRFNONREF//A-BANK-REFERENCE-LONGER-THAN-16", "", "A-BANK-REFERENCE-LONGER-THAN-16", ""),
        ("NTRF//B77\nLIBELLE", "", "B77", "LIBELLE"),
    ],
)
def test_references_longer_than_the_standard_are_read_whole(tail: str, customer: str, bank: str, text: str) -> None:
    line = _line(swift(f":61:2611161116C3480,00{tail}", closing="4480,00"))
    assert (line.end_to_end_id, line.bank_reference, line.text) == (customer, bank, text)


# --- refused, in a bookkeeper's words ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("C3480,00", "C3.480,00", "5: :61: '2611161116C3.480,00NTRFNONREF//B77' has an amount that can be read in two"),
        ("C3480,00", "C3.480", "releve.sta:5: :61:"), ("C3480,00", "C,", "releve.sta:5: :61:"),
        ("C3480,00", "E3480,00", "is no movement: a day YYMMDD, C or D"),
        ("261116111", "263116111", "has a day that is none"),
        ("MAD4480,00", "MAD4480.0.0", "releve.sta:6: :62F:"),
        ("C261116MAD4480", "C000000MAD4480", "has no day that can be read"),
        ("MAD4480,00", "EUR4480,00", "is in EUR, the opening balance in MAD"),
        ("C261116MAD4480", "C261116MAD 4480", "is no balance"),
        (":62F:C", ":62F:C261116MAD1,00\n:62F:C", "is not 'C261116MAD1,00', which the same statement says on line 6"),
        (":28C:", f":25:{OTHER}\n:28C:", "which the same statement says on line 2"),
        (":60F:", ":61:", "holds no opening balance (:60F:)"),
        (":62F:C261116MAD4480,00\n", "", "releve.sta:1: :62F: holds no closing balance (:62F:)"),
    ],
)  # fmt: skip
def test_what_could_be_read_wrongly_is_refused_with_line_tag_and_remedy(old: str, new: str, sentence: str) -> None:
    content = swift(CHEQUE, closing="4480,00").decode()
    assert old in content
    told = _sentence(content.replace(old, new, 1 if old != "MAD4480,00" else -1).encode())
    assert sentence in told
    assert "ask the bank" in told


def _zipped(name: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(name, "x")
    return archive.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (_zipped("releve.xml"), "is a ZIP archive (unzip it and import each file in it)"),
        (_zipped("xl/workbook.xml"), "is a spreadsheet (save it as CSV"), (b"\x1f\x8b\x08", "unpack it"),
        (b"%PDF-1.7", "is a PDF (ask the bank for the statement as camt.053"),
        (b"\xd0\xcf\x11\xe0", "is a spreadsheet"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_named(content: bytes, sentence: str) -> None:
    assert sentence in _sentence(content)


def test_a_file_of_mt940_is_known_by_any_of_its_fields_and_in_utf_16() -> None:
    assert format_of(swift(CHEQUE, closing="4480,00").replace(b":20:R1\n", b"")) == MT940
    assert format_of(f"\n:25:{RIB}".encode("utf-16")) == MT940
    assert _line(swift(CHEQUE, ":86:N° é", closing="4480,00").decode().encode("utf-16")).text == "N° é"


# --- several accounts --------------------------------------------------------------------------------


def test_of_a_file_with_several_accounts_ours_is_taken_and_the_others_are_named() -> None:
    ours = swift(CHEQUE, closing="4480,00")
    theirs = swift("61:nonsense", ":61:garbage", closing="1,00", number="9/1").replace(RIB.encode(), OTHER.encode())
    found = _read(theirs + ours + ours.replace(b"MAD", b"EUR").replace(b"1/1", b"8/1"))
    assert [statement.reference for statement in found.statements] == ["1/1"]
    assert found.left_out == ((OTHER, "", "9/1", 1), (RIB, "EUR", "8/1", 1))


def test_a_statement_without_account_beside_another_account_is_refused() -> None:
    ours = swift(CHEQUE, closing="4480,00")
    theirs = ours.replace(RIB.encode(), OTHER.encode())
    assert "names no account, in a file that holds account" in _sentence(theirs + ours.replace(RIB.encode(), b""))


def test_a_csv_with_a_column_of_accounts_gives_ours() -> None:
    mapping = csv_mapping(
        {"own": {**MAPPINGS["fr"], "columns": {**MAPPINGS["fr"]["columns"], "account": "Compte"}}}, "own"
    )
    rows = (
        f"Compte;Date;Libellé;Débit;Crédit;Solde\n{OTHER};16/11/2026;X;;9,00;9,00\n"
        f"{RIB};16/11/2026;LOYER;;100,00;100,00\n{OTHER};rien;;;;\n"
    )
    found = read_statements(rows.encode(), "releve.csv", CsvReading(mapping), own_account=RIB)
    assert [line.text for statement in found.statements for line in statement.lines] == ["LOYER"]
    assert found.left_out == ((OTHER, "", "", 2),)
    with pytest.raises(Refused, match=r"releve.csv:4: account names no account, in a file that holds account 0077"):
        read_statements(
            rows.replace(f"{OTHER};rien;", ";16/11/2026;Y;;1,00;101,00").encode(), "releve.csv", CsvReading(mapping),
            own_account=RIB,
        )  # fmt: skip


# --- CSV ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["Foo", "", "Libelle_x"])
def test_a_csv_without_its_text_column_is_refused_with_the_titles_it_has(title: str) -> None:
    told = _sentence(french({"Libellé;": f"{title};"}))
    assert "releve.sta:3: has no line of titles with text (libelle or" in told
    assert "its titles are Date opération, Date valeur," in told
    assert "give another mapping than 'fr'" in told


def test_a_movement_dated_by_its_value_day_alone_was_booked_on_it() -> None:
    found = _read(french({"03/11/2026;03/11/2026": ";03/11/2026"}))
    assert [line.booked_on.day for line in found.statements[0].lines] == [3, 3, 4]


# --- limits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b":20:A\n" * 83_000, swift(*[":61:261116C0,01NTRFX"] * (LINES_MAX + 1), closing="1,00"),
        swift(CHEQUE, ":86:" + "X" * 65 * 100_000, closing="4480,00").replace(b":62F:", b":62X:"),
        one_entry("").replace(b"</Ntry>", b"</Ntry>" + b"<Ntry/>" * 600_000),
        one_entry("<NtryDtls>" + "<TxDtls/>" * (LINES_MAX + 1) + "</NtryDtls>"),
    ],
    ids=["references", "movements", "a text", "entries", "details"],
)  # fmt: skip
def test_a_file_beyond_the_limits_is_refused_at_once(content: bytes) -> None:
    begun = time.process_time()
    _sentence(content)
    assert time.process_time() - begun < 4


def test_forty_thousand_movements_are_read_in_time_that_grows_with_them() -> None:
    def seconds(count: int) -> float:
        fields = [":61:2611161116C0,01NTRFNONREF//B77\n:86:/NAME/NOOR SANTE/REMI/LOYER"] * count
        content = swift(*fields, opening="0,00", closing=f"{count // 100},00")
        begun = time.process_time()
        assert len(_lines(content)) == count
        return time.process_time() - begun

    small, large = seconds(10_000), seconds(40_000)
    assert large < 8 * small
    assert STATEMENTS_MAX < LINES_MAX


def test_the_sample_is_read_alike_with_and_without_an_account_asked_for() -> None:
    assert _read(SAMPLE.encode(), "") == _read(SAMPLE.encode())
