"""The books as files: French on a screen and on paper, numbers in spreadsheets; the same sums in every format."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import pikepdf
import pytest
from sqlalchemy import Engine, make_url

from billing.books.reports.writing import FORMATS, REPORTS, Asked, report_pieces
from billing.frame.database import open_engine, reading, writing
from billing.frame.errors import TooLong, Unknown
from billing.frame.settings import load_settings
from ledger.balances import totals, trial_balance
from ledger.entry import Entry, Posting
from ledger.errors import UnknownAccount
from pricing.money import AMOUNT_DECIMALS, parse_decimal
from tests.support.billed_park import bill_park
from tests.support.books import SEPTEMBER, invoice, odd_books, post_all, small_books
from tests.support.memory import peak_growth, use_up
from tests.support.pages import text_of
from tests.support.tagged_pdf import TaggedPdf
from tests.support.tenants import add_tenant

GOLDEN = Path(__file__).parent.parent / "golden" / "billing" / "reports"
OPERATOR = load_settings({}).operator.party
JULY = Asked(date(2026, 7, 1), date(2026, 7, 31))


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Engine:
    bill_park(engine, tmp_path / "network")
    return engine


@pytest.fixture
def books(engine: Engine) -> Engine:
    with writing(engine) as connection:
        post_all(connection, small_books())
    return engine


def written(engine: Engine, name: str, file_format: str, asked: Asked = JULY, **options: Any) -> bytes:
    with reading(engine) as connection:
        return b"".join(report_pieces(connection, name, asked, file_format, operator=OPERATOR, **options))


def require_golden(name: str, found: bytes) -> None:
    golden = GOLDEN / name
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_bytes(found)
    assert found.decode() == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("file_format", ["html", "csv", "json"])
def test_a_billed_park_gives_these_books_on_every_database(park: Engine, name: str, file_format: str) -> None:
    require_golden(f"{name}.{file_format}", written(park, name, file_format))


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("file_format", FORMATS)
def test_the_same_books_give_the_same_bytes(books: Engine, name: str, file_format: str) -> None:
    asked = Asked()
    once = written(books, name, file_format, asked)
    assert once == written(books, name, file_format, asked)
    assert file_format != "pdf" or TaggedPdf(once).problems() == []


# --- the same sums everywhere ------------------------------------------------------------------------


def sums_in_json(engine: Engine, name: str, asked: Asked) -> dict[str, dict[str, int]]:
    """Debit and credit of the total row, part by part."""
    found = json.loads(written(engine, name, "json", asked))
    sums = {}
    for part in ("general", "analytic"):
        for row in found[part]:
            if row["kind"] == "total":
                sums[part] = {side: parse_decimal(row[side], AMOUNT_DECIMALS) for side in ("debit", "credit")}
    return sums


@pytest.mark.parametrize("name", sorted(set(REPORTS) - {"auxiliary-balance"}))
def test_r21_the_total_of_every_book_is_the_trial_balances_the_general_ledger_and_class_9_apart(
    park: Engine, name: str
) -> None:
    until = date(2026, 7, 31)
    with reading(park) as connection:
        balances = trial_balance(connection, until)
    expected = {
        "general": totals(b for b in balances if not b.is_analytic)._asdict(),
        "analytic": totals(b for b in balances if b.is_analytic)._asdict(),
    }
    assert sums_in_json(park, name, Asked(until=until)) == expected


@pytest.mark.parametrize("name", REPORTS)
def test_tables_hold_the_rows_of_the_json_in_numbers_and_days(park: Engine, name: str) -> None:
    whole = json.loads(written(park, name, "json"))
    rows = [*whole["general"], *whole["analytic"]]
    table = list(csv.reader(io.StringIO(written(park, name, "csv").decode())))
    assert table[0][:3] == ["Comptabilité", "Nature", "Désignation"]
    assert len(table) - 1 == len(rows)
    book = openpyxl.load_workbook(io.BytesIO(written(park, name, "xlsx")))
    assert book.sheetnames == ["Général", "Analytique"]
    cells = [row for sheet in book for row in sheet.iter_rows(min_row=2)]
    assert [cell.value for cell in book["Général"][1]] == table[0]
    for text, row, of_json in zip(table[1:], cells, rows, strict=True):
        of_table = {key: value for key, value in of_json.items() if key not in ("kind", "label")}
        amounts = [value for key, value in of_table.items() if key.endswith(("debit", "credit"))]
        assert [value for value in text[-len(amounts) :] if value] == amounts if amounts else True
        assert (
            [cell.value for cell in row if cell.data_type == "n" and isinstance(cell.value, int | float)][
                -len(amounts) :
            ]
            == pytest.approx([float(amount) for amount in amounts])
            if amounts
            else True
        )
        assert row[3].font.bold == (of_json["kind"] != "line") or row[3].value is None
        if "effective_on" in of_table:
            days = [cell.value for cell in row if isinstance(cell.value, datetime)]
            assert days == [datetime.fromisoformat(of_table["effective_on"])]


# --- what is chosen ----------------------------------------------------------------------------------


def test_a_tenants_postings_are_chosen_and_its_name_is_said(park: Engine) -> None:
    asked = Asked(tenant="A1")
    found = json.loads(written(park, "ledger", "json", asked))
    assert {row["auxiliary"] for row in found["general"] if row["kind"] == "line"} == {"A1"}
    assert "A1 - " in written(park, "ledger", "html", asked).decode()


def test_vat_due_is_said_to_be_4455_without_44551(park: Engine) -> None:
    said = "4455 sans 44551, qui est la TVA non encore exigible"
    assert said in written(park, "trial-balance", "html", Asked(account="4455")).decode()
    assert said not in written(park, "trial-balance", "html", Asked(account="44551")).decode()


def test_a_tenant_and_a_grant_of_one_code_stay_apart(books: Engine) -> None:
    add_tenant(books, "G1", legal_name="Atlas", kind="large")
    with writing(books) as connection:
        post_all(connection, [invoice(9, tenant="G1")])
    found = json.loads(written(books, "auxiliary-balance", "json", Asked(tenant="G1")))
    assert [row["account"] for row in found["general"] if row["kind"] == "line"] == ["3421"]
    assert found["analytic"] == []


def test_a_filter_that_names_nothing_is_refused(books: Engine) -> None:
    for asked, error, words in (
        (Asked(account="99"), UnknownAccount, "no account begins with 99"),
        (Asked(account="%"), UnknownAccount, "no account begins with %"),
        (Asked(tenant="T9"), Unknown, "T9 is no tenant"),
        (Asked(site="XXX"), Unknown, "XXX is no site"),
    ):
        with pytest.raises(error, match=words):
            written(books, "journal", "csv", asked)


def test_a_report_or_format_that_is_none_is_refused_and_the_known_ones_named(books: Engine) -> None:
    with pytest.raises(Unknown, match="journal, ledger, trial-balance, auxiliary-balance, centralised-journal"):
        written(books, "inventory", "csv")
    with pytest.raises(Unknown, match="html, pdf, xlsx, csv, csv-fr, json"):
        written(books, "journal", "docx")


# --- on a screen -------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page links to, and how its tables are described."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.scopes: list[str] = []
        self.headless = 0
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "th":
            self.scopes.append(found.get("scope") or "")


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_fetches_nothing_and_says_what_its_tables_are(park: Engine, name: str) -> None:
    page = Page()
    text = written(park, name, "html").decode()
    page.feed(text)
    assert page.addresses == []
    assert "url(" not in text
    assert "@import" not in text
    assert set(page.scopes) <= {"col", "row", "colgroup"}
    assert {"main", "h1", "h2", "thead", "tbody"} <= set(page.tags)
    assert "script" not in page.tags
    assert '<html lang="fr">' in text
    assert re.findall(r'<table aria-labelledby="(\w+)">', text) == ["general", "analytic"]
    assert "@media print" in text


def test_figures_and_days_are_french_on_a_page(park: Engine) -> None:
    text = written(park, "ledger", "html").decode()
    assert "du 1er au 31 juillet 2026" in text
    assert "01/07/2026" in text
    assert re.search(r">\d{1,3}\u202f\d{3},\d{2}<", text)
    assert "Report à nouveau" in text


def test_codes_and_labels_are_text_wherever_they_stand(engine: Engine) -> None:
    with writing(engine) as connection:
        post_all(connection, [*odd_books(), hostile()])
    text = written(engine, "journal", "html", Asked()).decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert b"%PDF" in written(engine, "journal", "pdf", Asked())
    rows = list(csv.reader(io.StringIO(written(engine, "journal", "csv", Asked()).decode(), newline="")))
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r\n")]
    book = openpyxl.load_workbook(io.BytesIO(written(engine, "journal", "xlsx", Asked())))
    assert not [cell for row in book["Général"].iter_rows() for cell in row if cell.data_type == "f" or cell.hyperlink]


def hostile() -> Entry:
    text = "<script>alert(1)</script><img src='http://169.254.169.254/'/>"
    return Entry("VTE/hostile", "VTE", SEPTEMBER, text, text[:60], (Posting("3421", 1, "T"), Posting("71243", -1)))


# --- on paper ----------------------------------------------------------------------------------------


def many(count: int) -> Iterator[Entry]:
    """Invoices of 100.00 and their tax, one a day and a half."""
    for number in range(1, count + 1):
        yield invoice(number, 10_000 + number, f"T{number:04d}", SEPTEMBER)


def carried(engine: Engine, name: str, asked: Asked) -> list[tuple[list[str], list[str]]]:
    """Page by page: what is brought forward at its head, what is carried at its foot."""
    pages = text_of(written(engine, name, "pdf", asked)).split("\f")
    found = []
    for page in pages:
        brought, forward = [], []
        for line in page.splitlines():
            amounts = re.findall(r"\d{1,3}(?:[\u202f ]\d{3})*,\d{2}", line)
            if re.search(r"À\W*reporter", line):
                forward = [re.sub(r"\D", "", amount) for amount in amounts]
            elif re.search(r"(^|\s)Report\s", line) and "nouveau" not in line:
                brought = [re.sub(r"\D", "", amount) for amount in amounts]
        if page.strip():
            found.append((brought, forward))
    return found


def test_what_a_page_of_the_journal_carries_the_next_one_brings_and_it_is_the_sum_of_the_lines(engine: Engine) -> None:
    with writing(engine) as connection:
        post_all(connection, list(many(60)))
    pages = carried(engine, "journal", Asked())
    assert len(pages) > 3
    assert pages[0][0] == []
    assert pages[-1][1] == []
    for before, after in pairwise(pages):
        assert before[1] == after[0]
        assert len(before[1]) == 2
    # Recomputed from the page's own lines.
    text = text_of(written(engine, "journal", "pdf", Asked())).split("\f")
    rows = json.loads(written(engine, "journal", "json", Asked()))["general"]
    seen = 0
    for page, (_, forward) in zip(text, pages[:-1], strict=False):
        seen += len(re.findall(r"\b(?:Clients|Prestations de services|TVA facturée)\b", page))
        lines = [row for row in rows if row["kind"] == "line"][:seen]
        assert forward == [
            str(sum(parse_decimal(line[side], AMOUNT_DECIMALS) for line in lines)) for side in ("debit", "credit")
        ]


def test_in_the_grand_livre_what_is_carried_begins_anew_with_each_account(engine: Engine) -> None:
    with writing(engine) as connection:
        post_all(connection, list(many(120)))
    text = text_of(written(engine, "ledger", "pdf", Asked()))
    assert "3421 Clients (suite)" in re.sub(r"\s+", " ", text)
    pages = carried(engine, "ledger", Asked())
    for before, after in pairwise(pages):
        assert before[1] == after[0]
    debits = [forward[0] for _, forward in pages if forward]
    # 3421 is debited, 44551 and 71243 are not.
    assert debits[0] != "000"
    assert "000" in debits


def test_a_pdf_is_pdf_a_in_french_and_bears_no_moment(books: Engine) -> None:
    printed = written(books, "trial-balance", "pdf", Asked())
    assert TaggedPdf(printed).problems() == []
    with pikepdf.open(io.BytesIO(printed)) as found:
        with found.open_metadata() as metadata:
            assert metadata.pdfa_status == "3A"
        assert str(found.Root.Lang) == "fr"
        assert len(found.pages) == 2


def test_a_report_too_long_for_paper_is_refused_before_it_is_laid_out_and_told_what_to_do(books: Engine) -> None:
    with pytest.raises(TooLong, match=r"more than 10 lines, .*\(a month at a time\).* xlsx or csv"):
        written(books, "journal", "pdf", Asked(), lines_on_paper_max=10)
    assert written(books, "journal", "csv", Asked(), lines_on_paper_max=10)


# --- a large park ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_and_large(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    """Books of 2,000 and of 12,000 entries, on SQLite only: drivers hold no rows either way."""
    folder = tmp_path_factory.mktemp("books")
    with ExitStack() as stack:
        engines = []
        for count in (2_000, 12_000):
            path = Path(shutil.copyfile(sqlite_template, folder / f"{count}.sqlite"))
            engine = open_engine(make_url(f"sqlite:///{path}"))
            stack.callback(engine.dispose)
            with writing(engine) as connection:
                post_all(connection, [invoice(n) for n in range(1, count + 1)])
            with reading(engine) as connection:  # fills SQLite's own cache, so that it isn't counted later
                use_up(report_pieces(connection, "journal", Asked(), "csv", operator=OPERATOR))
            engines.append(engine)
        small, large = engines
        yield small, large


@pytest.mark.parametrize("file_format", ["html", "csv", "json", "xlsx"])
@pytest.mark.parametrize("name", ["journal", "ledger"])
def test_memory_does_not_grow_with_the_books(
    small_and_large: tuple[Engine, Engine], name: str, file_format: str
) -> None:
    def growth(engine: Engine) -> int:
        with reading(engine) as connection:
            return peak_growth(lambda: use_up(report_pieces(connection, name, Asked(), file_format, operator=OPERATOR)))

    small, large = small_and_large
    growth(small)
    # 10,000 entries that were kept would take 20 MB and more.
    assert growth(large) < growth(small) + 4_000_000


def test_the_command_line_writes_a_book(books: Engine, tmp_path: Path) -> None:
    target = tmp_path / "balance.csv"
    environment = {**os.environ, "DATABASE_URL": books.url.render_as_string(hide_password=False)}
    command = [
        str(Path(sys.executable).with_name("technopark-billing")),
        "report",
        "trial-balance",
        "--format",
        "csv",
        "--output",
        str(target),
    ]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    assert target.read_bytes() == written(books, "trial-balance", "csv", Asked())
    refused = subprocess.run([*command, "--tenant", "T9"], env=environment, capture_output=True, text=True, check=False)
    assert (refused.returncode, "T9 is no tenant" in refused.stderr) == (1, True)
    wrong = [*command, "--from", "2026-09-02", "--until", "2026-09-01"]
    assert subprocess.run(wrong, env=environment, capture_output=True, check=False).returncode == 2
