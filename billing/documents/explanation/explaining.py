"""Explain a document: price each line anew from the register as it stood when it was issued, and name those facts.

A line credited whole is explained by the invoice that billed it; usage billed again after a void, by the first line
that billed it (R10). What a person decided is shown with the reason that was given.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from billing.documents.explanation.facts import Facts, Register, Version
from billing.documents.explanation.queries import (
    BilledEvent,
    LineKey,
    acts_of,
    billed_events,
    cancelled_by_hand,
    creditings,
    funding_parts,
    made_by_hand,
    replaced_lines,
    settlings,
    site_positions,
    voids_until,
)
from billing.documents.explanation.shapes import DocumentExplanation, LineExplanation, LineNamed
from billing.documents.explanation.wording import LineFacts, written, written_line
from billing.register.history import (
    RegisterChange,
    lease_history,
    rate_history,
    site_history,
    tenant_history,
    vat_history,
)
from invoices.document import CREDIT_NOTE, Document, DocumentLine
from invoices.reading import document_id, load_documents
from pricing.errors import PricingError
from pricing.money import line_amount
from pricing.period import ONE_DAY, format_month
from pricing.rating import Lease, PricedLine, UsageEvent, office_lines, usage_lines


def explain(connection: Connection, number: str) -> DocumentExplanation:
    """Explain a document; raises UnknownDocument."""
    key = document_id(connection, number)
    ((_, issued),) = load_documents(connection, [key])
    by_hand = made_by_hand(connection, key)
    tenant, reading = issued.buyer.code, _read(connection, key, issued, by_hand)
    return DocumentExplanation(
        number=number,
        kind=issued.kind,  # type: ignore[arg-type]
        tenant=tenant,
        period=None if issued.period is None else format_month(issued.period),
        issued_on=issued.issued_on,
        issued=written(reading.register.acts.get(key)),
        reason=None if by_hand is None else by_hand.reason,
        issued_by=None if by_hand is None else by_hand.issued_by,
        lines=[_line(reading, line_no, line) for line_no, line in enumerate(issued.lines, 1)],
        positions=site_positions(connection, tenant, issued.period),
        funding=funding_parts(connection, tenant, issued.period),
        counted_in=None if by_hand is None or by_hand.period is None else format_month(by_hand.period),
        settled=settlings(connection, key),
        credited=creditings(connection, key),
    )


@dataclass(frozen=True)
class _Reading:
    """All that the lines of a document are explained from."""

    document: int
    issued: Document
    by_hand: Any
    register: Register
    events: Mapping[LineKey, Sequence[BilledEvent]]
    # The one-off invoices among the documents whose lines it takes back (R27): no fact priced them.
    one_off: Collection[int]
    numbers: Mapping[int, str]
    anew: Collection[LineKey]
    replaced: Sequence[Any]

    def basis(self, line: LineKey, billed: BilledEvent) -> LineKey:
        """Return the line whose facts priced an event: the first that billed it, unless one was cancelled by hand."""
        while billed.former is not None and billed.former not in self.anew:
            line = billed.former
            billed = next(x for x in self.events[line] if x.event.id == billed.event.id)
        return line


def _read(connection: Connection, key: int, issued: Document, by_hand: Any) -> _Reading:
    """Read what explains a document: the lines it takes back or bills again, their events, the register's history."""
    tenant = issued.buyer.code
    replaced = replaced_lines(connection, tenant, issued.period)
    wanted = {key, *(line.corrects.document_id for line in issued.lines if line.corrects is not None)}
    events: dict[LineKey, list[BilledEvent]] = {}
    known: set[int] = set()
    while wanted - known:
        news = wanted - known
        events |= billed_events(connection, tenant, news)
        known |= news
        wanted |= {x.former[0] for of_line in events.values() for x in of_line if x.former is not None}
    documents = load_documents(connection, sorted(known))
    formers = {x.former for of_line in events.values() for x in of_line if x.former is not None}
    acts = acts_of(connection, known | {row.document_id for row in replaced})
    services = {(line.priced.site, line.priced.service) for _, each in documents for line in each.lines}
    register = Register(
        tenant_history(connection, tenant),
        lease_history(connection, tenant),
        rate_history(connection, services),
        vat_history(connection, {service for _, service in services}),
        site_history(connection, {site for site, _ in services}),
        acts,
        voids_until(connection, tenant, acts[key].act) if key in acts and events else {},
    )
    return _Reading(
        document=key,
        issued=issued,
        by_hand=by_hand,
        register=register,
        events=events,
        one_off={document for document, each in documents if each.is_one_off},
        numbers={document: each.number for document, each in documents},
        anew=cancelled_by_hand(connection, formers) if formers else frozenset(),
        replaced=replaced,
    )


def _line(reading: _Reading, line_no: int, line: DocumentLine) -> LineExplanation:
    taken, by_hand, tenant = line.corrects, reading.by_hand, reading.issued.buyer.code
    # A rebate, what bills one again and a one-off invoice have prices that no fact of the register decided.
    basis = (reading.document, line_no) if taken is None else (taken.document_id, taken.line_no)
    is_of_hand = (by_hand is not None and not by_hand.is_cancellation) or basis[0] in reading.one_off
    priced, billed = line.priced, reading.events.get(basis, ())
    line_facts = LineFacts(
        line_no=line_no,
        line=line,
        origin="taken_back" if taken is not None else "lease" if priced.lease is not None else "usage",
        sign=-1 if reading.issued.kind == CREDIT_NOTE else 1,
        takes_back=None if taken is None else LineNamed(taken.number, taken.line_no),
        reason=None if by_hand is None else by_hand.reason,
    )
    if reading.issued.is_brought:
        return written_line(line_facts._replace(origin="brought"))
    if line.withdraws is not None or is_of_hand:
        return written_line(line_facts._replace(origin="by_hand" if is_of_hand else "billed_again"))
    bases = [reading.basis(basis, x) for x in billed] or [basis]
    all_facts = {place: reading.register.facts(tenant, place) for place, _ in bases}
    facts = all_facts[bases[0][0]]
    days = [x.event.occurred_on for x in billed] or [priced.first_day or priced.month]
    return written_line(
        line_facts._replace(
            facts=facts,
            versions=_versions(priced, zip(bases, days, strict=True), all_facts),
            vat=None if facts is None else facts.vat_on(priced.service, days[0]),
            billed=tuple((x, _former(reading, x)) for x in billed),
            voids=reading.register.voids,
            changes=()
            if by_hand is not None
            else tuple(_changes(reading, basis, line, days, {x.event_id for x in billed})),
            is_reproduced=_is_reproduced(reading, basis, priced, billed, all_facts),
        )
    )


def _former(reading: _Reading, billed: BilledEvent) -> LineNamed | None:
    return None if billed.former is None else LineNamed(reading.numbers[billed.former[0]], billed.former[1])


def _versions(
    priced: PricedLine, places: Iterable[tuple[LineKey, date]], all_facts: Mapping[int, Facts | None]
) -> tuple[Version, ...]:
    """Return the versions of the rate that priced a line, oldest first: usually one."""
    versions = {
        (version.key, version.entered): version
        for (document, _), first in places
        if (facts := all_facts[document]) is not None
        for version in facts.rates_of(priced, first)
    }
    return tuple(sorted(versions.values(), key=lambda v: (v.row["effective_from"], v.row["tenant_kind"])))


def _changes(
    reading: _Reading, basis: LineKey, line: DocumentLine, days: Sequence[date], events: Collection[str]
) -> list[RegisterChange]:
    """Return what changed since the line that this one takes back, or those it replaces, were billed."""
    p = line.priced
    if line.corrects is not None:
        since = basis[0]
    else:
        alike = [
            row.document_id
            for row in reading.replaced
            if (row.lease, row.site, row.service, row.month) == (p.lease, p.site, p.service, p.month)
        ]
        if not alike:
            return []
        since = min(alike)
    changes = reading.register.changes(reading.issued.buyer.code, since, reading.document, p, days, events)
    return sorted(changes, key=lambda change: change.provenance.act)


def _is_reproduced(
    reading: _Reading,
    basis: LineKey,
    priced: PricedLine,
    billed: Sequence[BilledEvent],
    all_facts: Mapping[int, Facts | None],
) -> bool:
    """Return whether the facts price this very line."""
    try:
        if priced.lease is not None:
            facts = all_facts[basis[0]]
            row = None if facts is None else facts.lease(priced.lease)
            if facts is None or row is None:
                return False
            end = None if row["ends_on"] is None else row["ends_on"] + ONE_DAY
            lease = Lease(row["code"], row["site"], row["area"], row["starts_on"], end)
            due = office_lines(lease, priced.month, facts.tenancy, facts.rate_book, facts.vat_book)
            return priced in due
        return _prices_usage(reading, basis, priced, billed, all_facts)
    except PricingError:
        return False


def _prices_usage(
    reading: _Reading,
    basis: LineKey,
    priced: PricedLine,
    billed: Sequence[BilledEvent],
    all_facts: Mapping[int, Facts | None],
) -> bool:
    """Return whether the events of a line, each by the facts that priced it first, make this very line."""
    of_facts: dict[int, list[UsageEvent]] = {}
    for each in billed:
        of_facts.setdefault(reading.basis(basis, each)[0], []).append(each.event)
    terms: set[PricedLine] = set()
    quantity = sum(each.event.quantity for each in billed)
    for document, events in of_facts.items():
        facts = all_facts[document]
        if facts is None:
            return False
        terms |= {line for line, _ in usage_lines(events, facts.tenancy, facts.rate_book, facts.vat_book)}
    # Of several bases each gives a part of the quantity, at the same terms.
    return {
        line._replace(
            quantity=quantity,
            amount=line_amount(line.unit_price, quantity),
            full_amount=line_amount(line.full_price, quantity),
            cost_amount=line_amount(line.unit_cost, quantity),
        )
        for line in terms
    } == {priced}
