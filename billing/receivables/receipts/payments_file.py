"""`payments.csv`: money that came in, recorded and allocated with the rest of the folder, all or nothing.

It is optional. A row is known by its means, reference and value date: the same again is ignored, other values are an
error, as with usage.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from billing.entries.receivables import BILL, CARD, CASH_PAID, CHEQUE, TRANSFER
from billing.frame import cells
from billing.frame.cells import BadCell, optional
from billing.frame.errors import Fault, Taken
from billing.frame.settings import Settings
from billing.frame.terms import load_terms
from billing.receivables.receipts.receiving import (
    AUTOMATIC,
    LEG_KINDS,
    NONE,
    REFERENCE_LENGTH_MAX,
    Allocations,
    Leg,
    Part,
    ReceiptOrder,
    receive,
)
from billing.receivables.tables.receipts import receipt
from billing.register.network_import.faults import Faults
from billing.register.network_import.further import FurtherFile
from billing.register.network_import.layout import Column, Layout
from billing.register.network_import.reading import NumberedRow, UnreadableFile
from billing.register.network_import.report import FileCounts
from invoices.document import CURRENCY
from pricing.money import format_amount

_MEANS = (TRANSFER, CHEQUE, CASH_PAID, BILL, CARD)
_SHORT = tuple(kind for kind in LEG_KINDS if kind != "money")


def _reference(cell: str) -> str:
    if not cell.strip():
        raise BadCell("is blank", "give the bank's or the drawer's own reference")
    if len(cell) > REFERENCE_LENGTH_MAX or not cell.isprintable():
        raise BadCell(f"is not 1 to {REFERENCE_LENGTH_MAX} characters that can be printed", "correct it")
    return cell


def _allocations(cell: str) -> Allocations:
    """Blank: those the text names, then the oldest due; `none`; or invoices with amounts, separated by blanks."""
    if not cell.strip():
        return AUTOMATIC
    if cell == NONE:
        return NONE
    parts = []
    for one in cell.split():
        number, sign, amount = one.partition("=")
        if not sign:
            raise BadCell(f"holds {one!r}, which is no invoice with its amount", "write FA-2026-000012=1740.00")
        parts.append(Part(number, cells.amount(amount)))
    return tuple(parts)


def _shown(asked: Allocations) -> str:
    if isinstance(asked, str):
        return "" if asked == AUTOMATIC else asked
    return " ".join(f"{part.invoice}={format_amount(part.amount)}" for part in asked)


def _text(name: str, parse: cells.Parser) -> Column:
    return Column(name, parse, name)


def _amount(name: str, parse: cells.Parser = cells.amount) -> Column:
    return Column(name, parse, name, format_amount)


PAYMENTS = Layout(
    "payments",
    receipt,
    (
        _text("reference", _reference),
        _text("means", cells.one_of(*_MEANS)),
        Column("value_date", cells.day, "value_date", date.isoformat),
        _text("tenant", optional(cells.code)),
        _text("site", optional(cells.code)),
        _amount("amount"),
        _text("currency", cells.one_of(CURRENCY, blank=CURRENCY)),
        *(_amount(kind, optional(cells.amount)) for kind in _SHORT),
        Column("invoices", _allocations, "invoices", _shown),
        _text("payer_text", cells.text),
    ),
    ("reference", "means", "value_date"),
    {"tenant": "tenants", "site": "sites"},
)


class _Payment(NamedTuple):
    """A receipt, and the line it stands on."""

    line: int
    order: ReceiptOrder


def _read(file: str, rows: Iterable[NumberedRow], faults: Faults) -> list[_Payment]:
    """Parse the rows, noting every cell that can't be taken; a row with one is left out."""
    payments: list[_Payment] = []
    try:
        for line, row in rows:
            order = _parsed(file, line, row, faults)
            if order is not None:
                payments.append(_Payment(line, order))
    except UnreadableFile:
        # Noted by the reader; what was read before is still judged.
        pass
    return payments


def _parsed(file: str, line: int, row: Sequence[str], faults: Faults) -> ReceiptOrder | None:
    if not any(row):
        faults.add(file, line, None, None, "is a row of blank cells", "remove the line")
        return None
    found = {}
    for column, cell in zip(PAYMENTS.columns, row, strict=True):
        try:
            found[column.name] = column.parse(cell)
        except BadCell as bad:
            faults.add(file, line, column.name, cell, bad.problem, bad.remedy)
    if len(found) < len(PAYMENTS.columns):
        return None
    legs = [Leg("money", found["amount"]), *(Leg(kind, found[kind]) for kind in _SHORT if found[kind] is not None)]
    return ReceiptOrder(
        found["means"], found["reference"], found["value_date"], found["tenant"], tuple(legs), found["invoices"],
        found["payer_text"], found["currency"], found["site"],
    )  # fmt: skip


def _load(connection: Connection, payments: Sequence[_Payment], now: datetime, settings: Settings | None) -> FileCounts:
    """Record the new ones; raises Refused with every fault, by line and column."""
    before = int(connection.scalar(select(func.coalesce(func.max(receipt.c.id), 0))) or 0)
    keys = receive(
        connection, [payment.order for payment in payments], recorded_at=now,
        terms=load_terms(None) if settings is None else settings.terms, source=PAYMENTS.file,
        lines=[payment.line for payment in payments], seller=None if settings is None else settings.operator.party,
    )  # fmt: skip
    fresh = len({key for key in keys if key > before})
    return FileCounts(new=fresh, unchanged=len(keys) - fresh)


def _note(refused: Iterable[Fault], faults: Faults, coming: frozenset[str]) -> None:
    """Note the faults of receipts among the folder's; `coming` are tenants it would have added."""
    for fault in refused:
        column = {"invoice": "invoices", "legs": "amount"}.get(fault.column or "", fault.column)
        if fault.column == "tenant" and fault.value in coming:
            continue
        if isinstance(fault, Taken):
            faults.add_taken(fault.file, fault.line, column or "", fault.value or "", fault.problem, fault.remedy)
        else:
            faults.add(fault.file, fault.line, column, fault.value, fault.problem, fault.remedy)


IMPORT_FILE = FurtherFile(PAYMENTS, _read, _load, _note)
