"""Credit notes made by hand: an invoice taken back in part or whole, line by line, with a reason and a name (R28).

They stand outside the runs. A *rebate* concerns the price asked, not who funds whom: the line it credits still stands
for R13, and the next run neither bills it again nor credits it twice (`billing.run.tenant_bill` bills again what a line
credited whole had lost by hand). Its amount is at once its own full price and its own full cost, so it gives neither
contribution, nor draw, nor advantage (R16). A *cancellation* takes whole lines back, as a run does: the next run counts
what they gave negative, and bills anew what is still due. Finished runs stay as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.documents.credit_notes.kinds import CreditKind
from billing.documents.credit_notes.queries import CreditableLine, creditable_lines
from billing.frame.civil_time import today
from billing.frame.database import change_facts, change_runs, insert_rows
from billing.frame.errors import Fault, Refused
from billing.frame.settings import Settings
from billing.register.parties import buyer_of
from billing.register.tables import tenant
from billing.run.issued import book_by_hand
from billing.run.plan import require_no_run_before
from invoices.document import CREDIT_NOTE, Correction, DocumentLine, Party
from invoices.issuing import CreditNote, Draft, Issue, Issued, issue_credit_note
from invoices.numbering import latest_issue_date
from invoices.reading import document_id, load_documents
from invoices.rendering.sheet import LUMP_SUM
from pricing.cross_subsidy import positions
from pricing.eligibility import MARKET
from pricing.money import QUANTITY_SCALE, format_amount, price_of

REASON_LENGTH_MAX = 200
LINES_MAX = 1000


class Part(NamedTuple):
    """A part of an invoice's line to be credited: an amount without VAT, in centimes; None for all that is left."""

    line_no: int
    amount: int | None


class CreditOrder(NamedTuple):
    """An order to credit an invoice, and why; no parts: all that is left of every line."""

    invoice: str
    parts: tuple[Part, ...]
    reason: str
    issued_by: str
    kind: CreditKind = CreditKind.REBATE


@dataclass(frozen=True, slots=True)
class CreditTerms:
    """The terms that the edge knows: the day of issue, the instant, who bills, and to which account a rebate goes.

    `rebate_accounts` gives, by the beginning of a revenue account, the account that a rebate on it is booked
    to; the longest beginning counts, and a revenue account that has none takes the rebate itself.
    """

    issued_on: date
    recorded_at: datetime
    seller: Party
    rebate_accounts: Mapping[str, str]

    def rebate_account(self, revenue_account: str) -> str:
        """Return the account that a credit of something sold to `revenue_account` is booked to (law.md section 5)."""
        for length in range(len(revenue_account), 0, -1):
            if revenue_account[:length] in self.rebate_accounts:
                return self.rebate_accounts[revenue_account[:length]]
        return revenue_account


def give_credit_note(connection: Connection, order: CreditOrder, terms: CreditTerms) -> Issued:
    """Issue a credit note by hand, book it and queue its delivery; all or nothing with the caller's transaction.

    Runs and others who credit wait meanwhile, so that no line is credited beyond what was invoiced. Raises
    UnknownDocument, Refused with every fault, IssueDateGoesBack (R15), RunRefused while a run is not finished that
    issues before.
    """
    change_runs(connection)
    change_facts(connection)
    lines = creditable_lines(connection, order.invoice)
    faults = list(_faults(order, lines))
    if faults:
        raise Refused(faults)
    require_no_run_before(connection, terms.issued_on)
    chosen = _chosen(order, lines)
    key = document_id(connection, order.invoice)
    ((_, invoice),) = load_documents(connection, [key])
    cancels = order.kind == CreditKind.CANCELLATION
    if cancels and invoice.is_brought:
        problem = "was issued before this service began: its revenue is in the books of then"
        raise Refused([Fault("credit-note", None, "kind", order.kind, problem, "give a rebate")])
    credited = tuple(
        _cancelled(creditable, order.invoice, key, invoice.issued_on)
        if cancels
        else _credited(creditable, amount, order.invoice, key, invoice.issued_on, terms)
        for creditable, amount in chosen
    )
    # A rebate gives nothing by R16.
    gave = positions([line.priced for line in credited])
    advantage, contribution = sum(x.advantage for x in gave), sum(x.contribution for x in gave)
    draft = Draft(CREDIT_NOTE, _buyer(connection, invoice.buyer), credited, advantage, contribution, None)
    issue = Issue(period=None, issued_on=terms.issued_on, due_on=terms.issued_on, seller=terms.seller)
    note = CreditNote(draft, order.reason.strip(), order.issued_by.strip(), whole=cancels)
    issued = issue_credit_note(connection, note, issue, insert=insert_rows)
    book_by_hand(connection, issued, terms.issued_on, terms.recorded_at)
    return issued


def _chosen(order: CreditOrder, lines: Sequence[CreditableLine]) -> list[tuple[CreditableLine, int]]:
    """Return the lines to be credited with their amounts, in the invoice's order; the order has no fault."""
    if order.kind == CreditKind.CANCELLATION:
        named = {part.line_no for part in order.parts}
        return [
            (line, line.line.priced.amount) for line in lines if line.stands and (not named or line.line_no in named)
        ]
    if not order.parts:
        return [(line, line.left) for line in lines if line.left]
    asked = {part.line_no: part.amount for part in order.parts}
    return [
        (line, line.left if (amount := asked[line.line_no]) is None else amount)
        for line in lines
        if line.line_no in asked
    ]


def _faults(order: CreditOrder, lines: Sequence[CreditableLine]) -> list[Fault]:
    """Return everything wrong with the order."""

    def fault(column: str, value: object, problem: str, remedy: str) -> Fault:
        return Fault("credit-note", None, column, None if value is None else str(value), problem, remedy)

    faults = []
    reason = order.reason.strip()
    if not 0 < len(reason) <= REASON_LENGTH_MAX or not reason.isprintable():
        problem = f"must say in 1 to {REASON_LENGTH_MAX} characters that can be printed why the credit note is given"
        faults.append(fault("reason", None, problem, "it is printed on the credit note"))
    if not order.issued_by.strip():
        faults.append(fault("issued_by", None, "must name who gives the credit note", "give a name"))
    cancels = order.kind == CreditKind.CANCELLATION
    left = {line.line_no: line.left for line in lines}
    stands = {line.line_no: line.stands if cancels else bool(line.left) for line in lines}
    if not order.parts and not any(stands.values()):
        faults.append(fault("invoice", order.invoice, "is credited in full already", "nothing is left to credit"))
    seen = set()
    for line_no, amount in order.parts:
        if line_no in seen:
            faults.append(fault("lines", line_no, "stands twice", "give each line once"))
        elif line_no not in left:
            faults.append(fault("lines", line_no, f"is no line of {order.invoice}", f"its lines are 1 to {len(left)}"))
        elif not stands[line_no]:
            faults.append(fault("lines", line_no, "is credited in full already", "leave it out"))
        elif cancels and amount is not None:
            problem = "can't be cancelled in part: a cancellation takes whole lines back"
            faults.append(
                fault("lines", format_amount(amount), problem, "give the line without an amount, or a rebate")
            )
        elif amount is not None and amount <= 0:
            faults.append(fault("lines", format_amount(amount), "must be above zero", "give an amount without VAT"))
        elif amount is not None and amount > left[line_no]:
            may = format_amount(left[line_no])
            problem = f"is more than what line {line_no} was invoiced, less what was credited"
            faults.append(fault("lines", format_amount(amount), problem, f"at most {may} without VAT may be credited"))
        seen.add(line_no)
    return faults


def _credited(
    creditable: CreditableLine, amount: int, invoice: str, key: int, issued_on: date, terms: CreditTerms
) -> DocumentLine:
    """Return the line of the credit note: of the same service, its amount being full price and full cost (R16)."""
    line = creditable.line
    price = price_of(amount)
    priced = line.priced._replace(
        lease=None, first_day=None, last_day=None, days=1, days_in_month=1, tier=MARKET, quantity=QUANTITY_SCALE,
        full_price=price, unit_price=price, unit_cost=price, amount=amount, full_amount=amount, cost_amount=amount,
    )  # fmt: skip
    return line._replace(
        priced=priced,
        unit_of_measure=LUMP_SUM,
        revenue_account=terms.rebate_account(line.revenue_account),
        corrects=Correction(invoice, key, creditable.line_no, issued_on),
        withdraws=None,
    )


def _cancelled(creditable: CreditableLine, invoice: str, key: int, issued_on: date) -> DocumentLine:
    """Return the line of the credit note: the invoice's own, in every word and figure."""
    corrects = Correction(invoice, key, creditable.line_no, issued_on)
    return creditable.line._replace(corrects=corrects, withdraws=None)


def _buyer(connection: Connection, then: Party) -> Party:
    """Return the invoice's buyer, as the register has it today; as it was then if the register has lost it."""
    t = tenant.c
    row = connection.execute(select(tenant).where(t.code == then.code)).one_or_none()
    return then if row is None else buyer_of(row)


def credit_terms(
    connection: Connection, settings: Settings, issued_on: date | None, recorded_at: datetime
) -> CreditTerms:
    """Return a credit note's terms on `issued_on`; None: today in Casablanca, or the newest document's day if later.

    Raises Refused for a day that is still to come: every later document would have to wait for it (R15).
    """
    present_day = today(recorded_at)
    newest = max(present_day, latest_issue_date(connection) or present_day)
    if issued_on is not None and issued_on > newest:
        problem = "is still to come, and no document could be issued before it"
        raise Refused([Fault("credit-note", None, "issue_date", str(issued_on), problem, f"give {newest} or none")])
    day = issued_on or newest
    return CreditTerms(
        day, recorded_at, settings.operator.party, settings.terms.at("credit_notes.rebate_accounts", day)
    )
