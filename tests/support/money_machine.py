"""The ground of a machine of money in: a park that is billed, a model beside it, what holds after each step."""

import tempfile
from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from sqlalchemy import Connection, case, func, select

from billing.check import check
from billing.entries.debts import RECOVERED, WRITTEN_OFF
from billing.frame.database import reading, writing
from billing.receivables.deposits.deposits import Asking, ask_deposit
from billing.receivables.open_items.open_items import credits, open_items  # noqa: A004
from billing.receivables.tables.debts import debt_act, debt_cancellation
from billing.receivables.tables.receipts import SettlementAct, allocation, placement, receipt, settlement
from billing.register.tables import usage_event, usage_void
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.models import credit_withdrawal, credited_part, document, document_line
from ledger.models import posting
from pricing.period import add_months, next_month
from tests.conftest import FreshEngine
from tests.oracle.service import NOW
from tests.support.money_model import Doc, Got, Model, Money
from tests.support.networks import Row
from tests.support.papers import require_papers_agree
from tests.support.park import Park
from tests.support.people import add
from tests.support.take_on import takes_on

FIRST_MONTH = date(2026, 5, 1)
LAST_MONTH = date(2026, 9, 1)
TENANTS = ("T1", "T2")
# Offices at 20 %, meals at 10 %.
METERS = {"L1": "20", "L2": "12.37"}
# In centimes: a square metre for a month, and a month's meals, at Casablanca.
OFFICE_PRICE, MEALS_PRICE = 14500, 7 * 3600
PEOPLE = {"amina": "finance", "karim": "approver", "salma": "admin"}


class MoneyMachine(RuleBasedStateMachine):
    """Months are billed, and what the service settles by itself is learnt, on a database of its own at each example."""

    fresh_engine: ClassVar[FreshEngine]

    def __init__(self) -> None:
        super().__init__()
        self.opened = type(self).fresh_engine()
        self.engine = self.opened.__enter__()
        self.folder = tempfile.TemporaryDirectory()
        self.park = Park(self.engine, Path(self.folder.name) / "network")
        self.model = Model()
        self.month = FIRST_MONTH
        self.day = FIRST_MONTH
        self.closed: date | None = None
        self.meters = dict(METERS)
        self.references = 0
        self.steps = 0
        # Who is held from the run of a month, or was, by month and tenant.
        self.held: dict[tuple[date, str], bool] = {}
        # What runs came to, by tenant and service, after the last one that the tenant was not held from.
        self.billed: dict[tuple[str, str], int] = {}

    def teardown(self) -> None:
        try:
            with reading(self.engine) as connection:
                require_papers_agree(connection)
            self.ends()
        finally:
            self.opened.__exit__(None, None, None)
            self.folder.cleanup()

    def ends(self) -> None:
        """What is done in the end."""

    @initialize(brings=st.booleans())
    def begins(self, brings: bool) -> None:
        tenants: list[Row] = [{"code": code, "kind": "large", "incorporated_on": "2000-01-01"} for code in TENANTS]
        self.park.opens(tenants=tenants, leases=self.leases(), usage=self.meals())
        for name, role in PEOPLE.items():
            add(self.engine, name, role)
        settings = self.park.settings
        with writing(self.engine) as connection:
            ask_deposit(connection, "L1", Asking(FIRST_MONTH, NOW, settings.operator, settings.terms))
        if brings:
            self.takes_on()
        self.bills()

    def takes_on(self) -> None:
        """The park brings an invoice that was paid in part, and credit (R29): they are settled like ours."""
        takes_on(
            self.park,
            FIRST_MONTH.isoformat(),
            open_invoices="2025/17,0.20,T2,CAS,2026-03-01,2026-04-30,1000.00,200.00,300.00",
            credits="T1,250.00,2026-04-01",
            deposits="",
            balances="5141,,5000.00\n1111,,-5500.00",
            grants="",
        )
        self.learns()
        self.model.got.append(Got(cheque=False, unplaced=0, on=FIRST_MONTH, brought=True))
        self.model.money.append(Money(1, "T1", 25000))

    def leases(self) -> list[Row]:
        return [
            {
                "code": code, "tenant": tenant, "site": "CAS", "area_m2": self.meters[code],
                "starts_on": "2024-01-01",
            }
            for code, tenant in zip(METERS, TENANTS, strict=True)
        ]  # fmt: skip

    def meals(self) -> list[Row]:
        before = add_months(self.month, -1)
        return [
            {
                "event_id": f"U{self.month:%m}", "tenant": "T1", "site": "CAS", "quantity": "7",
                "occurred_on": before.isoformat(),
            }
        ]  # fmt: skip

    def bills(self) -> None:
        self.day = max(self.day, self.month)
        if self.closed is not None:
            self.day = max(self.day, self.closed + timedelta(days=1))
        report = self.park.run(self.month.isoformat()[:7], self.day)
        held = [tenant for tenant in TENANTS if self.held.get((self.month, tenant))]
        assert [tenant for tenant, _ in report.held] == held
        self.learns()
        self.settles_like_with_like()
        self.bills_what_stands(held)
        self.day += timedelta(days=3)
        self.month = next_month(self.month)

    def bills_what_stands(self, held: Collection[str]) -> None:
        """Runs come to each month's office as it is by now (R13), and to each event that is not void (R10).

        Of tenants held from a run they come to what they did before it, until the next run bills what was due.
        """
        x, d, w = document_line.c, document.c, credit_withdrawal.c
        sign = case((d.kind == CREDIT_NOTE, -1), else_=1)
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(d.tenant, x.service, func.sum(sign * x.amount))
                .join(document, d.id == x.document_id)
                .outerjoin(credit_withdrawal, (w.document_id == x.document_id) & (w.line_no == x.line_no))
                # A credit note by hand, and what takes it back, is another story.
                .where(d.period.is_not(None), w.document_id.is_(None))
                .group_by(d.tenant, x.service)
            ).all()
            events = connection.scalar(
                select(func.count())
                .select_from(usage_event)
                .outerjoin(usage_void, usage_void.c.usage_event_id == usage_event.c.id)
                .where(usage_void.c.usage_event_id.is_(None))
            )
        months = self.month.month - FIRST_MONTH.month + 1
        for lease, tenant in zip(METERS, TENANTS, strict=True):
            if tenant not in held:
                self.billed[tenant, "OFFICE"] = int(Decimal(self.meters[lease]) * OFFICE_PRICE) * months
        if "T1" not in held:
            self.billed["T1", "MEAL"] = MEALS_PRICE * int(events or 0)
        billed = {(tenant, service): int(amount) for tenant, service, amount in rows if amount}
        assert billed == {key: amount for key, amount in self.billed.items() if amount}

    def learns(self) -> None:
        """Read the documents that are new, never what is open of them."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(document).order_by(document.c.id)).all()
            for row in rows:
                if row.number in self.model.docs:
                    continue
                x, part = document_line.c, credited_part.c
                ids = {
                    *connection.scalars(select(x.corrects_document_id).where(x.document_id == row.id)),
                    *connection.scalars(select(part.invoice_id).where(part.document_id == row.id)),
                }
                corrects = {other.number for other in rows if other.id in ids}
                s = settlement.c
                paid = select(func.coalesce(func.sum(s.base + s.vat), 0)).where(s.document_id == row.id)
                before = int(connection.scalar(paid.where(s.act == SettlementAct.BROUGHT)) or 0)
                self.model.docs[row.number] = Doc(
                    row.number, row.kind, row.tenant, (row.due_on, row.id), corrects, row.gross - before
                )

    def learns_receipts(self) -> list[int]:
        """Read the receipts that bank lines made, and whose they are; return their keys."""
        r, p = receipt.c, placement.c
        with reading(self.engine) as connection:
            rows = connection.execute(select(receipt).where(r.id > len(self.model.got)).order_by(r.id)).all()
            for row in rows:
                placed = connection.execute(select(p.tenant, p.amount).where(p.receipt_id == row.id)).all()
                unplaced = row.amount - sum(amount for _, amount in placed)
                self.model.got.append(Got(cheque=False, unplaced=unplaced, on=row.value_date))
                self.model.money += [Money(row.id, code, amount) for code, amount in placed]
        self.settles_like_with_like()
        return [row.id for row in rows]

    def settles_like_with_like(self) -> None:
        """Read what settled by itself, and let it be no more than there was, and credit notes move no VAT."""
        with reading(self.engine) as connection:
            a, s, note = allocation.c, settlement.c, document.alias("note")
            signed = case((document.c.kind == CREDIT_NOTE, -s.vat_due), else_=s.vat_due)
            rows = connection.execute(
                select(allocation, document.c.number, note.c.number.label("note"), placement.c.receipt_id)
                .join(document, document.c.id == a.document_id)
                .outerjoin(note, note.c.id == a.credit_note_id)
                .outerjoin(placement, placement.c.id == a.placement_id)
                .order_by(a.id)
            ).all()
            moved = dict(
                connection.execute(
                    select(s.act_id, func.sum(signed))
                    .join(document, document.c.id == s.document_id)
                    .where(s.act == "allocated")
                    .group_by(s.act_id)
                ).all()
            )
        for row in rows[len(self.model.settled) :]:
            if row.note is not None:
                source: Money | Doc = self.model.docs[row.note]
                assert moved.get(row.id, 0) == 0
            else:
                source = next(
                    m for m in self.model.money if (m.receipt, m.tenant) == (row.receipt_id, row.tenant) and m.left
                )
            self.model.settle(source, self.model.docs[row.number], row.amount)
            assert source.left >= 0
            assert self.model.docs[row.number].left >= 0

    def later(self, days: int) -> None:
        self.day = min(self.day + timedelta(days=days), NOW.date())

    def on(self, *, late: bool, since: date = FIRST_MONTH) -> date:
        """The day that somebody gives: today's, or one of a closed month, for what comes late (D8)."""
        return self.closed if late and self.closed is not None and self.closed >= since else self.day

    @invariant()
    def the_books_agree(self) -> None:
        self.steps += 1
        assert check(self.engine) == []
        with reading(self.engine) as connection:
            stands = {item.number: item.open for item in open_items(connection)}
            held: dict[tuple[int, str | None], int] = {}
            for credit in credits(connection):
                held[credit.receipt, credit.tenant] = held.get((credit.receipt, credit.tenant), 0) + credit.left
            balances = self.balances(connection)
        sign = {INVOICE: 1, CREDIT_NOTE: -1}
        docs = self.model.docs.values()
        assert stands == {d.number: sign[d.kind] * d.left for d in docs if d.left}
        due: dict[tuple[int, str | None], int] = {}
        for money in self.model.money:
            if money.left:
                due[money.receipt, money.tenant] = due.get((money.receipt, money.tenant), 0) + money.left
        due |= {(key, None): got.unplaced for key, got in enumerate(self.model.got, 1) if got.unplaced}
        assert held == due
        for tenant in TENANTS:
            of_tenant = sum(balances.get((account, tenant), 0) for account in ("3421", "3424"))
            assert of_tenant == sum(sign[d.kind] * d.left for d in docs if d.tenant == tenant)
        assert -balances.get(("1487", "T1"), 0) == self.model.held

    def balances(self, connection: Connection) -> dict[tuple[str, str | None], int]:
        p = posting.c
        rows = connection.execute(select(p.account, p.auxiliary, func.sum(p.amount)).group_by(p.account, p.auxiliary))
        return {(account, auxiliary): int(amount) for account, auxiliary, amount in rows}

    def no_vat_waits(self) -> None:
        """Everything is paid: what fell due is the VAT of what was invoiced, less what was credited and lost."""
        with reading(self.engine) as connection:
            sums: dict[str, int] = {}
            for (account, _), amount in self.balances(connection).items():
                sums[account] = sums.get(account, 0) + amount
            d, a = document.c, debt_act.c
            taxes: dict[str, Any] = dict(connection.execute(select(d.kind, func.sum(d.tax)).group_by(d.kind)).all())
            decided = dict(connection.execute(select(a.kind, func.sum(a.vat)).group_by(a.kind)).all())
            back = connection.scalar(select(func.coalesce(func.sum(debt_cancellation.c.vat), 0)))
            brought = select(func.coalesce(func.sum(settlement.c.vat), 0)).where(
                settlement.c.act == SettlementAct.BROUGHT
            )
            # What was paid before was declared before.
            back = int(back or 0) + int(connection.scalar(brought) or 0)
        due = int(taxes.get(INVOICE, 0)) - int(taxes.get(CREDIT_NOTE, 0))
        due += int(decided.get(RECOVERED) or 0) - back - int(decided.get(WRITTEN_OFF) or 0)
        assert sums.get("44551", 0) == 0
        assert -sums.get("4455", 0) == due
        assert sums.get("3421", 0) == sums.get("3424", 0) == sums.get("5111", 0) == 0
