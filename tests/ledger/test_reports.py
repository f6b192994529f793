"""The five books: what stands in them, and that every one sums to what the trial balance says (R21, R22)."""

import os
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from billing.frame.database import reading, writing
from ledger.balances import trial_balance
from ledger.entry import Entry, Posting
from ledger.reports import REPORTS
from ledger.reports.rows import ANALYTIC, GENERAL, Report, Row, RowKind, part_of
from ledger.reports.selection import Selection
from ledger.year_end import close_year
from tests.conftest import FreshEngine
from tests.support.books import RECORDED_AT, post_all, small_books
from tests.support.examples import examples

GOLDEN = Path(__file__).parent.parent / "golden" / "ledger" / "reports"
_SUMS = {RowKind.SUBTOTAL, RowKind.TOTAL}
_EVERYTHING = Selection()


def read(engine: Engine, name: str, selection: Selection) -> tuple[Report, dict[str, list[Row]]]:
    """A report with its rows, part by part."""
    with reading(engine) as connection:
        report = REPORTS[name](connection, selection, lambda account, auxiliary: f"{auxiliary} in {account}")
        return report, {part.key: list(part.rows) for part in report.parts}


def as_text(engine: Engine, name: str, selection: Selection = _EVERYTHING) -> str:
    """A report's rows as a bookkeeper would write them down: kind, label, then what is not blank."""
    _, parts = read(engine, name, selection)
    lines = []
    for key, rows in parts.items():
        lines.append(f"== {key}")
        for row in rows:
            label = " ".join(str(part) for part in row.label)
            cells = [str(cell) for cell in row.cells if cell is not None]
            lines.append(" | ".join([row.kind.value, *([label] if label else []), *cells]))
    return "\n".join(lines)


def require_golden(name: str, found: str) -> None:
    """A report, as text, is that of the golden file."""
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(f"{found}\n", encoding="utf-8")
    assert f"{found}\n" == golden.read_text(encoding="utf-8")


@pytest.fixture
def books(engine: Engine) -> Engine:
    with writing(engine) as connection:
        post_all(connection, small_books())
    return engine


def test_the_livre_journal_has_every_line_day_by_day_with_the_sums_of_each_month(books: Engine) -> None:
    require_golden("journal-from-september", as_text(books, "journal", Selection(start=date(2026, 9, 1))))


def test_the_grand_livre_brings_a_balance_forward_and_says_it_after_each_line(books: Engine) -> None:
    october = Selection(start=date(2026, 10, 1), until=date(2026, 10, 31), account="3")
    require_golden("ledger-3-of-october", as_text(books, "ledger", october))


def test_the_grand_livre_has_accounts_that_stood_and_did_not_move(books: Engine) -> None:
    october = Selection(start=date(2026, 10, 1), account="712")
    assert as_text(books, "ledger", october).splitlines()[-4:] == [
        "heading | 71271  Locations diverses reçues | 71271 | Locations diverses reçues",
        "opening | Report à nouveau | 71271 | Locations diverses reçues | 0 | 27000",
        "subtotal | Total 71271 | 71271 | Locations diverses reçues | 0 | 0 | 0 | 27000",
        "total | Total des mouvements | 120825 | 500000 | 0 | 763250",
    ]


def test_the_balance_generale_has_openings_movements_and_closings_class_9_apart(books: Engine) -> None:
    october = Selection(start=date(2026, 10, 1), until=date(2026, 10, 31))
    require_golden("trial-balance-of-october", as_text(books, "trial-balance", october))


def test_the_balance_auxiliaire_names_each_tenant_and_grant_within_its_account(books: Engine) -> None:
    require_golden(
        "auxiliary-balance-from-october", as_text(books, "auxiliary-balance", Selection(start=date(2026, 10, 1)))
    )


def test_the_journal_centralisateur_sums_each_journal_by_month_and_account(books: Engine) -> None:
    require_golden(
        "centralised-journal-9-until-september",
        as_text(books, "centralised-journal", Selection(account="9", until=date(2026, 9, 30))),
    )


@pytest.mark.parametrize("name", REPORTS)
def test_empty_books_have_no_parts(engine: Engine, name: str) -> None:
    assert read(engine, name, Selection())[1] == {}


def test_opening_entries_are_no_movements_and_are_told_beside_the_total(books: Engine) -> None:
    with writing(books) as connection:
        close_year(connection, 2026, recorded_at=RECORDED_AT)
    january = Selection(start=date(2027, 1, 1), until=date(2027, 1, 31))
    assert as_text(books, "trial-balance", january).splitlines()[:8] == [
        "== general",
        "line | 1181 | Résultats nets en instance d'affectation (solde créditeur) | 0 | 763250 | 0 | 0 | 0 | 763250",
        "subtotal | Total classe 1 | 0 | 763250 | 0 | 0 | 0 | 763250",
        "line | 3421 | Clients | 915900 | 0 | 0 | 0 | 915900 | 0",
        "subtotal | Total classe 3 | 915900 | 0 | 0 | 0 | 915900 | 0",
        "line | 44551 | État - TVA facturée (transitoire) | 0 | 152650 | 0 | 0 | 0 | 152650",
        "subtotal | Total classe 4 | 0 | 152650 | 0 | 0 | 0 | 152650",
        "total | Total | 915900 | 915900 | 0 | 0 | 915900 | 915900",
    ]
    memo = [line for line in as_text(books, "ledger", january).splitlines() if line.startswith("memo")]
    assert memo == [
        "memo | Pour mémoire : écritures d'à-nouveaux (journal AN) | 1831800 | 1831800",
        "memo | Total du livre-journal | 1831800 | 1831800",
    ]
    assert as_text(books, "journal", january).splitlines()[-1] == "total | Total | 1831800 | 1831800"


def test_r31_a_report_over_the_end_of_a_year_shows_the_result_leave_its_account(books: Engine) -> None:
    with writing(books) as connection:
        close_year(connection, 2026, recorded_at=RECORDED_AT)
    winter = Selection(start=date(2026, 12, 1), until=date(2027, 1, 31), account="11")
    assert as_text(books, "trial-balance", winter).splitlines()[1:3] == [
        "line | 1181 | Résultats nets en instance d'affectation (solde créditeur) | 0 | 0 | 0 | 763250 | 0 | 763250",
        "line | 1191 | Résultat net de l'exercice (solde créditeur) | 0 | 0 | 763250 | 763250 | 0 | 0",
    ]
    lines = [line.split(" | ") for line in as_text(books, "ledger", winter).splitlines() if line.startswith("line")]
    assert [(account, day, debit, credit) for _, account, _, day, *_, debit, credit, _, _ in lines] == [
        ("1181", "2027-01-01", "0", "763250"),
        ("1191", "2026-12-31", "0", "763250"),
        ("1191", "2027-01-01", "763250", "0"),
    ]


# --- any books, any filter ---------------------------------------------------------------------------

_DAYS = st.dates(date(2025, 11, 1), date(2026, 3, 31))
_GENERAL_ACCOUNTS, _ANALYTIC_ACCOUNTS = ("3421", "4428", "44551", "71243", "5141"), ("9201", "9205", "9208", "9210")
_CODES = st.sampled_from([None, "A", "B"])


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    """A few entries of any journal, an amount may be zero."""
    found = []
    for number in range(draw(st.integers(1, 6))):
        accounts = st.sampled_from(draw(st.sampled_from([_GENERAL_ACCOUNTS, _ANALYTIC_ACCOUNTS])))
        postings = [
            Posting(draw(accounts), draw(st.integers(-5, 5)), draw(_CODES), draw(_CODES))
            for _ in range(draw(st.integers(1, 3)))
        ]
        postings.append(Posting(draw(accounts), -sum(p.amount for p in postings), draw(_CODES), draw(_CODES)))
        journal = draw(st.sampled_from(["VTE", "OD", "BQ"]))
        found.append(Entry(f"X/{number}", journal, draw(_DAYS), "x", "x", tuple(postings)))
    return found


selections = st.builds(
    Selection,
    start=st.none() | _DAYS,
    until=st.none() | _DAYS,
    account=st.sampled_from([None, None, "3421", "9", "4", "92"]),
    auxiliary=_CODES,
    site=_CODES,
    not_of=st.sampled_from([(), ("9208", "9210")]),
)


def chosen(posted: Iterable[Entry], selection: Selection) -> list[tuple[date, Posting]]:
    """The postings a selection means, days apart: said again, simply."""
    return [
        (entry.effective_on, p)
        for entry in posted
        for p in entry.postings
        if p.account.startswith(selection.account or "")
        and (selection.auxiliary is None or (p.auxiliary == selection.auxiliary and p.account not in selection.not_of))
        and (selection.site is None or p.site == selection.site)
    ]


def by_hand(posted: Iterable[Entry], selection: Selection, *, auxiliaries_only: bool = False) -> dict[str, list[int]]:
    """Opening balance, debits, credits of each account that was moved."""
    start, until = selection.start or date.min, selection.until or date.max
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for day, p in chosen(posted, selection):
        if auxiliaries_only and p.auxiliary is None:
            continue
        if day < start and day <= until:
            found[p.account][0] += p.amount
        elif day <= until:
            found[p.account][1] += max(p.amount, 0)
            found[p.account][2] += max(-p.amount, 0)
    return found


def sums_of_lines(report: Report, rows: list[Row]) -> dict[str, list[int]]:
    """Debits and credits of the lines, by account."""
    keys = [column.key for column in report.columns]
    account, debit, credit = keys.index("account"), keys.index("debit"), keys.index("credit")
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row.kind is RowKind.LINE:
            found[row.cells[account]][0] += row.cells[debit]
            found[row.cells[account]][1] += row.cells[credit]
    return found


def total_of(report: Report, rows: list[Row]) -> dict[str, int]:
    """The amounts of the one row that totals a part, which is its last."""
    [row] = [row for row in rows if row.kind is RowKind.TOTAL]
    assert rows[-1] is row
    return {column.key: cell for column, cell in zip(report.columns, row.cells, strict=True) if cell is not None}


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(posted=entries(), selection=selections)
def test_r22_every_report_sums_to_what_was_posted_whatever_is_chosen(
    fresh_engine: FreshEngine, posted: list[Entry], selection: Selection
) -> None:
    expected = by_hand(posted, selection)
    of_auxiliaries = by_hand(posted, selection, auxiliaries_only=True)
    with fresh_engine() as engine:
        with writing(engine) as connection:
            post_all(connection, posted)
        if selection.start is None and not (selection.is_narrowed or selection.account):
            with reading(engine) as connection:
                of_books = {b.account: [b.debit, b.credit] for b in trial_balance(connection, selection.until)}
            assert {account: sums[1:] for account, sums in expected.items()} == of_books
        for name in REPORTS:
            report, parts = read(engine, name, selection)
            all_moved = of_auxiliaries if name == "auxiliary-balance" else expected
            for key in (GENERAL, ANALYTIC):
                rows = parts.get(key, [])
                moved = {account: sums for account, sums in all_moved.items() if part_of(account) == key}
                lines = sums_of_lines(report, rows)
                assert all(part_of(account) == key for account in lines)
                assert {a: s for a, s in lines.items() if any(s)} == {a: s[1:] for a, s in moved.items() if any(s[1:])}
                if not rows:
                    # A journal has no opening balances.
                    stood = 1 if name.endswith("journal") else 0
                    assert not any(any(sums[stood:]) for sums in moved.values())
                    continue
                total = total_of(report, rows)
                assert [total["debit"], total["credit"]] == [sum(s[i] for s in moved.values()) for i in (1, 2)]
                closing = sum(s[0] + s[1] - s[2] for s in moved.values())
                if name == "ledger":
                    assert total["balance_debit"] - total["balance_credit"] == closing
                if name.endswith("balance"):
                    assert total["closing_debit"] - total["closing_credit"] == closing
                    assert total["opening_debit"] - total["opening_credit"] == sum(s[0] for s in moved.values())
                require_consistent(report, rows)


def require_consistent(report: Report, rows: list[Row]) -> None:
    """Subtotals are the sums of the lines since the last of their kind; running balances follow from line to line."""
    keys = [column.key for column in report.columns]
    if report.name != "ledger":
        return
    balance = 0
    for row in rows:
        cell = dict(zip(keys, row.cells, strict=True))
        if row.kind is RowKind.OPENING:
            balance = cell["balance_debit"] - cell["balance_credit"]
        elif row.kind is RowKind.LINE:
            balance += cell["debit"] - cell["credit"]
            assert cell["balance_debit"] - cell["balance_credit"] == balance
        elif row.kind is RowKind.SUBTOTAL:
            assert cell["balance_debit"] - cell["balance_credit"] == balance
        if row.kind in {RowKind.LINE, *_SUMS}:
            assert cell["balance_debit"] * cell["balance_credit"] == 0 or row.kind is RowKind.TOTAL
