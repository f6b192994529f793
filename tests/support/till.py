"""Money in, told as a bookkeeper tells it: what came, for whom, in which legs; what it settles; what is left."""

from collections.abc import Mapping
from datetime import date

from billing.bank.cancelling import cancel, cancel_paid_back
from billing.books.periods.closing import close_period
from billing.frame.audit_log import CLI, Act, on_behalf
from billing.frame.codes import RECEIPT
from billing.frame.database import maintenance_transaction, reading, writing
from billing.frame.terms import Term, Terms
from billing.receivables.open_items.open_item_index import refresh_index
from billing.receivables.open_items.open_items import credits, open_items  # noqa: A004
from billing.receivables.receipts.allocating import allocate
from billing.receivables.receipts.applying_credits import apply_credits, settle_what_was_issued
from billing.receivables.receipts.cancelling import Cancelled
from billing.receivables.receipts.clearing import bounce, clear
from billing.receivables.receipts.orders import AUTOMATIC, NONE, Leg, Part, ReceiptOrder
from billing.receivables.receipts.placing import place, withdraw
from billing.receivables.receipts.receiving import Recorded, receive, record_receipts
from billing.receivables.receipts.refunding import RefundOrder, refund_credit
from billing.receivables.receipts.undoing import undo
from pricing.money import format_amount, parse_decimal
from pricing.period import parse_month
from tests.oracle.service import NOW
from tests.support.park import Park

__all__ = ["AUTOMATIC", "NONE"]


def centimes(amount: str) -> int:
    return parse_decimal(amount, 2)


def order(  # noqa: PLR0913 - a test names few of the keywords
    amount: str,
    *,
    means: str = "transfer",
    reference: str = "V1",
    on: str = "2026-06-20",
    tenant: str | None = "T1",
    pays: Mapping[str, str] | str = AUTOMATIC,
    text: str = "",
    rent_withholding: str | None = None,
    vat_withholding: str | None = None,
    bank_charges: str | None = None,
    currency: str = "MAD",
    site: str | None = None,
    occurrence: int = 1,
    reason: str | None = None,
) -> ReceiptOrder:
    """A receipt; `amount` is what came in."""
    short = {"rent_withholding": rent_withholding, "vat_withholding": vat_withholding, "bank_charges": bank_charges}
    legs = [Leg("money", centimes(amount))] + [Leg(k, centimes(v)) for k, v in short.items() if v is not None]
    parts = pays if isinstance(pays, str) else tuple(Part(number, centimes(of)) for number, of in pays.items())
    return ReceiptOrder(
        means, reference, date.fromisoformat(on), tenant, tuple(legs), parts, text, currency, site,  # type: ignore[arg-type]
        occurrence=occurrence, reason=reason,
    )  # fmt: skip


def receives(park: Park, *orders: ReceiptOrder) -> list[int]:
    with writing(park.engine) as connection:
        return receive(
            connection, orders, recorded_at=NOW, terms=park.settings.terms, seller=park.settings.operator.party
        )


def records(park: Park, *orders: ReceiptOrder) -> list[Recorded]:
    with writing(park.engine) as connection:
        return record_receipts(
            connection, orders, recorded_at=NOW, terms=park.settings.terms, seller=park.settings.operator.party
        )


def taxing_advances(terms: Terms, since: date) -> Terms:
    """These settings, where tenants' credit for money from a day on bears VAT on receipt."""
    name = "vat.advances_on_receipt"
    return Terms({**terms.versions, name: (*terms.versions[name], Term(since, True, "test"))})


def closes(park: Park, *months: str) -> None:
    """Close months, whatever waits."""
    act = Act("amina", CLI, "periods close", "1", reason="les lignes suivent")
    with writing(on_behalf(park.engine, act, lambda: NOW)) as connection:
        for month in months:
            close_period(
                connection,
                parse_month(month),
                today=NOW.date(),
                recorded_at=NOW,
                open_months_max=12,
                terms=park.settings.terms,
            )


def allocates(park: Park, key: int, pays: Mapping[str, str] | None = None, on: str | None = None) -> list[int]:
    parts = "automatic" if pays is None else [Part(number, centimes(of)) for number, of in pays.items()]
    with writing(park.engine) as connection:
        return allocate(
            connection, key, parts, recorded_at=NOW, terms=park.settings.terms,  # type: ignore[arg-type]
            on=None if on is None else date.fromisoformat(on),
        )  # fmt: skip


def applies(park: Park, on: str | None = None) -> list[int]:
    day = None if on is None else date.fromisoformat(on)
    with writing(park.engine) as connection:
        made = apply_credits(connection, recorded_at=NOW, on=day)
    _looks_again(park)
    return made


def settles(park: Park) -> None:
    with writing(park.engine) as connection:
        settle_what_was_issued(connection, recorded_at=NOW, terms=park.settings.terms)
    _looks_again(park)


def _looks_again(park: Park) -> None:
    with maintenance_transaction(park.engine) as connection:
        refresh_index(connection)


def undoes(park: Park, key: int, on: str = "2026-06-25", reason: str = "erreur de saisie") -> None:
    with writing(park.engine) as connection:
        undo(connection, key, reason=reason, recorded_at=NOW, on=date.fromisoformat(on))


def cancels(park: Park, key: int, on: str | None = None, reason: str = "saisi par erreur") -> Cancelled:
    day = None if on is None else date.fromisoformat(on)
    with writing(park.engine) as connection:
        return cancel(connection, key, reason=reason, recorded_at=NOW, on=day)


def cancels_refund(park: Park, key: int, on: str | None = None, reason: str = "jamais payé") -> Cancelled:
    day = None if on is None else date.fromisoformat(on)
    with writing(park.engine) as connection:
        return cancel_paid_back(connection, key, reason=reason, recorded_at=NOW, on=day)


def places(park: Park, key: int, tenant: str, amount: str | None = None, on: str = "2026-06-22") -> int:
    with writing(park.engine) as connection:
        return place(
            connection, key, tenant, None if amount is None else centimes(amount), recorded_at=NOW,
            terms=park.settings.terms, on=date.fromisoformat(on),
        )  # fmt: skip


def withdraws(park: Park, key: int, tenant: str, amount: str | None = None, on: str = "2026-06-24") -> None:
    with writing(park.engine) as connection:
        withdraw(
            connection, key, tenant, None if amount is None else centimes(amount), reason="mauvais locataire",
            recorded_at=NOW, on=date.fromisoformat(on),
        )  # fmt: skip


def clears(park: Park, key: int, on: str = "2026-06-24") -> None:
    with writing(park.engine) as connection:
        clear(connection, key, date.fromisoformat(on), recorded_at=NOW, terms=park.settings.terms)


def bounces(park: Park, key: int, on: str = "2026-06-26", reason: str = "sans provision") -> None:
    with writing(park.engine) as connection:
        bounce(connection, key, date.fromisoformat(on), reason, recorded_at=NOW)


def refunds(  # noqa: PLR0913 - a test names few of the keywords
    park: Park,
    amount: str | None = None,
    *,
    receipt: int | None = None,
    tenant: str | None = None,
    note: str | None = None,
    means: str = "transfer",
    reference: str = "R1",
    on: str = "2026-06-28",
) -> int:
    wanted = RefundOrder(
        means, reference, date.fromisoformat(on), None if amount is None else centimes(amount), "trop-perçu", receipt,
        tenant, note,
    )  # fmt: skip
    with writing(park.engine) as connection:
        return refund_credit(connection, wanted, recorded_at=NOW, terms=park.settings.terms)


def still_open(park: Park, on: str | None = None) -> dict[str, str]:
    """What is open by document, negative on credit notes."""
    day = None if on is None else date.fromisoformat(on)
    with reading(park.engine) as connection:
        return {item.number: format_amount(item.open) for item in open_items(connection, on=day)}


def carried(park: Park, on: str | None = None) -> list[str]:
    """Money that settles nothing: receipt, whose, how much."""
    day = None if on is None else date.fromisoformat(on)
    with reading(park.engine) as connection:
        return [
            f"{RECEIPT.format(credit.receipt)} {credit.tenant or '?'} {format_amount(credit.left)}"
            for credit in credits(connection, on=day)
        ]
