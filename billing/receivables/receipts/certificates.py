"""Certificates of taxes withheld: each withholding waits for one, with its number and day (law.md section 3).

One that was entered by mistake is withdrawn: the version before counts again, or none.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, and_, exists, func, not_, select

from billing.entries.receivables import WITHHOLDINGS
from billing.frame.audit_log import record_change, require_reason
from billing.frame.bounds import PAST_DAYS_AHEAD_MAX, require_near
from billing.frame.civil_time import today
from billing.frame.codes import RECEIPT
from billing.frame.database import change_receivables
from billing.frame.errors import Fault, Refused, Unknown
from billing.receivables.receipts.acting import require_reason_text, require_receipt
from billing.receivables.receipts.orders import REFERENCE_LENGTH_MAX
from billing.receivables.tables.receipts import (
    EventKind,
    certificate_withdrawal,
    receipt,
    receipt_cancellation,
    receipt_certificate,
    receipt_event,
    receipt_leg,
)

# The key that taxes withheld are ordered and paged by.
WITHHOLDING_KEY = (receipt_leg.c.receipt_id, receipt_leg.c.kind)


def record_certificate(
    connection: Connection, key: int, kind: str, number: str, certified_on: date, *, recorded_at: datetime
) -> None:
    """Record the certificate of a tax withheld; the same again changes nothing, another replaces it for a reason.

    Raises Unknown, Refused, ReasonRequired, Conflict for a cheque that came back.
    """
    change_receivables(connection)
    require_receipt(connection, key)
    c = receipt_certificate.c
    leg = receipt_leg.c
    if kind not in WITHHOLDINGS or not connection.scalar(
        select(leg.amount).where(leg.receipt_id == key, leg.kind == kind)
    ):
        raise Unknown(f"nothing was withheld of {RECEIPT.format(key)} as {kind}")
    require_near("certificate", "certified_on", certified_on, today(recorded_at), PAST_DAYS_AHEAD_MAX)
    if not 0 < len(number.strip()) <= REFERENCE_LENGTH_MAX or not number.isprintable():
        problem = f"must be 1 to {REFERENCE_LENGTH_MAX} characters that can be printed"
        raise Refused([Fault("certificate", None, "number", number, problem, "give the number on the certificate")])
    newest = _counting(connection, key, kind)
    if newest is not None and (newest.number, newest.certified_on) == (number.strip(), certified_on):
        return
    if newest is not None:
        require_reason(connection, f"replacing the certificate of {RECEIPT.format(key)}")
    last = connection.scalar(select(func.max(c.version)).where(c.receipt_id == key, c.kind == kind))
    connection.execute(
        receipt_certificate.insert().values(
            receipt_id=key, kind=kind, version=(last or 0) + 1, number=number.strip(), certified_on=certified_on,
            recorded_at=recorded_at,
        )
    )  # fmt: skip
    before = None if newest is None else _told(newest.number, newest.certified_on)
    after = _told(number.strip(), certified_on)
    record_change(connection, "certificates", f"{RECEIPT.format(key)}/{kind}", before, after)


def _told(number: str, certified_on: date) -> dict[str, Any]:
    return {"number": number, "certified_on": str(certified_on)}


def withdraw_certificate(connection: Connection, key: int, kind: str, *, reason: str, recorded_at: datetime) -> None:
    """Withdraw a certificate that was entered by mistake: its tax waits for one again, or has the one before.

    Raises Unknown where no certificate of that kind counts, Refused.
    """
    change_receivables(connection)
    number = RECEIPT.format(key)
    newest = _counting(connection, key, kind)
    if newest is None:
        raise Unknown(f"{number} has no certificate of {kind}")
    reason = require_reason_text(reason)
    connection.execute(
        certificate_withdrawal.insert().values(
            receipt_id=key, kind=kind, version=newest.version, reason=reason, recorded_at=recorded_at
        )
    )
    told = _told(newest.number, newest.certified_on)
    record_change(connection, "certificates", f"{number}/{kind}", told, None)


def is_withdrawn() -> ColumnElement[bool]:
    """Return the condition that a certificate was withdrawn."""
    return _is_withdrawn(receipt_certificate)


def _is_withdrawn(of: FromClause) -> ColumnElement[bool]:
    x, c = certificate_withdrawal.c, of.c
    return exists().where(x.receipt_id == c.receipt_id, x.kind == c.kind, x.version == c.version)


def _counting(connection: Connection, key: int, kind: str) -> Row[Any] | None:
    """Return the certificate that counts of a tax withheld, if there is one."""
    c = receipt_certificate.c
    of_tax = select(receipt_certificate).where(c.receipt_id == key, c.kind == kind, not_(is_withdrawn()))
    return connection.execute(of_tax.order_by(c.version.desc()).limit(1)).one_or_none()


def withholdings_select(*, missing: bool | None = None, tenant: str | None = None) -> Select[Any]:
    """Select taxes withheld, each with the certificate that counts or none yet.

    Those of receipts that came back unpaid or were cancelled are left out.

    `missing` selects those without certificate; False those with one.
    """
    c, leg, e = receipt_certificate.c, receipt_leg.c, receipt_event.c
    later = receipt_certificate.alias("later")
    newer = exists().where(
        later.c.receipt_id == c.receipt_id, later.c.kind == c.kind, later.c.version > c.version,
        not_(_is_withdrawn(later)),
    )  # fmt: skip
    counts = and_(not_(newer), not_(is_withdrawn()))
    bounced = exists().where(e.receipt_id == leg.receipt_id, e.kind == EventKind.BOUNCED)
    cancelled = exists().where(receipt_cancellation.c.receipt_id == leg.receipt_id)
    r = receipt.c
    statement = (
        select(
            leg.receipt_id, leg.kind, leg.amount, r.tenant, r.means, r.reference, r.value_date, c.number,
            c.certified_on,
        )
        .join(receipt, r.id == leg.receipt_id)
        .outerjoin(receipt_certificate, and_(c.receipt_id == leg.receipt_id, c.kind == leg.kind, counts))
        .where(leg.kind.in_(WITHHOLDINGS), not_(bounced), not_(cancelled))
    )  # fmt: skip
    if missing is not None:
        statement = statement.where(c.number.is_(None) if missing else c.number.is_not(None))
    return statement if tenant is None else statement.where(r.tenant == tenant)


def withholdings(connection: Connection, *, missing: bool | None = None) -> Sequence[Row[Any]]:
    """Return taxes withheld, oldest receipt first, as `withholdings_select` selects them."""
    return connection.execute(withholdings_select(missing=missing).order_by(*WITHHOLDING_KEY)).all()
