"""The bill of one tenant in a run: new lines, lines taken back, position; pure (R9-R14, R16-R17)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from billing.register.catalogue import Catalogue
from billing.run.facts import StandingLine, TenantFacts
from invoices.document import CREDIT_NOTE, INVOICE, Correction, DocumentLine
from invoices.issuing import Draft
from pricing.cross_subsidy import Position, positions
from pricing.errors import PricingError
from pricing.period import ONE_DAY, months, next_month
from pricing.rating import PricedLine, office_lines, usage_lines


class TenantBill(NamedTuple):
    """The bill a run gives a tenant. With an error, nothing is issued and everything waits for mended data.

    Held from the run, with the reason, nothing is issued either, and everything waits for the next one.

    `events` are, by place of the line in the invoice, the usage events it bills; `formers` are, by event, the lines
    taken back that had billed it. `watermark` is the id below which every event of the tenant is done with.
    `cancellations` are the credit notes by hand, key and number, that cancelled lines and that this run counts (R28).
    """

    tenant: str
    error: str | None
    invoice: Draft | None
    credit_note: Draft | None
    events: tuple[tuple[int, tuple[int, ...]], ...]
    positions: tuple[Position, ...]
    watermark: int
    formers: Mapping[int, Correction] = {}
    cancellations: tuple[tuple[int, str], ...] = ()
    held: str | None = None


def drafts_of(bills: Iterable[TenantBill]) -> list[Draft]:
    """Return the documents of bills, in the order of issue."""
    return [draft for bill in bills for draft in (bill.invoice, bill.credit_note) if draft is not None]


def held_bill(tenant: str, reason: str) -> TenantBill:
    """Return the bill of a tenant that is held from the run: none."""
    return TenantBill(tenant, None, None, None, (), (), 0, held=reason)


def bill_tenant(
    facts: TenantFacts, catalogue: Catalogue, period: date, previous: date | None, first: date
) -> TenantBill:
    """Price a tenant's month: `previous` is the month of the run before, `first` where billing begins (R12)."""
    try:
        return _bill(facts, catalogue, period, previous, first)
    except PricingError as error:
        return TenantBill(facts.party.code, str(error), None, None, (), (), 0)


def _bill(facts: TenantFacts, catalogue: Catalogue, period: date, previous: date | None, first: date) -> TenantBill:
    since = next_month(previous) if facts.settled and previous is not None else first
    due = [
        line
        for month in months(since, period)
        for lease in facts.leases
        for line in office_lines(lease, month, facts.tenancy, catalogue.rates, catalogue.vat)
    ]
    missing, taken_back = _difference(due, facts.standing)
    # Events of a line that was cancelled by hand are billed anew, as rates are now.
    anew = {event.id: cancelled.standing.correction for cancelled in facts.cancelled for event in cancelled.events}
    before = [event for event in facts.events if event.occurred_on < period]
    before += [event for cancelled in facts.cancelled for event in cancelled.events]
    again = [(voided.standing.line.priced, event) for voided in facts.voided for event in voided.left]
    used = usage_lines(before, facts.tenancy, catalogue.rates, catalogue.vat, again)
    taken_back += [voided.standing for voided in facts.voided]
    new_lines = [_described(line, facts, catalogue) for line in missing]
    offices = len(new_lines)
    new_lines += [_described(line, facts, catalogue) for line, _ in used]
    # A part that a credit note by hand took back of a line now credited whole must not be credited twice.
    cancelled_lines = [cancelled.standing for cancelled in facts.cancelled]
    new_lines += [part for standing in (*taken_back, *cancelled_lines) for part in standing.by_hand]
    credited = [standing.line._replace(corrects=standing.correction) for standing in taken_back]
    brings = positions([line.priced for line in new_lines])
    takes_back = positions([line.priced for line in credited]) if credited else ()
    lost = [line.priced for line in credited] + [standing.line.priced for standing in cancelled_lines]
    return TenantBill(
        tenant=facts.party.code,
        error=None,
        invoice=_draft(INVOICE, facts, new_lines, brings),
        credit_note=_draft(CREDIT_NOTE, facts, credited, takes_back),
        events=tuple((offices + place, ids) for place, (_, ids) in enumerate(used, 1)),
        positions=positions([x.priced for x in new_lines], lost) if lost else brings,
        watermark=_watermark(facts, period),
        formers={event.id: voided.standing.correction for voided in facts.voided for event in voided.left} | anew,
        cancellations=tuple(dict.fromkeys((x.credit_note, x.number) for x in facts.cancelled)),
    )


def _draft(kind: str, facts: TenantFacts, lines: list[DocumentLine], sums: tuple[Position, ...]) -> Draft | None:
    """Return the document of those lines, or None where there are none (R14)."""
    if not lines:
        return None
    window = facts.tenancy.window
    return Draft(
        kind,
        facts.party,
        tuple(lines),
        sum([position.advantage for position in sums]),
        sum([position.contribution for position in sums]),
        None if window is None else window.end - ONE_DAY,
    )


def _difference(
    due: list[PricedLine], standing: tuple[StandingLine, ...]
) -> tuple[list[PricedLine], list[StandingLine]]:
    """Return the lines due that don't stand yet, and those standing that are not due; leave the others (R13)."""
    if not standing:
        return due, []
    still_due = Counter(due)
    taken_back = []
    for standing_line in standing:
        if still_due[standing_line.line.priced] > 0:
            still_due[standing_line.line.priced] -= 1
        else:
            taken_back.append(standing_line)
    missing = []
    for line in due:
        if still_due[line] > 0:
            still_due[line] -= 1
            missing.append(line)
    return missing, taken_back


def _described(line: PricedLine, facts: TenantFacts, catalogue: Catalogue) -> DocumentLine:
    """Return the line with the texts it is issued with."""
    service = catalogue.services[line.service]
    return DocumentLine(
        line,
        service.label,
        service.unit_of_measure,
        catalogue.sites[line.site],
        "" if line.lease is None else facts.offices[line.lease],
        service.revenue_account,
    )


def _watermark(facts: TenantFacts, period: date) -> int:
    """Return the id up to which every event is billed once this bill is: just below the first one left waiting."""
    waiting = [event.id for event in facts.events if event.occurred_on >= period]
    if waiting:
        return min(waiting) - 1
    return facts.events[-1].id if facts.events else facts.watermark
