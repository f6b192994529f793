"""From drafts to issued documents: numbered and written set-wise, in the caller's transaction (R14, R15)."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias

import orjson
from sqlalchemy import Connection, Table, text

from invoices.crediting import not_credited
from invoices.document import (
    CREDIT_NOTE,
    EDITION,
    EDITION_NUMBERED,
    INVOICE,
    SERIES,
    DocumentLine,
    Party,
    format_number,
)
from invoices.models import (
    brought_invoice,
    credit_reason,
    credit_withdrawal,
    credited_part,
    document,
    document_line,
    document_vat,
    party,
)
from invoices.numbering import EVERY_DOCUMENT, EVERY_YEAR, require_issue_date, take_numbers
from pricing.rating import PricedLine
from pricing.vat import VatSubtotal, credited_vat, vat_breakdown

RowWriter: TypeAlias = Callable[[Connection, Table, Sequence[str], Iterable[Sequence[Any]]], None]

_DOCUMENT_COLUMNS = (
    "id", "number", "kind", "period", "issued_on", "due_on", "tenant", "seller", "buyer", "net", "tax", "gross",
    "advantage", "contribution", "discount_ends_on", "edition",
)  # fmt: skip
# The workings of a line have columns of the same names.
_WORKINGS = PricedLine._fields
_LINE_COLUMNS = (
    "document_id", "line_no", *_WORKINGS, "service_label", "unit_of_measure", "site_name", "office",
    "revenue_account", "corrects_document_id", "corrects_line_no",
)  # fmt: skip
_REASON_COLUMNS = ("document_id", "reason", "issued_by")
_PART_COLUMNS = ("document_id", "line_no", "invoice_id", "invoice_line_no")
_WITHDRAWAL_COLUMNS = ("document_id", "line_no", "credit_note_id", "credit_line_no")
_VAT_COLUMNS = ("document_id", "rate", "base", "amount")
_PARTY_FIELDS = tuple(field.name for field in fields(Party))
_LATER_FIELDS = frozenset({"public_url", "logo", "letterhead"})
# However many digests are asked for, they are one parameter: a list of thousands costs more to prepare than to answer.
_KNOWN_PARTIES = {
    "sqlite": text("SELECT digest FROM party WHERE digest IN (SELECT value FROM json_each(:digests))"),
    "postgresql": text(
        "SELECT digest FROM party WHERE digest = ANY(CAST(string_to_array(:digests, ',') AS varchar[]))"
    ),
}


class Draft(NamedTuple):
    """A document before it has a number; everything else about it is decided.

    `advantage` and `contribution` are the sums over its lines, in centimes (R16).
    """

    kind: str
    buyer: Party
    lines: tuple[DocumentLine, ...]
    advantage: int
    contribution: int
    discount_ends_on: date | None


class Brought(NamedTuple):
    """An invoice as it was issued before this service began, with the VAT that it bears (R29)."""

    number: str
    issued_on: date
    due_on: date
    draft: Draft
    vat: tuple[VatSubtotal, ...]


class CreditNote(NamedTuple):
    """A credit note made by hand, before it has a number: its lines, its reason and author; it may take whole lines."""

    draft: Draft
    reason: str
    issued_by: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Issue:
    """The terms that documents issued together share; `due_on` is the last day to pay, `period` None outside a run."""

    period: date | None
    issued_on: date
    due_on: date
    seller: Party


class Issued(NamedTuple):
    """A draft as issued: its key, number and totals in centimes."""

    id: int
    number: str
    draft: Draft
    vat: tuple[VatSubtotal, ...]
    net: int
    tax: int

    @property
    def gross(self) -> int:
        """Return the amount that the buyer owes, or is owed."""
        return self.net + self.tax


def vat_of_drafts(connection: Connection, drafts: Sequence[Draft]) -> list[tuple[VatSubtotal, ...]]:
    """Return the VAT that each draft is issued with, in their order: a credit note's rests on what was credited (R11).

    The caller keeps others from crediting the same invoices meanwhile.
    """
    credited = [
        [(line.corrects.document_id, line.priced.vat_rate, line.priced.amount) for line in draft.lines if line.corrects]
        if draft.kind == CREDIT_NOTE
        else []
        for draft in drafts
    ]
    invoices = {invoice for lines in credited for invoice, _, _ in lines}
    left = not_credited(connection, invoices) if invoices else {}
    return [
        credited_vat(lines, left)
        if draft.kind == CREDIT_NOTE
        else vat_breakdown([(line.priced.vat_rate, line.priced.amount) for line in draft.lines])
        for draft, lines in zip(drafts, credited, strict=True)
    ]


def issue(connection: Connection, drafts: Sequence[Draft], terms: Issue, *, insert: RowWriter) -> list[Issued]:
    """Number the drafts in their order and write them; return them issued, in the same order.

    Numbers run without gap within each series and year of issue: the series stay locked until the
    transaction ends. Raises IssueDateGoesBack (R15).
    """
    if not drafts:
        return []
    next_id = take_numbers(connection, EVERY_DOCUMENT, EVERY_YEAR, len(drafts), terms.issued_on)
    require_issue_date(connection, terms.issued_on)
    year = terms.issued_on.year
    next_in_series = {}
    for kind in (INVOICE, CREDIT_NOTE):
        count = sum(draft.kind == kind for draft in drafts)
        if count:
            next_in_series[kind] = take_numbers(connection, SERIES[kind], year, count, terms.issued_on)
    vats = vat_of_drafts(connection, drafts)
    issued = []
    for place, (draft, vat) in enumerate(zip(drafts, vats, strict=True)):
        number = format_number(draft.kind, year, next_in_series[draft.kind])
        next_in_series[draft.kind] += 1
        net, tax = sum([v.base for v in vat]), sum([v.amount for v in vat])
        issued.append(Issued(id=next_id + place, number=number, draft=draft, vat=vat, net=net, tax=tax))
    _write(connection, issued, terms, insert)
    withdrawals = [
        (item.id, line_no, line.withdraws.document_id, line.withdraws.line_no)
        for item in issued
        for line_no, line in enumerate(item.draft.lines, 1)
        if line.withdraws is not None
    ]
    insert(connection, credit_withdrawal, _WITHDRAWAL_COLUMNS, withdrawals)
    return issued


def issue_credit_note(connection: Connection, note: CreditNote, terms: Issue, *, insert: RowWriter) -> Issued:
    """Number and write one credit note made by hand, outside any run; its series stays locked until the end.

    Raises IssueDateGoesBack (R15).
    """
    require_issue_date(connection, terms.issued_on)
    key = take_numbers(connection, EVERY_DOCUMENT, EVERY_YEAR, 1, terms.issued_on)
    year = terms.issued_on.year
    number = format_number(CREDIT_NOTE, year, take_numbers(connection, SERIES[CREDIT_NOTE], year, 1, terms.issued_on))
    (vat,) = vat_of_drafts(connection, [note.draft])
    net, tax = sum(v.base for v in vat), sum(v.amount for v in vat)
    issued = Issued(id=key, number=number, draft=note.draft, vat=vat, net=net, tax=tax)
    # Whoever takes a line back whole says so in its own line, as a run does (R13); parts stand beside it.
    lines = note.draft.lines if note.whole else tuple(line._replace(corrects=None) for line in note.draft.lines)
    _write(connection, [issued._replace(draft=note.draft._replace(lines=lines))], terms, insert)
    insert(connection, credit_reason, _REASON_COLUMNS, [(key, note.reason, note.issued_by)])
    if note.whole:
        return issued
    parts = [
        (key, line_no, line.corrects.document_id, line.corrects.line_no)
        for line_no, line in enumerate(note.draft.lines, 1)
        if line.corrects is not None
    ]
    insert(connection, credited_part, _PART_COLUMNS, parts)
    return issued


def issue_one_off(
    connection: Connection, draft: Draft, said: tuple[str, str], terms: Issue, *, insert: RowWriter
) -> Issued:
    """Number and write one invoice made by hand, outside any run; `said` are its reason and author.

    Its series stays locked until the end. Raises IssueDateGoesBack (R15).
    """
    (issued,) = issue(connection, [draft], terms, insert=insert)
    insert(connection, credit_reason, _REASON_COLUMNS, [(issued.id, *said)])
    return issued


def keep_brought(
    connection: Connection, invoices: Sequence[Brought], seller: Party, taken_on: date, *, insert: RowWriter
) -> list[int]:
    """Write invoices that were issued before this service began, in no series; return their keys, in their order.

    Nothing is issued before the day they are taken on, from then on (R15).
    """
    if not invoices:
        return []
    first = take_numbers(connection, EVERY_DOCUMENT, EVERY_YEAR, len(invoices), taken_on)
    issued = [
        Issued(key, of.number, of.draft, of.vat, sum(v.base for v in of.vat), sum(v.amount for v in of.vat))
        for key, of in enumerate(invoices, first)
    ]
    by, *buyers = _keep_parties(connection, [seller, *(of.draft.buyer for of in invoices)], insert)
    heads = [
        # Paid under its number: no structured reference was printed on it.
        (*_document_row(item, Issue(None, of.issued_on, of.due_on, seller), by, buyer)[:-1], EDITION_NUMBERED)
        for item, of, buyer in zip(issued, invoices, buyers, strict=True)
    ]
    _insert_documents(connection, heads, issued, insert)
    keys = [item.id for item in issued]
    insert(connection, brought_invoice, ("document_id", "taken_on"), [(key, taken_on) for key in keys])
    return keys


def _write(connection: Connection, issued: Sequence[Issued], terms: Issue, insert: RowWriter) -> None:
    """Write the rows of documents that have their numbers: parties, heads, lines, VAT."""
    seller, *buyers = _keep_parties(connection, [terms.seller, *(item.draft.buyer for item in issued)], insert)
    heads = [_document_row(item, terms, seller, buyer) for item, buyer in zip(issued, buyers, strict=True)]
    _insert_documents(connection, heads, issued, insert)


def _insert_documents(
    connection: Connection, heads: Sequence[tuple[Any, ...]], issued: Sequence[Issued], insert: RowWriter
) -> None:
    insert(connection, document, _DOCUMENT_COLUMNS, heads)
    insert(connection, document_line, _LINE_COLUMNS, [row for item in issued for row in _line_rows(item)])
    insert(connection, document_vat, _VAT_COLUMNS, [(item.id, *v) for item in issued for v in item.vat])


def _document_row(issued: Issued, terms: Issue, seller: str, buyer: str) -> tuple[Any, ...]:
    draft = issued.draft
    return (
        issued.id, issued.number, draft.kind, terms.period, terms.issued_on, terms.due_on, draft.buyer.code,
        seller, buyer, issued.net, issued.tax, issued.gross, draft.advantage, draft.contribution,
        draft.discount_ends_on, EDITION,
    )  # fmt: skip


def _line_rows(issued: Issued) -> list[tuple[Any, ...]]:
    key = issued.id
    return [
        (
            key,
            line_no,
            *priced,
            *texts,
            *((None, None) if corrects is None else (corrects.document_id, corrects.line_no)),
        )
        for line_no, (priced, *texts, corrects, _withdraws) in enumerate(issued.draft.lines, 1)
    ]


def _content(snapshot: Party) -> bytes:
    """Return a party as JSON; a field that it was given later is left out while blank, so that no digest changes."""
    values = ((name, getattr(snapshot, name)) for name in _PARTY_FIELDS)
    return orjson.dumps({name: value for name, value in values if value or name not in _LATER_FIELDS})


def _keep_parties(connection: Connection, parties: Iterable[Party], insert: RowWriter) -> list[str]:
    """Write the parties not kept yet, once per content; return the digest of each, in their order."""
    contents = [_content(snapshot) for snapshot in parties]
    digests = [blake2b(content, digest_size=16).hexdigest() for content in contents]
    # The queue at the number series keeps other writers from adding the same content meanwhile.
    dialect = connection.dialect.name
    asked = json.dumps(digests) if dialect == "sqlite" else ",".join(digests)
    known = set(connection.scalars(_KNOWN_PARTIES[dialect], {"digests": asked}).all())
    fresh = {digest: content for digest, content in zip(digests, contents, strict=True) if digest not in known}
    insert(connection, party, ("digest", "content"), [(digest, content.decode()) for digest, content in fresh.items()])
    return digests
