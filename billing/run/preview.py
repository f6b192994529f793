"""A run before it is ordered: priced by the same engine, with the same totals, written nowhere (R14, R24)."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from billing.frame.civil_time import today
from billing.frame.database import reading
from billing.register.catalogue import load_catalogue
from billing.register.tables import billing_run, tenant
from billing.run.batch import bills_of
from billing.run.closing import (
    cross_subsidy_json,
    network_sites,
    rests_on,
    solve,
    standing_waterfall,
    stored_positions,
    sum_positions,
)
from billing.run.facts import TenantFacts, run_basis
from billing.run.holds.queries import held_in_vain
from billing.run.plan import Begin, Final, MonthOrder, Resume, Retry, batches, plan_of
from billing.run.report import (
    NOTHING_ISSUED,
    RunReport,
    Totals,
    drafted_withdrawn,
    issued_so_far,
    report_of,
    stored_unbilled,
)
from billing.run.tables import UNBILLED
from billing.run.tenant_bill import TenantBill, drafts_of
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.issuing import Draft, vat_of_drafts
from pricing.cross_subsidy import Position
from pricing.period import format_month, next_month
from pricing.vat import VatSubtotal


def preview_month(
    engine: Engine,
    period: date,
    *,
    clock: Callable[[], datetime],
    issued_on: date | None = None,
    catch_up: bool = False,
) -> RunReport:
    """Return what running the month now would give, with the same totals; write nothing.

    What the run would refuse as a slip of the pen is a warning here. Raises Refused, RunRefused, IssueDateGoesBack.
    """
    with reading(engine) as connection:
        plan = plan_of(connection, MonthOrder(period, issued_on, catch_up), today(clock()))
        if isinstance(plan, Final):
            return report_of(connection, period)
        preview = Preview(connection, period, plan)
        for bills in preview.batches():
            drafts = drafts_of(bill for _, bill in bills)
            preview.count(drafts, vat_of_drafts(connection, drafts))
        report = preview.report()
        if plan.attempt == 1 or report.invoices.count or report.credit_notes.count:
            return report
        # Tried again in vain, a run is reported as it stands.
        standing = issued_so_far(connection, period)
        return replace(
            report,
            invoices=standing.totals[INVOICE],
            credit_notes=standing.totals[CREDIT_NOTE],
            withdrawn=tuple(sorted(standing.withdrawn)),
        )


def bills_of_next_run(connection: Connection) -> Iterator[TenantBill]:
    """Yield the bills that the run after the latest would give, as facts stand; none before a first run."""
    latest = connection.scalar(select(func.max(billing_run.c.period)))
    if latest is None:
        return
    codes = connection.scalars(select(tenant.c.code).order_by(tenant.c.code)).all()
    catalogue = load_catalogue(connection)
    for scope in batches(next_month(latest), 1, codes):
        yield from (bill for _, bill in bills_of(connection, scope, catalogue))


class Preview:
    """A run under preview: its bills, batch by batch, and what they come to."""

    def __init__(self, connection: Connection, period: date, plan: Begin | Resume | Retry) -> None:
        self._connection = connection
        self._period = period
        self._plan = plan
        # What a run that was interrupted has issued is part of it; what earlier attempts issued is not.
        issued = issued_so_far(connection, period) if plan.attempt == 1 else NOTHING_ISSUED
        self._totals, self._withdrawn = dict(issued.totals), issued.withdrawn
        self._positions = stored_positions(connection, period)
        self._errors, self._held = (dict(stored_unbilled(connection, period, status)) for status in UNBILLED)

    def batches(self) -> Iterator[list[tuple[TenantFacts, TenantBill]]]:
        """Yield the tenants of each batch with their bills, and keep what these mean for the waterfall."""
        catalogue = load_catalogue(self._connection)
        for scope in self._plan.batches:
            bills = bills_of(self._connection, scope, catalogue)
            for _, bill in bills:
                self._errors.pop(bill.tenant, None)
                if bill.error is not None:
                    self._errors[bill.tenant] = bill.error
                if bill.held is not None:
                    self._held[bill.tenant] = bill.held
                self._positions += [Position(*position) for position in bill.positions]
            yield bills

    def count(self, drafts: Sequence[Draft], vats: Sequence[Sequence[VatSubtotal]]) -> None:
        """Add documents, with the VAT they would be issued with, to the totals."""
        sums = {kind: [0, 0, 0, 0] for kind in self._totals}
        for draft, vat in zip(drafts, vats, strict=True):
            of_kind = sums[draft.kind]
            of_kind[0] += 1
            of_kind[3] += len(draft.lines)
            for subtotal in vat:
                of_kind[1] += subtotal.base
                of_kind[2] += subtotal.amount
        for kind, (count, net, tax, lines) in sums.items():
            self._totals[kind] = self._totals[kind].plus(Totals(count, net, tax, net + tax, lines))
        self._withdrawn += drafted_withdrawn(drafts)

    def report(self) -> RunReport:
        """Return the totals and the waterfall, once all batches are counted."""
        connection, period, plan = self._connection, self._period, self._plan
        sums = sum_positions(self._positions, network_sites(connection))
        outcome: Mapping[str, Any]
        if plan.standing is not None and rests_on(plan.standing, sums):
            outcome = json.loads(plan.standing)
        else:
            own = standing_waterfall(connection, period, plan.attempt - 1)
            outcome = cross_subsidy_json(period, sums.advantage, solve(connection, period, sums, own))
        return RunReport(
            period=period,
            issued_on=plan.issued_on,
            invoices=self._totals[INVOICE],
            credit_notes=self._totals[CREDIT_NOTE],
            cross_subsidy=outcome,
            errors=tuple(sorted(self._errors.items())),
            issued_now=False,
            dry_run=True,
            withdrawn=tuple(sorted(self._withdrawn)),
            warnings=(*map(str, plan.objections), *self._held_in_vain()),
            held=tuple(sorted(self._held.items())),
        )

    def _held_in_vain(self) -> Iterator[str]:
        """Yield who is held from a month that has not run: billed by this run, unless held from it too."""
        previous, billing = run_basis(self._connection, self._period).previous, format_month(self._period)
        for month, code in held_in_vain(self._connection, previous, self._period):
            if code not in self._held:
                yield f"{code} is held from {format_month(month)}, which has not been run: {billing} bills it"
