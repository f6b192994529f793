"""The trail of a lease: down to the facts of admission and the acts that changed it, up to documents and deposits."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, case, func, select

from billing.audit.trail.shapes import StepKind, Trail, TrailStep
from billing.audit.trail.steps import changed, entry_steps, step, with_endings
from billing.documents.explanation.wording import tier_basis, tier_sentence, written
from billing.frame.codes import DEPOSIT, FINAL_STATEMENT, RECEIPT, deposit_movement
from billing.frame.database import among
from billing.receivables.tables import deposits
from billing.register.history import RegisterChange, changes_of_key, lease_history, tenant_history
from billing.register.tables import lease
from invoices.document import CREDIT_NOTE
from invoices.models import document, document_line
from ledger.entry import BANK, CASH, REVERSED
from pricing.money import format_quantity

# After every act: the rows as they are now.
_NOW = 2**62
# What of a tenant's row decides the tier of its leases (R3 to R5).
_OF_TIER = frozenset({"kind", "incorporated_on", "admitted_on"})


def follow_lease(connection: Connection, code: str) -> Trail | None:
    """Return the trail of a lease, even of one that was removed; None where there never was one of that code."""
    changes = changes_of_key(connection, "leases", code)
    now = connection.execute(select(lease).where(lease.c.code == code)).one_or_none()
    sides = (side for change in changes for side in (change.before, change.after) if side is not None)
    tenants = [side["tenant"] for side in sides if "tenant" in side] + ([] if now is None else [now.tenant])
    if not tenants:
        return None
    if now is None:
        about = f"lease of {tenants[-1]}, removed"
    else:
        until = "open" if now.ends_on is None else f"to {now.ends_on}"
        about = f"lease of {now.tenant}, {now.site} {now.unit}, {format_quantity(now.area)} m², {until}"
    return Trail(
        kind="lease",
        name=code,
        on=None if now is None else now.starts_on,
        amount=None,
        about=about,
        written=written(changes[0].provenance) if changes else None,
        down=[*_admission(connection, tenants[-1]), *map(_change, changes)],
        up=[*_documents(connection, code, tenants), *_deposit_steps(connection, code)],
    )


def _admission(connection: Connection, tenant: str) -> Iterator[TrailStep]:
    """Yield what decides the tenant's tier by now, and who changed that."""
    history = tenant_history(connection, tenant)
    row = history.at(_NOW).get(tenant)
    if row is not None:
        leases = [x for x in lease_history(connection, tenant).at(_NOW).values() if x["tenant"] == tenant]
        basis = tier_basis(row, leases)
        yield step(0, StepKind.ADMISSION, tenant, basis.admission_day, None, tier_sentence(basis))
    for change in history.changes:
        if not _OF_TIER.isdisjoint({*(change.before or ()), *(change.after or ())}):
            yield _change(change)


def _change(change: RegisterChange) -> TrailStep:
    name, about = f"{change.subject} {change.key}", changed(change.before, change.after)
    return step(0, StepKind.CHANGE, name, None, None, about, written(change.provenance))


def _documents(connection: Connection, code: str, tenants: Sequence[str]) -> Iterator[TrailStep]:
    """Yield the documents with lines of the lease, and what those come to without VAT."""
    d, x = document.c, document_line.c
    rows = connection.execute(
        select(d.number, d.issued_on, d.kind, func.sum(case((d.kind == CREDIT_NOTE, -x.amount), else_=x.amount)))
        .join(document_line, x.document_id == d.id)
        # By the tenant's documents: no index holds the leases of lines.
        .where(among(connection, d.tenant, set(tenants)), x.lease == code)
        .group_by(d.id, d.number, d.issued_on, d.kind)
        .order_by(d.id)
    )
    for number, issued_on, kind, net in rows:
        about = f"{kind.replace('_', ' ')}: its lines, without VAT"
        yield step(0, StepKind.DOCUMENT, number, issued_on, int(net), about)


def _deposit_steps(connection: Connection, code: str) -> Iterator[TrailStep]:
    """Yield the deposit with its movements, their entries and set-offs, and the final statement."""
    asked, m, s, f = deposits.deposit, deposits.deposit_movement.c, deposits.deposit_set_off.c, deposits.final_statement
    row = connection.execute(select(asked).where(asked.c.lease == code)).one_or_none()
    if row is not None:
        number = DEPOSIT.format(row.id)
        yield step(0, StepKind.DEPOSIT, number, row.asked_on, row.amount, f"{row.months} months' rent asked")
        moved = connection.execute(
            select(deposits.deposit_movement).where(m.deposit_id == row.id).order_by(m.movement_no)
        ).all()
        names = [deposit_movement(row.id, each.movement_no) for each in moved]
        for name, each in zip(names, moved, strict=True):
            why = f": {each.reason}" if each.reason else ""
            about = f"{each.kind}, {each.reference}{why}"
            yield step(1, StepKind.DEPOSIT_MOVEMENT, name, each.moved_on, each.amount, about)
        yield from entry_steps(connection, with_endings([f"{x}/{n}" for n in names for x in (BANK, CASH)], REVERSED), 1)
        set_off = select(deposits.deposit_set_off).where(s.deposit_id == row.id).order_by(s.receipt_id)
        for each in connection.execute(set_off):
            yield step(
                1, StepKind.RECEIPT, RECEIPT.format(each.receipt_id), None, each.amount, f"set off: {each.reason}"
            )
    closed = connection.execute(select(f).where(f.c.lease == code)).one_or_none()
    if closed is not None:
        number = FINAL_STATEMENT.format(closed.id)
        yield step(
            0, StepKind.FINAL_STATEMENT, number, closed.closed_on, closed.balance, "the account when it was closed"
        )
