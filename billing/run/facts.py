"""The facts of the register, read set-wise for one batch of tenants."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, literal, select

from billing.register.catalogue import Catalogue
from billing.register.tables import billing_run, lease, tenant, usage_event, usage_void
from billing.run.cancellations import cancelled_lines
from billing.run.tables import UNBILLED, run_outcome, usage_billing
from billing.run.usage_voids.voided_lines import voided_lines
from invoices.document import Correction, DocumentLine, Party
from invoices.models import credit_withdrawal, credited_part, document, document_line
from invoices.reading import priced_line
from pricing.eligibility import Tenancy, tenancy
from pricing.period import ONE_DAY
from pricing.rating import Lease, UsageEvent


class StandingLine(NamedTuple):
    """A line that was billed and not taken back, and which one it is.

    `by_hand` are the lines of credit notes by hand that took parts of it back; the line still stands (R13).
    """

    line: DocumentLine
    correction: Correction
    by_hand: tuple[DocumentLine, ...] = ()


class VoidedUsage(NamedTuple):
    """A usage line to be taken back, since an event it billed is void, and the events that are left of it (R10)."""

    standing: StandingLine
    left: tuple[UsageEvent, ...]


class Cancelled(NamedTuple):
    """A line that a credit note by hand cancelled and no run has counted, and its events, to be billed anew (R28)."""

    credit_note: int
    number: str
    standing: StandingLine
    events: tuple[UsageEvent, ...]


class TenantFacts(NamedTuple):
    """One tenant with all that decides its bill. `settled` says that the office months up to the previous run stand."""

    party: Party
    tenancy: Tenancy
    leases: tuple[Lease, ...]
    offices: dict[str, str]
    events: tuple[UsageEvent, ...]
    settled: bool
    watermark: int
    standing: tuple[StandingLine, ...]
    voided: tuple[VoidedUsage, ...] = ()
    cancelled: tuple[Cancelled, ...] = ()


class Scope(NamedTuple):
    """The tenants of a batch that a run looks at: a range of codes, all of them or only those in error."""

    period: date
    first_tenant: str
    last_tenant: str
    only_errors: bool


def fingerprint(tenancy: Tenancy, leases: Iterable[Lease], catalogue: Catalogue, until: date) -> str:
    """Return a digest of the facts that alone decide a tenant's office lines before `until`, excluded (R13).

    What begins on or after that day is left out, so that it disturbs nothing already billed. A lease begins to be
    billed when its site opens.
    """
    window = tenancy.window
    billed = ((x, max(x.start, catalogue.rates.opened_on(x.site))) for x in leases)
    begun = sorted(
        (x.code, x.site, x.area, start, x.end if x.end is not None and x.end < until else None)
        for x, start in billed
        if start < until
    )
    terms = [catalogue.office_terms_digest(code, tenancy.kind, until) for code in sorted({x[1] for x in begun})]
    decided = (None if window is None else (window.start, min(window.end, until)), begun, terms)
    return blake2b(repr(decided).encode(), digest_size=16).hexdigest()


_FIRST, _LAST = bindparam("first", type_=tenant.c.code.type), bindparam("last", type_=tenant.c.code.type)
_PERIOD = bindparam("period", type_=billing_run.c.period.type)
_PREVIOUS = bindparam("previous", type_=billing_run.c.period.type)
_IN_ERROR = and_(
    run_outcome.c.period == _PERIOD, run_outcome.c.tenant == tenant.c.code, run_outcome.c.status == "error"
)
_t = tenant.c
_TENANTS = (
    select(
        _t.code,
        _t.legal_name,
        _t.legal_form,
        _t.kind,
        _t.incorporated_on,
        _t.admitted_on,
        _t.ice,
        _t.tax_id,
        _t.trade_register,
        _t.address,
        _t.city,
        _t.email,
        _t.language,
    )
    .where(tenant.c.code.between(_FIRST, _LAST))
    .order_by(tenant.c.code)
)
_TENANTS_IN_ERROR = _TENANTS.where(select(run_outcome.c.tenant).where(_IN_ERROR).exists())
_LEASES = (
    select(lease.c.tenant, lease.c.code, lease.c.site, lease.c.unit, lease.c.area, lease.c.starts_on, lease.c.ends_on)
    .where(lease.c.tenant.between(_FIRST, _LAST))
    .order_by(lease.c.tenant, lease.c.code)
)
_SETTLED = and_(run_outcome.c.period == _PREVIOUS, run_outcome.c.status.not_in(UNBILLED))
_OUTCOMES = select(run_outcome.c.tenant, run_outcome.c.fingerprint, run_outcome.c.usage_watermark).where(
    _SETTLED, run_outcome.c.tenant.between(_FIRST, _LAST)
)
# Events above the tenant's watermark that no line has billed and that are not void; those below are done with.
_EVENTS = (
    select(
        usage_event.c.tenant,
        usage_event.c.id,
        usage_event.c.site,
        usage_event.c.service,
        usage_event.c.quantity,
        usage_event.c.occurred_on,
    )
    .select_from(tenant)
    .outerjoin(run_outcome, and_(_SETTLED, run_outcome.c.tenant == tenant.c.code))
    .join(
        usage_event,
        and_(
            usage_event.c.tenant == tenant.c.code,
            usage_event.c.id > func.coalesce(run_outcome.c.usage_watermark, literal(0)),
        ),
    )
    .outerjoin(usage_billing, usage_billing.c.usage_event_id == usage_event.c.id)
    .outerjoin(usage_void, usage_void.c.usage_event_id == usage_event.c.id)
    .where(
        tenant.c.code.between(_FIRST, _LAST),
        usage_billing.c.usage_event_id.is_(None),
        usage_void.c.usage_event_id.is_(None),
    )
    .order_by(usage_event.c.tenant, usage_event.c.id)
)
_credit = document_line.alias("credit")
_STANDING = (
    select(document_line, document.c.tenant, document.c.number, document.c.issued_on)
    .join(document, document.c.id == document_line.c.document_id)
    .outerjoin(
        _credit,
        and_(
            _credit.c.corrects_document_id == document_line.c.document_id,
            _credit.c.corrects_line_no == document_line.c.line_no,
        ),
    )
    .where(
        document.c.tenant.in_(bindparam("tenants", expanding=True)),
        document.c.kind == "invoice",
        document_line.c.lease.is_not(None),
        _credit.c.document_id.is_(None),
    )
    .order_by(document_line.c.document_id, document_line.c.line_no)
)
# The parts of invoices' lines that credit notes by hand took back, and no invoice bills again.
_BY_HAND = (
    select(
        document_line,
        document.c.number,
        document.c.issued_on,
        credited_part.c.invoice_id,
        credited_part.c.invoice_line_no,
    )
    .join(document, document.c.id == document_line.c.document_id)
    .join(
        credited_part,
        and_(
            credited_part.c.document_id == document_line.c.document_id,
            credited_part.c.line_no == document_line.c.line_no,
        ),
    )
    .outerjoin(
        credit_withdrawal,
        and_(
            credit_withdrawal.c.credit_note_id == credited_part.c.document_id,
            credit_withdrawal.c.credit_line_no == credited_part.c.line_no,
        ),
    )
    .where(document.c.tenant.in_(bindparam("tenants", expanding=True)), credit_withdrawal.c.document_id.is_(None))
    .order_by(document_line.c.document_id, document_line.c.line_no)
)
_TENANTS_PER_LOOK = 500


def _group(rows: Iterable[Any]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row)
    return grouped


def load_facts(
    connection: Connection, scope: Scope, catalogue: Catalogue, previous: date | None, until: date
) -> list[TenantFacts]:
    """Return the tenants of a batch with their facts, by code.

    `previous` is the period of the run before this one; `until` the first day after its month. Both
    are handed in so that a preview sees what a run would.
    """
    keys = {"first": scope.first_tenant, "last": scope.last_tenant, "period": scope.period, "previous": previous}
    tenants = connection.execute(_TENANTS_IN_ERROR if scope.only_errors else _TENANTS, keys).all()
    leases = _group(connection.execute(_LEASES, keys).all())
    outcomes = {code: (mark, low) for code, mark, low in connection.execute(_OUTCOMES, keys).all()}
    events = _group(connection.execute(_EVENTS, keys).all())
    voided = _voided_usage(connection, scope.first_tenant, scope.last_tenant)
    cancelled = _cancelled(connection, scope.first_tenant, scope.last_tenant)
    tenant_facts = []
    for row in tenants:
        (code, legal_name, legal_form, kind, incorporated_on, admitted_on, ice, tax_id, register, address, city, email,
         language) = row  # fmt: skip
        own_leases = leases.get(code, ())
        lets = tuple(
            [
                Lease(lease_code, site_code, area, start, None if end is None else end + ONE_DAY)
                for _, lease_code, site_code, _, area, start, end in own_leases
            ]
        )
        terms = tenancy(kind, incorporated_on, admitted_on, [x.start for x in lets])
        stands, watermark = outcomes.get(code, (None, 0))
        tenant_facts.append(
            TenantFacts(
                party=Party(
                    code,
                    legal_name,
                    legal_form,
                    address,
                    city,
                    ice=ice,
                    tax_id=tax_id,
                    trade_register=register,
                    email=email,
                    language=language,
                ),
                tenancy=terms,
                leases=lets,
                offices={x[1]: x[3] for x in own_leases},
                events=tuple([UsageEvent(*x[1:]) for x in events.get(code, ())]),
                # The office days of a cancelled line are billed anew, where they are still due.
                settled=code not in cancelled
                and (previous is None or (stands is not None and stands == fingerprint(terms, lets, catalogue, until))),
                watermark=watermark,
                standing=(),
                voided=tuple(voided.get(code, ())),
                cancelled=tuple(cancelled.get(code, ())),
            )
        )
    return _with_standing_lines(connection, tenant_facts)


def _with_standing_lines(connection: Connection, tenants: list[TenantFacts]) -> list[TenantFacts]:
    """Give the unsettled tenants the lines that stand, to be compared with what is due (R13)."""
    unsettled = [facts.party.code for facts in tenants if not facts.settled]
    standing: dict[str, list[StandingLine]] = defaultdict(list)
    for start in range(0, len(unsettled), _TENANTS_PER_LOOK):
        chunk: Sequence[str] = unsettled[start : start + _TENANTS_PER_LOOK]
        by_hand = _credited_by_hand(connection, chunk)
        for row in connection.execute(_STANDING, {"tenants": chunk}):
            standing[row.tenant].append(_standing_line(row, by_hand))
    return [
        facts if facts.settled else facts._replace(standing=tuple(standing.get(facts.party.code, ())))
        for facts in tenants
    ]


def _voided_usage(connection: Connection, first: str, last: str) -> dict[str, list[VoidedUsage]]:
    """Return, by tenant, the usage lines that bill a voided event, with what of them is billed again."""
    lines = voided_lines(connection, first, last)
    by_hand = _credited_by_hand(connection, sorted({line.row.tenant for line in lines})) if lines else {}
    voided: dict[str, list[VoidedUsage]] = defaultdict(list)
    for row, left in lines:
        voided[row.tenant].append(VoidedUsage(_standing_line(row, by_hand), left))
    return voided


def _cancelled(connection: Connection, first: str, last: str) -> dict[str, list[Cancelled]]:
    """Return, by tenant, the lines that were cancelled by hand and that no run has counted."""
    lines = cancelled_lines(connection, first, last)
    by_hand = _credited_by_hand(connection, sorted(lines)) if lines else {}
    return {
        code: [
            Cancelled(row.cancelled_by, row.cancelled_as, _standing_line(row, by_hand), events)
            for row, events in of_tenant
        ]
        for code, of_tenant in lines.items()
    }


def _standing_line(row: Any, by_hand: Mapping[tuple[int, int], Sequence[DocumentLine]]) -> StandingLine:
    return StandingLine(
        _line_as_issued(row),
        Correction(row.number, row.document_id, row.line_no, row.issued_on),
        tuple(by_hand.get((row.document_id, row.line_no), ())),
    )


def _line_as_issued(row: Any) -> DocumentLine:
    return DocumentLine(
        priced_line(row), row.service_label, row.unit_of_measure, row.site_name, row.office, row.revenue_account
    )


def _credited_by_hand(connection: Connection, tenants: Sequence[str]) -> dict[tuple[int, int], list[DocumentLine]]:
    """Return the lines of credit notes by hand that still count, by the invoice's line they take parts of back."""
    credited: dict[tuple[int, int], list[DocumentLine]] = defaultdict(list)
    for row in connection.execute(_BY_HAND, {"tenants": tenants}):
        itself = Correction(row.number, row.document_id, row.line_no, row.issued_on)
        credited[row.invoice_id, row.invoice_line_no].append(_line_as_issued(row)._replace(withdraws=itself))
    return credited


class RunBasis(NamedTuple):
    """The months a run builds on: that of the run before, if any, and the one where billing begins (R12)."""

    previous: date | None
    first: date


def run_basis(connection: Connection, period: date) -> RunBasis:
    """Return the months that the run of `period` builds on."""
    c = billing_run.c
    previous: date | None = connection.scalar(select(func.max(c.period)).where(c.period < period))
    first: date | None = connection.scalar(select(func.min(c.period)))
    return RunBasis(previous, period if first is None else min(first, period))
