"""Cut-off (R31): what a year is billed later, and what it billed of the next, proposed by the engine of the run."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from billing.api.app import create_app
from billing.books.cut_off.booking import book_cut_off
from billing.books.cut_off.proposing import Proposal, propose
from billing.books.manual_entries.files import rows_of_file
from billing.books.manual_entries.posting import post_entries
from billing.books.periods.checklist import year_checklist
from billing.books.periods.closing import close_accounts_of, close_period
from billing.check import check
from billing.frame.database import reading, writing
from billing.frame.errors import PeriodRefused
from billing.frame.settings import load_settings
from ledger.balances import account_balance, trial_balance
from ledger.exports import journal_pieces
from pricing.money import format_amount
from tests.support.api import Caller
from tests.support.networks import Row
from tests.support.park import Park, open_park, text
from tests.support.people import invoker, ok
from tests.support.second_programs import beancount_postings, hledger_balances, run_hledger
from tests.support.spoiling import behind_its_back

TENANTS: list[Row] = [{"code": "T1", "kind": "large"}, {"code": "T2", "kind": "large"}]
LEASES: list[Row] = [
    ("L1", "T1", "TNG", "A", "20", "2026-01-01", None),
    ("L2", "T2", "CAS", "B", "10", "2026-01-01", None),
]
NOW = datetime(2027, 1, 5, 8, 0, tzinfo=UTC)
TODAY = date(2027, 1, 5)


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    """A park at the turn of the year: January was billed on 28 December, usage came in later, a lease ended before."""
    park = open_park(engine, tmp_path)
    park.opens(tenants=TENANTS, leases=LEASES, usage=[("E1", "T1", "TNG", "MEAL", "10", "2026-12-10")])
    for month in ("2026-11", "2026-12"):
        park.bills(month)
    park.bills("2027-01", "2026-12-28")
    park.enters(
        usage=[("E2", "T1", "TNG", "MEAL", "4", "2026-12-30"), ("E3", "T2", "CAS", "MEAL", "2", "2027-01-02")],
        leases=[("L2", "T2", "CAS", "B", "10", "2026-01-01", "2026-12-15")],
    )
    return park


def proposed(engine: Engine, year: int = 2026) -> Proposal:
    with reading(engine) as connection:
        return propose(connection, year)


def book(engine: Engine, year: int = 2026, today: date = TODAY) -> str | None:
    with writing(engine) as connection:
        return book_cut_off(connection, year, today=today, recorded_at=NOW)[1]


def told(sums: Any) -> str:
    return "\n".join(f"{kind} {site} {account} {format_amount(amount)}" for kind, site, account, amount in sums)


def test_what_is_proposed_is_what_the_next_run_bills(park: Park) -> None:
    before = proposed(park.engine)
    assert [(x.kind, x.document, x.tenant, x.service, f"{x.month:%Y-%m}", x.amount) for x in before.lines] == [
        ("ahead", "FA-2026-000005", "T1", "OFFICE", "2027-01", 300_000),
        ("ahead", "FA-2026-000006", "T2", "OFFICE", "2027-01", 145_000),
        ("to_invoice", None, "T1", "MEAL", "2026-12", 13_600),
        ("to_invoice", None, "T2", "OFFICE", "2026-12", 70_161),
        ("to_credit", None, "T2", "OFFICE", "2026-12", 145_000),
    ]
    park.bills("2027-02", "2027-02-01")
    after = proposed(park.engine)
    assert all(line.document for line in after.lines)
    assert after.sums == before.sums


def test_it_is_booked_on_the_last_day_and_taken_back_on_the_first(park: Park) -> None:
    before = park.booked("OD")
    assert before == ""
    assert book(park.engine) == "REG-000001"
    assert park.booked("OD") == text(
        """
        2026-12-31 OD/REG-000001
          3427          CAS        701.61
          3427          TNG        136.00
          4427          CAS      -1450.00
          4491          CAS      -1450.00
          4491          TNG      -3000.00
          71243         CAS       2198.39
          71243         TNG       2864.00
        2027-01-01 OD/REG-000001/annulation
          3427          CAS       -701.61
          3427          TNG       -136.00
          4427          CAS       1450.00
          4491          CAS       1450.00
          4491          TNG       3000.00
          71243         CAS      -2198.39
          71243         TNG      -2864.00
        """
    )
    assert book(park.engine) is None
    assert proposed(park.engine).left == []
    # What comes to light later is booked as the difference.
    park.enters(usage=[("E4", "T1", "TNG", "MEAL", "1", "2026-12-31")])
    assert told(proposed(park.engine).left) == "to_invoice TNG 71243 34.00"
    assert book(park.engine) == "REG-000002"
    assert book(park.engine) is None
    assert check(park.engine) == []


def test_the_year_has_its_own_revenue_and_the_next_begins_without_it(park: Park) -> None:
    with reading(park.engine) as connection:
        [*_, unfinished] = year_checklist(connection, 2026)
    assert str(unfinished).startswith("5 sums of the cut-off not booked: CAS 71243 1450.00 ahead, ")
    book(park.engine)
    with writing(park.engine) as connection:
        assert not [x for x in year_checklist(connection, 2026) if x.kind == "cut_off"]
        close_period(
            connection, date(2026, 11, 1), today=TODAY, recorded_at=NOW, open_months_max=2, terms=park.settings.terms
        )
        ended = close_accounts_of(connection, 2026, today=TODAY, recorded_at=NOW, terms=park.settings.terms)
        # November and December of both tenants, T2's December in part, and December's meals.
        assert ended.result == 2 * 300_000 + 145_000 + 70_161 + 34_000 + 13_600
        for account in ("3427", "4427", "4491"):
            assert account_balance(connection, account, date(2026, 12, 31)) != 0
            assert account_balance(connection, account, date(2027, 1, 1)) == 0
        close_period(
            connection, date(2026, 12, 1), today=TODAY, recorded_at=NOW, open_months_max=2, terms=park.settings.terms
        )
    assert check(park.engine) == []
    assert proposed(park.engine).left == []
    # What is billed in the new year leaves the closed one alone.
    park.bills("2027-02", "2027-02-01")
    assert proposed(park.engine).left == []


def test_it_waits_for_the_end_of_the_year_and_the_run_of_december(engine: Engine, tmp_path: Path) -> None:
    park = open_park(engine, tmp_path)
    park.opens(tenants=TENANTS, leases=LEASES)
    assert proposed(engine).lines == ()
    park.bills("2026-11")
    with pytest.raises(PeriodRefused, match="2026-12 has not been run"):
        proposed(engine)
    with pytest.raises(PeriodRefused, match="2026 has not ended"):
        book(engine, today=date(2026, 12, 31))
    with reading(engine) as connection:
        assert [x.named for x in year_checklist(connection, 2026) if x.kind == "cut_off"] == [
            ("2026-12 has not been run: the cut-off is what the run after it would still bill",)
        ]


def test_who_cannot_be_billed_is_named(park: Park) -> None:
    park.enters(
        services=[("TRAINING", "Formation", "each", "arrears", "71243", None)],
        vat_rates=[("TRAINING", "2015-01-01", "0.20")],
        usage=[("E9", "T1", "CAS", "TRAINING", "1", "2026-12-30")],
    )
    assert [tenant for tenant, _ in proposed(park.engine).unpriced] == ["T1"]


def test_commands_show_and_book_it(park: Park, tmp_path: Path) -> None:
    invoke = invoker({"DATABASE_URL": park.engine.url.render_as_string(hide_password=False)})
    shown = ok(invoke("periods", "cut-off", "2026"))
    assert "to be invoiced (3427)" in shown
    assert shown.endswith("to be booked: technopark-billing periods cut-off 2026 --book\n")
    ok(invoke("periods", "cut-off", "2026", "--format", "csv", "--output", tmp_path / "coupure.csv"))
    rows = (tmp_path / "coupure.csv").read_text(encoding="utf-8").splitlines()
    assert rows[:2] == [
        "kind,document,tenant,service,site,account,month,amount",
        "ahead,FA-2026-000005,T1,OFFICE,TNG,71243,2027-01,3000.00",
    ]
    assert '"left"' in ok(invoke("periods", "cut-off", "2026", "--format", "json"))
    closed = ("periods", "close-year", "2025")
    assert ok(invoke(*closed)).endswith(
        "result of 2025 by these books, a subledger (books.whole), is 0.00; 2026 is opened\n"
    )
    whole = '[[books.whole]]\neffective_from = 1900-01-01\nvalue = true\nsource = "all charges are booked here"\n'
    (tmp_path / "terms.toml").write_text(whole, encoding="utf-8")
    assert ok(invoke(*closed, TERMS_FILE=str(tmp_path / "terms.toml"))).endswith(
        "result of 2025 is 0.00; 2026 is opened\n"
    )


def test_the_api_shows_and_books_it_once(park: Park, caller_of: Any) -> None:
    caller: Caller = caller_of(park.engine)
    shown = caller.get("/v1/fiscal-years/2026/cut-off", "auditor")
    assert [item["amount"] for item in shown["left"]] == ["1450.00", "3000.00", "1450.00", "701.61", "136.00"]
    assert shown["left"] == shown["proposed"]
    refused = caller.post("/v1/fiscal-years/2026/cut-off", None)
    assert (refused.status_code, refused.json["detail"]) == (409, "2026 has not ended: book its cut-off once it has")
    assert caller.post("/v1/fiscal-years/2026/cut-off", None, scope="auditor").status_code == 403
    environment = {"DATABASE_URL": park.engine.url.render_as_string(hide_password=False)}
    later = Caller(create_app(load_settings(environment), park.engine, lambda: NOW), caller.secrets)
    booked = later.post("/v1/fiscal-years/2026/cut-off", None)
    assert (booked.status_code, booked.json["left"], booked.json["booked"]) == (201, [], shown["left"])
    assert later.post("/v1/fiscal-years/2026/cut-off", None).status_code == 200
    assert later.get("/v1/fiscal-years/2026/checklist")["unfinished"] == []
    posted = later.get("/v1/trail?of=OD/REG-000001")
    assert ("cut_off", "REG-000001") in [(step["kind"], step["name"]) for step in posted["down"]], posted
    assert check(park.engine) == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        ("UPDATE cut_off_sum SET amount = amount + 1 WHERE line_no = 1", "entry OD/REG-000001: account 4491 CAS"),
        ("UPDATE cut_off SET year = 2025", "is not of the day and piece of what it books: cut-off REG-000001 of 2025"),
        ("DELETE FROM cut_off_sum", "cut-off REG-000001 of 2026 has no sums"),
        ("UPDATE cut_off SET id = 2", "cut-off REG-000002 follows REG-000000: one is missing"),
        (
            "DELETE FROM entry WHERE reference = 'OD/REG-000001/annulation'",
            "cut-off REG-000001 of 2026 has no entry OD/REG-000001/annulation",
        ),
    ],
)
def test_check_finds_a_cut_off_that_was_tampered_with(park: Park, spoil: str, problem: str) -> None:
    book(park.engine)
    assert check(park.engine) == []
    behind_its_back(park.engine, spoil)
    assert any(problem in fault for fault in check(park.engine)), check(park.engine)


def by_account(amounts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Amounts summed by account, without those that come to nothing."""
    sums = Counter[str]()
    for account, amount in amounts:
        sums[account] += amount
    return {account: amount for account, amount in sums.items() if amount}


def require_alike(engine: Engine, folder: Path) -> None:
    """hledger, beancount and the trial balance agree at the end of each year."""
    files = {name: folder / f"books.{name}" for name in ("hledger", "beancount")}
    with reading(engine) as connection:
        for name, file in files.items():
            file.write_bytes(b"".join(journal_pieces(connection, name)))
        balances = {
            year: by_account((b.account, b.balance) for b in trial_balance(connection, date(year, 12, 31)))
            for year in (2026, 2027)
        }
    assert run_hledger(files["hledger"], "check", "--strict", "ordereddates") == ""
    postings = list(beancount_postings(files["beancount"]))
    for year, expected in balances.items():
        found = hledger_balances(files["hledger"], "--end", f"{year + 1}-01-01").items()
        assert by_account((name.split(":")[1].split(" ")[0], amount) for name, amount in found) == expected
        of_beancount = (
            (next(part for part in p.account.split(":") if part[0].isdigit()).split("-")[0], int(p.units.number * 100))
            for entry, p in postings
            if entry.date.year <= year and p.units is not None and p.units.number is not None
        )
        assert by_account(of_beancount) == expected


def test_second_programs_agree_two_years_in_a_row_open_and_closed(park: Park, tmp_path: Path) -> None:
    head = "date,label,voucher,account,auxiliary,site,debit,credit\n"
    invoke = invoker({"DATABASE_URL": park.engine.url.render_as_string(hide_password=False)})
    file = tmp_path / "loyer.csv"
    for year in (2026, 2027):
        today = date(year + 1, 1, 5)
        file.write_text(f"{head}{year}-10-05,Loyer,F,6131,,TNG,100.00,\n{year}-10-05,Loyer,F,4411,,,,100.00\n", "utf-8")
        rows, _ = rows_of_file(file)
        with writing(park.engine) as connection:
            post_entries(
                connection, rows, "loyer", file=file.name, voucher_sha256=None,
                recorded_at=datetime(year, 10, 5, 8, 0, tzinfo=UTC),
            )  # fmt: skip
        if year == 2027:
            for month in range(2, 13):
                park.bills(f"2027-{month:02}")
            park.bills("2028-01", "2027-12-28")
        assert book(park.engine, year, today) == f"REG-{year - 2025:06}"
        require_alike(park.engine, tmp_path)
        with writing(park.engine) as connection:
            close_accounts_of(connection, year, today=today, recorded_at=NOW, terms=park.settings.terms)
        require_alike(park.engine, tmp_path)
    assert "EM-000002" in ok(invoke("entries", "list"))
    assert check(park.engine) == []
