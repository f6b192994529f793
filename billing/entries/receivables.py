"""The entries of money in, each a pure function of the facts of its act; `check` computes them again.

A receipt is one entry with what it settles at once; every later act has one of its own. Cheques and bills come in and
go back by way of journal OD, and through the bank's (BQ) on the day they are cleared (law.md section 5).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from billing.entries.accounts import CLIENTS, DOUBTFUL_CLIENTS, UNPLACED, VAT_DUE, VAT_NOT_YET_DUE
from billing.frame.codes import RECEIPT, REFUND
from ledger.entry import BANK, CASH, MISCELLANEOUS, REVERSED, Entry, Posting


class Means(StrEnum):
    """The means of payment; `deposit` is a deposit that is set off."""

    TRANSFER = "transfer"
    CHEQUE = "cheque"
    CASH = "cash"
    BILL = "bill"
    CARD = "card"
    DEPOSIT = "deposit"


class LegKind(StrEnum):
    """The parts of what a receipt settles: the money, a tax withheld, charges the bank kept."""

    MONEY = "money"
    RENT_WITHHOLDING = "rent_withholding"
    VAT_WITHHOLDING = "vat_withholding"
    BANK_CHARGES = "bank_charges"


TRANSFER, CHEQUE, CASH_PAID, BILL, CARD, DEPOSIT = Means
# What a receipt is that holds a tenant's credit from before this service began; nobody can enter one (R29).
BROUGHT = "brought"
MONEY = LegKind.MONEY
WITHHOLDINGS = (LegKind.RENT_WITHHOLDING, LegKind.VAT_WITHHOLDING)
# The journal that receipts of each means are booked in, and what entries call them.
JOURNALS: Mapping[str, str] = {
    TRANSFER: BANK,
    CARD: BANK,
    CASH_PAID: CASH,
    CHEQUE: MISCELLANEOUS,
    BILL: MISCELLANEOUS,
    DEPOSIT: MISCELLANEOUS,
}
MEANS_LABELS: Mapping[str, str] = {
    TRANSFER: "Virement",
    CARD: "Carte",
    CASH_PAID: "Espèces",
    CHEQUE: "Chèque",
    BILL: "Effet",
    DEPOSIT: "Dépôt de garantie",
}
# These are money only once the bank says so.
TO_BE_CLEARED = (CHEQUE, BILL)
# These come back: cheques and bills unpaid, transfers and cards by the bank.
RETURNABLE = (CHEQUE, BILL, TRANSFER, CARD)
_TENANTS_NAMED = 3


class Settled(NamedTuple):
    """An allocation as it is booked: `vat` moves from 44551 to 4455, the other way where a credit note's exceeds."""

    number: str
    tenant: str
    amount: int
    doubtful: int
    vat: int


class Held(NamedTuple):
    """Money that settles nothing: on a tenant's account (4428, 4421), or on nobody's (4497)."""

    account: str
    tenant: str | None
    amount: int


class ReceiptHead(NamedTuple):
    """A receipt as its entries name it."""

    key: int
    means: str
    reference: str
    tenant: str | None
    site: str | None


def _vat_moved(vat: int) -> list[Posting]:
    return [Posting(VAT_NOT_YET_DUE, vat), Posting(VAT_DUE, -vat)] if vat else []


def _settling(settled: Iterable[Settled], sign: int = 1) -> list[Posting]:
    """Credit the tenants' accounts with what was settled (`sign` -1: debit them again)."""
    postings = []
    for allocation in settled:
        if allocation.amount > allocation.doubtful:
            postings.append(Posting(CLIENTS, -sign * (allocation.amount - allocation.doubtful), allocation.tenant))
        if allocation.doubtful:
            postings.append(Posting(DOUBTFUL_CLIENTS, -sign * allocation.doubtful, allocation.tenant))
    return postings


def _received(head: ReceiptHead, legs: Iterable[tuple[str, str, int]], sign: int = 1) -> list[Posting]:
    """Debit the accounts that a receipt's legs came to (`sign` -1: credit them again)."""
    postings = []
    for kind, account, amount in legs:
        auxiliary = head.tenant if head.means == DEPOSIT and kind == MONEY else None
        postings.append(Posting(account, sign * amount, auxiliary, head.site if kind == MONEY else None))
    return postings


def receipt_entry(
    head: ReceiptHead,
    value_date: date,
    legs: Sequence[tuple[str, str, int]],
    settled: Sequence[Settled],
    held: Sequence[Held],
) -> Entry:
    """Book a receipt with what it settles at once; `legs` are (kind, account, amount), `held` settles nothing yet.

    The money of a deposit leaves the tenant's own account (1487).
    """
    postings = [*_received(head, legs), *_settling(settled)]
    postings += [Posting(account, -amount, tenant) for account, tenant, amount in held if amount]
    postings += _vat_moved(sum([allocation.vat for allocation in settled]))
    tenants = sorted({allocation.tenant for allocation in settled})
    payer = head.tenant or ", ".join(tenants[:_TENANTS_NAMED]) or "à identifier"
    numbers = [allocation.number for allocation in settled]
    documents = f" : {', '.join(numbers)}" if numbers else ""
    journal = JOURNALS[head.means]
    return Entry(
        reference=f"{journal}/{RECEIPT.format(head.key)}",
        journal=journal,
        effective_on=value_date,
        label=f"{MEANS_LABELS[head.means]} {head.reference} - {payer}{documents}",
        piece=RECEIPT.format(head.key),
        postings=tuple(postings),
    )


def _miscellaneous(reference: str, on: date, label: str, piece: str, postings: Iterable[Posting]) -> Entry | None:
    moving = tuple(posting for posting in postings if posting.amount)
    return Entry(f"{MISCELLANEOUS}/{reference}", MISCELLANEOUS, on, label, piece, moving) if moving else None


def allocation_entry(key: int, on: date, settled: Settled, account: str | None, source: str) -> Entry | None:
    """Book an allocation made after its receipt, from the account where the money lay, or of a credit note `source`.

    A credit note stands on 3421 already, so that its allocation is booked only where something doubtful is settled, or
    VAT moves; None where neither.
    """
    return _miscellaneous(
        f"AF-{key}",
        on,
        f"Affectation {source} - {settled.tenant} : {settled.number}",
        settled.number,
        _allocated(settled, account, 1),
    )


def undoing_entry(key: int, on: date, settled: Settled, account: str | None, source: str) -> Entry | None:
    """Take an allocation back, to the centime; its VAT is what the allocation had moved."""
    return _miscellaneous(
        f"AF-{key}{REVERSED}",
        on,
        f"Affectation annulée {source} - {settled.tenant} : {settled.number}",
        settled.number,
        _allocated(settled, account, -1),
    )


def due_entry(key: int, on: date, settled: Settled, source: str) -> Entry | None:
    """Book the VAT of what a cheque settled after the day it was cleared on."""
    label = f"TVA exigible {source} - {settled.tenant} : {settled.number}"
    return _miscellaneous(f"AF-{key}/encaissement", on, label, settled.number, _vat_moved(settled.vat))


def _allocated(settled: Settled, account: str | None, sign: int) -> list[Posting]:
    vat = _vat_moved(sign * settled.vat)
    if account is None:
        return [
            Posting(CLIENTS, sign * settled.doubtful, settled.tenant),
            Posting(DOUBTFUL_CLIENTS, -sign * settled.doubtful, settled.tenant),
            *vat,
        ]
    return [Posting(account, sign * settled.amount, settled.tenant), *_settling([settled], sign), *vat]


def placement_entry(key: int, receipt: int, on: date, held: Held) -> Entry | None:
    """Book as a tenant's the money that nobody could place."""
    postings = (Posting(UNPLACED, held.amount), Posting(held.account, -held.amount, held.tenant))
    label = f"Règlement {RECEIPT.format(receipt)} identifié - {held.tenant}"
    return _miscellaneous(f"PL-{key}", on, label, RECEIPT.format(receipt), postings)


def withdrawal_entry(key: int, receipt: int, on: date, held: Held) -> Entry | None:
    """Book as nobody's the money that was not the tenant's after all."""
    postings = (Posting(held.account, held.amount, held.tenant), Posting(UNPLACED, -held.amount))
    label = f"Règlement {RECEIPT.format(receipt)} à identifier de nouveau - {held.tenant}"
    return _miscellaneous(f"RP-{key}", on, label, RECEIPT.format(receipt), postings)


def clearing_entry(head: ReceiptHead, on: date, account: str, from_account: str, amount: int, vat: int) -> Entry:
    """Book a cheque or bill that the bank has credited: now its VAT falls due (law.md section 3)."""
    return Entry(
        reference=f"{BANK}/{RECEIPT.format(head.key)}/encaissement",
        journal=BANK,
        effective_on=on,
        label=f"{MEANS_LABELS[head.means]} {head.reference} encaissé - {head.tenant or 'divers'}",
        piece=RECEIPT.format(head.key),
        postings=(Posting(account, amount), Posting(from_account, -amount), *_vat_moved(vat)),
    )


def return_entry(
    head: ReceiptHead,
    on: date,
    legs: Sequence[tuple[str, str, int]],
    settled: Sequence[Settled],
    held: Sequence[Held],
    cleared: bool,
) -> Entry:
    """Take back all that money did which came back; from the bank if it had been there: a cheque, once cleared."""
    is_cheque = head.means in TO_BE_CLEARED
    journal = BANK if cleared or not is_cheque else MISCELLANEOUS
    came_back = "impayé" if is_cheque else "retourné"
    return Entry(
        reference=f"{journal}/{RECEIPT.format(head.key)}/impaye",
        journal=journal,
        effective_on=on,
        label=f"{MEANS_LABELS[head.means]} {head.reference} {came_back} - {head.tenant or 'divers'}",
        piece=RECEIPT.format(head.key),
        postings=(
            *_let_go(settled, held),
            *(Posting(account, -amount) for _, account, amount in legs),
            *_vat_moved(-sum([allocation.vat for allocation in settled])),
        ),
    )


def _let_go(settled: Iterable[Settled], held: Iterable[Held]) -> list[Posting]:
    """Debit the accounts of what a receipt settles, and of what is held of it."""
    return [*_settling(settled, -1), *(Posting(account, amount, tenant) for account, tenant, amount in held if amount)]


def cancellation_entry(
    head: ReceiptHead,
    on: date,
    legs: Sequence[tuple[str, str, int]],
    settled: Sequence[Settled],
    held: Sequence[Held],
    cleared_to: str | None,
) -> Entry:
    """Take back all that a receipt did which should never have been entered (R25).

    `cleared_to` is the account that a cheque or bill was cleared to: the money leaves that one then. The entry is
    called after the one that moved the money, so that the two cancel each other out where the bank is reconciled.
    """
    number = RECEIPT.format(head.key)
    if cleared_to is None:
        money = _received(head, legs, -1)
        reversed_entry = f"{JOURNALS[head.means]}/{number}"
    else:
        money = [Posting(cleared_to if kind == MONEY else account, -amount) for kind, account, amount in legs]
        reversed_entry = f"{BANK}/{number}/encaissement"
    return Entry(
        reference=f"{reversed_entry}{REVERSED}",
        journal=reversed_entry[:2],
        effective_on=on,
        label=f"{MEANS_LABELS[head.means]} {head.reference} annulé - {head.tenant or 'divers'}",
        piece=number,
        postings=(*_let_go(settled, held), *money, *_vat_moved(-sum([allocation.vat for allocation in settled]))),
    )


def money_entries(key: int) -> tuple[str, ...]:
    """Return the references of the entries by which a receipt's money may have moved the bank's account."""
    number = RECEIPT.format(key)
    return f"{BANK}/{number}", f"{BANK}/{number}/encaissement", f"{BANK}/{number}/impaye"


def refund_money_entry(key: int) -> str:
    """Return the reference of the entry by which a refund may have moved the bank's account."""
    return f"{BANK}/{REFUND.format(key)}"


def refund_entry(key: int, on: date, means: str, account: str, held: Held, vat: int, source: str) -> Entry:
    """Book money paid back, from the bank or the till; `vat` is what a credit note's share takes from 4455."""
    journal = CASH if means == CASH_PAID else BANK
    return Entry(
        reference=f"{journal}/{REFUND.format(key)}",
        journal=journal,
        effective_on=on,
        label=f"Remboursement {source} - {held.tenant or 'divers'}",
        piece=REFUND.format(key),
        postings=(Posting(held.account, held.amount, held.tenant), Posting(account, -held.amount), *_vat_moved(-vat)),
    )


def issue_entry(number: str, on: date, vat: int) -> Entry | None:
    """Book the VAT of a document that falls due at issue (régime des débits); negative for a credit note."""
    return _miscellaneous(f"TVA-{number}", on, f"TVA exigible à la facturation - {number}", number, _vat_moved(vat))
