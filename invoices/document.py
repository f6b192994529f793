"""A document as issued: an immutable snapshot that contradicts itself nowhere (R11, R14, EN 16931)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from invoices.errors import IllFormedDocument
from invoices.structured_reference import printed, rf_of
from pricing.rating import PricedLine
from pricing.vat import TreatedVat, VatSubtotal, by_treatment, vat_breakdown

INVOICE = "invoice"
CREDIT_NOTE = "credit_note"
SERIES = {INVOICE: "FA", CREDIT_NOTE: "AV"}
CURRENCY = "MAD"
# The ways documents are printed. A new edition leaves those issued before it as they were, byte for byte: a change of a
# text, of the page or of the XML makes a new one, and the earlier ones keep theirs.
#   1  paid under their number
#   2  invoices are paid under their structured reference (ISO 11649)
#   3  VAT of a run's credit note is that of each invoice it corrects; before, that of the sum of its lines (R11)
#   4  the PDF is tagged (PDF/A-3a, PDF/UA-1); the XML says quantities as paper does, and reason, terms, site, lease
#   5  prices have units, lines their lease; a repair says what it replaces and why; 0.00 asks for nothing
EDITION_NUMBERED, EDITION_REFERENCED, EDITION_CREDITED_BY_INVOICE, EDITION_TAGGED, EDITION_SPELT_OUT = 1, 2, 3, 4, 5
EDITION = EDITION_SPELT_OUT
# The centimes by which the VAT of a brought invoice may differ from its base × rate: others round line by line.
BROUGHT_VAT_TOLERANCE = 100


@dataclass(frozen=True, slots=True)
class Party:
    """Seller or buyer as printed; blank where unknown (law.md section 1).

    Seller-only fields are blank for a buyer. `share_capital` is a decimal string of dirhams. A buyer's `language` is
    the one it reads, a seller's says how its papers are written (`invoices.wording`).
    """

    code: str
    legal_name: str
    legal_form: str = ""
    address: str = ""
    city: str = ""
    country: str = "MA"
    ice: str = ""
    tax_id: str = ""
    trade_register: str = ""
    business_tax: str = ""
    email: str = ""
    language: str = "fr"
    share_capital: str = ""
    social_security: str = ""
    phone: str = ""
    bank: str = ""
    rib: str = ""
    # The address that links of its papers begin with; blank: they bear none.
    public_url: str = ""
    # Its logo (`invoices.logo`), and lines that stand under its name at the head of a paper; blank: none.
    logo: str = ""
    letterhead: str = ""


class Correction(NamedTuple):
    """The line of an earlier invoice that a credit note's line takes back; its date is printed where known.

    A run takes it back whole (R13); a credit note by hand takes back what its line amounts to.
    """

    number: str
    document_id: int
    line_no: int
    issued_on: date | None = None


class DocumentLine(NamedTuple):
    """A line: its workings, and the texts copied in when it was issued.

    `withdraws` is the line of a credit note by hand that an invoice's line bills again.
    """

    priced: PricedLine
    service_label: str
    unit_of_measure: str
    site_name: str
    office: str
    revenue_account: str
    corrects: Correction | None = None
    withdraws: Correction | None = None


class Counterpart(NamedTuple):
    """The other line of a repair (R13), which a run's credit note and invoice hold between them.

    Of a line that is billed again: the invoice's line that it replaces, as priced then, and `credited_by`, the credit
    note that takes that back. Of a line of the credit note: the invoice that bills it again, and how.
    """

    number: str
    issued_on: date
    priced: PricedLine
    credited_by: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or a credit note; amounts in centimes, positive on both kinds.

    `period` is the first day of the run's month; None on a document made by hand, outside any
    run, which bears its `reason` instead: a credit note, or a one-off invoice. `advantage` and `contribution` are the
    amounts of the discount and of what its buyer brings to newcomers (R16), as printed: positive on a
    credit note too. `discount_ends_on` is the last day of the buyer's window, if it has one (R5).
    The document is printed in the edition `edition`. One that `is_brought` was issued before this service began (R29),
    with the VAT that it was issued with.
    Raises IllFormedDocument when totals, VAT or corrections contradict the lines.
    """

    number: str
    kind: str
    period: date | None
    issued_on: date
    due_on: date
    seller: Party
    buyer: Party
    lines: tuple[DocumentLine, ...]
    vat: tuple[VatSubtotal, ...]
    net: int
    tax: int
    gross: int
    advantage: int
    contribution: int
    discount_ends_on: date | None
    currency: str = CURRENCY
    reason: str = ""
    edition: int = EDITION
    is_brought: bool = False
    # The other lines of a repair, by the number of the line that they belong to (R13).
    counterparts: Mapping[int, Counterpart] = field(default_factory=dict)
    # The address under which whoever holds it can verify it (`invoices.links`); blank: none is printed.
    link: str = ""
    # A copy made later than the original that is kept: it says so.
    is_duplicate: bool = False

    def __post_init__(self) -> None:
        priced = [line.priced for line in self.lines]
        if not 0 < self.edition <= EDITION:
            raise IllFormedDocument(f"{self.number}: edition {self.edition} is of a later version of this program")
        if self.kind not in SERIES or not priced:
            raise IllFormedDocument(f"{self.number}: a document is an invoice or a credit note with lines")
        if self.period is None and not (self.reason or self.is_brought):
            raise IllFormedDocument(f"{self.number}: what is issued outside a run bears a reason")
        of_lines = vat_breakdown((line.vat_rate, line.amount) for line in priced)
        if not _within(self.vat, of_lines, self._rounding):
            raise IllFormedDocument(f"{self.number}: VAT is not that of its lines, once per rate (R11)")
        if self.net != sum(line.amount for line in priced) or self.tax != sum(v.amount for v in self.vat):
            raise IllFormedDocument(f"{self.number}: totals are not the sums of its lines")
        if self.gross != self.net + self.tax:
            raise IllFormedDocument(f"{self.number}: net and tax do not make the gross")
        if self.due_on < self.issued_on:
            raise IllFormedDocument(f"{self.number}: due before it is issued")
        if any((line.corrects is not None) != (self.kind == CREDIT_NOTE) for line in self.lines):
            raise IllFormedDocument(f"{self.number}: every line of a credit note names what it corrects, no other does")

    @property
    def treated_vat(self) -> tuple[TreatedVat, ...]:
        """Return its VAT by rate; what bears none stands apart by treatment and reason, as it is shown."""
        return by_treatment(self.vat, (line.priced.of_vat for line in self.lines))

    @property
    def is_one_off(self) -> bool:
        """Return whether it is an invoice made by hand, outside any run (R27)."""
        return self.kind == INVOICE and self.period is None and bool(self.reason)

    @property
    def payment_reference(self) -> str:
        """Return the reference that payers are asked to quote, as machines write it [BT-83]."""
        return payment_reference_of(self.number, self.kind, self.edition)

    @property
    def printed_reference(self) -> str:
        """Return the payment reference as people read it: a structured one in groups of four, which no line parts."""
        reference = self.payment_reference
        return reference if reference == self.number else printed(reference, "\u00a0")

    @property
    def _rounding(self) -> int:
        """Return the centimes by which VAT may differ from its base × rate: one for each invoice credited (R11)."""
        if self.is_brought:
            return BROUGHT_VAT_TOLERANCE
        if self.kind == INVOICE or (self.period is not None and self.edition < EDITION_CREDITED_BY_INVOICE):
            return 0
        return len(self.corrects)

    @property
    def corrects(self) -> tuple[str, ...]:
        """Return the numbers of the invoices a credit note corrects, in order (R14)."""
        return tuple(sorted({line.corrects.number for line in self.lines if line.corrects is not None}))


def _within(vat: tuple[VatSubtotal, ...], of_lines: tuple[VatSubtotal, ...], centimes: int) -> bool:
    """Return whether VAT is that of the lines, at each rate to so many centimes."""
    return len(vat) == len(of_lines) and all(
        (mine.rate, mine.base) == (its.rate, its.base) and abs(mine.amount - its.amount) <= centimes
        for mine, its in zip(vat, of_lines, strict=True)
    )


def format_number(kind: str, year: int, sequence: int) -> str:
    """Return `FA-2026-000001`: series, year of issue, place in the series (R15)."""
    return f"{SERIES[kind]}-{year:04d}-{sequence:06d}"


def payment_reference_of(number: str, kind: str, edition: int) -> str:
    """Return the reference that payers are asked to quote: the structured one, or the number if there is none."""
    return rf_of(number) if kind == INVOICE and edition >= EDITION_REFERENCED else number
