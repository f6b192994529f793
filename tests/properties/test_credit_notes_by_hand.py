"""Bill and credit by hand whatever one likes between runs: what these bill, credit and fund is what it would have been.

The same history is played twice, with one-off invoices, credit notes and decisions about debts and without.
"""

import threading
from collections import Counter
from datetime import date
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from billing.check import check
from billing.documents.credit_notes.giving import CreditOrder, CreditTerms, Part, give_credit_note
from billing.documents.credit_notes.kinds import CreditKind
from billing.documents.credit_notes.queries import creditable_lines
from billing.entries.debts import KINDS
from billing.frame.database import reading, writing
from billing.frame.errors import Refused
from billing.receivables.debts.deciding import Order, debt_of, decide
from invoices.document import INVOICE, Document
from invoices.models import document
from tests.conftest import FreshEngine
from tests.oracle.service import NOW
from tests.support.credit_notes import cancels_by_hand
from tests.support.examples import QUIET
from tests.support.networks import Row
from tests.support.one_off import bills_by_hand
from tests.support.park import Park

EXAMPLES = {"sqlite": 25, "postgresql": 8}
MONTHS = ("2026-05", "2026-06", "2026-07", "2026-08")
TENANTS: list[Row] = [
    {"code": "T1", "incorporated_on": "2025-01-15"},
    {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01"},
    # Without a lease.
    {"code": "T3", "kind": "large", "incorporated_on": "2000-01-01"},
]


class Change(NamedTuple):
    """A lease as the register has it from now on."""

    lease: int
    area: str
    ends_on: str | None


class Credit(NamedTuple):
    """Credit so many hundredths of what is left of a line of some invoice, at least a centime."""

    invoice: int
    line: int
    hundredths: int


class Bill(NamedTuple):
    """Bill a tenant by hand: a service, a quantity and a price."""

    tenant: str
    site: str
    service: str
    quantity: str
    price: str


class Cancel(NamedTuple):
    """Cancel a line of some invoice billed by hand."""

    invoice: int
    line: int


class Decide(NamedTuple):
    """Decide about so many hundredths of what is possible of some invoice's debt, at least a centime."""

    invoice: int
    kind: str
    hundredths: int


History: TypeAlias = tuple[list[Change | Bill | Cancel | Credit | Decide], ...]
_SHARES = st.integers(1, 100)
_STEPS = st.one_of(
    st.builds(Change, st.integers(0, 2), st.sampled_from(("10", "12.37", "20")), st.sampled_from((None, "2026-06-15"))),
    st.builds(
        Bill,
        st.sampled_from(("T1", "T2", "T3")),
        st.sampled_from(("CAS", "TNG")),
        st.sampled_from(("OFFICE", "MEAL")),
        st.sampled_from(("1", "0.333333", "12.5")),
        st.sampled_from(("0.05", "33.3333", "1499.99")),
    ),
    st.builds(Cancel, st.integers(0, 9), st.integers(0, 1)),
    st.builds(Credit, st.integers(0, 9), st.integers(0, 5), _SHARES),
    st.builds(Credit, st.integers(0, 9), st.integers(0, 5), _SHARES),
    st.builds(Decide, st.integers(0, 9), st.sampled_from(KINDS), _SHARES),
)
HISTORIES = st.tuples(*(st.lists(_STEPS, max_size=4) for _ in MONTHS))


def lease_row(number: int, area: str, ends_on: str | None) -> Row:
    tenant, site = (("T1", "CAS"), ("T1", "TNG"), ("T2", "CAS"))[number]
    return {
        "code": f"L{number}", "tenant": tenant, "site": site, "unit": f"U{number}", "area_m2": area,
        "starts_on": "2025-04-10", "ends_on": ends_on,
    }  # fmt: skip


def invoices(park: Park, *, by_hand: bool = False) -> list[str]:
    """All invoices, or those alone that were billed by hand."""
    found = select(document.c.number).where(document.c.kind == INVOICE).order_by(document.c.id)
    with reading(park.engine) as connection:
        return list(connection.scalars(found.where(document.c.period.is_(None)) if by_hand else found))


def cancel(park: Park, step: Cancel, on: str) -> None:
    numbers = invoices(park, by_hand=True)
    if not numbers:
        return
    number = numbers[step.invoice % len(numbers)]
    with reading(park.engine) as connection:
        stands = [line.line_no for line in creditable_lines(connection, number) if line.stands]
    if stands:
        cancels_by_hand(park, number, stands[step.line % len(stands)], on=on)


def credit(park: Park, step: Credit, on: date) -> None:
    numbers = invoices(park)
    number = numbers[step.invoice % len(numbers)]
    with reading(park.engine) as connection:
        lines = creditable_lines(connection, number)
    chosen = lines[step.line % len(lines)]
    if not chosen.left:
        return
    part = Part(chosen.line_no, max(chosen.left * step.hundredths // 100, 1))
    terms = CreditTerms(on, NOW, park.settings.operator.party, {"712": "7129"})
    with writing(park.engine) as connection:
        give_credit_note(connection, CreditOrder(number, (part,), "geste", "amina"), terms)


def settle_debt(park: Park, step: Decide, on: date) -> None:
    numbers = invoices(park)
    number = numbers[step.invoice % len(numbers)]
    with writing(park.engine) as connection:
        head = connection.execute(select(document).where(document.c.number == number)).one()
        most = debt_of(connection, head).most(step.kind)
        if most > 0:
            amount = max(most * step.hundredths // 100, 1)
            decide(connection, Order(number, step.kind, on, amount, "litige", "amina", "karim"), recorded_at=NOW)


def untouched(history: History) -> History:
    """The same history without a credit note or a decision: the register's changes and the runs alone."""
    return tuple([step for step in steps if isinstance(step, Change)] for steps in history)


def play(park: Park, history: History) -> None:
    """Play a history, month by month, and a last run."""
    park.opens(tenants=TENANTS, leases=[lease_row(number, "20", None) for number in range(3)])
    for month, steps in zip(MONTHS, history, strict=True):
        park.bills(month)
        day = date.fromisoformat(f"{month}-20")
        for step in steps:
            if isinstance(step, Change):
                park.enters(leases=[lease_row(*step)])
            elif isinstance(step, Credit):
                credit(park, step, day)
            elif isinstance(step, Cancel):
                cancel(park, step, f"{month}-20")
            elif isinstance(step, Bill):
                line, meal = f"{step.service};dégâts;{step.quantity};{step.price}", "MEAL;buffet;1;20.00"
                bills_by_hand(park, line, meal, tenant=step.tenant, site=step.site, on=f"{month}-20", again=True)
            else:
                settle_debt(park, step, day)
    park.bills("2026-09")


def priced(documents: list[Document]) -> Counter[object]:
    """What a run's documents say, but for what they bill again of credit notes by hand."""
    return Counter(
        (found.kind, found.buyer.code, line.priced)
        for found in documents
        for line in found.lines
        if line.withdraws is None
    )


def class_nine(park: Park) -> dict[str, str]:
    """What the books hold of the cross-subsidy."""
    return {account: balance for account, balance in park.balances().items() if account.startswith("9")}


def no_line_is_credited_beyond_what_was_invoiced(park: Park) -> None:
    for number in invoices(park):
        with reading(park.engine) as connection:
            assert all(0 <= found.left <= found.line.priced.amount for found in creditable_lines(connection, number))


@pytest.mark.parametrize("fresh_engine", ["sqlite", "postgresql"], indirect=True)
# Takes long: each example bills a history twice, with and without the credit notes, on real databases.
def test_r13_r14_r18_r27_what_is_billed_and_credited_by_hand_changes_nothing_that_runs_do(
    fresh_engine: FreshEngine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = request.node.callspec.params["fresh_engine"]

    @settings(max_examples=EXAMPLES[database], suppress_health_check=QUIET, print_blob=True)
    @given(HISTORIES)
    def check_history(history: History) -> None:
        with fresh_engine() as engine, fresh_engine() as twin:
            park, other = Park(engine, tmp_path / "network"), Park(twin, tmp_path / "twin")
            play(park, history)
            play(other, untouched(history))
            for month in (*MONTHS, "2026-09"):
                assert priced(park.documents(month)) == priced(other.documents(month))
                assert park.exported_cross_subsidy(month) == other.exported_cross_subsidy(month)
            assert class_nine(park) == class_nine(other)
            no_line_is_credited_beyond_what_was_invoiced(park)
            assert check(engine) == []

    check_history()


@pytest.mark.parametrize("kind", list(CreditKind))
def test_eight_who_credit_the_same_line_at_once_credit_it_once(
    engine: Engine, tmp_path: Path, kind: CreditKind
) -> None:
    park = Park(engine, tmp_path / "network")
    park.opens(tenants=TENANTS[1:], leases=[lease_row(2, "20", None)])
    park.bills("2026-06")
    barrier = threading.Barrier(8)
    outcomes: list[str] = []

    def credit_all() -> None:
        barrier.wait()
        terms = CreditTerms(date(2026, 6, 20), NOW, park.settings.operator.party, {})
        try:
            with writing(park.engine) as connection:
                give_credit_note(connection, CreditOrder("FA-2026-000001", (), "geste", "amina", kind), terms)
            outcomes.append("given")
        except Refused as refused:
            outcomes.append(refused.faults[0].problem)

    threads = [threading.Thread(target=credit_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(outcomes) == {"given": 1, "is credited in full already": 7}
    assert check(park.engine) == []
