"""Proof of everything a tenant has to do with: its documents, entries, usage, positions, outcomes (R10-R21).

Tenants are taken some hundreds at a time with their whole history, so that memory stays flat and every query
goes by an index.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, exists, func, not_, or_, select, union_all

from billing.documents.checks.credits import credit_faults, expected_vat, is_cancellation, reason_faults
from billing.documents.checks.documents import LineKey, document_faults, sale_of, sign_of
from billing.documents.checks.holdings import BookedEntry, Holdings, RunKey, read_holdings
from billing.entries.accounts import ADVANTAGE, ADVANTAGE_COUNTERPART, CLIENTS, CONTRIBUTIONS, SITE_POOL, SUPPORT
from billing.entries.standing import Place, difference_of_sums
from billing.frame.checking import Proof, Step, by_index
from billing.register.tables import billing_run, tenant, usage_event, usage_void
from billing.run.tables import UNBILLED, USAGE_LINKS, run_outcome, usage_billing
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.reading import priced_line
from pricing.cross_subsidy import Position, positions
from pricing.money import format_amount, format_quantity
from pricing.period import format_month, month_period
from pricing.rating import PricedLine

_TENANTS_AT_A_TIME = 250
_EVENTS_NAMED = 5


def tenant_count(connection: Connection) -> int:
    """Count the tenants to be proved."""
    return int(connection.scalar(select(func.count()).select_from(tenant)) or 0)


def tenants(connection: Connection, step: Step) -> Iterator[str]:
    """Each tenant's documents recompute, are booked, bill each event once, and give its positions."""
    periods = list(connection.scalars(select(billing_run.c.period)))
    with by_index(connection):
        last = ""
        while True:
            c = tenant.c.code
            codes = list(connection.scalars(select(c).where(c > last).order_by(c).limit(_TENANTS_AT_A_TIME)))
            if not codes:
                return
            yield from _faults(connection, read_holdings(connection, codes, periods))
            yield from _left_behind(connection, codes, periods)
            step(len(codes))
            last = codes[-1]


def _faults(connection: Connection, held: Holdings) -> Iterator[str]:
    of_tenant: dict[str, dict[LineKey, Any]] = defaultdict(dict)
    owed: Counter[str] = Counter()
    for head in held.documents:
        owed[head.tenant] += sign_of(head.kind) * (head.gross - held.settled.get(head.id, 0))
        for line in held.lines.get(head.id, ()):
            of_tenant[head.tenant][line.document_id, line.line_no] = line
    vat = expected_vat(held)
    for head in held.documents:
        if head.id in held.brought:
            # Proved with the take-on that brought it (`billing.take_on.checks`).
            continue
        lines = held.lines.get(head.id, [])
        # Lines that bill a credit note's amount again are judged with the credit notes by hand.
        own = [line for line in lines if (line.document_id, line.line_no) not in held.withdrawals]
        if head.period is not None or head.kind == INVOICE:
            yield from document_faults(
                head, lines, own, held.vat.get(head.id, ()), vat[head.id], of_tenant[head.tenant]
            )
        if head.period is None and head.kind == INVOICE:
            yield from reason_faults(head, held)
        yield from _sale_faults(head, lines, held.sales.get(head.id))
        yield from _usage_faults(connection, head, own, held)
    yield from credit_faults(held, vat)
    for billed in held.events.values():
        yield f"usage event {billed.event} is billed by a line that is not its tenant's usage"
    for code in sorted({*owed, *held.receivables}):
        due = owed[code] - held.set_apart.get(code, 0)
        if due != held.receivables.get(code, 0):
            apart = f", {format_amount(owed[code] - due)} of it doubtful" if due != owed[code] else ""
            yield (
                f"account {CLIENTS} of tenant {code} stands at {format_amount(held.receivables.get(code, 0))}, its "
                f"documents have {format_amount(owed[code])} open{apart}"
            )
    yield from _run_faults(held)


def _sale_faults(head: Any, lines: Sequence[Any], booked: BookedEntry | None) -> Iterator[str]:
    """One sales entry a document, and just what R20 says."""
    if booked is None:
        yield f"{head.number} has no entry VTE/{head.number} in the sales journal"
        return
    if (booked.effective_on, booked.piece, booked.journal) != (head.issued_on, head.number, "VTE"):
        yield (
            f"{head.number}, issued on {head.issued_on}, is booked on {booked.effective_on} in journal "
            f"{booked.journal} as piece {booked.piece}"
        )
    for fault in difference_of_sums(sale_of(head, lines), booked.sums):
        yield f"{head.number}: in its entry VTE/{head.number}, {fault}"


def _usage_faults(connection: Connection, head: Any, lines: Sequence[Any], held: Holdings) -> Iterator[str]:
    """The events a usage line bills sum to its quantity and are of its site, service and month (R10)."""
    if head.kind != INVOICE or head.period is None:
        return
    for line in lines:
        if line.lease is not None:
            continue
        place = f"{head.number} line {line.line_no}"
        billed = held.events.pop((head.tenant, line.document_id, line.line_no), None)
        quantity = 0 if billed is None else int(billed.quantity)
        if quantity != line.quantity:
            yield (
                f"{place}: the usage events it bills sum to {format_quantity(quantity)}, "
                f"not {format_quantity(line.quantity)}"
            )
        if billed is None:
            continue
        whole = month_period(line.month)
        if (
            {billed.least_site, billed.greatest_site} != {line.site}
            or {billed.least_service, billed.greatest_service} != {line.service}
            or billed.earliest not in whole
            or billed.latest not in whole
        ):
            yield from _foreign_events(connection, line, place)


def _foreign_events(connection: Connection, line: Any, place: str) -> Iterator[str]:
    e = usage_event.c
    whole = month_period(line.month)
    links = union_all(*(select(t.c.usage_event_id, t.c.document_id, t.c.line_no) for t in USAGE_LINKS)).subquery()
    b = links.c
    query = (
        select(e.event_id, e.site, e.service, e.occurred_on)
        .join(links, b.usage_event_id == e.id)
        .where(
            b.document_id == line.document_id,
            b.line_no == line.line_no,
            or_(
                e.site != line.site,
                e.service != line.service,
                e.occurred_on < whole.start,
                e.occurred_on >= whole.end,
            ),
        )
        .order_by(e.event_id)
        .limit(_EVENTS_NAMED)
    )
    for event, site, service, day in connection.execute(query):
        yield (
            f"{place} bills {line.service} at {line.site} in {format_month(line.month)}, "
            f"usage event {event} is {service} at {site} on {day}"
        )


def _run_faults(held: Holdings) -> Iterator[str]:
    """Outcomes name the documents issued; positions are those of their lines, and are booked (R14, R16, R17, R21)."""
    issued: dict[RunKey, dict[str, Any]] = defaultdict(dict)
    for head in held.documents:
        if head.period is not None:
            issued[head.period, head.tenant][head.kind] = head
    cancelled = _cancelled(held)
    yield from _uncounted(held, cancelled)
    for key in sorted({*issued, *held.outcomes, *held.positions, *held.shares, *cancelled}):
        place = f"the run of {format_month(key[0])}, tenant {key[1]}"
        documents, outcome = issued.get(key, {}), held.outcomes.get(key)
        if outcome is None:
            yield f"{place}: documents or positions stand without an outcome"
        else:
            yield from _outcome_faults(place, outcome, documents)
        computed = {p.site: p for p in _computed_positions(held, documents, cancelled.get(key, ()))}
        stored = held.positions.get(key, {})
        for site in sorted({*computed, *stored}):
            due, stands = computed.get(site, Position(site, 0, 0, 0)), stored.get(site, Position(site, 0, 0, 0))
            if due != stands:
                computed_text = _position_text(due)
                yield f"{place}: the position at {site} is {_position_text(stands)}, its lines give {computed_text}"
        booked = held.shares.get(key)
        for fault in difference_of_sums(_share_of(key[1], stored.values()), {} if booked is None else booked.sums):
            yield f"{place}: in its entry PER/{format_month(key[0])}/{key[1]}, {fault}"


def _outcome_faults(place: str, outcome: Any, documents: dict[str, Any]) -> Iterator[str]:
    for kind, named in ((INVOICE, outcome.invoice_id), (CREDIT_NOTE, outcome.credit_note_id)):
        head = documents.get(kind)
        if named != (None if head is None else head.id):
            stands = "none stands" if head is None else f"{head.number} stands"
            what = f"{'no' if named is None else 'another'} {kind.replace('_', ' ')}"
            yield f"{place}: the outcome names {what}, {stands}"
    if (outcome.status == "issued") != bool(documents):
        yield f"{place}: the outcome says {outcome.status!r}, {len(documents)} documents stand"


def _cancelled(held: Holdings) -> dict[RunKey, list[Any]]:
    """Return the credit notes by hand that cancel lines, by the run and tenant that count them (R28)."""
    cancelled: dict[RunKey, list[Any]] = defaultdict(list)
    for head in held.documents:
        if is_cancellation(head, held.lines.get(head.id, ())) and head.id in held.cancellations:
            cancelled[held.cancellations[head.id], head.tenant].append(head)
    return cancelled


def _uncounted(held: Holdings, cancelled: dict[RunKey, list[Any]]) -> Iterator[str]:
    """Each cancellation is counted by the next run that bills its tenant, and nothing else is."""
    counted = {head.id for heads in cancelled.values() for head in heads}
    newest = {head.tenant: head.id for head in held.documents if head.period is not None}
    for head in held.documents:
        if head.id in held.cancellations and head.id not in counted:
            yield f"{head.number} is counted by a run as a cancellation, and is none"
        lines = held.lines.get(head.id, ())
        if is_cancellation(head, lines) and head.id not in counted and newest.get(head.tenant, 0) > head.id:
            yield f"{head.number} cancels lines, and no run since has counted what they gave"


def _computed_positions(held: Holdings, documents: dict[str, Any], cancelled: Sequence[Any]) -> tuple[Position, ...]:
    def lines(kind: str) -> list[PricedLine]:
        head = documents.get(kind)
        return [] if head is None else [priced_line(line) for line in held.lines.get(head.id, ())]

    by_hand = [priced_line(line) for head in cancelled for line in held.lines.get(head.id, ())]
    return positions(lines(INVOICE), [*lines(CREDIT_NOTE), *by_hand])


def _position_text(position: Position) -> str:
    return (
        f"contribution {format_amount(position.contribution)}, draw {format_amount(position.draw)}, "
        f"advantage {format_amount(position.advantage)}"
    )


def _share_of(code: str, stored: Any) -> Counter[Place]:
    """Return what the books must hold for a tenant's positions by R21: signed sums, debit positive."""
    sums: Counter[Place] = Counter()
    for position in stored:
        site = position.site
        sums[CONTRIBUTIONS, code, site] += position.supply
        sums[SUPPORT, code, site] -= position.need
        sums[SITE_POOL, None, site] += position.need - position.supply
        sums[ADVANTAGE, code, site] += position.advantage
        sums[ADVANTAGE_COUNTERPART, None, site] -= position.advantage
    return sums


def _left_behind(connection: Connection, codes: list[str], periods: list[date]) -> Iterator[str]:
    """No usage event below a tenant's watermark is unbilled and not void: no run would look at it again (R10)."""
    o, e = run_outcome.c, usage_event.c
    marks = (
        select(o.tenant, func.max(o.usage_watermark).label("mark"))
        .where(o.period.in_(periods), o.tenant.in_(codes), o.status.not_in(UNBILLED))
        .group_by(o.tenant)
        .subquery()
    )
    query = (
        select(e.event_id, e.tenant)
        .join(marks, and_(marks.c.tenant == e.tenant, e.id <= marks.c.mark))
        .where(
            e.tenant.in_(codes),
            not_(exists().where(usage_billing.c.usage_event_id == e.id)),
            not_(exists().where(usage_void.c.usage_event_id == e.id)),
        )
        .order_by(e.id)
    )
    for event, code in connection.execute(query):
        yield f"usage event {event} of tenant {code} was left behind: below the watermark, and billed by no line"


CHECKS: tuple[Proof, ...] = (tenants,)
