"""Receipts allocated after they came in, by a person: to invoices that are named, or to the oldest due."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row

from billing.entries.receivables import allocation_entry
from billing.frame.codes import RECEIPT
from billing.frame.database import change_receivables
from billing.frame.errors import Fault, Refused
from billing.frame.terms import Terms
from billing.receivables.open_items.open_items import UnallocatedCredit
from billing.receivables.open_items.standing import OpenDocument, documents_numbered, open_documents_by_tenant
from billing.receivables.receipts.acting import credit_left, refused, require_receipt
from billing.receivables.receipts.judging import part_faults
from billing.receivables.receipts.orders import Part
from billing.receivables.receipts.placing import add_placement
from billing.receivables.receipts.recording import Records
from billing.receivables.receipts.settling_days import SettlingDays
from billing.receivables.receipts.vat_at_issue import let_vat_fall_due
from billing.receivables.tables.receipts import AllocatedBy
from invoices.document import INVOICE
from pricing.money import format_amount


def allocate(
    connection: Connection,
    key: int,
    parts: Sequence[Part] | Literal["automatic"],
    *,
    recorded_at: datetime,
    terms: Terms,
    on: date | None = None,
) -> list[int]:
    """Let a receipt settle invoices with what it has left; return the allocations' keys.

    Invoices named with amounts may be of any tenant: what nobody had placed becomes their tenant's by it.
    `automatic` settles the oldest due of the tenants it is placed on. It settles on the day of the money, of the
    placement or of the invoice, whichever comes last, or from `on`; the first open day from there (`SettlingDays`).
    Raises Unknown, Refused with every fault, Conflict for a cheque that came back.
    """
    let_vat_fall_due(connection, recorded_at=recorded_at, terms=terms)
    change_receivables(connection)
    head = require_receipt(connection, key)
    days = SettlingDays(connection, on, recorded_at)
    records = Records(connection, recorded_at)
    unallocated_credits, unplaced = credit_left(connection, key)
    if parts == "automatic":
        tenants = {credit.tenant for credit in unallocated_credits if credit.tenant is not None}
        invoices = open_documents_by_tenant(connection, INVOICE, tenants) if tenants else {}
        made = settle_oldest(records, unallocated_credits, invoices, days, AllocatedBy.OLDEST)
    else:
        if not parts:
            raise refused("invoice", None, "is missing", "name the invoices, or ask for automatic allocation")
        targets = documents_numbered(connection, [part.invoice for part in parts])
        lacking = _lacking(head, parts, targets, unallocated_credits, unplaced)
        unallocated_credits += [
            add_placement(connection, records, head, code, amount, days=days, terms=terms)
            for code, amount in lacking.items()
        ]
        made = _settle_named(records, parts, targets, unallocated_credits, days)
    records.write()
    return made


def _lacking(
    head: Row[Any],
    parts: Sequence[Part],
    targets: Mapping[str, OpenDocument],
    unallocated_credits: Sequence[UnallocatedCredit],
    unplaced: int,
) -> dict[str, int]:
    """Return what must be placed on tenants for their parts, by tenant. Raises Refused with every fault."""
    most = sum(credit.left for credit in unallocated_credits) + unplaced
    faults = [Fault("payments", None, *fault) for fault in part_faults(parts, targets, most)]
    if faults:
        raise Refused(faults)
    asked: dict[str, int] = {}
    for number, amount in parts:
        code = targets[number].tenant
        asked[code] = asked.get(code, 0) + amount
    left = {code: sum(credit.left for credit in unallocated_credits if credit.tenant == code) for code in asked}
    lacking = {code: amount - left[code] for code, amount in asked.items() if amount > left[code]}
    if sum(lacking.values()) > unplaced:
        for code in lacking:
            problem = f"is more than {RECEIPT.format(head.id)} has for {code}"
            may = format_amount(left[code] + unplaced)
            remedy = f"at most {may} can be allocated to its invoices; what is placed on others is theirs"
            faults.append(Fault("payments", None, "amount", format_amount(asked[code]), problem, remedy))
        raise Refused(faults)
    return lacking


def _settle_named(
    records: Records,
    parts: Sequence[Part],
    targets: Mapping[str, OpenDocument],
    unallocated_credits: list[UnallocatedCredit],
    days: SettlingDays,
) -> list[int]:
    """Settle invoices with amounts from their tenants' credit, the oldest first; return the allocations' keys."""
    days.look_at(targets.values(), unallocated_credits)
    made = []
    for number, amount in parts:
        target, left = targets[number], amount
        for index, credit in enumerate(unallocated_credits):
            part = min(left, credit.left) if credit.tenant == target.tenant else 0
            if part:
                made.append(_settle(records, credit, credit.left, target, part, days, AllocatedBy.EXPLICIT))
                unallocated_credits[index] = credit._replace(left=credit.left - part)
                left -= part
    return made


def settle_oldest(
    records: Records,
    unallocated_credits: Sequence[UnallocatedCredit],
    invoices: Mapping[str, Sequence[OpenDocument]],
    days: SettlingDays,
    how: AllocatedBy,
) -> list[int]:
    """Settle tenants' invoices, oldest due first, with their credit, oldest first; return the allocations' keys."""
    days.look_at((invoice for of_tenant in invoices.values() for invoice in of_tenant), unallocated_credits)
    made = []
    for credit in unallocated_credits:
        left = credit.left
        for target in invoices.get(credit.tenant or "", ()):
            part = min(left, target.open)
            if part:
                made.append(_settle(records, credit, left, target, part, days, how))
                left -= part
            if not left:
                break
    return made


def _settle(
    records: Records,
    credit: UnallocatedCredit,
    left: int,
    target: OpenDocument,
    amount: int,
    days: SettlingDays,
    how: AllocatedBy,
) -> int:
    """Settle so much of an invoice from a tenant's credit, by an entry of its own; return the allocation's key."""
    on = days.of_money(credit, left, target, amount)
    key, settled = records.allocate(
        credit.placement or 0, target, amount, on, how, in_receipt=False, is_money=credit.is_money
    )
    records.book(allocation_entry(key, on, settled, credit.account, RECEIPT.format(credit.receipt)))
    return key
