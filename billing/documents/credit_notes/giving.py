"""Credit notes made by hand: an invoice taken back in part or whole, line by line, with a reason and a name.

They stand outside the runs. The line they credit still stands for R13: the next run neither bills it again
nor credits it twice (`billing.run.tenant_bill` bills again what a line credited whole had lost by hand).
They concern the price asked, not who funds whom: a credited amount is at once its own full price and its own
full cost, so it gives neither contribution, nor draw, nor advantage (R16), and finished runs stay as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Select, and_, func, select

from billing.entries.sales import sale
from billing.frame.civil_time import TIME_ZONE
from billing.frame.database import change_facts, insert_rows
from billing.frame.errors import Fault, Refused, Unknown
from billing.frame.settings import Settings
from billing.register.parties import buyer_of
from billing.register.tables import tenant
from invoices.document import CREDIT_NOTE, INVOICE, Correction, DocumentLine, Party, credit_vat
from invoices.issuing import CreditNote, Draft, Issue, Issued, issue_credit_note
from invoices.models import credit_reason, credit_withdrawal, credited_part, delivery, document, document_line
from invoices.numbering import latest_issue_date
from invoices.reading import document_id, load_documents
from invoices.rendering.sheet import LUMP_SUM
from ledger.journal import post
from pricing.eligibility import MARKET
from pricing.money import QUANTITY_SCALE, format_amount, format_rate, price_of
from pricing.vat import vat_breakdown

REASON_LENGTH_MAX = 200
LINES_MAX = 1000


class Part(NamedTuple):
    """What is to be credited of an invoice's line: an amount without VAT, in centimes; None for all that is left."""

    line_no: int
    amount: int | None


class CreditOrder(NamedTuple):
    """What somebody wants credited, and why; no parts: all that is left of every line."""

    invoice: str
    parts: tuple[Part, ...]
    reason: str
    issued_by: str


@dataclass(frozen=True, slots=True)
class CreditTerms:
    """What the edge knows: the day of issue, the instant, who bills, and to which account a rebate goes.

    `rebate_accounts` gives, by the beginning of a revenue account, the account that a rebate on it is booked
    to; the longest beginning counts, and a revenue account that has none takes the rebate itself.
    """

    issued_on: date
    recorded_at: datetime
    seller: Party
    rebate_accounts: Mapping[str, str]

    def rebate_account(self, revenue_account: str) -> str:
        """The account that a credit of something sold to `revenue_account` is booked to (law.md section 5)."""
        for length in range(len(revenue_account), 0, -1):
            if revenue_account[:length] in self.rebate_accounts:
                return self.rebate_accounts[revenue_account[:length]]
        return revenue_account


class CreditableLine(NamedTuple):
    """A line of an invoice, and what of it may still be credited, without VAT, in centimes."""

    line_no: int
    line: DocumentLine
    left: int


def creditable_lines(connection: Connection, invoice: str) -> list[CreditableLine]:
    """The lines of an invoice with what was invoiced less what was credited, by runs and by hand.

    Raises UnknownDocument; Refused for a credit note.
    """
    key = document_id(connection, invoice)
    ((_, found),) = load_documents(connection, [key])
    if found.kind != INVOICE:
        raise Refused([Fault("credit-note", None, "invoice", invoice, "is no invoice", "name the invoice it credits")])
    left = _left(connection, key)
    return [CreditableLine(line_no, line, left[line_no]) for line_no, line in enumerate(found.lines, 1)]


def _left(connection: Connection, key: int) -> dict[int, int]:
    """By line of the invoice, what was invoiced less what runs and people took back of it, in centimes."""
    x, part = document_line.c, credited_part.c
    credit = document_line.alias("credit")
    whole = and_(credit.c.corrects_document_id == x.document_id, credit.c.corrects_line_no == x.line_no)
    rows = connection.execute(
        select(x.line_no, x.amount, credit.c.document_id).outerjoin(credit, whole).where(x.document_id == key)
    )
    left = {line_no: 0 if credited is not None else amount for line_no, amount, credited in rows}
    withdrawal = credit_withdrawal.c
    by_hand = (
        select(part.invoice_line_no, func.sum(x.amount))
        .join(document_line, and_(x.document_id == part.document_id, x.line_no == part.line_no))
        .outerjoin(
            credit_withdrawal,
            and_(withdrawal.credit_note_id == part.document_id, withdrawal.credit_line_no == part.line_no),
        )
        .where(part.invoice_id == key, withdrawal.document_id.is_(None))
        .group_by(part.invoice_line_no)
    )
    for line_no, credited in connection.execute(by_hand):
        left[line_no] -= int(credited)
    return left


def give_credit_note(connection: Connection, order: CreditOrder, terms: CreditTerms) -> Issued:
    """Issue a credit note by hand, book it and queue its delivery; all or nothing with the caller's transaction.

    Runs and others who credit wait meanwhile, so that no line is credited beyond what was invoiced. Raises
    UnknownDocument, Refused with every fault, IssueDateGoesBack (R15).
    """
    change_facts(connection)
    lines = creditable_lines(connection, order.invoice)
    faults = list(_faults(order, lines))
    if faults:
        raise Refused(faults)
    chosen = _chosen(order, lines)
    key = document_id(connection, order.invoice)
    ((_, invoice),) = load_documents(connection, [key])
    credited = tuple(_credited(found, amount, order.invoice, key, invoice.issued_on, terms) for found, amount in chosen)
    left_of_rate: dict[int, int] = {}
    for found in lines:
        rate = found.line.priced.vat_rate
        left_of_rate[rate] = left_of_rate.get(rate, 0) + found.left
    vat = tuple(
        credit_vat(subtotal.rate, subtotal.base, left_of_rate[subtotal.rate])
        for subtotal in vat_breakdown((line.priced.vat_rate, line.priced.amount) for line in credited)
    )
    draft = Draft(CREDIT_NOTE, _buyer(connection, invoice.buyer), credited, 0, 0, None)
    issue = Issue(period=None, issued_on=terms.issued_on, due_on=terms.issued_on, seller=terms.seller)
    note = CreditNote(draft, vat, order.reason.strip(), order.issued_by.strip())
    issued = issue_credit_note(connection, note, issue, insert=insert_rows)
    sums = [(line.revenue_account, line.priced.site, line.priced.amount) for line in credited]
    entry = sale(issued.number, terms.issued_on, draft.buyer.code, -1, sums, issued.tax)
    post(connection, [entry], recorded_at=terms.recorded_at, insert=insert_rows)
    queued = [(issued.id, "queued", 0, terms.recorded_at, draft.buyer.email)]
    columns = ("document_id", "state", "attempts", "next_attempt_at", "recipient")
    insert_rows(connection, delivery, columns, queued)
    return issued


def _chosen(order: CreditOrder, lines: Sequence[CreditableLine]) -> list[tuple[CreditableLine, int]]:
    """The lines to be credited with their amounts, in the invoice's order; the order has no fault."""
    if not order.parts:
        return [(found, found.left) for found in lines if found.left]
    asked = {part.line_no: part.amount for part in order.parts}
    return [
        (found, found.left if (amount := asked[found.line_no]) is None else amount)
        for found in lines
        if found.line_no in asked
    ]


def _faults(order: CreditOrder, lines: Sequence[CreditableLine]) -> list[Fault]:
    """Everything wrong with what is asked."""

    def fault(column: str, value: object, problem: str, remedy: str) -> Fault:
        return Fault("credit-note", None, column, None if value is None else str(value), problem, remedy)

    faults = []
    reason = order.reason.strip()
    if not 0 < len(reason) <= REASON_LENGTH_MAX or not reason.isprintable():
        problem = f"must say in 1 to {REASON_LENGTH_MAX} characters that can be printed why the credit note is given"
        faults.append(fault("reason", None, problem, "it is printed on the credit note"))
    if not order.issued_by.strip():
        faults.append(fault("issued_by", None, "must name who gives the credit note", "give a name"))
    left = {found.line_no: found.left for found in lines}
    if not order.parts and not any(left.values()):
        faults.append(fault("invoice", order.invoice, "is credited in full already", "nothing is left to credit"))
    seen = set()
    for line_no, amount in order.parts:
        if line_no in seen:
            faults.append(fault("lines", line_no, "stands twice", "give each line once"))
        elif line_no not in left:
            faults.append(fault("lines", line_no, f"is no line of {order.invoice}", f"its lines are 1 to {len(left)}"))
        elif not left[line_no]:
            faults.append(fault("lines", line_no, "is credited in full already", "leave it out"))
        elif amount is not None and amount <= 0:
            faults.append(fault("lines", format_amount(amount), "must be above nil", "give an amount without VAT"))
        elif amount is not None and amount > left[line_no]:
            may = format_amount(left[line_no])
            problem = f"is more than what line {line_no} was invoiced, less what was credited"
            faults.append(fault("lines", format_amount(amount), problem, f"at most {may} without VAT may be credited"))
        seen.add(line_no)
    return faults


def _credited(
    found: CreditableLine, amount: int, invoice: str, key: int, issued_on: date, terms: CreditTerms
) -> DocumentLine:
    """The line of the credit note: an amount that is its own full price and full cost (R16), of the same service."""
    line = found.line
    price = price_of(amount)
    priced = line.priced._replace(
        lease=None, first_day=None, last_day=None, days=1, days_in_month=1, tier=MARKET, quantity=QUANTITY_SCALE,
        full_price=price, unit_price=price, unit_cost=price, amount=amount, full_amount=amount, cost_amount=amount,
    )  # fmt: skip
    return line._replace(
        priced=priced,
        unit_of_measure=LUMP_SUM,
        revenue_account=terms.rebate_account(line.revenue_account),
        corrects=Correction(invoice, key, found.line_no, issued_on),
        withdraws=None,
    )


def _buyer(connection: Connection, then: Party) -> Party:
    """The invoice's buyer, as the register has it today; as it was then if the register has lost it."""
    t = tenant.c
    row = connection.execute(select(tenant).where(t.code == then.code)).one_or_none()
    return then if row is None else buyer_of(row)


def credit_terms(
    connection: Connection, settings: Settings, issued_on: date | None, recorded_at: datetime
) -> CreditTerms:
    """The terms of a credit note given now, on `issued_on`: today in Casablanca, or the newest document's day if later.

    Raises Refused for a day that is still to come: every later document would have to wait for it (R15).
    """
    today = recorded_at.astimezone(ZoneInfo(TIME_ZONE)).date()
    newest = max(today, latest_issue_date(connection) or today)
    if issued_on is not None and issued_on > newest:
        problem = "is still to come, and no document could be issued before it"
        raise Refused([Fault("credit-note", None, "issue_date", str(issued_on), problem, f"give {newest} or none")])
    day = issued_on or newest
    return CreditTerms(
        day, recorded_at, settings.operator.party, settings.terms.at("credit_notes.rebate_accounts", day)
    )


def credit_notes() -> Select[Any]:
    """The credit notes made by hand, with reason and name; to be narrowed and put in order."""
    return select(document, credit_reason.c.reason, credit_reason.c.issued_by).join(
        credit_reason, credit_reason.c.document_id == document.c.id
    )


def find_credit_note(connection: Connection, number: str) -> Row[Any]:
    """One credit note made by hand; raises Unknown."""
    found = connection.execute(credit_notes().where(document.c.number == number)).one_or_none()
    if found is None:
        raise Unknown(f"{number} is no credit note made by hand")
    return found


def credit_note_json(connection: Connection, head: Row[Any]) -> dict[str, Any]:
    """A credit note made by hand as JSON: which invoice it credits, line by line, why, by whom."""
    x, part, invoice = document_line.c, credited_part.c, document.alias("invoice")
    lines = connection.execute(
        select(part.invoice_line_no, x.amount, x.vat_rate, invoice.c.number)
        .join(document_line, and_(x.document_id == part.document_id, x.line_no == part.line_no))
        .join(invoice, invoice.c.id == part.invoice_id)
        .where(part.document_id == head.id)
        .order_by(part.line_no)
    ).all()
    return {
        "number": head.number,
        "issued_on": head.issued_on.isoformat(),
        "tenant": head.tenant,
        "invoice": lines[0].number,
        "reason": head.reason,
        "issued_by": head.issued_by,
        "lines": [
            {"invoice_line": line_no, "amount": format_amount(amount), "vat_rate": format_rate(rate)}
            for line_no, amount, rate, _ in lines
        ],
        "net": format_amount(head.net),
        "tax": format_amount(head.tax),
        "gross": format_amount(head.gross),
    }
