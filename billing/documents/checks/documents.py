"""Proof of one document by itself: it recomputes from its stored workings (R9-R11, R15, R16, R20)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

from billing.entries.accounts import CLIENTS, VAT_NOT_YET_DUE
from billing.entries.standing import Place
from invoices.document import CREDIT_NOTE
from invoices.reading import priced_line
from pricing.eligibility import MARKET, SUBSIDISED
from pricing.money import format_amount, format_price, format_quantity, format_rate, line_amount
from pricing.period import first_of_month, format_month, month_period
from pricing.rating import OFFICE, PricedLine
from pricing.vat import STANDARD, TREATMENTS, VatSubtotal

LineKey: TypeAlias = tuple[int, int]

_TEXTS = ("service_label", "unit_of_measure", "revenue_account", "site_name", "office")


def sign_of(kind: str) -> int:
    """Return 1 for an invoice, -1 for a credit note."""
    return -1 if kind == CREDIT_NOTE else 1


def document_faults(
    document: Any,
    lines: Sequence[Any],
    priced_by_run: Sequence[Any],
    vat: Sequence[VatSubtotal],
    expected: Sequence[VatSubtotal],
    lines_of_tenant: Mapping[LineKey, Any],
) -> Iterator[str]:
    """Name the faults of a run's document, or of a one-off invoice, judged by its own rows.

    `lines_of_tenant` are those it may take back.
    `expected` is the VAT it must have (`credits.expected_vat`). `priced_by_run` are its lines but for those that bill
    again what a credit note by hand took back.
    """
    name = document.number
    if not lines:
        yield f"{name} has no line"
        return
    if [line.line_no for line in lines] != list(range(1, len(lines) + 1)):
        yield f"{name}: its lines are not numbered 1 to {len(lines)}"
    priced = {line.line_no: priced_line(line) for line in lines}
    for line in priced_by_run:
        workings = priced[line.line_no]
        place = f"{name} line {line.line_no}"
        for fault in _line_faults(workings, document):
            yield f"{place}: {fault}"
        yield from correction_faults(document, line, workings, place, lines_of_tenant)
    yield from _total_faults(document, list(priced.values()), vat, expected)


def _line_faults(line: PricedLine, document: Any) -> Iterator[str]:
    yield from _price_faults(line)
    yield from _treatment_faults(line)
    if document.period is None:
        yield from _one_off_faults(line, document.issued_on)
        return
    if (line.service == OFFICE) != (line.lease is not None):
        yield f"service {line.service} and lease {line.lease} don't go together: offices are let, nothing else is"
    yield from _day_faults(line, document.period)


def _one_off_faults(line: PricedLine, issued_on: date) -> Iterator[str]:
    """A line billed by hand is worth its own price and cost, is of no lease, and of the month of issue (R27)."""
    if (line.tier, line.full_price, line.unit_cost, line.full_amount, line.cost_amount) != (
        MARKET, line.unit_price, line.unit_price, line.amount, line.amount,
    ):  # fmt: skip
        yield "billed by hand, it is not at its own full price and full cost"
    if (line.lease, line.first_day, line.last_day, line.days, line.days_in_month) != (None, None, None, 1, 1):
        yield "billed by hand, it is of a lease or of some days"
    if line.month != first_of_month(issued_on):
        yield f"billed by hand on {issued_on}, it is of {format_month(line.month)}"


def _price_faults(line: PricedLine) -> Iterator[str]:
    """Amounts recompute from price, quantity and days; the price is that of the tier, or in kind 0 (R9, R10, R37)."""
    for title, price, amount in (
        ("amount", line.unit_price, line.amount),
        ("amount at full price", line.full_price, line.full_amount),
        ("amount at full cost", line.unit_cost, line.cost_amount),
    ):
        computed = line_amount(price, line.quantity, line.days, max(line.days_in_month, 1))
        if computed != amount:
            yield (
                f"{title} {format_amount(amount)} is not {format_price(price)} × {format_quantity(line.quantity)} "
                f"× {line.days}/{line.days_in_month} = {format_amount(computed)}"
            )
    if line.unit_price > line.full_price or (line.tier == MARKET and line.unit_price not in (line.full_price, 0)):
        yield (
            f"tier {line.tier} does not pay {format_price(line.unit_price)} where the full price is "
            f"{format_price(line.full_price)}"
        )
    if line.tier not in (SUBSIDISED, MARKET):
        yield f"tier {line.tier!r} does not exist"


def _treatment_faults(line: PricedLine) -> Iterator[str]:
    """A line that bears VAT says no reason, one that does not is at the rate 0 (CGI art. 145-III-6°)."""
    treatment, reason = line.vat_treatment, line.vat_reason
    is_whole = not reason if treatment == STANDARD else reason and treatment in TREATMENTS and not line.vat_rate
    if not is_whole:
        yield f"VAT treatment {treatment!r}, reason {reason!r} and rate {format_rate(line.vat_rate)} don't go together"


def _day_faults(line: PricedLine, period: date) -> Iterator[str]:
    """The days of an office are those of its month, a usage line has none (R9, R10)."""
    if line.lease is None:
        if (line.first_day, line.last_day, line.days, line.days_in_month) != (None, None, 1, 1):
            yield "days stand on a usage line"
        if line.month >= period:
            yield f"usage of {format_month(line.month)} is billed in arrears, not by the run of {format_month(period)}"
        return
    whole = month_period(line.month)
    if line.month.day != 1 or line.days_in_month != whole.days:
        yield f"{format_month(line.month)} has {whole.days} days, not {line.days_in_month}"
    first, last = line.first_day, line.last_day
    if first is None or last is None or first not in whole or last not in whole or first > last:
        yield f"its days {first} to {last} are not days of {format_month(line.month)}"
    elif (last - first).days + 1 != line.days:
        yield f"{first} to {last} are {(last - first).days + 1} days, not {line.days}"
    if line.month > period:
        yield f"the office of {format_month(line.month)} is billed by the earlier run of {format_month(period)}"


def correction_faults(
    document: Any, line: Any, workings: PricedLine, place: str, lines_of_tenant: Mapping[LineKey, Any]
) -> Iterator[str]:
    """A credited line is the line it takes back, in every word and figure (R13)."""
    if document.kind != CREDIT_NOTE:
        if line.corrects_document_id is not None:
            yield f"{place}: an invoice takes nothing back, this line does"
        return
    key = (line.corrects_document_id, line.corrects_line_no)
    original = lines_of_tenant.get(key)
    if original is None or original.corrects_document_id is not None:
        yield f"{place} takes back no line of an invoice of tenant {document.tenant}"
        return
    different = [
        field
        for field, mine, its in zip(PricedLine._fields, workings, priced_line(original), strict=True)
        if mine != its
    ]
    different += [field for field in _TEXTS if getattr(line, field) != getattr(original, field)]
    if different:
        yield f"{place} differs from the line it takes back in {', '.join(different)}"


def _total_faults(
    document: Any, lines: Sequence[PricedLine], vat: Sequence[VatSubtotal], expected: Sequence[VatSubtotal]
) -> Iterator[str]:
    """VAT once per rate, totals, and what the document says of discount and contribution (R11, R16)."""
    if tuple(vat) != tuple(expected):
        yield f"{document.number}: VAT {_vat_text(vat)} is not that of its lines, {_vat_text(expected)}"
    net, tax = sum(line.amount for line in lines), sum(subtotal.amount for subtotal in expected)
    for title, stored, computed in (
        ("net", document.net, net),
        ("tax", document.tax, tax),
        ("gross", document.gross, net + tax),
        ("advantage", document.advantage, sum(line.advantage for line in lines)),
        ("contribution", document.contribution, sum(line.contribution for line in lines)),
    ):
        if stored != computed:
            of_lines = format_amount(computed)
            yield f"{document.number}: {title} {format_amount(stored)} is not that of its lines, {of_lines}"


def _vat_text(subtotals: Sequence[VatSubtotal]) -> str:
    return ", ".join(f"{format_amount(v.amount)} on {format_amount(v.base)}" for v in subtotals) or "none"


def sale_of(document: Any, lines: Sequence[Any]) -> Counter[Place]:
    """Return what the books must hold for a document by R20: signed sums, debit positive."""
    sign = sign_of(document.kind)
    sums: Counter[Place] = Counter()
    sums[CLIENTS, document.tenant, None] += sign * document.gross
    sums[VAT_NOT_YET_DUE, None, None] -= sign * document.tax
    for line in lines:
        sums[line.revenue_account, None, line.site] -= sign * line.amount
    return sums
