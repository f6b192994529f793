"""VAT on advances for any acts of money in: what was declared by a month's end is what fell due, and what credit bears.

Both sides are summed from other facts than the closing reads: settlements (R26), and money that settles nothing.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from billing.books.vat_return.paper import vat_return
from billing.check import check
from billing.frame.database import reading
from billing.frame.errors import Conflict, Refused
from billing.receivables.open_items.open_items import UnallocatedCredit, open_items, vat_movements_select
from billing.receivables.open_items.open_items import credits as unallocated
from billing.receivables.tables.receipts import allocation, receipt
from invoices.models import document
from ledger.models import posting
from pricing.money import format_amount
from pricing.period import format_month, next_month
from tests.conftest import FreshEngine
from tests.support.examples import QUIET, examples
from tests.support.networks import Row
from tests.support.park import Park
from tests.support.till import (
    allocates,
    bounces,
    cancels,
    clears,
    closes,
    order,
    places,
    receives,
    refunds,
    taxing_advances,
    undoes,
    withdraws,
)

EXAMPLES = {"sqlite": examples(12), "postgresql": examples(4)}
# An office at 20 % and meals at 10 % for the one, meals alone for the other.
TENANTS: list[Row] = [{"code": code, "kind": "large", "incorporated_on": "2000-01-01"} for code in ("T1", "T2")]
LEASES: list[Row] = [{"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "2.37", "starts_on": "2024-01-01"}]
MEALS: list[Row] = [
    {"event_id": f"M{n}", "tenant": f"T{n}", "site": "CAS", "quantity": "13", "occurred_on": "2026-05-11"}
    for n in (1, 2)
]
INVOICES = {"T1": "FA-2026-000001", "T2": "FA-2026-000002"}
RATES = {"T1": 20, "T2": 10}
SINCE = date(2026, 6, 8)
LAST_MONTH = date(2026, 9, 1)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ("transfer", "transfer", "cheque", "allocates", "allocates", "undoes", "refunds", "clears", "bounces",
             "places", "withdraws", "cancels", "closes", "closes")
        ),
        st.integers(0, 20),
        st.integers(1, 100),
    ),
    min_size=4,
    max_size=16,
)  # fmt: skip


class Till:
    """A person at the till: each act is of the day, a few days after the one before; closing begins a month."""

    def __init__(self, park: Park) -> None:
        self.park = park
        self.day = date(2026, 6, 3)
        self.month = date(2026, 6, 1)

    def plays(self, kind: str, pick: int, number: int) -> None:
        if kind == "closes":
            self.closes()
            return
        # What is refused changes nothing.
        with suppress(Refused, Conflict):
            if kind in ("transfer", "cheque"):
                tenant = ("T1", "T1", "T2", None)[pick % 4]
                amount, on = format_amount(number * 731), self.day.isoformat()
                receives(
                    self.park, order(amount, means=kind, reference=f"{on} {pick}", on=on, tenant=tenant, pays="none")
                )
            elif kind in ("allocates", "refunds", "withdraws", "places"):
                self.uses_credit(kind, pick, number)
            else:
                self.takes_back(kind, pick)
        self.day = min(self.day + timedelta(days=pick % 5), next_month(self.month) - timedelta(days=1))

    def credits(self) -> Sequence[UnallocatedCredit]:
        with reading(self.park.engine) as connection:
            return list(unallocated(connection))

    def uses_credit(self, kind: str, pick: int, number: int) -> None:
        held = [credit for credit in self.credits() if (credit.tenant is None) == (kind == "places")]
        if not held:
            return
        credit, on = held[pick % len(held)], self.day.isoformat()
        amount = max(credit.left * number // 100, 1)
        if kind == "places":
            places(self.park, credit.receipt, ("T1", "T2")[number % 2], format_amount(amount), on=on)
        elif kind == "withdraws":
            withdraws(self.park, credit.receipt, str(credit.tenant), format_amount(amount), on=on)
        elif kind == "refunds":
            key, tenant = credit.receipt, credit.tenant
            refunds(
                self.park, format_amount(amount), receipt=key, tenant=tenant, on=on, reference=f"{on} {pick} {number}"
            )
        else:
            invoice = INVOICES[str(credit.tenant)]
            with reading(self.park.engine) as connection:
                owed = {item.number: item.open for item in open_items(connection)}.get(invoice, 0)
            if owed:
                allocates(self.park, credit.receipt, {invoice: format_amount(min(amount, owed))}, on=on)

    def takes_back(self, kind: str, pick: int) -> None:
        column = allocation.c.id if kind == "undoes" else receipt.c.id
        with reading(self.park.engine) as connection:
            newest = int(connection.scalar(select(func.max(column))) or 0)
        if newest:
            key = pick % newest + 1
            act: Any = {"undoes": undoes, "clears": clears, "bounces": bounces, "cancels": cancels}[kind]
            act(self.park, key, on=self.day.isoformat())

    def closes(self) -> None:
        closes(self.park, format_month(self.month))
        self.month = next_month(self.month)
        self.day = self.month + timedelta(days=2)
        self.agrees()

    def agrees(self) -> None:
        """Of every closed month: what is declared stays, whatever came later."""
        month, declared = date(2026, 6, 1), 0
        while month < self.month:
            end = next_month(month) - timedelta(days=1)
            with reading(self.park.engine) as connection:
                paper = vat_return(connection, month, self.park.settings.terms)
                assert (paper.difference, paper.to_book) == (0, 0)
                declared += paper.vat
                due = vat_movements_select(until=end).subquery()
                fell_due = int(connection.scalar(select(func.sum(due.c.vat_due))) or 0)
                p = posting.c
                sums = select(p.account, func.sum(p.amount)).where(p.effective_on <= end).group_by(p.account)
                booked = Counter({account: int(amount) for account, amount in connection.execute(sums)})
                held: Counter[tuple[int, str]] = Counter()
                for credit in unallocated(connection, on=end, unplaced=False):
                    if credit.is_money and credit.money_on >= SINCE:
                        held[credit.receipt, str(credit.tenant)] += credit.left
            # Of 120 or 110 parts 20 or 10 are VAT, rounded half up.
            rates = [(amount, RATES[tenant]) for (_, tenant), amount in held.items()]
            bears = sum((2 * amount * rate + 100 + rate) // (2 * (100 + rate)) for amount, rate in rates)
            assert (booked["34587"], -booked["4455"], declared) == (bears, fell_due + bears, fell_due + bears)
            month = next_month(month)

    def settles_all(self) -> None:
        """Clear the cheques, pay what is open, pay back what is left."""
        on = self.day.isoformat()
        with reading(self.park.engine) as connection:
            cheques = connection.scalars(select(receipt.c.id).where(receipt.c.means == "cheque")).all()
        for key in cheques:
            # What was cleared, came back or was cancelled waits no more.
            with suppress(Refused, Conflict):
                clears(self.park, key, on=on)
        with reading(self.park.engine) as connection:
            waiting = [item for item in open_items(connection) if item.open]
        for item in waiting:
            pays = {item.number: format_amount(item.open)}
            receives(
                self.park, order(format_amount(item.open), reference=item.number, on=on, tenant=item.tenant, pays=pays)
            )
        for number, credit in enumerate(self.credits()):
            refunds(self.park, receipt=credit.receipt, tenant=credit.tenant, on=on, reference=f"R{number}")


@pytest.mark.parametrize("fresh_engine", ["sqlite", "postgresql"], indirect=True)
def test_what_is_declared_is_what_fell_due_and_what_credit_bears(
    fresh_engine: FreshEngine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = request.node.callspec.params["fresh_engine"]

    @settings(
        max_examples=EXAMPLES[database],
        suppress_health_check=QUIET,
        print_blob=True,
        deadline=None,
    )
    @given(ACTS)
    def check_acts(acts: list[tuple[str, int, int]]) -> None:
        with fresh_engine() as engine:
            park = Park(engine, tmp_path / "network")
            park.opens(tenants=TENANTS, leases=LEASES, usage=MEALS)
            park.settings = replace(park.settings, terms=taxing_advances(park.settings.terms, SINCE))
            park.bills("2026-06")
            till = Till(park)
            for act in acts:
                if till.month < LAST_MONTH:
                    till.plays(*act)
            till.closes()
            assert check(engine) == []
            till.settles_all()
            till.closes()
            assert check(engine) == []
            with reading(engine) as connection:
                p = posting.c
                left = connection.scalar(select(func.sum(p.amount)).where(p.account == "34587"))
                declared = connection.scalar(select(func.sum(p.amount)).where(p.account == "4455"))
                assert (int(left or 0), -int(declared or 0)) == (0, connection.scalar(select(func.sum(document.c.tax))))

    check_acts()
