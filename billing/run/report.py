"""The figures of a run: done, or only previewed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from msgspec import convert
from sqlalchemy import Connection, and_, func, select

from billing.frame.counted import counted
from billing.register.tables import billing_run
from billing.run import shapes
from billing.run.tables import run_outcome
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.issuing import Draft
from invoices.models import credit_withdrawal, document, document_line
from pricing.money import AMOUNT_DECIMALS, dirhams, format_amount, parse_decimal
from pricing.period import format_month


@dataclass(frozen=True, slots=True)
class Totals:
    """Documents of one kind: how many, their lines, and their sums in centimes."""

    count: int = 0
    net: int = 0
    tax: int = 0
    gross: int = 0
    lines: int = 0

    def plus(self, other: "Totals") -> "Totals":
        """Return these totals and those of further documents."""
        return Totals(
            self.count + other.count,
            self.net + other.net,
            self.tax + other.tax,
            self.gross + other.gross,
            self.lines + other.lines,
        )

    def less(self, other: "Totals") -> "Totals":
        """Return these totals without those documents."""
        return Totals(
            self.count - other.count,
            self.net - other.net,
            self.tax - other.tax,
            self.gross - other.gross,
            self.lines - other.lines,
        )

    def shape(self) -> shapes.Totals:
        """Return the contract's form: amounts as decimal strings."""
        return shapes.Totals(
            count=self.count,
            net=format_amount(self.net),
            tax=format_amount(self.tax),
            gross=format_amount(self.gross),
            lines=self.lines,
        )


class Withdrawn(NamedTuple):
    """A credit note by hand that a run takes back, by billing again so many centimes of it."""

    credit_note: str
    tenant: str
    amount: int


class IssuedSoFar(NamedTuple):
    """What a run has issued so far: totals by kind, credit notes by hand taken back."""

    totals: Mapping[str, Totals]
    withdrawn: tuple[Withdrawn, ...]


NOTHING_ISSUED = IssuedSoFar({INVOICE: Totals(), CREDIT_NOTE: Totals()}, ())


@dataclass(frozen=True, slots=True)
class RunReport:
    """The totals of what a run issued. `errors` are (tenant, why it can't be billed).

    `issued_now` is False when the run was final already, so that nothing was added to it: the totals are then those of
    the whole month. `documents_before` counts those of earlier attempts. `warnings` are what a dry run
    would be refused for. `withdrawn` are the credit notes by hand it takes back. `held` are (tenant, why it was held).
    """

    period: date
    issued_on: date
    invoices: Totals
    credit_notes: Totals
    cross_subsidy: Mapping[str, Any]
    errors: tuple[tuple[str, str], ...]
    issued_now: bool
    dry_run: bool = False
    withdrawn: tuple[Withdrawn, ...] = ()
    documents_before: int = 0
    warnings: tuple[str, ...] = ()
    held: tuple[tuple[str, str], ...] = ()

    def shape(self) -> shapes.RunReport:
        """Return the contract's form."""
        return shapes.RunReport(
            period=format_month(self.period),
            issued_on=self.issued_on,
            dry_run=self.dry_run,
            issued_now=self.issued_now,
            invoices=self.invoices.shape(),
            credit_notes=self.credit_notes.shape(),
            cross_subsidy=convert(self.cross_subsidy, shapes.CrossSubsidy),
            errors=[shapes.TenantError(tenant, message) for tenant, message in self.errors],
            held=[shapes.HeldTenant(tenant, reason) for tenant, reason in self.held],
            withdrawn=[
                shapes.Withdrawn(tenant, number, format_amount(amount)) for number, tenant, amount in self.withdrawn
            ],
            documents_before=self.documents_before,
            warnings=list(self.warnings),
        )

    def lines(self) -> list[str]:
        """Return the report for people, one fact a line."""
        month = format_month(self.period)
        if self.dry_run:
            head = f"{month}, dry run, nothing written"
        elif self.issued_now:
            head = f"{month}, issued on {self.issued_on}"
        else:
            head = f"{month} is final since {self.issued_on}: nothing more to issue"
        lines = [head]
        for name, totals in (("invoice", self.invoices), ("credit note", self.credit_notes)):
            lines.append(
                f"  {counted(totals.count, name)}, {counted(totals.lines, 'line')}: net {_shown(totals.net)}, "
                f"tax {_shown(totals.tax)}, gross {_shown(totals.gross)}"
            )
        lines.append(
            f"  discounts worth {_shown(_centimes(self.cross_subsidy['advantage']))}, "
            f"reserve {_shown(_centimes(self.cross_subsidy['reserve_after']))}"
        )
        takes = "would take" if self.dry_run else "took"
        lines += [
            f"  {takes} back {number}, given by hand to {tenant}: {_shown(amount)} without VAT is billed again, since "
            f"the line it credits was wrong"
            for number, tenant, amount in self.withdrawn
        ]
        lines += [f"  held: {tenant}, which the next run bills: {reason}" for tenant, reason in self.held]
        if self.documents_before:
            lines.append(f"  beside {self.documents_before} documents that this month's run had issued before")
        return lines


def _shown(amount: int) -> str:
    """Return centimes with their currency, for people."""
    money = dirhams(amount)
    return f"{money.amount} {money.currency}"


def _centimes(exported: str) -> int:
    return parse_decimal(exported, AMOUNT_DECIMALS)


def stored_totals(connection: Connection, period: date) -> dict[str, Totals]:
    """Return the totals of the documents a run has issued, by kind."""
    c = document.c
    sums = connection.execute(
        select(c.kind, func.count(), func.sum(c.net), func.sum(c.tax), func.sum(c.gross))
        .where(c.period == period)
        .group_by(c.kind)
    )
    totals = {kind: (int(count), int(net), int(tax), int(gross)) for kind, count, net, tax, gross in sums}
    lines: dict[str, int] = dict(
        connection.execute(
            select(c.kind, func.count())
            .join(document_line, document_line.c.document_id == c.id)
            .where(c.period == period)
            .group_by(c.kind)
        ).all()
    )
    return {
        kind: Totals(*totals[kind], lines.get(kind, 0)) if kind in totals else Totals()
        for kind in (INVOICE, CREDIT_NOTE)
    }


def stored_unbilled(connection: Connection, period: date, status: str) -> tuple[tuple[str, str], ...]:
    """Return the tenants a run left unbilled (one of UNBILLED), and why, by code."""
    c = run_outcome.c
    rows = connection.execute(
        select(c.tenant, c.message).where(c.period == period, c.status == status).order_by(c.tenant)
    )
    return tuple((tenant, message) for tenant, message in rows)


def stored_withdrawn(connection: Connection, period: date) -> tuple[Withdrawn, ...]:
    """Return the credit notes by hand that a run has taken back so far, by number."""
    w, x, note = credit_withdrawal.c, document_line.c, document.alias("note")
    rows = connection.execute(
        select(note.c.number, note.c.tenant, func.sum(x.amount))
        .select_from(credit_withdrawal)
        .join(document, document.c.id == w.document_id)
        .join(document_line, and_(x.document_id == w.document_id, x.line_no == w.line_no))
        .join(note, note.c.id == w.credit_note_id)
        .where(document.c.period == period)
        .group_by(note.c.number, note.c.tenant)
        .order_by(note.c.number)
    )
    return tuple(Withdrawn(number, tenant, int(amount)) for number, tenant, amount in rows)


def drafted_withdrawn(drafts: Iterable[Draft]) -> tuple[Withdrawn, ...]:
    """Return the credit notes by hand that drafts take back, by number."""
    amounts: dict[tuple[str, str], int] = {}
    for draft in drafts:
        for line in draft.lines:
            if line.withdraws is not None:
                key = line.withdraws.number, draft.buyer.code
                amounts[key] = amounts.get(key, 0) + line.priced.amount
    return tuple(Withdrawn(*key, amount) for key, amount in sorted(amounts.items()))


def issued_so_far(connection: Connection, period: date) -> IssuedSoFar:
    """Return what a run has issued so far."""
    return IssuedSoFar(stored_totals(connection, period), stored_withdrawn(connection, period))


def report_of(connection: Connection, period: date) -> RunReport:
    """Return the report of a month that was final already, from what its run stored."""
    run = connection.execute(select(billing_run).where(billing_run.c.period == period)).one()
    totals = stored_totals(connection, period)
    return RunReport(
        period=period,
        issued_on=run.issued_on,
        invoices=totals[INVOICE],
        credit_notes=totals[CREDIT_NOTE],
        cross_subsidy=json.loads(run.cross_subsidy),
        errors=stored_unbilled(connection, period, "error"),
        held=stored_unbilled(connection, period, "held"),
        issued_now=False,
        withdrawn=stored_withdrawn(connection, period),
    )


def report_of_attempt(connection: Connection, period: date, before: IssuedSoFar | None) -> RunReport:
    """Return the report of a run that has just ended; of one tried again, what it issued beside what it found."""
    month = report_of(connection, period)
    if before is None:
        return replace(month, issued_now=True)
    invoices, credit_notes = before.totals[INVOICE], before.totals[CREDIT_NOTE]
    if (month.invoices, month.credit_notes) == (invoices, credit_notes):
        # Nothing was mended.
        return month
    return replace(
        month,
        invoices=month.invoices.less(invoices),
        credit_notes=month.credit_notes.less(credit_notes),
        issued_now=True,
        documents_before=invoices.count + credit_notes.count,
        withdrawn=tuple(taken for taken in month.withdrawn if taken not in before.withdrawn),
    )
