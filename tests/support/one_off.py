"""Invoices by hand, told in one call."""

from datetime import date

from billing.documents.one_off.issuing import OneOffTerms, issue_by_hand
from billing.documents.one_off.orders import OneOffOrder, parse_line
from billing.frame.database import writing
from invoices.issuing import Issued
from tests.oracle.service import NOW
from tests.support.park import Park


def bills_by_hand(
    park: Park,
    *lines: str,
    tenant: str = "T1",
    site: str = "CAS",
    on: str = "2026-06-20",
    reason: str = "Dégâts du 12 juin",
    again: bool = False,
) -> Issued:
    """Bill lines such as `MEAL;Repas du conseil;2;38.50`."""
    order = OneOffOrder(tenant, site, tuple(map(parse_line, lines)), reason, "amina", again)
    terms = OneOffTerms(date.fromisoformat(on), NOW, park.settings.operator, park.settings.terms)
    with writing(park.engine) as connection:
        issued, _ = issue_by_hand(connection, order, terms)
    return issued
