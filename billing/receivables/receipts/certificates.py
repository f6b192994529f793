"""Certificates of taxes withheld: each withholding waits for one, with its number and day (law.md section 3)."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, not_, select

from billing.entries.receivables import number_of
from billing.frame.audit_log import require_reason
from billing.frame.database import change_receivables
from billing.frame.errors import Fault, Refused, Unknown
from billing.receivables.receipts.allocating import require_receipt
from billing.receivables.receipts.receiving import REFERENCE_LENGTH_MAX, WITHHOLDINGS
from billing.receivables.tables.receipts import receipt, receipt_certificate, receipt_event, receipt_leg
from pricing.money import format_amount


class Withholding(NamedTuple):
    """A tax withheld of a receipt, with the certificate that counts, or none yet; centimes."""

    receipt: int
    kind: str
    tenant: str | None
    means: str
    reference: str
    value_date: date
    amount: int
    number: str | None
    certified_on: date | None


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
        raise Unknown(f"nothing was withheld of {number_of(key)} as {kind}")
    if not 0 < len(number.strip()) <= REFERENCE_LENGTH_MAX or not number.isprintable():
        problem = f"must be 1 to {REFERENCE_LENGTH_MAX} characters that can be printed"
        raise Refused([Fault("certificate", None, "number", number, problem, "give the number on the certificate")])
    newest = connection.execute(
        select(receipt_certificate).where(c.receipt_id == key, c.kind == kind).order_by(c.version.desc()).limit(1)
    ).one_or_none()
    if newest is not None and (newest.number, newest.certified_on) == (number.strip(), certified_on):
        return
    if newest is not None:
        require_reason(connection, f"replacing the certificate of {number_of(key)}")
    connection.execute(
        receipt_certificate.insert().values(
            receipt_id=key, kind=kind, version=1 if newest is None else newest.version + 1, number=number.strip(),
            certified_on=certified_on, recorded_at=recorded_at,
        )
    )  # fmt: skip


def withholdings_select() -> Select[Any]:
    """Taxes withheld, each with the certificate that counts or none yet; those of cheques that came back left out."""
    c, leg, e = receipt_certificate.c, receipt_leg.c, receipt_event.c
    later = receipt_certificate.alias("later")
    newer = exists().where(later.c.receipt_id == c.receipt_id, later.c.kind == c.kind, later.c.version > c.version)
    r = receipt.c
    return (
        select(
            leg.receipt_id, leg.kind, leg.amount, r.tenant, r.means, r.reference, r.value_date, c.number,
            c.certified_on,
        )
        .join(receipt, r.id == leg.receipt_id)
        .outerjoin(receipt_certificate, and_(c.receipt_id == leg.receipt_id, c.kind == leg.kind, not_(newer)))
        .where(leg.kind.in_(WITHHOLDINGS), not_(exists().where(e.receipt_id == leg.receipt_id, e.kind == "bounced")))
        .order_by(leg.receipt_id, leg.kind)
    )  # fmt: skip


def withholdings(connection: Connection, *, missing: bool = False, tenant: str | None = None) -> Iterator[Withholding]:
    """Taxes withheld, oldest receipt first, returned cheques left out; `missing`: only those without certificate."""
    found = withholdings_select()
    if missing:
        found = found.where(is_missing())
    if tenant is not None:
        found = found.where(receipt.c.tenant == tenant)
    for row in connection.execute(found):
        yield Withholding(
            row.receipt_id, row.kind, row.tenant, row.means, row.reference, row.value_date, row.amount, row.number,
            row.certified_on,
        )  # fmt: skip


def is_missing() -> ColumnElement[bool]:
    """Taxes withheld without a certificate."""
    return receipt_certificate.c.number.is_(None)


def withholding_json(row: Row[Any]) -> dict[str, Any]:
    """A tax withheld as JSON."""
    return {
        "receipt": number_of(row.receipt_id),
        "kind": row.kind,
        "tenant": row.tenant,
        "means": row.means,
        "reference": row.reference,
        "value_date": row.value_date.isoformat(),
        "amount": format_amount(row.amount),
        "certificate": row.number,
        "certified_on": None if row.certified_on is None else row.certified_on.isoformat(),
    }
