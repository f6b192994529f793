"""Proof of credit notes by hand: each says of which invoice and why, and takes back no more than was left.

They are followed in the order they were issued: what runs took back whole (R13), what people took back in parts,
and what runs billed again because a line credited in part was then credited whole.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from billing.documents.checks.documents import LineKey, correction_faults
from billing.documents.checks.holdings import Holdings
from invoices.document import CREDIT_NOTE, EDITION_CREDITED_BY_INVOICE, INVOICE
from invoices.reading import priced_line
from invoices.rendering.sheet import LUMP_SUM
from pricing.eligibility import MARKET
from pricing.money import QUANTITY_SCALE, format_amount, price_of
from pricing.rating import PricedLine
from pricing.vat import VatSubtotal, credited_vat, vat_breakdown

# The fields that a credited amount has in common with the line it is of.
_KEPT = ("service", "service_label", "site", "site_name", "office", "month", "vat_rate", "vat_treatment", "vat_reason")


def expected_vat(held: Holdings) -> dict[int, tuple[VatSubtotal, ...]]:
    """Return the VAT that each document must have, by its key (R11).

    Those issued before R11 spoke of the invoices a credit note corrects keep theirs: a run's was that of the sum of its
    lines, and one by hand took what a later invoice bills again for not credited.
    """
    left: dict[tuple[int, int], int] = defaultdict(int)
    billed_again: dict[tuple[int, int], int] = defaultdict(int)
    expected: dict[int, tuple[VatSubtotal, ...]] = {}
    for head in held.documents:
        lines = held.lines.get(head.id, [])
        of_lines = vat_breakdown((line.vat_rate, line.amount) for line in lines)
        if head.kind == INVOICE:
            expected[head.id] = of_lines
            left |= {(head.id, rate): base for rate, base, _ in of_lines}
            for line in lines:
                part = held.withdrawals.get((line.document_id, line.line_no))
                if part in held.parts:
                    billed_again[held.parts[part][0], line.vat_rate] += line.amount
            continue
        credited = [(_invoice_of(line, held), line.vat_rate, line.amount) for line in lines]
        with_billed_again = {(key, rate): left[key, rate] + billed_again[key, rate] for key, rate, _ in credited}
        expected[head.id] = credited_vat(credited, left)
        if head.edition < EDITION_CREDITED_BY_INVOICE:
            expected[head.id] = of_lines if head.period else credited_vat(credited, with_billed_again)
    return expected


def _invoice_of(line: Any, held: Holdings) -> int:
    """Return the invoice of which a credit note's line takes something back; 0 where it names none."""
    if line.corrects_document_id is not None:
        return int(line.corrects_document_id)
    return held.parts.get((line.document_id, line.line_no), (0, 0))[0]


def credit_faults(held: Holdings, vat: Mapping[int, Sequence[VatSubtotal]]) -> Iterator[str]:
    """Name the faults of these tenants' credit notes by hand, and of what runs made of them.

    `vat` is what each must have (`expected_vat`).
    """
    touched = {head.tenant for head in held.documents if head.period is None}
    left: dict[LineKey, int] = {}
    rows: dict[LineKey, Any] = {}
    for head in held.documents:
        if head.tenant not in touched:
            continue
        lines = held.lines.get(head.id, [])
        rows |= {(line.document_id, line.line_no): line for line in lines}
        if head.kind == INVOICE:
            left |= {(line.document_id, line.line_no): line.amount for line in lines}
            yield from _withdrawn(head, lines, held, left, rows)
        elif head.period is not None:
            yield from _credited_whole(head, lines, left)
        elif is_cancellation(head, lines):
            yield from _cancellation(head, lines, held, left, rows, vat[head.id])
        else:
            yield from _by_hand(head, lines, held, left, rows, vat[head.id])


def _withdrawn(
    head: Any, lines: Sequence[Any], held: Holdings, left: dict[LineKey, int], rows: dict[LineKey, Any]
) -> Iterator[str]:
    for line in lines:
        part = held.withdrawals.get((line.document_id, line.line_no))
        if part is None:
            continue
        place = f"{head.number} line {line.line_no}"
        of, credited = held.parts.get(part), rows.get(part)
        if of is None or credited is None:
            yield f"{place} bills again what no credit note of tenant {head.tenant} took back"
        elif any(getattr(line, name) != getattr(credited, name) for name in (*_KEPT, "amount", "revenue_account")):
            yield f"{place} differs from the line of the credit note it bills again"
        else:
            left[of] = left.get(of, 0) + line.amount


def _credited_whole(head: Any, lines: Sequence[Any], left: dict[LineKey, int]) -> Iterator[str]:
    for line in lines:
        key = (line.corrects_document_id, line.corrects_line_no)
        still = left.get(key, 0)
        if line.amount > still:
            yield (
                f"{head.number} line {line.line_no} credits {format_amount(line.amount)}, "
                f"{format_amount(still)} was invoiced and not credited"
            )
        left[key] = still - line.amount


def is_cancellation(head: Any, lines: Sequence[Any]) -> bool:
    """Return whether a document is a credit note by hand that takes lines back whole (R28)."""
    return head.period is None and head.kind == CREDIT_NOTE and any(line.corrects_document_id for line in lines)


def _cancellation(
    head: Any,
    lines: Sequence[Any],
    held: Holdings,
    left: dict[LineKey, int],
    rows: dict[LineKey, Any],
    expected: Sequence[VatSubtotal],
) -> Iterator[str]:
    """A credit note by hand that cancels: whole lines of one invoice, as a run takes them back, with their discount."""
    number = head.number
    yield from reason_faults(head, held)
    if len({line.corrects_document_id for line in lines}) != 1:
        yield f"{number}, made by hand, does not name for each line the line of one invoice that it cancels"
    for line in lines:
        place, key = f"{number} line {line.line_no}", (line.corrects_document_id, line.corrects_line_no)
        yield from correction_faults(head, line, priced_line(line), place, rows)
        # What a rebate took of it is billed again by the run that counts the cancellation.
        rebated = sum(rows[part].amount for part, of in held.parts.items() if of == key and part in rows)
        rebated -= sum(
            rows[x].amount for x, part in held.withdrawals.items() if held.parts.get(part) == key and x in rows
        )
        if line.amount > left.get(key, 0) + rebated:
            yield f"{place} cancels {format_amount(line.amount)}, which was credited before"
        left[key] = left.get(key, 0) - line.amount
    yield from _sums_faults(head, held, expected, [priced_line(line) for line in lines])


def reason_faults(head: Any, held: Holdings) -> Iterator[str]:
    """Name what is missing of the reason of a document that was issued outside a run."""
    said = held.reasons.get(head.id)
    if said is None or not said.reason or not said.issued_by:
        yield f"{head.number} was issued outside a run, and does not say why and by whom"


def _sums_faults(
    head: Any, held: Holdings, expected: Sequence[VatSubtotal], lines: Sequence[PricedLine]
) -> Iterator[str]:
    """VAT and totals of a credit note by hand; `lines` give an advantage and a contribution, a rebate's give none."""
    number = head.number
    if tuple(held.vat.get(head.id, ())) != tuple(expected):
        yield f"{number}: VAT {_vat(held.vat.get(head.id, []))} is not what was left less what is, {_vat(expected)}"
    net, tax = sum(v.base for v in expected), sum(v.amount for v in expected)
    gives = sum(line.advantage for line in lines), sum(line.contribution for line in lines)
    if (head.net, head.tax, head.gross, head.advantage, head.contribution) != (net, tax, net + tax, *gives):
        yield f"{number}: its totals are not those of its lines, or its advantage or contribution is another"


def _by_hand(
    head: Any,
    lines: Sequence[Any],
    held: Holdings,
    left: dict[LineKey, int],
    rows: dict[LineKey, Any],
    expected: Sequence[VatSubtotal],
) -> Iterator[str]:
    """A credit note by hand: of one invoice, with reason and name, line by line, VAT to the centime."""
    number = head.number
    yield from reason_faults(head, held)
    targets = [held.parts.get((line.document_id, line.line_no)) for line in lines]
    invoices = {target[0] for target in targets if target is not None}
    if len(invoices) != 1 or None in targets:
        yield f"{number}, made by hand, does not name for each line the line of one invoice that it credits"
        return
    for line, target in zip(lines, targets, strict=True):
        if target is None or target not in rows or target not in left:
            yield f"{number} line {line.line_no} credits no line of an invoice of tenant {head.tenant}"
            return
        yield from _line_faults(f"{number} line {line.line_no}", line, rows[target], left[target])
        left[target] -= line.amount
    yield from _sums_faults(head, held, expected, ())


def _line_faults(place: str, line: Any, original: Any, left: int) -> Iterator[str]:
    if line.amount <= 0 or line.amount > left:
        yield (
            f"{place} credits {format_amount(line.amount)}, {format_amount(left)} was invoiced and not credited before"
        )
    different = [name for name in _KEPT if getattr(line, name) != getattr(original, name)]
    if different:
        yield f"{place} differs from the line it credits in {', '.join(different)}"
    price = price_of(line.amount)
    workings = (
        line.tier, line.quantity, line.full_price, line.unit_price, line.unit_cost, line.full_amount, line.cost_amount,
        line.days, line.days_in_month, line.lease, line.first_day, line.last_day, line.unit_of_measure,
    )  # fmt: skip
    if workings != (
        MARKET, QUANTITY_SCALE, price, price, price, line.amount, line.amount, 1, 1, None, None, None, LUMP_SUM,
    ):  # fmt: skip
        yield f"{place} is not one amount at its own full price and full cost"


def _vat(subtotals: Sequence[VatSubtotal]) -> str:
    return ", ".join(f"{format_amount(v.amount)} on {format_amount(v.base)}" for v in subtotals) or "none"
