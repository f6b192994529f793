"""`payments.csv`: money that came in, recorded and allocated with the rest of the folder, all or nothing.

It is optional. A row is known by its means, reference and value date: the same again is ignored, other values are an
error, as with usage.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from billing.entries.receivables import MONEY, LegKind
from billing.frame import cells
from billing.frame.cells import BadCell, optional
from billing.frame.codes import RECEIPT
from billing.frame.errors import Fault, Taken
from billing.frame.settings import Settings
from billing.frame.spelling import typed
from billing.frame.terms import load_terms
from billing.receivables.receipts.orders import (
    AUTOMATIC,
    MEANS,
    NONE,
    REFERENCE_LENGTH_MAX,
    Allocations,
    Leg,
    Part,
    ReceiptOrder,
)
from billing.receivables.receipts.receiving import record_receipts
from billing.receivables.tables.receipts import receipt
from billing.register.network_import.faults import Faults
from billing.register.network_import.further import FurtherFile
from billing.register.network_import.layout import Column, Layout
from billing.register.network_import.reading import NumberedRow, UnreadableFile
from billing.register.network_import.report import FileCounts
from invoices.document import CURRENCY
from pricing.money import format_amount


def _reference(cell: str) -> str:
    if not cell.strip():
        raise BadCell("is blank", "give the bank's or the drawer's own reference")
    if len(cell) > REFERENCE_LENGTH_MAX or not cell.isprintable():
        raise BadCell(f"is not 1 to {REFERENCE_LENGTH_MAX} characters that can be printed", "correct it")
    return cell


def _allocations(cell: str) -> Allocations:
    """Parse invoices with amounts, separated by blanks, or `none`; blank: those of the text, then the oldest due."""
    if not cell.strip():
        return AUTOMATIC
    if cell == NONE:
        return NONE
    parts = []
    for word in cell.split():
        number, sign, amount = word.partition("=")
        if not sign:
            raise BadCell(f"holds {word!r}, which is no invoice with its amount", "write FA-2026-000012=1740.00")
        try:
            parts.append(Part(number, cells.amount(typed(amount))))
        except BadCell:
            raise
        except ValueError as error:
            raise BadCell(f"holds {word!r}, which {error}", "write the amount with two decimals") from None
    return tuple(parts)


def _shown(asked: Allocations) -> str:
    if isinstance(asked, str):
        return "" if asked == AUTOMATIC else asked
    return " ".join(f"{part.invoice}={format_amount(part.amount)}" for part in asked)


def _text(name: str, about: str, parse: cells.Parser) -> Column:
    return Column(name, parse, name, about=about)


def _amount(name: str, about: str, parse: cells.Parser = cells.amount) -> Column:
    return Column(name, parse, name, format_amount, about)


# What each kind of shortfall is called in templates.
_SHORTFALLS = {
    LegKind.RENT_WITHHOLDING: "Retenue à la source sur loyers, ou vide",
    LegKind.VAT_WITHHOLDING: "Retenue à la source de TVA, ou vide",
    LegKind.BANK_CHARGES: "Frais gardés par la banque, ou vide",
}


PAYMENTS = Layout(
    "payments",
    receipt,
    (
        _text("reference", "Référence de la banque ou du tireur", _reference),
        _text("means", f"Mode de règlement : {', '.join(MEANS)}", cells.one_of(*MEANS)),
        Column("value_date", cells.day, "value_date", date.isoformat, "Date de valeur"),
        _text("tenant", "Code du locataire qui a payé ; vide : inconnu", optional(cells.code)),
        _text("site", "Code du site dont la caisse a encaissé", optional(cells.code)),
        _amount("amount", "Montant encaissé"),
        _text("currency", "MAD, ou vide", cells.one_of(CURRENCY, blank=CURRENCY)),
        *(_amount(kind, about, optional(cells.amount)) for kind, about in _SHORTFALLS.items()),
        Column(
            "invoices",
            _allocations,
            "invoices",
            _shown,
            "Factures réglées (FA-2026-000012=1740,00 …) ou none ; vide : selon le texte, puis la plus ancienne",
        ),
        _text("payer_text", "Texte du payeur", cells.text),
    ),
    ("reference", "means", "value_date"),
    {"tenant": "tenants", "site": "sites"},
)


class _Payment(NamedTuple):
    """A receipt, and the line it stands on."""

    line: int
    order: ReceiptOrder


def _read(file: str, rows: Iterable[NumberedRow], faults: Faults) -> list[_Payment]:
    """Parse the rows, noting every cell at fault; a row with one is left out."""
    payments: list[_Payment] = []
    try:
        for line, row in rows:
            order = _parsed(file, line, row, faults)
            if order is not None:
                payments.append(_Payment(line, order))
    except UnreadableFile:
        # The reader has noted it; the rows before are still judged.
        pass
    return payments


def _parsed(file: str, line: int, row: Sequence[str], faults: Faults) -> ReceiptOrder | None:
    if not any(row):
        faults.add(file, line, None, None, "is a row of blank cells", "remove the line")
        return None
    parsed = {}
    for column, cell in zip(PAYMENTS.columns, row, strict=True):
        try:
            parsed[column.name] = column.parse(cell)
        except BadCell as bad:
            faults.add(file, line, column.name, cell, bad.problem, bad.remedy)
    if len(parsed) < len(PAYMENTS.columns):
        return None
    shortfalls = [Leg(kind, parsed[kind]) for kind in _SHORTFALLS if parsed[kind] is not None]
    return ReceiptOrder(
        means=parsed["means"],
        reference=parsed["reference"],
        value_date=parsed["value_date"],
        tenant=parsed["tenant"],
        legs=(Leg(MONEY, parsed["amount"]), *shortfalls),
        allocations=parsed["invoices"],
        payer_text=parsed["payer_text"],
        currency=parsed["currency"],
        site=parsed["site"],
        anew=False,
    )


def _load(connection: Connection, payments: Sequence[_Payment], now: datetime, settings: Settings | None) -> FileCounts:
    """Record the new payments; raises Refused with every fault, by line and column."""
    recorded = record_receipts(
        connection, [payment.order for payment in payments], recorded_at=now,
        terms=load_terms(None) if settings is None else settings.terms, source=PAYMENTS.file,
        lines=[payment.line for payment in payments], seller=None if settings is None else settings.operator.party,
    )  # fmt: skip
    fresh = sum(made.is_new for made in recorded)
    warnings = [
        Fault(PAYMENTS.file, payment.line, None, RECEIPT.format(made.key), warning)
        for payment, made in zip(payments, recorded, strict=True)
        for warning in made.warnings
    ]
    return FileCounts(new=fresh, unchanged=len(recorded) - fresh, warnings=tuple(warnings))


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
