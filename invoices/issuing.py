"""From drafts to issued documents: numbered and written set-wise, in the caller's transaction (R14, R15)."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Table, bindparam, select

from invoices.document import CREDIT_NOTE, INVOICE, SERIES, DocumentLine, Party, format_number
from invoices.models import document, document_line, document_vat, party
from invoices.numbering import EVERY_DOCUMENT, EVERY_YEAR, require_issue_date, take_numbers
from pricing.vat import VatSubtotal, vat_breakdown

RowWriter: TypeAlias = Callable[[Connection, Table, Sequence[str], Iterable[Sequence[Any]]], None]

_DOCUMENT_COLUMNS = (
    "id", "number", "kind", "period", "issued_on", "due_on", "tenant", "seller", "buyer", "net", "tax", "gross",
    "advantage", "contribution", "discount_ends_on",
)  # fmt: skip
_LINE_COLUMNS = (
    "document_id", "line_no", "service", "service_label", "unit_of_measure", "revenue_account", "site", "site_name",
    "lease", "office", "month", "first_day", "last_day", "days", "days_in_month", "tier", "quantity", "full_price",
    "unit_price", "unit_cost", "amount", "full_amount", "cost_amount", "vat_rate", "corrects_document_id",
    "corrects_line_no",
)  # fmt: skip
_VAT_COLUMNS = ("document_id", "rate", "base", "amount")
_KNOWN_PARTIES = select(party.c.digest).where(party.c.digest.in_(bindparam("digests", expanding=True)))


class Draft(NamedTuple):
    """A document before it has a number; everything else about it is decided."""

    kind: str
    buyer: Party
    lines: tuple[DocumentLine, ...]
    discount_ends_on: date | None


@dataclass(frozen=True, slots=True)
class Issue:
    """What the documents issued together share; `due_on` is the last day to pay."""

    period: date
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
        """What the buyer owes, or is owed."""
        return self.net + self.tax


def issue(connection: Connection, drafts: Sequence[Draft], terms: Issue, *, insert: RowWriter) -> list[Issued]:
    """Number the drafts in their order and write them; gives them back issued, in the same order.

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
    issued = []
    for place, draft in enumerate(drafts):
        number = format_number(draft.kind, year, next_in_series[draft.kind])
        next_in_series[draft.kind] += 1
        vat = vat_breakdown((line.priced.vat_rate, line.priced.amount) for line in draft.lines)
        net, tax = sum(v.base for v in vat), sum(v.amount for v in vat)
        issued.append(Issued(next_id + place, number, draft, vat, net, tax))
    parties = _keep_parties(connection, [terms.seller, *(draft.buyer for draft in drafts)], insert)
    insert(connection, document, _DOCUMENT_COLUMNS, [_document_row(found, terms, parties) for found in issued])
    insert(connection, document_line, _LINE_COLUMNS, [row for found in issued for row in _line_rows(found)])
    insert(connection, document_vat, _VAT_COLUMNS, [(found.id, *v) for found in issued for v in found.vat])
    return issued


def _document_row(found: Issued, terms: Issue, parties: Mapping[Party, str]) -> tuple[Any, ...]:
    draft = found.draft
    advantage = contribution = 0
    for line in draft.lines:
        advantage += line.priced.advantage
        contribution += line.priced.contribution
    return (
        found.id, found.number, draft.kind, terms.period, terms.issued_on, terms.due_on, draft.buyer.code,
        parties[terms.seller], parties[draft.buyer], found.net, found.tax, found.net + found.tax,
        advantage, contribution, draft.discount_ends_on,
    )  # fmt: skip


def _line_rows(found: Issued) -> list[tuple[Any, ...]]:
    rows = []
    for line_no, line in enumerate(found.draft.lines, 1):
        p, corrects = line.priced, line.corrects
        rows.append(
            (
                found.id, line_no, p.service, line.service_label, line.unit_of_measure, line.revenue_account,
                p.site, line.site_name, p.lease, line.office, p.month, p.first_day, p.last_day, p.days,
                p.days_in_month, p.tier, p.quantity, p.full_price, p.unit_price, p.unit_cost, p.amount,
                p.full_amount, p.cost_amount, p.vat_rate,
                None if corrects is None else corrects.document_id, None if corrects is None else corrects.line_no,
            )
        )  # fmt: skip
    return rows


def _keep_parties(connection: Connection, parties: Iterable[Party], insert: RowWriter) -> dict[Party, str]:
    """Write the parties not kept yet, once per content, and give each its digest."""
    contents = {
        found: json.dumps(asdict(found), ensure_ascii=False, sort_keys=True) for found in dict.fromkeys(parties)
    }
    digests = {found: blake2b(text.encode(), digest_size=16).hexdigest() for found, text in contents.items()}
    # The queue at the number series keeps other writers from adding the same content meanwhile.
    known = set(connection.scalars(_KNOWN_PARTIES, {"digests": list(digests.values())}))
    fresh = [(digests[found], text) for found, text in contents.items() if digests[found] not in known]
    insert(connection, party, ("digest", "content"), fresh)
    return digests
