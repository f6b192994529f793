"""Credit notes by hand, told in one call."""

from datetime import date

from billing.documents.credit_notes.giving import CreditOrder, CreditTerms, Part, give_credit_note
from billing.documents.credit_notes.kinds import CreditKind
from billing.frame.database import writing
from invoices.issuing import Issued
from tests.oracle.service import NOW
from tests.support.park import Park


def credits_by_hand(
    park: Park,
    invoice: str,
    *parts: tuple[int, int | None],
    on: str = "2026-06-20",
    reason: str = "Climatisation en panne du 3 au 9 juin",
) -> Issued:
    terms = CreditTerms(date.fromisoformat(on), NOW, park.settings.operator.party, REBATES)
    order = CreditOrder(invoice, tuple(Part(*part) for part in parts), reason, "amina")
    with writing(park.engine) as connection:
        return give_credit_note(connection, order, terms)


def cancels_by_hand(
    park: Park, invoice: str, *lines: int | tuple[int, int | None], on: str = "2026-06-20", reason: str = "erreur"
) -> Issued:
    """Cancel whole lines, all of them unless named."""
    terms = CreditTerms(date.fromisoformat(on), NOW, park.settings.operator.party, REBATES)
    parts = tuple(Part(line, None) if isinstance(line, int) else Part(*line) for line in lines)
    order = CreditOrder(invoice, parts, reason, "amina", CreditKind.CANCELLATION)
    with writing(park.engine) as connection:
        return give_credit_note(connection, order, terms)


REBATES = {"711": "7119", "712": "7129"}
