"""Any order of runs, receipts, allocations, undoings, returned cheques, credit notes, write-offs, refunds, closings.

Of opening balances that were taken on; of tenants held from a run; of what takes back: usage voided, money of every
kind cancelled, bank statements withdrawn; of what comes late, and of what a second person approves. A little model
(`tests.support.money_model`), which knows no account, no SQL and no VAT, says after every step what is open of each
document and what is left of each receipt; the books and `check` must agree. At the end everything is paid: then no
VAT may wait, to the centime.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine, func, select

from billing.approvals.deciding import APPROVED, VOID, approve, refuse
from billing.approvals.orderable import Done, Orderable, orderables
from billing.approvals.ordering import Waiting
from billing.approvals.ordering import place as place_order
from billing.bank.approving import ABOVE, CANCELLATION, CancellationOrder
from billing.bank.cancelling import cancel, cancel_named, cancel_paid_back
from billing.bank.withdrawing import withdraw_statement
from billing.books.periods.closing import close_period
from billing.documents.credit_notes.giving import CreditOrder, CreditTerms, Part, give_credit_note
from billing.documents.credit_notes.queries import creditable_lines
from billing.entries.debts import DOUBTFUL, RECOVERED, REINSTATED, WRITTEN_OFF
from billing.entries.deposits import Movement
from billing.frame.audit_log import CLI, Act, on_behalf
from billing.frame.database import writing
from billing.frame.errors import BillingError, Conflict, Refused
from billing.receivables.debts.approving import WRITE_OFF
from billing.receivables.debts.deciding import Order, decide
from billing.receivables.deposits.deposits import move_deposit
from billing.receivables.receipts.allocating import allocate
from billing.receivables.receipts.applying_credits import apply_credits, settle_what_was_issued
from billing.receivables.receipts.approving import REFUND
from billing.receivables.receipts.clearing import bounce, clear
from billing.receivables.receipts.orders import AUTOMATIC, NONE, Leg, ReceiptOrder
from billing.receivables.receipts.orders import Part as Paid
from billing.receivables.receipts.placing import place, withdraw
from billing.receivables.receipts.receiving import receive
from billing.receivables.receipts.refunding import RefundOrder, refund_credit
from billing.receivables.receipts.undoing import undo
from billing.receivables.tables.debts import debt_act
from billing.run.usage_voids.voiding import VoidOrder, void_events
from billing.subjects import SUBJECTS
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.models import document
from invoices.structured_reference import rf_of
from pricing.money import AMOUNT_DECIMALS, format_amount, parse_decimal
from pricing.period import next_month
from tests.conftest import FreshEngine
from tests.oracle.service import NOW
from tests.support.bank import decides as decides_line
from tests.support.bank import found, says, statement, takes
from tests.support.examples import examples
from tests.support.money_machine import FIRST_MONTH, LAST_MONTH, TENANTS, MoneyMachine
from tests.support.money_model import Doc, Got, Money, Moved, Recovered

EXAMPLES = {"sqlite": examples(25), "postgresql": examples(6)}
STEPS = 30
PICK = st.integers(0, 99)
SHARE = st.integers(1, 100)
ORDERABLES = orderables(SUBJECTS)


class MoneyIn(MoneyMachine):
    """What people do with money that comes in."""

    @precondition(lambda self: self.month < LAST_MONTH)
    @rule(
        change=st.sampled_from((None, "L1", "L2")),
        meters=st.sampled_from(("10", "12.37", "20")),
        held=st.sampled_from((None, None, *TENANTS)),
    )
    def runs_a_month(self, change: str | None, meters: str, held: str | None) -> None:
        if change is not None:
            self.meters[change] = meters
        if held is not None:
            self.holds(held, release=False)
        self.park.enters(leases=self.leases(), usage=self.meals())
        self.bills()

    @precondition(lambda self: next_month(self.month) < LAST_MONTH)
    @rule(held=st.sampled_from(TENANTS), meters=st.sampled_from(("10", "12.37", "20")))
    def runs_a_month_and_the_one_after_that_bills_who_was_held(self, held: str, meters: str) -> None:
        self.runs_a_month(None, meters, held)
        self.runs_a_month("L1", meters, None)

    @rule(tenant=st.sampled_from(TENANTS), release=st.sampled_from((False, False, True)))
    def holds(self, tenant: str, release: bool) -> None:
        """R24: from the next run, which bills that tenant nothing; the one after bills what was due."""
        key = self.month, tenant
        try:
            changed = self.park.holds(self.month.isoformat()[:7], tenant, release=release)
        except Refused:
            assert release
            assert key not in self.held
            return
        assert changed == ([tenant] if self.held.get(key, False) == release else [])
        self.held[key] = not release

    def named(self, tenants: tuple[str, ...], share: int, most: int) -> tuple[Paid, ...]:
        parts, left = [], most
        for target in [d for code in tenants for d in self.model.owed(code)][:3]:
            part = min(max(target.left * share // 100, 1), left)
            if part:
                parts.append(Paid(target.number, part))
                left -= part
        return tuple(parts)

    @rule(
        means=st.sampled_from(("transfer", "cheque")),
        tenant=st.sampled_from((None, *TENANTS)),
        amount=st.sampled_from((1, 33333, 100000, 348000, 500001)),
        withheld=st.sampled_from((0, 0, 14500)),
        how=st.sampled_from((AUTOMATIC, AUTOMATIC, NONE, "named")),
        share=SHARE,
        late=st.booleans(),
    )
    def receives(
        self, means: str, tenant: str | None, amount: int, withheld: int, how: str, share: int, late: bool = False
    ) -> None:
        self.references += 1
        legs = [Leg("money", amount)] + ([Leg("rent_withholding", withheld)] if withheld else [])
        whole = amount + withheld
        parts = self.named(TENANTS if tenant is None else (tenant,), share, whole) if how == "named" else ()
        wanted: Any = parts if parts else (NONE if how == "named" else how)
        # What comes late keeps its day, in a month that is closed.
        on = self.on(late=late)
        order = ReceiptOrder(means, f"V{self.references}", on, tenant, tuple(legs), wanted, reason="attestation")
        with writing(self.engine) as connection:
            (key,) = receive(connection, [order], recorded_at=NOW, terms=self.park.settings.terms)
        self.model.got.append(Got(means == "cheque", 0, on))
        assert key == len(self.model.got)
        owned: dict[str, Money] = {}
        for number, part in parts:
            code = self.model.docs[number].tenant
            owned.setdefault(code, Money(key, code, 0)).left += part
        rest = whole - sum(part for _, part in parts)
        if tenant is not None and rest:
            owned.setdefault(tenant, Money(key, tenant, 0)).left += rest
        elif tenant is None:
            self.model.got[-1].unplaced = rest
        self.model.money += owned.values()
        for number, part in parts:
            target = self.model.docs[number]
            self.model.settle(owned[target.tenant], target, part)
        if how == AUTOMATIC and tenant is not None:
            self.model.pay_oldest(owned[tenant])
        self.later(1)

    @precondition(lambda self: self.model.live())
    @rule(pick=PICK, share=SHARE, automatic=st.booleans())
    def allocates(self, pick: int, share: int, automatic: bool) -> None:
        key = self.model.live()[pick % len(self.model.live())]
        its = [m for m in self.model.money if m.receipt == key]
        if automatic:
            with writing(self.engine) as connection:
                allocate(connection, key, "automatic", recorded_at=NOW, terms=self.park.settings.terms, on=self.day)
            for money in its:
                self.model.pay_oldest(money)
            return
        got = self.model.got[key - 1]
        left = sum(money.left for money in its)
        parts = self.named(TENANTS, share, left + got.unplaced)
        if not parts:
            return
        lacking: dict[str, int] = {}
        for code in dict.fromkeys(self.model.docs[number].tenant for number, _ in parts):
            asked = sum(part for number, part in parts if self.model.docs[number].tenant == code)
            has = sum(money.left for money in its if money.tenant == code)
            if asked > has:
                lacking[code] = asked - has
        with writing(self.engine) as connection:
            try:
                allocate(connection, key, parts, recorded_at=NOW, terms=self.park.settings.terms, on=self.day)
            except Refused:
                assert sum(lacking.values()) > got.unplaced
                return
        assert sum(lacking.values()) <= got.unplaced
        for code, amount in lacking.items():
            got.unplaced -= amount
            its.append(Money(key, code, amount))
            self.model.money.append(its[-1])
        for number, amount in parts:
            target, wanted = self.model.docs[number], amount
            for money in its:
                part = min(wanted, money.left) if money.tenant == target.tenant else 0
                if part:
                    self.model.settle(money, target, part)
                    wanted -= part

    @precondition(lambda self: any(s.stands for s in self.model.settled))
    @rule(pick=PICK, late=st.booleans())
    def undoes(self, pick: int, late: bool) -> None:
        standing = [(key, s) for key, s in enumerate(self.model.settled, 1) if s.stands]
        key, settled = standing[pick % len(standing)]
        with writing(self.engine) as connection:
            undo(connection, key, reason="erreur", recorded_at=NOW, on=self.on(late=late))
        self.model.take_back(settled)

    @precondition(lambda self: any(self.model.got[key - 1].unplaced for key in self.model.live()))
    @rule(pick=PICK, tenant=st.sampled_from(TENANTS), share=SHARE, late=st.booleans())
    def places(self, pick: int, tenant: str, share: int, late: bool) -> None:
        unplaced = [key for key in self.model.live() if self.model.got[key - 1].unplaced]
        key = unplaced[pick % len(unplaced)]
        got = self.model.got[key - 1]
        amount = max(got.unplaced * share // 100, 1)
        on, terms = self.on(late=late), self.park.settings.terms
        with writing(self.engine) as connection:
            place(connection, key, tenant, amount, recorded_at=NOW, terms=terms, on=on)
        got.unplaced -= amount
        self.model.money.append(Money(key, tenant, amount))

    @precondition(lambda self: self.model.with_credit())
    @rule(pick=PICK)
    def withdraws(self, pick: int) -> None:
        money = self.model.with_credit()[pick % len(self.model.with_credit())]
        its = [m for m in self.model.money if (m.receipt, m.tenant) == (money.receipt, money.tenant)]
        with writing(self.engine) as connection:
            withdraw(connection, money.receipt, money.tenant, None, reason="erreur", recorded_at=NOW, on=self.day)
        for one in its:
            self.model.got[money.receipt - 1].unplaced += one.left
            one.left = 0

    @precondition(lambda self: any(not self.model.got[key - 1].cleared for key in self.model.cheques()))
    @rule(pick=PICK, late=st.booleans())
    def clears(self, pick: int, late: bool) -> None:
        waiting = [key for key in self.model.cheques() if not self.model.got[key - 1].cleared]
        key = waiting[pick % len(waiting)]
        got = self.model.got[key - 1]
        on = self.on(late=late, since=got.on)
        with writing(self.engine) as connection:
            clear(connection, key, on, recorded_at=NOW, terms=self.park.settings.terms)
        got.cleared = True

    @precondition(lambda self: any(not self.model.is_paid_back(key) for key in self.model.cheques()))
    @rule(pick=PICK, late=st.booleans())
    def bounces(self, pick: int, late: bool) -> None:
        kept = [key for key in self.model.cheques() if not self.model.is_paid_back(key)]
        key = kept[pick % len(kept)]
        on = self.on(late=late, since=self.model.got[key - 1].on)
        with writing(self.engine) as connection:
            bounce(connection, key, on, "sans provision", recorded_at=NOW)
        self.model.got[key - 1].bounced = True
        self.model.take_all_back(key)

    @rule(pick=PICK, share=SHARE)
    def credits_by_hand(self, pick: int, share: int) -> None:
        # Nothing that was written off is credited: see DECISIONS.
        invoices = [d for d in self.model.docs.values() if d.kind == INVOICE and not d.lost]
        if not invoices:
            return
        target = invoices[pick % len(invoices)]
        with writing(self.engine) as connection:
            lines = [line for line in creditable_lines(connection, target.number) if line.left]
            if not lines:
                return
            line = lines[pick % len(lines)]
            order = CreditOrder(
                target.number, (Part(line.line_no, max(line.left * share // 100, 1)),), "panne", "amina"
            )
            newest = connection.scalar(select(func.max(document.c.issued_on)))
            on = max(self.day, newest or self.day)
            give_credit_note(
                connection, order, CreditTerms(on, NOW, self.park.settings.operator.party, {"712": "7129"})
            )
            settle_what_was_issued(connection, recorded_at=NOW, terms=self.park.settings.terms, tenants=[target.tenant])
        self.day = on
        self.learns()
        self.settles_like_with_like()

    @rule(
        pick=PICK,
        kind=st.sampled_from((DOUBTFUL, DOUBTFUL, REINSTATED, WRITTEN_OFF, WRITTEN_OFF, RECOVERED)),
        share=SHARE,
        late=st.booleans(),
    )
    def decides(self, pick: int, kind: str, share: int, late: bool) -> None:
        invoices = [d for d in self.model.docs.values() if d.kind == INVOICE]
        target = invoices[pick % len(invoices)]
        amount = {WRITTEN_OFF: target.left, RECOVERED: target.lost - target.recovered}.get(kind, target.left)
        part = max(amount * share // 100, 1)
        self.references += 1
        reference = f"V{self.references}" if kind == RECOVERED else None
        order = Order(target.number, kind, self.on(late=late), part, "litige", "amina", "karim", reference)
        try:
            with writing(self.engine) as connection:
                decide(connection, order, recorded_at=NOW)
                key = connection.scalar(select(func.max(debt_act.c.id)))
        except Refused:
            return
        self.model.apply(target.tenant)
        if kind == WRITTEN_OFF:
            target.left -= part
            target.lost += part
        elif kind == RECOVERED:
            target.recovered += part
            self.model.recovered.append(Recovered(int(key or 0), target, part))

    @rule(pick=PICK, share=SHARE, late=st.booleans())
    def refunds(self, pick: int, share: int, late: bool) -> None:
        chosen = self.to_be_paid_back(pick)
        if chosen is not None:
            self.pay_back(chosen, share, self.on(late=late))

    def to_be_paid_back(self, pick: int) -> "Doc | Money | int | None":
        model = self.model
        notes = [d for d in model.docs.values() if d.kind == CREDIT_NOTE and d.left]
        ready = [m for m in model.with_credit() if model.is_money(m.receipt)]
        unplaced = [key for key in model.live() if model.got[key - 1].unplaced and model.is_money(key)]
        choices: list[Doc | Money | int] = [*notes, *ready, *unplaced]
        return choices[pick % len(choices)] if choices else None

    def refund_of(self, chosen: "Doc | Money | int", share: int, on: date) -> "tuple[RefundOrder, Doc | Money | int]":
        """The order that pays so much of it back, and what it then comes from."""
        if isinstance(chosen, Money):
            # Of several parts of a receipt that are a tenant's, the largest is paid back.
            its = [
                (m.left, key, m)
                for key, m in enumerate(self.model.money)
                if (m.receipt, m.tenant) == (chosen.receipt, chosen.tenant)
            ]
            chosen = max(its)[2]
        left = self.model.got[chosen - 1].unplaced if isinstance(chosen, int) else chosen.left
        amount = max(left * share // 100, 1)
        self.references += 1
        order = RefundOrder("transfer", f"R{self.references}", on, amount, "trop-perçu")
        if isinstance(chosen, int):
            return order._replace(receipt=chosen), chosen
        if isinstance(chosen, Money):
            return order._replace(receipt=chosen.receipt, tenant=chosen.tenant), chosen
        return order._replace(credit_note=chosen.number), chosen

    def pay_back(self, chosen: "Doc | Money | int", share: int, on: date) -> None:
        order, source = self.refund_of(chosen, share, on)
        try:
            with writing(self.engine) as connection:
                refund_credit(connection, order, recorded_at=NOW, terms=self.park.settings.terms)
        except Refused as refused:
            # Paid back before it was there: what settled by itself is dated today.
            if "comes before" not in str(refused):
                raise
            return
        self.model.pay_back(source, order.amount or 0)

    @rule()
    def applies(self) -> None:
        with writing(self.engine) as connection:
            apply_credits(connection, recorded_at=NOW, on=self.day)
        self.model.apply()

    @rule()
    def closes_a_month(self) -> None:
        month = FIRST_MONTH if self.closed is None else next_month(self.closed.replace(day=1))
        if next_month(month) > self.day:
            return
        with writing(self.acting("amina")) as connection:
            close_period(
                connection, month, today=NOW.date(), recorded_at=NOW, open_months_max=12, terms=self.park.settings.terms
            )
        self.closed = next_month(month) - timedelta(days=1)

    def acting(self, user: str) -> Engine:
        """The database, where everything written is this user's act, for a reason."""
        return on_behalf(self.engine, Act(user, CLI, "test", "1", "vérifié", user), lambda: NOW)

    def ends(self) -> None:
        """Clear the cheques, apply the credit, pay what is open, pay back what is left: no VAT waits."""
        if not self.model.docs:
            return
        self.day = NOW.date()
        for key in self.model.cheques():
            if not self.model.got[key - 1].cleared:
                with writing(self.engine) as connection:
                    clear(connection, key, self.day, recorded_at=NOW, terms=self.park.settings.terms)
                self.model.got[key - 1].cleared = True
        self.applies()
        for tenant in TENANTS:
            owed = sum(d.left for d in self.model.owed(tenant))
            if owed:
                self.receives("transfer", tenant, owed, 0, AUTOMATIC, 100)
        for note in [d for d in self.model.docs.values() if d.kind == CREDIT_NOTE and d.left]:
            self.pay_back(note, 100, self.day)
        self.the_books_agree()
        self.no_vat_waits()


@dataclass
class Ordered:
    """An order that waits: since which step, and what approving it does to the model."""

    since: int
    carry_out: Callable[[], None]


@dataclass
class Told:
    """A bank statement: its balance after it, and the receipts of its lines."""

    key: int
    closing: int
    receipts: list[int]


class SafeHands(MoneyIn):
    """What people take back, what the bank tells, and what a second person approves."""

    def __init__(self) -> None:
        super().__init__()
        self.ordered: dict[int, Ordered] = {}
        self.statements: list[Told] = []
        self.told = 0

    @rule(pick=PICK)
    def voids_usage(self, pick: int) -> None:
        """R10: the next run takes back the line that billed it (`bills_what_stands`)."""
        entered = [f"U{month:02}" for month in range(FIRST_MONTH.month, self.month.month)]
        with writing(self.engine) as connection:
            void_events(connection, [VoidOrder(entered[pick % len(entered)], "saisi deux fois")], recorded_at=NOW)

    @precondition(lambda self: any(not got.cancelled and not got.brought for got in self.model.got))
    @rule(pick=PICK, dated=st.booleans())
    def cancels(self, pick: int, dated: bool) -> None:
        standing = [key for key, got in enumerate(self.model.got, 1) if not got.cancelled and not got.brought]
        key = standing[pick % len(standing)]
        try:
            with writing(self.engine) as connection:
                cancel(connection, key, reason="doublon", recorded_at=NOW, on=self.day if dated else None)
        except Conflict:
            assert self.model.is_paid_back(key)
            return
        assert not self.model.is_paid_back(key)
        self.cancelled(key)

    def cancelled(self, key: int) -> None:
        self.model.got[key - 1].cancelled = True
        self.model.take_all_back(key)

    @precondition(lambda self: any(paid.stands for paid in self.model.paid_back))
    @rule(pick=PICK, dated=st.booleans())
    def cancels_a_refund(self, pick: int, dated: bool) -> None:
        standing = [(key, paid) for key, paid in enumerate(self.model.paid_back, 1) if paid.stands]
        key, paid = standing[pick % len(standing)]
        with writing(self.engine) as connection:
            cancel_paid_back(connection, key, reason="jamais payé", recorded_at=NOW, on=self.day if dated else None)
        self.model.take_back_paid(paid)

    @precondition(lambda self: any(made.stands for made in self.model.recovered))
    @rule(pick=PICK, dated=st.booleans())
    def cancels_a_recovery(self, pick: int, dated: bool) -> None:
        standing = [made for made in self.model.recovered if made.stands]
        made = standing[pick % len(standing)]
        self.cancels_named(f"CR-{made.key}", dated=dated)
        made.stands = False
        made.target.recovered -= made.amount

    def cancels_named(self, name: str, *, dated: bool) -> None:
        with writing(self.engine) as connection:
            cancel_named(connection, name, reason="jamais reçu", recorded_at=NOW, on=self.day if dated else None)

    @rule(amount=st.sampled_from((100000, 250000, 580000, -50000, -250000)), late=st.booleans())
    def moves_a_deposit(self, amount: int, late: bool) -> None:
        self.references += 1
        kind, reason = ("received", None) if amount > 0 else ("returned", "fin du bail")
        day = self.on(late=late)
        movement = Movement(kind, "transfer", day, abs(amount), f"V{self.references}", reason)
        held = self.model.held + amount
        possible = 0 <= held <= 580000 and (amount > 0 or self.model.held_on(day) + amount >= 0)
        try:
            with writing(self.engine) as connection:
                move_deposit(connection, 1, movement, recorded_at=NOW)
        except Refused:
            assert not possible
            return
        assert possible
        self.model.deposit.append(Moved(amount, day))

    @precondition(lambda self: any(moved.stands for moved in self.model.deposit))
    @rule(pick=PICK, dated=st.booleans())
    def cancels_a_deposit(self, pick: int, dated: bool) -> None:
        standing = [(key, moved) for key, moved in enumerate(self.model.deposit, 1) if moved.stands]
        key, moved = standing[pick % len(standing)]
        held = self.model.held - moved.amount
        try:
            self.cancels_named(f"DG-000001/{key}", dated=dated)
        except Conflict:
            assert not 0 <= held <= 580000
            return
        assert 0 <= held <= 580000
        moved.stands = False

    # What the bank tells.

    @rule(pick=PICK, amount=st.sampled_from((1, 7700, 100000)))
    def imports_a_statement(self, pick: int, amount: int) -> None:
        """One line pays an invoice whole, which is certain; the other is nobody's, and waits."""
        self.told += 1
        # What was taken on bears no structured reference of ours.
        owed = [d for tenant in TENANTS for d in self.model.owed(tenant) if d.number.startswith("FA-")]
        lines, day = [says(format_amount(amount), self.day.isoformat(), text=f"DIVERS {self.told}")], self.day
        moved = amount
        if owed:
            target = owed[pick % len(owed)]
            rf = rf_of(target.number)
            lines.append(says(format_amount(target.left), day.isoformat(), structured=rf, text=f"LOYER {self.told}"))
            moved += target.left
        opening = self.statements[-1].closing if self.statements else 0
        content = statement(
            lines, opening=format_amount(opening), closing=format_amount(opening + moved), on=day.isoformat()
        )
        (taken,) = takes(self.park, content).statements
        receipts = self.learns_receipts()
        self.statements.append(Told(int(taken.statement or 0), opening + moved, receipts))

    @precondition(lambda self: bool(self.waiting_lines()))
    @rule(pick=PICK, tenant=st.sampled_from(TENANTS), automatic=st.booleans())
    def decides_a_line(self, pick: int, tenant: str, automatic: bool) -> None:
        """In a closed month it is booked on the first open day (D8)."""
        waiting = self.waiting_lines()
        told, line_no = waiting[pick % len(waiting)]
        decides_line(self.park, (told.key, line_no), "received", tenant=tenant, automatic=automatic)
        told.receipts += self.learns_receipts()

    def waiting_lines(self) -> list[tuple[Told, int]]:
        return [
            (told, int(name.partition("/")[2]))
            for told in self.statements
            for name, said in found(self.park, [told.key]).items()
            if said.endswith(" ?")
        ]

    @precondition(lambda self: bool(self.statements))
    @rule()
    def withdraws_the_last_statement(self) -> None:
        told = self.statements[-1]
        standing = [key for key in told.receipts if not self.model.got[key - 1].cancelled]
        try:
            with writing(self.engine) as connection:
                withdraw_statement(connection, told.key, reason="mauvais fichier", recorded_at=NOW)
        except Conflict:
            assert any(self.model.is_paid_back(key) for key in standing)
            return
        assert not any(self.model.is_paid_back(key) for key in standing)
        for key in standing:
            self.cancelled(key)
        self.statements.pop()

    # What a second person approves (R23).

    def orders(self, kind: Orderable, order: Any, carry_out: Callable[[], None]) -> None:
        with writing(self.acting("amina")) as connection:
            placed = place_order(connection, kind, order, clock=lambda: NOW, settings=self.park.settings)
        if isinstance(placed, Waiting):
            self.ordered.setdefault(placed.number, Ordered(self.steps + 1, carry_out))
        else:
            assert isinstance(placed, Done)
            carry_out()

    @rule(pick=PICK, share=SHARE)
    def orders_a_refund(self, pick: int, share: int) -> None:
        chosen = self.to_be_paid_back(pick)
        if chosen is None:
            return
        order, source = self.refund_of(chosen, share, self.day)
        try:
            self.orders(REFUND, order, lambda: self.model.pay_back(source, order.amount or 0))
        except Refused as refused:
            if "comes before" not in str(refused):
                raise

    @rule(pick=PICK)
    def orders_a_write_off(self, pick: int) -> None:
        invoices = [d for d in self.model.docs.values() if d.kind == INVOICE and d.left]
        if not invoices:
            return
        target = invoices[pick % len(invoices)]
        part = target.left

        def carry_out() -> None:
            self.model.apply(target.tenant)
            target.left -= part
            target.lost += part

        try:
            self.orders(WRITE_OFF, Order(target.number, WRITTEN_OFF, self.day, part, "litige", "amina"), carry_out)
        except Refused:
            # The tenant's credit pays a part of it first.
            assert any(m.tenant == target.tenant for m in self.model.with_credit()) or any(
                d.kind == CREDIT_NOTE and d.tenant == target.tenant and d.left for d in self.model.docs.values()
            )

    @precondition(lambda self: any(not got.cancelled and not got.brought for got in self.model.got))
    @rule(pick=PICK)
    def orders_a_cancellation(self, pick: int) -> None:
        standing = [key for key, got in enumerate(self.model.got, 1) if not got.cancelled and not got.brought]
        key = standing[pick % len(standing)]
        before = len(self.ordered)
        try:
            self.orders(CANCELLATION, CancellationOrder(key, "doublon"), lambda: self.cancelled(key))
        except Conflict:
            assert self.model.is_paid_back(key)
            return
        if len(self.ordered) > before:
            above = self.park.settings.terms.at(ABOVE, NOW.date())
            assert parse_decimal(above, AMOUNT_DECIMALS) == 500000

    @precondition(lambda self: bool(self.ordered))
    @rule(pick=PICK, refused=st.booleans())
    def a_second_person_decides(self, pick: int, refused: bool) -> None:
        number = sorted(self.ordered)[pick % len(self.ordered)]
        order = self.ordered.pop(number)
        with (
            pytest.raises(BillingError, match="amina has the role finance"),
            writing(self.acting("amina")) as connection,
        ):
            approve(connection, ORDERABLES, number, now=NOW, settings=self.park.settings)
        with writing(self.acting("karim")) as connection:
            if refused:
                refuse(connection, number, "pas justifié", now=NOW)
                return
            outcome = approve(connection, ORDERABLES, number, now=NOW, settings=self.park.settings)
        if outcome == APPROVED:
            order.carry_out()
        else:
            # What it would do has changed since: something was done meanwhile.
            assert (outcome, self.steps > order.since) == (VOID, True)


@pytest.mark.timeout(1200)
# Takes long: `check` proves the whole database after each of 30 steps of each example.
def test_whatever_is_done_with_money_the_books_agree(fresh_engine: FreshEngine, request: pytest.FixtureRequest) -> None:
    """On both databases; `check` is green after every step."""
    machine = type("SafeHandsHere", (SafeHands,), {"fresh_engine": staticmethod(fresh_engine)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES[request.node.callspec.params["fresh_engine"]],
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
