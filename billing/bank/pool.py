"""What lines of statements are matched with, read set-wise: what is open, who pays, what the books hold already."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    cast,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)

from billing.bank.formats.statement import BankLine
from billing.bank.matching import (
    NEAR_DAYS,
    RECEIVED,
    BookedEntry,
    Cheque,
    OpenInvoice,
    Pool,
    Rates,
    Withheld,
    numbers_of,
)
from billing.bank.tables import bank_line, line_decision, line_entry
from billing.entries.receivables import MONEY, TO_BE_CLEARED
from billing.frame.database import among
from billing.frame.terms import Terms
from billing.receivables.open_items.open_items import open_items_select
from billing.receivables.tables.receipts import receipt, receipt_event, receipt_leg, refund
from billing.register.tables import tenant
from invoices.document import INVOICE
from invoices.models import document, document_line
from ledger.models import entry, posting
from pricing.money import RATE_DECIMALS, parse_decimal

BANK_ACCOUNT = "5141"
_later = line_decision.alias("later")


def is_latest() -> ColumnElement[bool]:
    """That a decision is the latest about its line, and so the one that counts."""
    d, x = line_decision.c, _later.c
    return not_(exists().where(x.statement_id == d.statement_id, x.line_no == d.line_no, x.decision_no > d.decision_no))


def load_pool(connection: Connection, lines: Sequence[BankLine], terms: Terms) -> Pool:
    """Everything those lines may be matched with, and no more: what they name, whoever they name, their amounts."""
    on = max((line.booked_on for line in lines), default=None)
    if on is None:
        return Pool({}, {})
    pool = Pool(
        dict(connection.execute(select(tenant.c.code, tenant.c.legal_name)).all()),
        _known_accounts(connection, lines),
        rates=Rates(
            _rate(terms.at("statements.rent_withholding", on)),
            tuple(_rate(text) for text in terms.at("statements.vat_withholdings", on)),
        ),
        waiting=_cheques(connection, is_cleared=False),
        cleared=_cheques(connection, is_cleared=True),
        entries=unlinked_entries(connection, lines),
        own_movements=terms.at("statements.own_movements", on),
    )
    pool.hold(_invoices(connection, lines, pool))
    short = {number for line in lines for number in pool.may_be_kept_back(line)}
    pool.withheld = _withheld(connection, short) if short else {}
    return pool


def _rate(text: Any) -> int:
    return parse_decimal(str(text), RATE_DECIMALS)


def _invoices(connection: Connection, lines: Sequence[BankLine], pool: Pool) -> list[OpenInvoice]:
    """The invoices that lines name, those open of who pays, and those of an amount of which nothing else is known.

    What a payment leaves over may be another invoice of the same tenant: whoever is named is asked for whole, unless
    the amount is exactly what is named.
    """
    credits_of = [line for line in lines if line.amount > 0 and not line.is_reversal]
    named = {number for line in credits_of for number in numbers_of(line)[1]}
    invoices = {one.number: one for one in _numbered(connection, named)}
    payers: set[str] = set()
    amounts: set[int] = set()
    for line in credits_of:
        its = [invoices[number] for number in numbers_of(line)[1] if number in invoices]
        if its:
            if line.amount > sum(one.open for one in its):
                payers.update(one.tenant for one in its)
            continue
        code = pool.payer_of(line)
        if code is None:
            amounts.add(line.amount)
        else:
            payers.add(code)
    if payers or amounts:
        of_payers = among(connection, document.c.tenant, sorted(payers))
        for row in connection.execute(
            _open_invoices(lambda left: or_(of_payers, among(connection, left, sorted(amounts))))
        ):
            invoices.setdefault(row.number, OpenInvoice(*row))
    return list(invoices.values())


def _open_invoices(narrowed: Callable[[ColumnElement[int]], ColumnElement[bool]]) -> Select[Any]:
    """The open invoices as `OpenInvoice`; they are narrowed by what is open of them, or otherwise."""
    found = open_items_select()
    c = found.selected_columns
    # PostgreSQL sums to a decimal.
    left = cast(c.open, BigInteger)
    wanted = (c.number, c.tenant, c.due_on, c.gross, left.label("open"))
    return found.with_only_columns(*wanted).where(document.c.kind == INVOICE, narrowed(left))


def _numbered(connection: Connection, numbers: set[str]) -> Iterator[OpenInvoice]:
    """Invoices by number, open or not."""
    if not numbers:
        return
    d = document.c
    by_number = among(connection, d.number, sorted(numbers))
    opens = {row.number: int(row.open) for row in connection.execute(_open_invoices(lambda _: by_number))}
    rows = select(d.number, d.tenant, d.due_on, d.gross).where(d.kind == INVOICE, by_number)
    for row in connection.execute(rows):
        yield OpenInvoice(*row, opens.get(row.number, 0))


def _known_accounts(connection: Connection, lines: Sequence[BankLine]) -> dict[str, str]:
    """The payers' accounts that earlier lines have made known, each of one tenant alone."""
    accounts = {line.counterparty_account for line in lines if line.counterparty_account}
    if not accounts:
        return {}
    d, x = line_decision.c, bank_line.c
    rows = connection.execute(
        select(x.counterparty_account, func.min(d.tenant))
        .join(line_decision, and_(d.statement_id == x.statement_id, d.line_no == x.line_no))
        .where(
            among(connection, x.counterparty_account, sorted(accounts)),
            x.counterparty_account != literal_column("''"),
            d.kind == RECEIVED,
            d.tenant.is_not(None),
            is_latest(),
        )
        .group_by(x.counterparty_account)
        .having(func.count(d.tenant.distinct()) == 1)
    )
    return dict(rows.all())


def _cheques(connection: Connection, *, is_cleared: bool) -> list[Cheque]:
    """Cheques and bills that wait to be cleared, or were cleared and may come back: those refunded can't."""
    r, leg = receipt.c, receipt_leg.c
    cleared, bounced = receipt_event.alias("cleared"), receipt_event.alias("bounced")
    refunded = exists().where(refund.c.receipt_id == r.id)
    since = func.coalesce(cleared.c.happened_on, r.value_date)
    rows = connection.execute(
        select(r.id, r.reference, r.tenant, leg.amount, since)
        .join(receipt_leg, and_(leg.receipt_id == r.id, leg.kind == MONEY))
        .outerjoin(cleared, and_(cleared.c.receipt_id == r.id, cleared.c.kind == "cleared"))
        .outerjoin(bounced, and_(bounced.c.receipt_id == r.id, bounced.c.kind == "bounced"))
        .where(
            r.means.in_(TO_BE_CLEARED),
            cleared.c.receipt_id.is_not(None) if is_cleared else cleared.c.receipt_id.is_(None),
            bounced.c.receipt_id.is_(None),
            not_(refunded) if is_cleared else true(),
        )
        .order_by(r.id)
    )
    return [Cheque(*row) for row in rows]


def bank_postings() -> ColumnElement[bool]:
    """That a posting moves the bank's account; said so that the index of money accounts is used."""
    return and_(
        posting.c.account == literal_column(f"'{BANK_ACCOUNT}'"),
        posting.c.account.between(literal_column("'5'"), literal_column("'5Z'")),
    )


def is_unlinked() -> ColumnElement[bool]:
    """That no line of a statement stands for an entry."""
    x, d = line_entry.c, line_decision.c
    return not_(
        exists(
            select(x.entry)
            .join(
                line_decision,
                and_(d.statement_id == x.statement_id, d.line_no == x.line_no, d.decision_no == x.decision_no),
            )
            .where(x.entry == entry.c.reference, is_latest())
        )
    )


def unlinked_entries(connection: Connection, lines: Sequence[BankLine]) -> list[BookedEntry]:
    """The entries around the days of those lines that move the bank's account, and that no line stands for."""
    days = [day for line in lines for day in (line.booked_on, line.value_on)]
    near = timedelta(days=NEAR_DAYS)
    moved = (
        select(posting.c.entry_id, func.sum(posting.c.amount).label("amount"))
        .where(bank_postings(), posting.c.effective_on >= min(days) - near, posting.c.effective_on <= max(days) + near)
        .group_by(posting.c.entry_id)
        .subquery()
    )
    rows = connection.execute(
        select(entry.c.reference, entry.c.effective_on, moved.c.amount, entry.c.piece, entry.c.label)
        .join(moved, moved.c.entry_id == entry.c.id)
        .where(moved.c.amount != 0, is_unlinked())
        .order_by(entry.c.id)
    )
    return [BookedEntry(reference, on, int(amount), f"{piece} {label}") for reference, on, amount, piece, label in rows]


def _withheld(connection: Connection, numbers: set[str]) -> dict[str, Withheld]:
    """What taxes on those invoices are reckoned on: the rent of their offices, and their VAT."""
    d, x = document.c, document_line.c
    rows = connection.execute(
        select(d.number, func.coalesce(func.sum(x.amount), 0), d.tax)
        .outerjoin(document_line, and_(x.document_id == d.id, x.lease.is_not(None)))
        .where(among(connection, d.number, sorted(numbers)))
        .group_by(d.number, d.tax)
    )
    return {number: Withheld(int(rent), int(vat)) for number, rent, vat in rows}
