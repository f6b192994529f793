"""The journal's exports: what accountants' own programs make of them, on both databases (contract, Exports)."""

import csv
import io
import os
import subprocess
import sys
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import openpyxl
import pyarrow.parquet as pq
import pytest
from beancount import loader
from sqlalchemy import Engine

from billing.frame.database import reading, writing
from ledger.balances import trial_balance
from ledger.entry import Entry, Posting
from ledger.errors import UnknownFormat
from ledger.exports import FORMATS, beancount, hledger, journal_pieces, write_journal
from ledger.exports.comma_separated import guarded, harmless, unguarded
from ledger.exports.journal_lines import JOURNAL_COLUMNS
from ledger.exports.tables import json_list
from ledger.year_end import close_year
from pricing.money import format_amount
from tests.support.books import (
    ODD_CODES,
    RECORDED_AT,
    SEPTEMBER,
    auxiliary_balances,
    invoice,
    odd_books,
    post_all,
    small_books,
)
from tests.support.second_programs import beancount_postings, hledger_balances, run_hledger

GOLDEN = Path(__file__).parent.parent / "golden" / "ledger"
EXTENSIONS = {
    "csv": "csv",
    "fec": "txt",
    "fec-analytic": "analytic.txt",
    "hledger": "journal",
    "beancount": "beancount",
}


@pytest.fixture
def books(engine: Engine) -> Engine:
    """Small books, and odd ones."""
    with writing(engine) as connection:
        post_all(connection, [*small_books(), *odd_books()])
    return engine


def exported(engine: Engine, file_format: str, start: date | None = None, until: date | None = None) -> bytes:
    destination = io.BytesIO()
    with reading(engine) as connection:
        write_journal(connection, file_format, destination, start=start, until=until)
    return destination.getvalue()


# --- goldens -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", EXTENSIONS)
def test_small_books_give_these_files_on_every_database(engine: Engine, file_format: str) -> None:
    with writing(engine) as connection:
        post_all(connection, small_books())
    golden = GOLDEN / f"small-books.{EXTENSIONS[file_format]}"
    found = exported(engine, file_format)
    if os.environ.get("WRITE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_bytes(found)
    assert found == golden.read_bytes()


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_same_books_give_the_same_bytes(books: Engine, file_format: str) -> None:
    assert exported(books, file_format) == exported(books, file_format)


def test_an_unknown_format_is_refused_and_the_known_ones_named(engine: Engine) -> None:
    with (
        pytest.raises(UnknownFormat, match="csv, csv-fr, xlsx, parquet, fec, fec-analytic, hledger, beancount"),
        reading(engine) as connection,
    ):
        journal_pieces(connection, "pdf")


# --- hledger -----------------------------------------------------------------------------------------


@pytest.fixture
def hledger_file(books: Engine, tmp_path: Path) -> Path:
    file = tmp_path / "books.journal"
    file.write_bytes(exported(books, "hledger"))
    return file


@pytest.mark.parametrize("checks", [(), ("--strict",), ("ordereddates",)], ids=["plain", "strict", "ordered"])
def test_hledger_check_accepts_the_journal(hledger_file: Path, checks: tuple[str, ...]) -> None:
    assert run_hledger(hledger_file, "check", *checks) == ""


def test_hledger_gives_the_trial_balance(books: Engine, hledger_file: Path) -> None:
    found: dict[str, int] = {}
    for name, amount in hledger_balances(hledger_file).items():
        account = name.split(":")[1].split(" ")[0]
        found[account] = found.get(account, 0) + amount
    with reading(books) as connection:
        expected = {b.account: b.balance for b in trial_balance(connection) if b.balance}
    assert {account: amount for account, amount in found.items() if amount} == expected


def test_r21_in_hledger_the_general_ledger_and_class_9_sum_to_nil_each(hledger_file: Path) -> None:
    by_tree = hledger_balances(hledger_file, "--depth", "1", "--empty")
    assert by_tree == {hledger.GENERAL: 0, hledger.ANALYTIC: 0}


def test_hledger_knows_every_tenant_under_its_code_however_odd(books: Engine, hledger_file: Path) -> None:
    of_clients = hledger_balances(hledger_file, f"{hledger.GENERAL}:3421")
    found = {unquote(name.split(":")[2]): amount for name, amount in of_clients.items()}
    with reading(books) as connection:
        assert found == auxiliary_balances(connection, "3421")
    assert set(ODD_CODES) <= found.keys()


def test_in_hledger_sites_are_tags_and_references_too(hledger_file: Path) -> None:
    in_tanger = run_hledger(hledger_file, "print", "tag:site=^TNG$", "tag:reference=^VTE/FA-2026-000001$")
    assert "(FA-2026-000001) Facture FA-2026-000001 - T0042" in in_tanger
    assert "000002" not in in_tanger


@pytest.mark.parametrize("code", ["", *ODD_CODES])
def test_codes_come_back_from_both_plain_text_formats(code: str) -> None:
    assert unquote(hledger.encode(code)) == code
    assert beancount.decode(beancount.encode(code)) == code


# --- beancount ---------------------------------------------------------------------------------------


@pytest.fixture
def beancount_file(books: Engine, tmp_path: Path) -> Path:
    file = tmp_path / "books.beancount"
    file.write_bytes(exported(books, "beancount"))
    return file


def test_bean_check_accepts_the_journal(beancount_file: Path) -> None:
    subprocess.run([str(Path(sys.executable).parent / "bean-check"), str(beancount_file)], check=True)


def test_beancount_gives_the_trial_balance(books: Engine, beancount_file: Path) -> None:
    found: dict[str, int] = {}
    for _, posting in beancount_postings(beancount_file):
        account = next(part for part in posting.account.split(":") if part[0].isdigit()).split("-")[0]
        assert posting.units is not None
        assert posting.units.number is not None
        found[account] = found.get(account, 0) + int(posting.units.number * 100)
    with reading(books) as connection:
        assert found == {b.account: b.balance for b in trial_balance(connection)}


def test_beancount_keeps_references_sites_and_tenants_as_they_are_written(beancount_file: Path) -> None:
    tenants = set()
    for entry, posting in beancount_postings(beancount_file):
        if posting.account.startswith("Assets:3421-Clients:") and entry.meta["reference"][4:] in ODD_CODES:
            code = beancount.decode(posting.account.split(":")[2])
            assert entry.meta["reference"] == f"VTE/{code}"
            assert entry.meta["piece"] == code
            assert posting.meta is not None
            assert posting.meta["site"] == code
            assert entry.narration == f'{code} ; "x" | (y) \\ {code}'
            tenants.add(code)
    assert tenants == set(ODD_CODES)


# --- tables ------------------------------------------------------------------------------------------


def test_csv_holds_every_posting_and_balances(books: Engine) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(books, "csv").decode())))
    assert list(rows[0]) == [column.name for column in JOURNAL_COLUMNS]
    assert len(rows) == sum(len(entry.postings) for entry in [*small_books(), *odd_books()])
    assert sum(Decimal(row["debit"]) for row in rows) == sum(Decimal(row["credit"]) for row in rows)
    assert [int(row["number"]) for row in rows] == sorted(int(row["number"]) for row in rows)


def test_in_csv_no_text_begins_like_a_formula(books: Engine) -> None:
    text_columns = [column.name for column in JOURNAL_COLUMNS if column.kind.name == "TEXT"]
    rows = list(csv.DictReader(io.StringIO(exported(books, "csv").decode(), newline="")))
    cells = {row[name] for row in rows for name in text_columns}
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\n")]
    assert {"'=cmd|'/C calc'!A0", "'+212", "'-T", "'@home"} <= cells


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        (";=1+1", ";'=1+1"),
        ('x;=HYPERLINK("y")', 'x;\'=HYPERLINK("y")'),
        ("x\r\n@y", "x\r\n'@y"),
        ("a;b-c", "a;b-c"),
        ("", ""),
    ],
)
def test_nor_does_a_text_in_csv_hide_a_formula_behind_a_french_spreadsheets_separator(text: str, safe: str) -> None:
    """I6: a French spreadsheet parts the file by semicolons."""
    assert harmless(text) == safe


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Rue,=1+1", "Rue,'=1+1"), ("a\n+2", "a\n'+2"), ("=1", "'=1"), ("'=1,'-2", "''=1,''-2"), ("4, -5", "4, -5"),
        ("l'an,2", "l'an,2"),
    ],
)  # fmt: skip
def test_a_text_of_a_french_csv_hides_no_formula_behind_a_comma_and_is_given_back(text: str, safe: str) -> None:
    assert guarded(text) == safe
    assert unguarded(safe) == text


def test_a_french_spreadsheet_opens_its_csv(books: Engine) -> None:
    content = exported(books, "csv-fr")
    assert content.startswith(b"\xef\xbb\xbfnumber;reference;")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    plain = list(csv.DictReader(io.StringIO(exported(books, "csv").decode(), newline="")))
    assert [row["debit"].replace(",", ".") for row in rows] == [row["debit"] for row in plain]
    assert (rows[2]["effective_on"], rows[2]["recorded_at"], rows[2]["debit"]) == (
        "01/09/2026", "01/09/2026 06:00:00", "2835,00",
    )  # fmt: skip
    assert {"'=cmd|'/C calc'!A0", "'+212", "'-T", "'@home"} <= {cell for row in rows for cell in row.values()}


def test_xlsx_has_real_numbers_days_and_harmless_text(books: Engine) -> None:
    book = openpyxl.load_workbook(io.BytesIO(exported(books, "xlsx")))
    assert book.sheetnames == ["Journal"]
    rows = list(book["Journal"].iter_rows())
    assert [cell.value for cell in rows[0]] == [column.name for column in JOURNAL_COLUMNS]
    number, reference, _, effective_on, recorded_at, *_, debit, credit = rows[3]
    assert (number.value, reference.value) == (2, "VTE/FA-2026-000001")
    assert effective_on.value == datetime(2026, 9, 1)
    assert effective_on.number_format == "yyyy-mm-dd"
    assert recorded_at.value == datetime(2026, 9, 1, 6)
    assert (debit.value, credit.value) == (2835, 0)
    assert debit.number_format == "#,##0.00"
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert {"=cmd|'/C calc'!A0", "<r>&</r>", "  two  spaces ", "tab\tin"} <= {cell.value for cell in cells}


def test_xlsx_writes_amounts_to_the_last_centime_not_as_binary_floats(engine: Engine) -> None:
    amounts = (995, 941, 30, 99_999_999_999_999)
    with writing(engine) as connection:
        post_all(
            connection,
            [
                Entry(f"VTE/{a}", "VTE", SEPTEMBER, "x", "x", (Posting("3421", a, "T1"), Posting("71243", -a)))
                for a in amounts
            ],
        )
    with zipfile.ZipFile(io.BytesIO(exported(engine, "xlsx"))) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    for amount in amounts:
        assert f"<v>{format_amount(amount)}</v>" in sheet


def test_xlsx_continues_on_a_further_sheet_where_excel_ends(books: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.exports.spreadsheet.ROWS_MAX", 20)
    book = openpyxl.load_workbook(io.BytesIO(exported(books, "xlsx")))
    rows = sum(len(entry.postings) for entry in [*small_books(), *odd_books()])
    assert book.sheetnames == ["Journal", *(f"Journal {n}" for n in range(2, -(-rows // 19) + 1))]
    found = [row for sheet in book for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert len(found) == rows


def test_without_its_library_parquet_says_what_to_install(books: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ledger.exports.parquet", raising=False)
    monkeypatch.delattr("ledger.exports.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UnknownFormat, match=r"pip install 'technopark-billing\[parquet\]'.*csv and xlsx"):
        exported(books, "parquet")


def test_parquet_has_exact_decimals_and_days(books: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.exports.parquet.ROW_GROUP", 10)
    file = pq.ParquetFile(io.BytesIO(exported(books, "parquet")))
    assert file.num_row_groups > 1
    rows = file.read().to_pylist()
    assert rows[2] == {
        "number": 2, "reference": "VTE/FA-2026-000001", "journal": "VTE", "effective_on": SEPTEMBER,
        "recorded_at": datetime(2026, 9, 1, 6, tzinfo=UTC), "label": "Facture FA-2026-000001 - T0042",
        "piece": "FA-2026-000001", "line": 1, "account": "3421", "account_label": "Clients", "auxiliary": "T0042",
        "site": None, "debit": Decimal("2835.00"), "credit": Decimal("0.00"),
    }  # fmt: skip
    assert sum(row["debit"] for row in rows) == sum(row["credit"] for row in rows)


def fec_rows(content: bytes) -> list[dict[str, str]]:
    head, *lines = content.decode().removesuffix("\r\n").split("\r\n")
    assert all(line.count("\t") == 17 for line in [head, *lines])
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


def fec_sums(rows: list[dict[str, str]]) -> dict[str, str]:
    sums: dict[str, Decimal] = {}
    for row in rows:
        debit, credit = (Decimal(row[side].replace(",", ".")) for side in ("Debit", "Credit"))
        sums[row["CompteNum"]] = sums.get(row["CompteNum"], Decimal(0)) + debit - credit
    return {account: str(amount) for account, amount in sorted(sums.items()) if amount}


def test_fec_has_its_eighteen_columns_decimal_commas_and_no_stray_separator(books: Engine) -> None:
    rows = fec_rows(exported(books, "fec"))
    assert rows[0] == {
        "JournalCode": "VTE", "JournalLib": "Ventes", "EcritureNum": "1", "EcritureDate": "20260901",
        "CompteNum": "3421", "CompteLib": "Clients", "CompAuxNum": "T0042", "CompAuxLib": "T0042",
        "PieceRef": "FA-2026-000001", "PieceDate": "20260901", "EcritureLib": "Facture FA-2026-000001 - T0042",
        "Debit": "2835,00", "Credit": "0,00", "EcritureLet": "", "DateLet": "", "ValidDate": "20260901",
        "Montantdevise": "", "Idevise": "",
    }  # fmt: skip


@pytest.mark.parametrize("file_format", ["fec", "fec-analytic"])
def test_r21_fec_is_numbered_without_gap_and_class_9_has_a_file_of_its_own(books: Engine, file_format: str) -> None:
    rows = fec_rows(exported(books, file_format))
    numbers = [int(row["EcritureNum"]) for row in rows]
    assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))
    assert numbers == sorted(numbers)
    assert {row["CompteNum"].startswith("9") for row in rows} == {file_format == "fec-analytic"}


def test_an_entry_recorded_before_its_day_is_valid_from_its_day_on_in_the_fec(engine: Engine) -> None:
    with writing(engine) as connection:
        post_all(connection, [invoice(1, on=date(2026, 10, 1))])
    assert {(row["EcritureDate"], row["ValidDate"]) for row in fec_rows(exported(engine, "fec"))} == {
        ("20261001", "20261001")
    }


@pytest.fixture
def two_years(engine: Engine) -> Engine:
    """2026 and 2027 booked, 2026 ended; class 9 in both."""
    shared = (Posting("9301", 10_00, "T1", "TNG"), Posting("9309", -10_00))
    lost = (Posting("6585", 35_00), Posting("3421", -35_00, "T0042"))
    rented = (Posting("3421", 100_00, "T0042"), Posting("71243", -100_00))
    with writing(engine) as connection:
        post_all(
            connection,
            [
                invoice(1),
                Entry("OD/lost", "OD", date(2026, 12, 1), "x", "x", lost),
                Entry("PER/2026-12", "PER", date(2026, 12, 1), "x", "x", shared),
                Entry("OD/rent", "OD", date(2027, 3, 1), "x", "x", rented),
                Entry("PER/2027-03", "PER", date(2027, 3, 1), "x", "x", shared),
            ],
        )
        close_year(connection, 2026, recorded_at=RECORDED_AT)
    return engine


def test_the_fec_of_a_closed_year_keeps_its_income_and_expenses(two_years: Engine) -> None:
    rows = fec_rows(exported(two_years, "fec", date(2026, 1, 1), date(2026, 12, 31)))
    assert {row["JournalCode"] for row in rows} == {"VTE", "OD"}
    assert fec_sums(rows) == {"3421": "2800.00", "44551": "-472.50", "6585": "35.00", "71243": "-2362.50"}


def test_the_fec_of_the_next_year_begins_with_the_opening_and_sums_to_its_balances(two_years: Engine) -> None:
    rows = fec_rows(exported(two_years, "fec", date(2027, 1, 1)))
    opening = [row for row in rows if row["EcritureNum"] == "1"]
    assert {(row["JournalCode"], row["EcritureDate"]) for row in opening} == {("AN", "20270101")}
    assert fec_sums(opening)["3421"] == "2800.00"
    with reading(two_years) as connection:
        held = {b.account: format_amount(b.balance) for b in trial_balance(connection) if not b.is_analytic}
    assert fec_sums(rows) == {account: balance for account, balance in held.items() if balance != "0.00"}


def test_the_fec_of_class_9_begins_with_the_balances_of_the_eve(two_years: Engine) -> None:
    rows = fec_rows(exported(two_years, "fec-analytic", date(2027, 1, 1)))
    assert [(row["EcritureNum"], row["JournalCode"], row["CompteNum"], row["Debit"]) for row in rows] == [
        ("1", "AN", "9301", "10,00"), ("1", "AN", "9309", "0,00"),
        ("2", "PER", "9301", "10,00"), ("2", "PER", "9309", "0,00"),
    ]  # fmt: skip
    assert (rows[0]["EcritureLib"], rows[0]["PieceRef"]) == ("À-nouveaux de l'exercice 2027", "Exercice 2027")
    assert fec_sums(rows) == {"9301": "20.00", "9309": "-20.00"}


# --- what is exported --------------------------------------------------------------------------------


def test_from_and_until_are_effective_days_both_included_and_entries_keep_their_numbers(books: Engine) -> None:
    october = date(2026, 10, 1)
    rows = list(csv.DictReader(io.StringIO(exported(books, "csv", start=october, until=october).decode())))
    assert {(row["number"], row["effective_on"]) for row in rows} == {("6", "2026-10-01"), ("7", "2026-10-01")}
    assert exported(books, "csv", until=SEPTEMBER).count(b"2026-10-01") == 0
    assert b"2026-01-15" not in exported(books, "hledger", start=date(2026, 1, 16))


@pytest.mark.parametrize("file_format", FORMATS)
def test_empty_books_export_in_every_format(engine: Engine, file_format: str, tmp_path: Path) -> None:
    found = exported(engine, file_format)
    if file_format == "hledger":
        (tmp_path / "empty.journal").write_bytes(found)
        assert run_hledger(tmp_path / "empty.journal", "check", "--strict") == ""
    elif file_format == "beancount":
        assert loader.load_string(found.decode())[1] == []
    elif file_format == "parquet":
        assert pq.read_table(io.BytesIO(found)).num_rows == 0
    elif file_format == "xlsx":
        assert openpyxl.load_workbook(io.BytesIO(found))["Journal"].max_row == 1
    else:
        assert len(found.splitlines()) == 1


def test_a_day_between_an_entry_and_its_correction_opens_accounts_in_time(engine: Engine, tmp_path: Path) -> None:
    """Beancount refuses an account used before its opening, whatever the order in which entries were posted."""
    with writing(engine) as connection:
        post_all(connection, [invoice(2, on=date(2026, 10, 1)), replace(invoice(1), effective_on=SEPTEMBER)])
    file = tmp_path / "books.beancount"
    file.write_bytes(exported(engine, "beancount"))
    assert len(list(beancount_postings(file))) == 6


@pytest.mark.parametrize("file_format", [f for f in FORMATS if f != "parquet"])
def test_memory_does_not_grow_with_the_journal(
    engine: Engine, file_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parquet holds one row group: its memory is pyarrow's own, which this can't see."""
    monkeypatch.setattr("ledger.exports.journal_lines._BATCH", 100)
    monkeypatch.setattr("ledger.exports.spreadsheet._SPELT_MAX", 100)
    peaks = []
    for first, count in ((1, 400), (401, 1600)):
        with writing(engine) as connection:
            post_all(connection, [invoice(first + i) for i in range(count)])
        with reading(engine) as connection:
            for _ in journal_pieces(connection, file_format):
                pass
        tracemalloc.start()
        with reading(engine) as connection:
            for _ in journal_pieces(connection, file_format):
                pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0] + 200_000


def test_a_json_list_has_an_item_a_line_and_is_a_pair_of_brackets_when_empty() -> None:
    assert b"".join(json_list([b"{}", b'{"a":1}'])) == b'[\n{},\n{"a":1}\n]\n'
    assert b"".join(json_list([])) == b"[]\n"
    many = [b"%d" % number for number in range(40_000)]
    pieces = list(json_list(many))
    assert len(pieces) > 2
    assert b"".join(pieces) == b"[\n" + b",\n".join(many) + b"\n]\n"
