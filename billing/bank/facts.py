"""The facts that bank lines are matched with, read set-wise: what is open, who pays, what the books hold already."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
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
from billing.bank.matching.pool import Pool, telling
from billing.bank.matching.values import (
    RECORDED_DAYS,
    BookedEntry,
    Cheque,
    LineKind,
    OpenInvoice,
    Proposal,
    Rates,
    Withheld,
)
from billing.bank.matching.words import unit_key
from billing.bank.queries import is_latest, is_of_line, is_reversed, is_unlinked, moves_bank_account
from billing.bank.tables import bank_line, line_decision
from billing.entries.receivables import CARD, MONEY, TO_BE_CLEARED, TRANSFER
from billing.frame.codes import RECEIPT
from billing.frame.database import among
from billing.frame.terms import Terms
from billing.receivables.booked_late import booked_late
from billing.receivables.open_items.open_items import is_standing_refund, open_items_select
from billing.receivables.tables.receipts import (
    placement,
    receipt,
    receipt_cancellation,
    receipt_event,
    receipt_leg,
    refund,
    settlement,
)
from billing.register.tables import lease, tenant
from invoices.brought import brought_numbers
from invoices.document import INVOICE
from invoices.models import document, document_line
from ledger.entry import BANK
from ledger.models import entry, posting
from pricing.money import RATE_DECIMALS, parse_decimal

_OF_RECEIPT = re.compile(rf"{BANK}/{RECEIPT.prefix}-([0-9]+)(?:/|$)", re.ASCII)
# A unit's code of fewer signs is found in a text by chance.
_UNIT_LENGTH_MIN = 3
# A bank gives a transfer back within so many days.
_RETURNED_WITHIN_DAYS = 60
_WORD = re.compile(r"[^\s,;:()]+")


def propose(connection: Connection, lines: Sequence[BankLine], terms: Terms) -> list[tuple[Proposal, ...]]:
    """Return what each of those lines may be, as things stand now; each by itself."""
    pool = load_pool(connection, lines, terms)
    return [pool.proposals(line) for line in lines]


def load_pool(connection: Connection, lines: Sequence[BankLine], terms: Terms) -> Pool:
    """Return all that lines may be matched with, and no more: what they name, the payers they name, their amounts."""
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
        returnable=_transfers(connection, lines),
        entries=unlinked_entries(connection, lines),
        own_movements=terms.at("statements.own_movements", on),
    )
    pool.payments.units = _units(connection, on)
    pool.payments.brought = brought_numbers(connection)
    pool.payments.hold(_invoices(connection, lines, pool))
    short = {number for line in lines for number in pool.payments.may_withhold(line)}
    pool.payments.bases = _tax_bases(connection, short) if short else {}
    return pool


def _rate(text: Any) -> int:
    return parse_decimal(str(text), RATE_DECIMALS)


def _invoices(connection: Connection, lines: Sequence[BankLine], pool: Pool) -> list[OpenInvoice]:
    """Return the invoices that lines name, those of the payers, and those of an amount of which nothing else is known.

    The rest of a payment may settle another invoice of the same tenant: a line that exceeds the invoices it names
    brings all open invoices of their tenants.
    """
    named = {line: pool.payments.numbers_in(line) for line in lines}
    invoices = {invoice.number: invoice for invoice in _numbered(connection, set(chain(*named.values())))}
    payers: set[str] = set()
    amounts: set[int] = set()
    for line, numbers in named.items():
        if line.amount <= 0 or line.is_reversal:
            continue
        own = [invoices[number] for number in numbers if number in invoices]
        if own and line.amount > sum([invoice.open for invoice in own]):
            payers.update(invoice.tenant for invoice in own)
        others = pool.payments.payers_of(line, own)
        payers.update(others)
        if not (own or others):
            amounts.add(line.amount)
    for invoice in _open_invoices(connection, payers, amounts):
        invoices.setdefault(invoice.number, invoice)
    return list(invoices.values())


def _open_invoices(connection: Connection, payers: set[str], amounts: set[int]) -> list[OpenInvoice]:
    """Return the open invoices of tenants, and those of which one of these amounts is open."""
    open_items = open_items_select()
    c = open_items.selected_columns
    # PostgreSQL sums to a decimal.
    left = cast(c.open, BigInteger)
    invoices = open_items.with_only_columns(c.number, c.tenant, c.due_on, c.gross, left).where(c.kind == INVOICE)
    # Each asked for by itself: one condition or the other would be looked for in every document.
    wanted = [
        among(connection, column, sorted(values)) for column, values in ((c.tenant, payers), (left, amounts)) if values
    ]
    return [OpenInvoice(*row) for narrowed in wanted for row in connection.execute(invoices.where(narrowed)).all()]


def _numbered(connection: Connection, numbers: set[str]) -> Iterator[OpenInvoice]:
    """Yield invoices by number, open or not."""
    if not numbers:
        return
    d, s = document.c, settlement.c
    by_number = among(connection, d.number, sorted(numbers))
    rows = connection.execute(
        select(d.id, d.number, d.tenant, d.due_on, d.gross).where(d.kind == INVOICE, by_number)
    ).all()
    of_these = among(connection, s.document_id, sorted(row[0] for row in rows))
    sums = select(s.document_id, func.sum(s.base + s.vat)).where(of_these).group_by(s.document_id)
    settled: dict[int, int] = dict(connection.execute(sums).all())
    for key, number, code, due_on, gross in rows:
        yield OpenInvoice(number, code, due_on, gross, gross - int(settled.get(key, 0)))


def _units(connection: Connection, on: date) -> dict[str, frozenset[str]]:
    """Return the tenants of units let on a day, by the codes that texts are looked through for: letters and digits."""
    rows = connection.execute(
        select(lease.c.unit, lease.c.tenant)
        .distinct()
        .where(lease.c.starts_on <= on, or_(lease.c.ends_on.is_(None), lease.c.ends_on >= on))
    )
    tenants: dict[str, set[str]] = {}
    for unit, code in rows:
        key = unit_key(unit or "")
        if len(key) >= _UNIT_LENGTH_MIN and not key.isdecimal() and not key.isalpha():
            tenants.setdefault(key, set()).add(code)
    return {key: frozenset(codes) for key, codes in tenants.items()}


def _known_accounts(connection: Connection, lines: Sequence[BankLine]) -> dict[str, frozenset[str]]:
    """Return the payers' accounts that earlier lines have made known, with the tenants they paid for."""
    accounts = {line.counterparty_account for line in lines if line.counterparty_account}
    if not accounts:
        return {}
    d, x = line_decision.c, bank_line.c
    rows = connection.execute(
        select(x.counterparty_account, d.tenant)
        .distinct()
        .join(line_decision, and_(d.statement_id == x.statement_id, d.line_no == x.line_no))
        .where(
            among(connection, x.counterparty_account, sorted(accounts)),
            x.counterparty_account != literal_column("''"),
            d.kind == LineKind.RECEIVED,
            d.tenant.is_not(None),
            is_latest(),
        )
    )
    tenants: dict[str, set[str]] = {}
    for number, code in rows:
        tenants.setdefault(number, set()).add(code)
    return {number: frozenset(codes) for number, codes in tenants.items()}


def _cheques(connection: Connection, *, is_cleared: bool) -> list[Cheque]:
    """Return the cheques and bills that wait to be cleared, or were cleared and may come back: those refunded can't."""
    r, leg = receipt.c, receipt_leg.c
    cleared, bounced = receipt_event.alias("cleared"), receipt_event.alias("bounced")
    refunded = exists().where(refund.c.receipt_id == r.id, is_standing_refund())
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
            not_(exists().where(receipt_cancellation.c.receipt_id == r.id)),
            not_(refunded) if is_cleared else true(),
        )
        .order_by(r.id)
    )
    return [Cheque(*row) for row in rows]


def _transfers(connection: Connection, lines: Sequence[BankLine]) -> list[Cheque]:
    """Return the transfers of the amounts of debits that the bank may give back to their payers: not long ago."""
    amounts = sorted({-line.amount for line in lines if line.amount < 0})
    if not amounts:
        return []
    r, leg = receipt.c, receipt_leg.c
    since = min(line.booked_on for line in lines) - timedelta(days=_RETURNED_WITHIN_DAYS)
    bounced = exists().where(receipt_event.c.receipt_id == r.id, receipt_event.c.kind == "bounced")
    refunded = exists().where(refund.c.receipt_id == r.id)
    owner = select(func.min(placement.c.tenant)).where(placement.c.receipt_id == r.id).scalar_subquery()
    rows = connection.execute(
        select(r.id, r.reference, func.coalesce(r.tenant, owner), leg.amount, r.value_date)
        .join(receipt_leg, and_(leg.receipt_id == r.id, leg.kind == MONEY))
        .where(
            r.means.in_((TRANSFER, CARD)),
            r.value_date >= since,
            among(connection, leg.amount, amounts),
            not_(bounced),
            not_(refunded),
            not_(exists().where(receipt_cancellation.c.receipt_id == r.id)),
        )
        .order_by(r.id)
    )
    return [Cheque(*row) for row in rows]


def unlinked_entries(connection: Connection, lines: Sequence[BankLine]) -> list[BookedEntry]:
    """Return the entries around the days of lines that move the bank's account, and that wait for their line.

    Of an entry that is booked late, its own day counts. An entry that was reversed waits for none, nor does its
    reversal.
    """
    days = [day for line in lines for day in (line.booked_on, line.value_on)]
    since, until = min(days) - timedelta(days=RECORDED_DAYS), max(days) + timedelta(days=RECORDED_DAYS)
    late = booked_late(connection, since, until)
    of_late = select(entry.c.id).where(among(connection, entry.c.reference, list(late)))
    is_near = posting.c.effective_on.between(since, until)
    moved = (
        select(posting.c.entry_id, func.sum(posting.c.amount).label("amount"))
        .where(moves_bank_account(), or_(is_near, posting.c.entry_id.in_(of_late)) if late else is_near)
        .group_by(posting.c.entry_id)
        .subquery()
    )
    rows = connection.execute(
        select(entry.c.id, entry.c.reference, entry.c.effective_on, moved.c.amount, entry.c.piece, entry.c.label)
        .join(moved, moved.c.entry_id == entry.c.id)
        .where(moved.c.amount != 0, is_unlinked(), not_(is_of_line()), not_(is_reversed()))
        .order_by(entry.c.id)
    ).all()
    tenants: dict[int, set[str]] = {row.id: set() for row in rows}
    receipts = {row.reference: int(match[1]) for row in rows if (match := _OF_RECEIPT.match(row.reference)) is not None}
    references: dict[int, str] = {}
    if rows:
        auxiliaries = select(posting.c.entry_id, posting.c.auxiliary).where(
            among(connection, posting.c.entry_id, list(tenants)), posting.c.auxiliary.is_not(None)
        )
        for entry_id, code in connection.execute(auxiliaries):
            tenants[entry_id].add(code)
        keys = sorted(set(receipts.values()))
        numbered = select(receipt.c.id, receipt.c.reference).where(among(connection, receipt.c.id, keys))
        references = dict(connection.execute(numbered).all())
    booked = []
    for row in rows:
        codes = frozenset(tenants[row.id])
        words = _bank_words(row, references.get(receipts.get(row.reference, 0)), codes)
        on = late.get(row.reference, row.effective_on)
        booked.append(BookedEntry(row.reference, on, int(row.amount), words, codes))
    return booked


def _bank_words(row: Any, receipt_reference: str | None, tenants: AbstractSet[str]) -> frozenset[str]:
    """Return what the bank may have called an entry: its receipt's reference, or the references in its text."""
    if receipt_reference is None:
        return telling(_WORD.findall(f"{row.piece} {row.label}".upper())) - tenants
    return telling([receipt_reference.upper(), *receipt_reference.upper().split()])


def _tax_bases(connection: Connection, numbers: set[str]) -> dict[str, Withheld]:
    """Return the bases of taxes on invoices: the rent of their offices, and their VAT."""
    d, x = document.c, document_line.c
    rows = connection.execute(
        select(d.number, func.coalesce(func.sum(x.amount), 0), d.tax)
        .outerjoin(document_line, and_(x.document_id == d.id, x.lease.is_not(None)))
        .where(among(connection, d.number, sorted(numbers)))
        .group_by(d.number, d.tax)
    )
    return {number: Withheld(int(rent), int(vat)) for number, rent, vat in rows}
