"""Invoices made by hand: a service of the catalogue, a text, a quantity and a price, billed outside the runs (R27).

A line's price is at once its full price and its full cost, in tier `market`: so it gives neither contribution, nor
draw, nor advantage (R16). Runs look at what is let and used, so that none bills such a line again or repairs it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.documents.one_off.orders import (
    REASON_LENGTH_MAX,
    JudgedLine,
    OneOffOrder,
    as_printed,
    fault,
    judge_lines,
    text_problem,
)
from billing.documents.one_off.queries import alike
from billing.frame.bounds import PREPARED_DAYS_AHEAD_MAX, too_far_ahead
from billing.frame.civil_time import today
from billing.frame.database import change_receivables, change_runs, insert_rows
from billing.frame.errors import Fault, Refused
from billing.frame.settings import Operator, Settings
from billing.frame.terms import Terms
from billing.receivables.receipts.applying_credits import settle_what_was_issued
from billing.register.catalogue import Catalogue, load_catalogue
from billing.register.parties import buyer_of
from billing.register.tables import tenant
from billing.run.issued import book_by_hand
from billing.run.plan import require_no_run_before
from invoices.document import INVOICE, Document, DocumentLine
from invoices.issuing import Draft, Issue, Issued, issue_one_off, vat_of_drafts
from invoices.numbering import latest_issue_date, require_issue_date
from ledger.periods import require_open
from pricing.eligibility import MARKET
from pricing.money import QUANTITY_SCALE
from pricing.period import first_of_month
from pricing.rating import PricedLine
from pricing.vat import VatSubtotal

# The units of the catalogue that mean something else here: of what is used as a whole; of a lease's months.
_EACH, _M2_MONTH = "each", "m2_month"
# Printed as a number alone.
_NO_UNIT = "none"


@dataclass(frozen=True, slots=True)
class OneOffTerms:
    """The terms that the edge knows: the day of issue, the instant, who bills, and the dated settings."""

    issued_on: date
    recorded_at: datetime
    operator: Operator
    terms: Terms

    @property
    def issue(self) -> Issue:
        """Return what the invoice bears beside its draft: it is of no month, and due as a run's would be."""
        due_on = self.issued_on + timedelta(days=self.operator.payment_terms_days)
        return Issue(None, self.issued_on, due_on, self.operator.party)


class Prepared(NamedTuple):
    """An invoice as it would be issued, with its VAT, and what is unlikely of it, each a sentence."""

    draft: Draft
    vat: tuple[VatSubtotal, ...]
    warnings: tuple[str, ...]

    def document(self, order: OneOffOrder, terms: OneOffTerms) -> Document:
        """Return it as a document that has no number."""
        issue = terms.issue
        net, tax = sum(v.base for v in self.vat), sum(v.amount for v in self.vat)
        return Document(
            number="", kind=INVOICE, period=None, issued_on=issue.issued_on, due_on=issue.due_on,
            seller=issue.seller, buyer=self.draft.buyer, lines=self.draft.lines, vat=self.vat, net=net,
            tax=tax, gross=net + tax, advantage=0, contribution=0, discount_ends_on=None,
            reason=as_printed(order.reason),
        )  # fmt: skip


def one_off_terms(
    connection: Connection, settings: Settings, issued_on: date | None, recorded_at: datetime
) -> OneOffTerms:
    """Return the terms on `issued_on`; None: today in Casablanca, or the newest document's day if that is later."""
    present_day = today(recorded_at)
    newest = max(present_day, latest_issue_date(connection) or present_day)
    return OneOffTerms(issued_on or newest, recorded_at, settings.operator, settings.terms)


def prepare(connection: Connection, order: OneOffOrder, terms: OneOffTerms) -> Prepared:
    """Return what the order would issue; writes nothing.

    Raises Refused with every fault; IssueDateGoesBack (R15), PeriodClosed, PeriodNotYetOpen or RunRefused for a day
    that can't be.
    """
    catalogue = load_catalogue(connection)
    row = connection.execute(select(tenant).where(tenant.c.code == order.tenant)).one_or_none()
    judged, faults = judge_lines(order.lines, catalogue, terms.issued_on)
    faults = [*_faults(order, terms, catalogue, is_known=row is not None), *faults]
    if faults or row is None:
        raise Refused(faults)
    require_issue_date(connection, terms.issued_on)
    require_open(connection, terms.issued_on)
    require_no_run_before(connection, terms.issued_on)
    lines = tuple(_line(line, order.site, terms.issued_on, catalogue) for line in judged)
    twins = alike(connection, order.tenant, terms.issued_on, lines)
    if twins and not order.again:
        remedy = "give --again if it is to be billed once more"
        raise Refused([fault("lines", None, f"are those of {', '.join(twins)}, issued on the same day", remedy)])
    draft = Draft(INVOICE, buyer_of(row), lines, 0, 0, None)
    (vat,) = vat_of_drafts(connection, [draft])
    return Prepared(draft, vat, tuple(_warnings(draft, terms, twins)))


def issue_by_hand(connection: Connection, order: OneOffOrder, terms: OneOffTerms) -> tuple[Issued, Prepared]:
    """Issue an invoice by hand, book it, queue its delivery and let the tenant's credit settle it, as after a run.

    All or nothing with the caller's transaction; raises as `prepare`.
    """
    # A run that begins meanwhile would be stuck with a day before this one's; others may bill, pay and repair.
    change_runs(connection)
    change_receivables(connection)
    prepared = prepare(connection, order, terms)
    said = as_printed(order.reason), order.issued_by.strip()
    issued = issue_one_off(connection, prepared.draft, said, terms.issue, insert=insert_rows)
    book_by_hand(connection, issued, terms.issued_on, terms.recorded_at)
    settle_what_was_issued(connection, recorded_at=terms.recorded_at, terms=terms.terms, tenants=[order.tenant])
    return issued, prepared


def _faults(order: OneOffOrder, terms: OneOffTerms, catalogue: Catalogue, *, is_known: bool) -> list[Fault]:
    """Return everything wrong with the order but for its lines."""
    faults = []
    if not is_known:
        faults.append(fault("tenant", order.tenant, "is not in the register", "enter the tenant first"))
    if order.site not in catalogue.sites:
        known = ", ".join(sorted(catalogue.sites)) or "none yet"
        faults.append(fault("site", order.site, "is no site of the network", f"there are {known}"))
    opened_on = catalogue.rates.opened_on(order.site)
    if terms.issued_on < opened_on:
        remedy = "bill it on that day or later, or correct the site's opened_on"
        faults.append(fault("site", order.site, f"opens on {opened_on}: nothing is billed there before", remedy))
    problem = text_problem(order.reason, REASON_LENGTH_MAX)
    if problem:
        faults.append(fault("reason", order.reason, problem, "say why it is billed: it is printed on the invoice"))
    if not order.issued_by.strip():
        faults.append(fault("issued_by", order.issued_by, "must name who bills", "give a name"))
    wrong = too_far_ahead(terms.issued_on, today(terms.recorded_at), PREPARED_DAYS_AHEAD_MAX)
    if wrong is not None:
        faults.append(fault("issue_date", str(terms.issued_on), *wrong))
    return faults


def _line(line: JudgedLine, site: str, issued_on: date, catalogue: Catalogue) -> DocumentLine:
    """Return the line as issued: its text, in the unit and on the account of its service."""
    service = catalogue.services[line.service]
    priced = PricedLine(
        service=line.service, site=site, lease=None, month=first_of_month(issued_on), first_day=None, last_day=None,
        days=1, days_in_month=1, tier=MARKET, quantity=line.quantity, full_price=line.price, unit_price=line.price,
        unit_cost=line.price, amount=line.amount, full_amount=line.amount, cost_amount=line.amount,
        vat_rate=line.vat.rate, vat_treatment=line.vat.treatment, vat_reason=line.vat.reason,
    )  # fmt: skip
    unit = _NO_UNIT if service.unit_of_measure == _M2_MONTH else service.unit_of_measure
    return DocumentLine(priced, line.text, unit, catalogue.sites[site], "", service.revenue_account)


def _warnings(draft: Draft, terms: OneOffTerms, twins: list[str]) -> list[str]:
    present_day = today(terms.recorded_at)
    warnings = []
    if twins:
        warnings.append(f"{', '.join(twins)} of the same day bears the same lines")
    if terms.issued_on.year != present_day.year:
        warnings.append(f"its issue date {terms.issued_on} lies in another financial year than today: compare the year")
    for number, line in enumerate(draft.lines, 1):
        if line.unit_of_measure == _EACH and line.priced.quantity % QUANTITY_SCALE:
            warnings.append(f"line {number}: its quantity is a part of something that is used as a whole")
    if not draft.buyer.email:
        warnings.append(f"{draft.buyer.code} has no mail address: enter one, or print the invoice")
    return warnings
