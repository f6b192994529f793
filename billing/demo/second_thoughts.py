"""Let people of the demonstration err: a void, a cancelled receipt, a held tenant, and the review of the next run.

Nothing of the months billed changes: the next run, which is reviewed and not ordered, takes back what was void.
"""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from billing.demo.payments import KNOWN_AT, PAID_ON
from billing.frame.codes import RECEIPT
from billing.frame.database import writing
from billing.frame.settings import Settings
from billing.receivables.receipts.cancelling import cancel_receipt
from billing.receivables.receipts.orders import Leg, ReceiptOrder
from billing.receivables.receipts.receiving import receive
from billing.register.tables import usage_event
from billing.run.holds.holding import HoldOrder, hold
from billing.run.review.files import pieces
from billing.run.review.reviewing import Review, review_month
from billing.run.tables import usage_billing
from billing.run.usage_voids.voiding import VoidOrder, void_events
from invoices.document import INVOICE
from invoices.models import document
from pricing.period import format_month, next_month

REFERENCE = "VIR 7730021"


@dataclass(frozen=True, slots=True)
class SecondThoughts:
    """The event voided, the receipt cancelled, the tenant held; the next run's review, whose files lie in `folder`."""

    folder: Path
    voided: str
    cancelled: str
    held: str
    review: Review


def think_again(
    settings: Settings, engine: Engine, period: date, folder: Path, *, now: datetime, held: str
) -> SecondThoughts:
    """Void an event that the month billed, cancel a receipt, hold a tenant from the next run, and review that."""
    folder.mkdir()
    at, following = max(now, KNOWN_AT), next_month(period)
    with writing(engine) as connection:
        event = _billed_event(connection, period)
        void_events(connection, [VoidOrder(event, "Saisi deux fois")], recorded_at=at)
    with writing(engine) as connection:
        cancelled = _cancelled_receipt(connection, settings, period, at)
    with writing(engine) as connection:
        order = HoldOrder(following, (held,), "Surface contestée : métré en cours")
        hold(connection, order, today=at.date(), recorded_at=at)
    review = review_month(engine, following, clock=lambda: at, issued_on=following)
    for file_format in ("pdf", "xlsx", "json"):
        path = folder / f"revue-{format_month(following)}.{file_format}"
        with path.open("wb") as file:
            file.writelines(pieces(review, file_format, settings.operator.party))
    return SecondThoughts(folder, event, cancelled, held, review)


def _billed_event(connection: Connection, period: date) -> str:
    """Return the first usage event that a month's run billed."""
    event: str = connection.execute(
        select(usage_event.c.event_id)
        .join(usage_billing, usage_billing.c.usage_event_id == usage_event.c.id)
        .join(document, document.c.id == usage_billing.c.document_id)
        .where(document.c.period == period)
        .order_by(usage_event.c.id)
        .limit(1)
    ).scalar_one()
    return event


def _cancelled_receipt(connection: Connection, settings: Settings, period: date, at: datetime) -> str:
    """Enter a transfer that the bank never credited, for the month's last invoice, and cancel it."""
    number, tenant, gross = connection.execute(
        select(document.c.number, document.c.tenant, document.c.gross)
        .where(document.c.period == period, document.c.kind == INVOICE)
        .order_by(document.c.number.desc())
        .limit(1)
    ).one()
    order = ReceiptOrder("transfer", REFERENCE, PAID_ON, tenant, (Leg("money", gross),), "automatic", number)
    [key] = receive(connection, [order], recorded_at=at, terms=settings.terms)
    cancel_receipt(connection, key, reason="Virement jamais reçu", recorded_at=at)
    return RECEIPT.format(key)
