"""The causes of entries: what each books, found by its reference, which is made of the key of a fact.

Every module of `billing.entries`, and `ledger.year_end`, calls its entries in a form of `_FORMS`; a test walks entries
of every form and demands a cause and a person of each.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, and_, literal, null, or_, select, tuple_, union_all

from billing.audit.trail.shapes import Cause, CauseKind, CauseName
from billing.bank.naming import line_name
from billing.bank.queries import is_latest, is_of_decision
from billing.bank.tables import bank_line, line_decision, line_entry
from billing.books.cut_off.tables import cut_off
from billing.books.manual_entries.tables import manual_entry
from billing.books.vat_return.tables import advance_vat
from billing.frame.codes import CUT_OFF, DEBT_ACT, MANUAL_ENTRY, RECEIPT, REFUND, deposit_movement
from billing.frame.database import among
from billing.receivables.cash_desk.taking import cash_number
from billing.receivables.tables import deposits
from billing.receivables.tables.cash_desk import cash_receipt
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.receipts import allocation, placement, placement_withdrawal, receipt, refund
from billing.register.tables import billing_run, subsidy_grant
from billing.take_on.tables import take_on
from invoices.models import document
from ledger.entry import REVERSED
from ledger.year_end import last_day_of
from pricing.money import format_amount
from pricing.period import format_month, parse_month

# The reference of an entry that takes another back is the other's with one of these endings.
REVERSALS = ("/reversal", REVERSED)
_NUMBER = r"([0-9]{1,18})"
_NUMBERS = r"([0-9]{1,18}/[0-9]{1,9})"
# The forms of references: the kind of fact each is made of, whose key the group holds.
_FORMS = {
    r"VTE/(.+)": "document",
    r"OD/TVA-(.+)": "document",
    r"PER/grant/(.+)/[0-9]+": "grant",
    r"PER/([0-9]{4}-[0-9]{2}):cascade/[0-9]+": "run",
    r"PER/([0-9]{4}-[0-9]{2}/.+)": "position",
    rf"(?:BQ|CA|OD)/RG-{_NUMBER}(?:/encaissement|/impaye)?": "receipt",
    r"(?:CA|OD)/RC-([0-9]{4}-[0-9]{1,12})": "cash_receipt",
    rf"OD/AF-{_NUMBER}(?:/encaissement)?": "allocation",
    rf"OD/AR-{_NUMBER}": "advance_vat",
    rf"OD/PL-{_NUMBER}": "placement",
    rf"OD/RP-{_NUMBER}": "placement_withdrawal",
    rf"(?:BQ|CA)/RB-{_NUMBER}": "refund",
    rf"(?:BQ|OD)/CR-{_NUMBER}": "debt_act",
    rf"(?:BQ|CA)/DG-{_NUMBERS}": "deposit_movement",
    rf"BQ/RE-{_NUMBERS}/[0-9]+": "bank_line",
    rf"OD/EM-{_NUMBER}": "manual_entry",
    rf"OD/REG-{_NUMBER}": "cut_off",
    r"AN/reprise/(.+)": "take_on",
    r"(?:RES|AN)/([0-9]{4})/[0-9]+/.+": "fiscal_year",
}
FORMS = {re.compile(pattern, re.ASCII | re.DOTALL): kind for pattern, kind in _FORMS.items()}
Causes: TypeAlias = dict[str, list[Cause]]


def reversed_reference(reference: str) -> str:
    """Return the reference of the entry that one takes back; blank if it takes none back."""
    for ending in REVERSALS:
        if reference.endswith(ending):
            return reference.removesuffix(ending)
    return ""


def form_of(reference: str) -> tuple[str, str]:
    """Return the kind and the key of the fact that an entry's reference is made of; two blanks for no known form."""
    plain = reversed_reference(reference) or reference
    matches = ((kind, pattern.fullmatch(plain)) for pattern, kind in FORMS.items())
    return next(((kind, match[1]) for kind, match in matches if match is not None), ("", ""))


def causes_of(connection: Connection, references: Iterable[str]) -> Causes:
    """Return by reference what each entry books, in a fixed number of statements; a bank line that shows it is last."""
    forms = {reference: form_of(reference) for reference in references}
    keys: dict[str, set[str]] = {}
    for kind, key in forms.values():
        keys.setdefault(kind, set()).add(key)
    found = {kind: _FINDERS[kind](connection, of_kind) for kind, of_kind in keys.items() if kind}
    lines = _lines_of(connection, forms)
    causes = {}
    for reference, (kind, key) in forms.items():
        own = found[kind].get(key, []) if kind else []
        causes[reference] = [*own, *(line for line in lines.get(reference, ()) if line not in own)]
    return causes


def named_causes(connection: Connection, references: Collection[str]) -> dict[str, list[CauseName]]:
    """Return by reference what each entry books, by name alone: from the reference itself, and two statements."""
    forms = {reference: form_of(reference) for reference in references}
    documents, money = _documents_of_positions(connection, forms), _money_behind(connection, forms)
    named = {}
    for reference, (kind, key) in forms.items():
        if kind == "position":
            names = [CauseName(CauseKind.RUN, key.partition("/")[0]), *documents.get(key, ())]
        elif kind in _OF_MONEY:
            names = money.get((kind, int(key)), [])
        else:
            names = [CauseName(CauseKind(kind), _NAMES[kind](key))] if kind else []
        named[reference] = names
    return named


# How people call a fact, of the key that an entry's reference holds.
_NAMES: Mapping[str, Callable[[str], str]] = {
    "document": str,
    "grant": str,
    "run": str,
    "take_on": str,
    "fiscal_year": str,
    "receipt": lambda key: RECEIPT.format(int(key)),
    "refund": lambda key: REFUND.format(int(key)),
    "debt_act": lambda key: DEBT_ACT.format(int(key)),
    "manual_entry": lambda key: MANUAL_ENTRY.format(int(key)),
    "cut_off": lambda key: CUT_OFF.format(int(key)),
    "cash_receipt": lambda key: cash_number(*map(int, key.split("-"))),
    "deposit_movement": lambda key: deposit_movement(*map(int, key.split("/"))),
    "bank_line": lambda key: line_name(*map(int, key.split("/"))),
}
_OF_MONEY = ("allocation", "placement", "placement_withdrawal", "advance_vat")
_Forms: TypeAlias = Mapping[str, tuple[str, str]]


def _documents_of_positions(connection: Connection, forms: _Forms) -> dict[str, list[CauseName]]:
    """Return the documents whose lines each month's position of a tenant sums."""
    d = document.c
    keys = {key for kind, key in forms.values() if kind == "position"}
    issued = select(d.number, d.period, d.tenant).where(
        d.period.in_({parse_month(key.partition("/")[0]) for key in keys}),
        among(connection, d.tenant, {key.partition("/")[2] for key in keys}),
    )
    found: dict[str, list[CauseName]] = {}
    for number, period, tenant in connection.execute(issued.order_by(d.id)):
        found.setdefault(f"{format_month(period)}/{tenant}", []).append(CauseName(CauseKind.DOCUMENT, number))
    return found


def _money_behind(connection: Connection, forms: _Forms) -> dict[tuple[str, int], list[CauseName]]:
    """Return the receipt of each allocation, placement, withdrawal and advance; of a credit note's, the note."""
    a, p, w, note = allocation.c, placement.c, placement_withdrawal.c, document.alias("note")
    v = advance_vat.c
    keys = {kind: [int(key) for each, key in forms.values() if each == kind] for kind in _OF_MONEY}
    nothing = null().label("note")
    rows = connection.execute(
        union_all(
            select(literal("allocation").label("kind"), a.id, p.receipt_id, note.c.number.label("note"))
            .outerjoin(placement, p.id == a.placement_id)
            .outerjoin(note, note.c.id == a.credit_note_id)
            .where(among(connection, a.id, keys["allocation"])),
            select(literal("placement"), p.id, p.receipt_id, nothing).where(among(connection, p.id, keys["placement"])),
            select(literal("placement_withdrawal"), w.id, p.receipt_id, nothing)
            .join(placement, p.id == w.placement_id)
            .where(among(connection, w.id, keys["placement_withdrawal"])),
            select(literal("advance_vat"), v.id, v.receipt_id, nothing).where(
                among(connection, v.id, keys["advance_vat"])
            ),
        )
    )
    return {
        (kind, key): [
            CauseName(CauseKind.DOCUMENT, of_note)
            if receipt_id is None
            else CauseName(CauseKind.RECEIPT, RECEIPT.format(receipt_id))
        ]
        for kind, key, receipt_id, of_note in rows
    }


def document_cause(row: Row[Any]) -> Cause:
    """Return a document as a cause, of its row."""
    about = f"{row.kind.replace('_', ' ')} of {row.tenant}"
    return Cause(CauseKind.DOCUMENT, row.number, row.issued_on, format_amount(row.gross), about)


def receipt_cause(row: Any) -> Cause:
    """Return a receipt as a cause, of its row."""
    about = f"{row.means} {row.reference} of {row.tenant or 'somebody not known yet'}"
    return Cause(CauseKind.RECEIPT, RECEIPT.format(row.id), row.value_date, format_amount(row.amount), about)


def bank_line_cause(row: Any) -> Cause:
    """Return a line of a bank statement as a cause, of its row."""
    about = " ".join(filter(None, (row.counterparty, row.text)))
    name = line_name(row.statement_id, row.line_no)
    return Cause(CauseKind.BANK_LINE, name, row.booked_on, format_amount(row.amount), about)


def documents_named(connection: Connection, numbers: Collection[str]) -> Causes:
    """Return the documents that bear these numbers, by number."""
    rows = connection.execute(select(document).where(among(connection, document.c.number, numbers)))
    return {row.number: [document_cause(row)] for row in rows}


def _documents_of(connection: Connection, keys: Iterable[int | None]) -> dict[int | None, Cause]:
    wanted = {key for key in keys if key is not None}
    rows = connection.execute(select(document).where(among(connection, document.c.id, wanted)))
    return {row.id: document_cause(row) for row in rows}


def _receipts_of(connection: Connection, keys: Iterable[int | None]) -> dict[int | None, Cause]:
    wanted = {key for key in keys if key is not None}
    rows = connection.execute(select(receipt).where(among(connection, receipt.c.id, wanted)))
    return {row.id: receipt_cause(row) for row in rows}


def _runs(connection: Connection, months: Collection[str]) -> Causes:
    r = billing_run.c
    rows = connection.execute(select(billing_run).where(r.period.in_([parse_month(month) for month in months])))
    return {
        month: [Cause(CauseKind.RUN, month, row.issued_on, None, f"run of {month}, attempt {row.attempt}")]
        for row in rows
        for month in [format_month(row.period)]
    }


def _positions(connection: Connection, keys: Collection[str]) -> Causes:
    """Find the run of each month and tenant, and the documents whose lines it sums."""
    d = document.c
    months = {key: key.partition("/")[0] for key in keys}
    runs = _runs(connection, set(months.values()))
    found = {key: list(runs.get(month, ())) for key, month in months.items()}
    issued = select(document).where(
        d.period.in_([parse_month(month) for month in set(months.values())]),
        among(connection, d.tenant, {key.partition("/")[2] for key in keys}),
    )
    for row in connection.execute(issued.order_by(d.id)):
        found.get(f"{format_month(row.period)}/{row.tenant}", []).append(document_cause(row))
    return found


def _grants(connection: Connection, codes: Collection[str]) -> Causes:
    rows = connection.execute(select(subsidy_grant).where(among(connection, subsidy_grant.c.code, codes)))
    return {
        row.code: [Cause(CauseKind.GRANT, row.code, row.granted_on, format_amount(row.amount), f"of {row.funder}")]
        for row in rows
    }


def _receipts(connection: Connection, keys: Collection[str]) -> Causes:
    """Find receipts; of one that sets a deposit off, the deposit too."""
    s = deposits.deposit_set_off.c
    numbers = {int(key): key for key in keys}
    receipts = _receipts_of(connection, numbers)
    set_off = connection.execute(
        select(s.receipt_id, *_DEPOSIT)
        .join(deposits.deposit, deposits.deposit.c.id == s.deposit_id)
        .where(among(connection, s.receipt_id, list(numbers)))
    )
    of_receipt = {row.receipt_id: [_deposit_cause(row)] for row in set_off}
    return {key: [receipts[n], *of_receipt.get(n, [])] for n, key in numbers.items() if n in receipts}


_DEPOSIT = (
    deposits.deposit.c.id.label("deposit_id"), deposits.deposit.c.lease, deposits.deposit.c.tenant,
    deposits.deposit.c.asked_on, deposits.deposit.c.amount.label("asked"),
)  # fmt: skip


def _deposit_cause(row: Any) -> Cause:
    about = f"deposit of lease {row.lease}, {row.tenant}"
    name = deposit_movement(row.deposit_id, 1).partition("/")[0]
    return Cause(CauseKind.DEPOSIT, name, row.asked_on, format_amount(row.asked), about)


def _deposit_movements(connection: Connection, keys: Collection[str]) -> Causes:
    m = deposits.deposit_movement.c
    wanted = {tuple(map(int, key.split("/"))): key for key in keys}
    rows = connection.execute(
        select(m.movement_no, m.kind, m.moved_on, m.amount, m.reference, *_DEPOSIT)
        .join(deposits.deposit, deposits.deposit.c.id == m.deposit_id)
        .where(tuple_(m.deposit_id, m.movement_no).in_(list(wanted)))
    )
    return {
        wanted[row.deposit_id, row.movement_no]: [
            Cause(
                CauseKind.DEPOSIT_MOVEMENT,
                deposit_movement(row.deposit_id, row.movement_no),
                row.moved_on,
                format_amount(row.amount),
                f"{row.kind}, {row.reference}",
            ),
            _deposit_cause(row),
        ]
        for row in rows
    }


def _cash_receipts(connection: Connection, keys: Collection[str]) -> Causes:
    c = cash_receipt.c
    wanted = [tuple(map(int, key.split("-"))) for key in keys]
    is_wanted = or_(*(and_(c.year == year, c.serial == serial) for year, serial in wanted))
    rows = connection.execute(select(cash_receipt).where(is_wanted)).all()
    receipts = _receipts_of(connection, [row.receipt_id for row in rows])
    return {
        number.removeprefix("RC-"): [
            Cause(CauseKind.CASH_RECEIPT, number, row.taken_on, format_amount(row.amount), f"cash of {row.tenant}"),
            receipts[row.receipt_id],
        ]
        for row in rows
        for number in [cash_number(row.year, row.serial)]
    }


def _allocations(connection: Connection, keys: Collection[str]) -> Causes:
    """Find the receipt or the credit note of allocations, and what they settle."""
    a = allocation.c
    rows = connection.execute(
        select(a.id, a.credit_note_id, a.document_id, placement.c.receipt_id)
        .outerjoin(placement, placement.c.id == a.placement_id)
        .where(among(connection, a.id, [int(key) for key in keys]))
    ).all()
    receipts = _receipts_of(connection, [row.receipt_id for row in rows])
    documents = _documents_of(connection, [key for row in rows for key in (row.credit_note_id, row.document_id)])
    return {
        str(row.id): [receipts.get(row.receipt_id) or documents[row.credit_note_id], documents[row.document_id]]
        for row in rows
    }


def _placements(connection: Connection, keys: Collection[str]) -> Causes:
    p = placement.c
    rows = connection.execute(select(p.id, p.receipt_id).where(among(connection, p.id, [int(key) for key in keys])))
    return _of_receipts(connection, rows.all())


def _withdrawals(connection: Connection, keys: Collection[str]) -> Causes:
    w = placement_withdrawal.c
    of_placement = select(w.id, placement.c.receipt_id).join(placement, placement.c.id == w.placement_id)
    rows = connection.execute(of_placement.where(among(connection, w.id, [int(key) for key in keys])))
    return _of_receipts(connection, rows.all())


def _advances(connection: Connection, keys: Collection[str]) -> Causes:
    v = advance_vat.c
    rows = connection.execute(select(v.id, v.receipt_id).where(among(connection, v.id, [int(key) for key in keys])))
    return _of_receipts(connection, rows.all())


def _of_receipts(connection: Connection, rows: Sequence[Any]) -> Causes:
    receipts = _receipts_of(connection, [row.receipt_id for row in rows])
    return {str(row.id): [receipts[row.receipt_id]] for row in rows}


def _refunds(connection: Connection, keys: Collection[str]) -> Causes:
    """Find refunds, and the receipt or the credit note that they pay back."""
    numbers = {int(key): key for key in keys}
    rows = connection.execute(select(refund).where(among(connection, refund.c.id, list(numbers)))).all()
    receipts = _receipts_of(connection, [row.receipt_id for row in rows])
    documents = _documents_of(connection, [row.credit_note_id for row in rows])
    return {
        numbers[row.id]: [
            Cause(CauseKind.REFUND, REFUND.format(row.id), row.refunded_on, format_amount(row.amount), row.reason),
            receipts.get(row.receipt_id) or documents[row.credit_note_id],
        ]
        for row in rows
    }


def _debt_acts(connection: Connection, keys: Collection[str]) -> Causes:
    numbers = {int(key): key for key in keys}
    rows = connection.execute(select(debt_act).where(among(connection, debt_act.c.id, list(numbers)))).all()
    documents = _documents_of(connection, [row.document_id for row in rows])
    return {numbers[row.id]: [debt_cause(row), documents[row.document_id]] for row in rows}


def debt_cause(row: Row[Any]) -> Cause:
    """Return a decision about a debt as a cause, of its row."""
    approved = "" if row.approved_by is None else f", approved by {row.approved_by}"
    about = f"{row.kind.replace('_', ' ')}: {row.reason} (asked by {row.asked_by}{approved})"
    return Cause(CauseKind.DEBT_ACT, DEBT_ACT.format(row.id), row.decided_on, format_amount(row.amount), about)


def _bank_lines(connection: Connection, keys: Collection[str]) -> Causes:
    x = bank_line.c
    wanted = {tuple(map(int, key.split("/"))): key for key in keys}
    rows = connection.execute(select(bank_line).where(tuple_(x.statement_id, x.line_no).in_(list(wanted))))
    return {wanted[row.statement_id, row.line_no]: [bank_line_cause(row)] for row in rows}


def _lines_of(connection: Connection, references: Iterable[str]) -> Causes:
    """Return the bank lines that these entries book, as was decided last about each."""
    x, lines = line_entry.c, bank_line.c
    rows = connection.execute(
        select(x.entry, bank_line)
        .join(line_decision, is_of_decision())
        .join(bank_line, and_(lines.statement_id == x.statement_id, lines.line_no == x.line_no))
        .where(among(connection, x.entry, list(references)), is_latest())
        .order_by(lines.statement_id, lines.line_no)
    )
    found: Causes = {}
    for row in rows:
        found.setdefault(row.entry, []).append(bank_line_cause(row))
    return found


def _manual_entries(connection: Connection, keys: Collection[str]) -> Causes:
    m = manual_entry.c
    numbers = {int(key): key for key in keys}
    rows = connection.execute(select(manual_entry).where(among(connection, m.id, list(numbers))))
    return {
        numbers[row.id]: [
            Cause(
                CauseKind.MANUAL_ENTRY,
                MANUAL_ENTRY.format(row.id),
                row.effective_on,
                None,
                f"voucher {row.voucher}: {row.reason}",
            )
        ]
        for row in rows
    }


def _cut_offs(connection: Connection, keys: Collection[str]) -> Causes:
    c = cut_off.c
    numbers = {int(key): key for key in keys}
    rows = connection.execute(select(c.id, c.year).where(among(connection, c.id, list(numbers))))
    return {
        numbers[key]: [
            Cause(CauseKind.CUT_OFF, CUT_OFF.format(key), last_day_of(year), None, f"the cut-off of {year} booked")
        ]
        for key, year in rows
    }


def _take_on(connection: Connection, keys: Collection[str]) -> Causes:
    day = connection.scalar(select(take_on.c.taken_on))
    return (
        {}
        if day is None
        else {key: [Cause(CauseKind.TAKE_ON, key, day, None, "the park was taken on")] for key in keys}
    )


def _fiscal_years(_connection: Connection, keys: Collection[str]) -> Causes:
    # The end of a year is its entries, and the act that ordered it.
    return {year: [Cause(CauseKind.FISCAL_YEAR, year, None, None, f"the accounts of {year} closed")] for year in keys}


_FINDERS: Mapping[str, Callable[[Connection, Collection[str]], Causes]] = {
    "document": documents_named,
    "grant": _grants,
    "run": _runs,
    "position": _positions,
    "receipt": _receipts,
    "cash_receipt": _cash_receipts,
    "allocation": _allocations,
    "placement": _placements,
    "placement_withdrawal": _withdrawals,
    "advance_vat": _advances,
    "refund": _refunds,
    "debt_act": _debt_acts,
    "deposit_movement": _deposit_movements,
    "bank_line": _bank_lines,
    "manual_entry": _manual_entries,
    "cut_off": _cut_offs,
    "take_on": _take_on,
    "fiscal_year": _fiscal_years,
}
