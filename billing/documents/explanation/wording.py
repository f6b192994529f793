"""Write the explanation of a line: its facts in the contract's shape, and in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from msgspec.structs import replace

from billing.documents.explanation.facts import Facts, Version
from billing.documents.explanation.queries import BilledEvent
from billing.documents.explanation.shapes import (
    ChangedFact,
    EventBasis,
    LeaseBasis,
    LineExplanation,
    LineNamed,
    RateBasis,
    TierBasis,
    VatBasis,
    WaterfallPart,
    Written,
)
from billing.documents.tenants.shapes import WindowShown
from billing.frame.shapes import instant
from billing.register.history import Provenance, RegisterChange, Values
from billing.run.shapes import treatment_shapes
from invoices import formats
from invoices.document import DocumentLine
from pricing.eligibility import (
    AGE_LIMIT_MONTHS,
    ELIGIBLE_KINDS,
    SUBSIDISED,
    WINDOW_MONTHS,
    admission_day,
    is_eligible,
    tenancy,
)
from pricing.money import format_amount, format_price, format_quantity, format_rate
from pricing.period import ONE_DAY, add_months, format_month
from pricing.rates import subsidised_price

Origin = Literal["lease", "usage", "taken_back", "billed_again", "by_hand", "brought"]


class LineFacts(NamedTuple):
    """What is known of a line to be written: `sign` is -1 on a credit note, `facts` None where none priced it."""

    line_no: int
    line: DocumentLine
    origin: Origin
    sign: int
    takes_back: LineNamed | None
    reason: str | None
    facts: Facts | None = None
    versions: tuple[Version, ...] = ()
    vat: Version | None = None
    billed: tuple[tuple[BilledEvent, LineNamed | None], ...] = ()
    voids: Mapping[str, RegisterChange] = MappingProxyType({})
    changes: tuple[RegisterChange, ...] = ()
    is_reproduced: bool | None = None


def written_line(line_facts: LineFacts) -> LineExplanation:
    """Write the explanation of a line."""
    p, facts = line_facts.line.priced, line_facts.facts
    withdraws = line_facts.line.withdraws
    shown = LineExplanation(
        line=line_facts.line_no,
        origin=line_facts.origin,
        service=p.service,
        site=p.site,
        month=format_month(p.month),
        tier=p.tier,  # type: ignore[arg-type]
        quantity=format_quantity(p.quantity),
        unit_price=format_price(p.unit_price),
        full_price=format_price(p.full_price),
        unit_cost=format_price(p.unit_cost),
        amount=format_amount(p.amount),
        vat_rate=format_rate(p.vat_rate),
        takes_back=line_facts.takes_back,
        withdraws=None if withdraws is None else withdraws.number,
        as_of=facts.act if facts is not None and facts.act else None,
        lease=_lease(line_facts),
        events=[_event(billed, former, line_facts.voids) for billed, former in line_facts.billed],
        rates=[_rate(version) for version in line_facts.versions],
        vat=None if line_facts.vat is None else _vat(line_facts.vat),
        tier_basis=None if facts is None else tier_basis(facts.tenant, facts.leases),
        cross_subsidy=WaterfallPart(
            *(format_amount(line_facts.sign * amount) for amount in (p.contribution, p.draw, p.advantage))
        ),
        changes=[changed(change) for change in line_facts.changes],
        is_reproduced=line_facts.is_reproduced,
        why=[],
    )
    return replace(shown, why=list(_sentences(line_facts, shown)))


def written(by: Provenance | None) -> Written | None:
    """Write who wrote something; None where nobody knows."""
    return None if by is None else Written(by.act, instant(by.at), by.actor, by.operation, by.reason)


def changed(change: RegisterChange) -> ChangedFact:
    """Write a fact that changed."""
    before, after = (None if side is None else dict(side) for side in (change.before, change.after))
    by = change.provenance
    return ChangedFact(
        change.subject, change.key, before, after, Written(by.act, instant(by.at), by.actor, by.operation, by.reason)
    )


def _lease(line_facts: LineFacts) -> LeaseBasis | None:
    p = line_facts.line.priced
    if p.lease is None or p.first_day is None or p.last_day is None:
        return None
    row = None if line_facts.facts is None else line_facts.facts.lease(p.lease)
    return LeaseBasis(
        code=p.lease,
        unit=line_facts.line.office or None,
        starts_on=None if row is None else row["starts_on"],
        ends_on=None if row is None else row["ends_on"],
        area_m2=format_quantity(p.quantity),
        first_day=p.first_day,
        last_day=p.last_day,
        days=p.days,
        days_in_month=p.days_in_month,
    )


def _event(billed: BilledEvent, former: LineNamed | None, voids: Mapping[str, RegisterChange]) -> EventBasis:
    event, void = billed.event, voids.get(billed.event_id)
    reason = None if void is None or void.after is None else void.after["reason"]
    return EventBasis(billed.event_id, event.occurred_on, format_quantity(event.quantity), reason, former)


def _rate(version: Version) -> RateBasis:
    row = version.row
    return RateBasis(
        tenant_kind=row["tenant_kind"] or None,
        effective_from=row["effective_from"],
        market=format_price(row["market"]),
        subsidised=row["subsidised"],
        subsidised_price=format_price(subsidised_price(row["subsidised"], row["market"])),
        full_cost=format_price(row["full_cost"]),
        source=row["source"] or None,
        entered=written(version.entered),
    )


def _vat(version: Version) -> VatBasis:
    row = version.row
    why = treatment_shapes(row["treatment"], row["reason"])
    return VatBasis(format_rate(row["rate"]), row["effective_from"], written(version.entered), *why)  # type: ignore[arg-type]


def tier_basis(tenant: Values, leases: Sequence[Values]) -> TierBasis:
    """Return the facts that decide a tenant's tier (R3 to R5), of its row and its leases'."""
    t, starts = tenant, [x["starts_on"] for x in leases]
    window = tenancy(t["kind"], t["incorporated_on"], t["admitted_on"], starts).window
    first = min(leases, key=lambda x: (x["starts_on"], x["code"]), default=None)
    founded = t["incorporated_on"]
    admission = admission_day(t["admitted_on"], starts)
    return TierBasis(
        kind=t["kind"],
        incorporated_on=founded,
        admitted_on=t["admitted_on"],
        first_lease=None if first is None else first["code"],
        admission_day=admission,
        admitted_before=None if founded is None else add_months(founded, AGE_LIMIT_MONTHS),
        is_eligible=admission is not None and is_eligible(t["kind"], founded, admission),
        window=None if window is None else WindowShown(window.start, window.end - ONE_DAY),
    )


def _sentences(line_facts: LineFacts, shown: LineExplanation) -> Iterator[str]:
    """Yield why the line is what it is, in the order a reader asks."""
    if shown.takes_back is not None:
        part = "an amount of " if line_facts.origin == "by_hand" else ""
        yield f"it takes {part}line {shown.takes_back.line} of {shown.takes_back.document} back"
    if shown.withdraws is not None:
        yield f"it bills again what {shown.withdraws} took back by hand, since the line was credited whole"
    if line_facts.origin == "brought":
        yield "it was issued before this service began, and brought by the take-on"
    if line_facts.reason is not None:
        yield f"a person decided it: {line_facts.reason}"
    yield from _quantity(shown)
    if shown.tier_basis is not None:
        yield f"{shown.tier}: {tier_sentence(shown.tier_basis)}"
    for rate in shown.rates:
        kind = rate.tenant_kind or "every kind"
        source = "" if rate.source is None else f"; source: {rate.source}"
        yield (
            f"rate of {shown.site} {shown.service} for {kind} from {rate.effective_from}: {rate.market} in full, "
            f"subsidised {_subsidised(rate)}, cost {rate.full_cost}{source}{_entered(rate.entered)}"
        )
    yield _product(shown, line_facts)
    p = line_facts.line.priced
    why = formats.vat_mention(p.vat_treatment, p.vat_reason)
    if shown.vat is None and why:
        yield why
    elif shown.vat is not None:
        of_vat = f"VAT {shown.vat.rate} from {shown.vat.effective_from}"
        yield f"{of_vat}{f': {why}' if why else ''}{_entered(shown.vat.entered)}"
    sums = shown.cross_subsidy
    yield f"cross-subsidy: contribution {sums.contribution}, draw {sums.draw}, advantage {sums.advantage}"
    for change in shown.changes:
        yield f"changed since it was billed: {_change(change)}"
    if shown.is_reproduced is False:
        yield "the facts on record do not give this line: it was issued from others, or before changes were recorded"


def _quantity(shown: LineExplanation) -> Iterator[str]:
    lease = shown.lease
    if lease is not None:
        ends = "open" if lease.ends_on is None else f"to {lease.ends_on}"
        of_lease = "" if lease.starts_on is None else f" (from {lease.starts_on}, {ends})"
        yield (
            f"lease {lease.code}{of_lease}, unit {lease.unit or '-'}, {lease.area_m2} m²: {lease.first_day} to "
            f"{lease.last_day}, {lease.days} of {lease.days_in_month} days"
        )
    for event in shown.events:
        void = "" if event.void_reason is None else f"; void: {event.void_reason}"
        again = event.billed_before
        before = "" if again is None else f"; billed before by line {again.line} of {again.document}"
        yield f"event {event.event_id} of {event.occurred_on}: {event.quantity}{before}{void}"


def tier_sentence(basis: TierBasis) -> str:
    """Say in a sentence why a tenant's tier is what it is."""
    if basis.window is not None:
        of_lease = basis.first_lease if basis.admission_day != basis.admitted_on else "an earlier stay"
        return (
            f"a {basis.kind} founded on {basis.incorporated_on}, admitted on {basis.admission_day} "
            f"({of_lease}), before it was {AGE_LIMIT_MONTHS} months old; window of {WINDOW_MONTHS} months from "
            f"{basis.window.first_day} to {basis.window.last_day}"
        )
    if basis.kind not in ELIGIBLE_KINDS:
        return f"the kind {basis.kind} has no claim to the subsidised price"
    if basis.admission_day is None or basis.incorporated_on is None:
        return "there is no admission or no day of incorporation on record"
    return (
        f"admitted on {basis.admission_day}, when it was {AGE_LIMIT_MONTHS} months old or older "
        f"(founded on {basis.incorporated_on})"
    )


def _subsidised(rate: RateBasis) -> str:
    same = rate.subsidised == rate.subsidised_price
    return rate.subsidised if same else f"{rate.subsidised} = {rate.subsidised_price}"


def _product(shown: LineExplanation, line_facts: LineFacts) -> str:
    p = line_facts.line.priced
    share = f" × {p.days}/{p.days_in_month}" if shown.lease is not None else ""
    full = "" if p.tier != SUBSIDISED else f"; in full {format_amount(p.full_amount)}"
    return f"{shown.quantity} × {shown.unit_price}{share} = {shown.amount}{full}"


def _entered(by: Written | None) -> str:
    return "" if by is None else f"; entered by {by.by} at {by.at} (act {by.act})"


def _change(change: ChangedFact) -> str:
    by = change.written
    who = f"by {by.by} at {by.at} (act {by.act}{'' if by.reason is None else f', {by.reason}'})"
    if change.before is None or change.after is None:
        done = "entered" if change.before is None else "removed"
        values = ", ".join(f"{name} {value}" for name, value in (change.after or change.before or {}).items() if value)
        return f"{change.subject} {change.key} {done}: {values}; {who}"
    values = ", ".join(
        f"{name} {change.before.get(name) or '(blank)'} → {value or '(blank)'}" for name, value in change.after.items()
    )
    return f"{change.subject} {change.key}: {values}; {who}"
