"""The shapes of quotes: months priced as a run would price them."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, UnsetType

from billing.frame.shapes import (
    Count,
    Day,
    Money,
    Month,
    Price,
    Quantity,
    Rate,
    ServiceCode,
    Shape,
    SiteCode,
    about,
)
from billing.run.quotes import quoting
from billing.run.shapes import Tier, Vat, VatReason, VatTreatment, treatment_shapes, vat_shapes
from pricing.money import format_amount, format_price, format_quantity, format_rate, total
from pricing.period import ONE_DAY, format_month
from pricing.rating import PricedLine


class QuotedLine(Shape, frozen=True):
    """A line as on a document; the office asked about is lease `quote`."""

    service: ServiceCode
    site: SiteCode
    lease: Annotated[str | None, about("The lease billed, or `quote`; null on usage")]
    month: Month
    first_day: Annotated[Day | None, about("The first day billed; null on usage")]
    last_day: Annotated[Day | None, about("The last day billed, included; null on usage")]
    days: Annotated[Count | None, about("How many days are billed; null on usage")]
    tier: Tier
    quantity: Quantity
    full_price: Annotated[Price, about("The price of a unit at the full rate")]
    unit_price: Annotated[Price, about("The price of a unit charged")]
    amount: Annotated[Money, about("What is charged, without VAT")]
    full_amount: Annotated[Money, about("What it would be at the full price")]
    vat_rate: Rate
    vat_treatment: VatTreatment | UnsetType = UNSET
    vat_reason: VatReason | UnsetType = UNSET

    @classmethod
    def of(cls, line: PricedLine) -> "QuotedLine":
        """Return a priced line in the shape of a document's, with the days it counts."""
        treatment, reason = treatment_shapes(line.vat_treatment, line.vat_reason)
        return cls(
            service=line.service,
            site=line.site,
            lease=line.lease,
            month=format_month(line.month),
            first_day=line.first_day,
            last_day=line.last_day,
            days=None if line.lease is None else line.days,
            tier=line.tier,  # type: ignore[arg-type]
            quantity=format_quantity(line.quantity),
            full_price=format_price(line.full_price),
            unit_price=format_price(line.unit_price),
            amount=format_amount(line.amount),
            full_amount=format_amount(line.full_amount),
            vat_rate=format_rate(line.vat_rate),
            vat_treatment=treatment,  # type: ignore[arg-type]
            vat_reason=reason,
        )


class QuotedMonth(Shape, frozen=True):
    """One month; usage stands in the month it is made."""

    month: Month
    lines: Annotated[list[QuotedLine], about("The lines of the month")]
    vat: Annotated[list[Vat], about("VAT, once a rate")]
    net: Annotated[Money, about("The sum of the lines, without VAT")]
    tax: Annotated[Money, about("The VAT")]
    gross: Annotated[Money, about("The sum, VAT included")]
    advantage: Annotated[Money, about("What the discount is worth")]

    @classmethod
    def of(cls, month: quoting.QuotedMonth) -> "QuotedMonth":
        """Return a month with its lines, VAT and sums."""
        return cls(
            month=format_month(month.month),
            lines=[QuotedLine.of(line) for line in month.lines],
            vat=vat_shapes(month.vat, (line.of_vat for line in month.lines)),
            **_sums(month.net, month.tax, month.advantage),
        )


class Window(Shape, frozen=True):
    """The days of the subsidised price, both included."""

    first_day: Day
    last_day: Day


class Quote(Shape, frozen=True):
    """The cost, month by month."""

    kind: Annotated[Literal["startup", "sme", "large", "subsidiary"], about("The kind of firm that asks")]
    window: Annotated[Window | None, about("null: it has no claim to the subsidised price")]
    months: Annotated[list[QuotedMonth], about("The months asked for, in order")]
    net: Annotated[Money, about("The sum of the months, without VAT")]
    tax: Annotated[Money, about("The VAT of the months")]
    gross: Annotated[Money, about("The sum of the months, VAT included")]
    advantage: Annotated[Money, about("What the discount is worth")]

    @classmethod
    def of(cls, quote: quoting.Quote) -> "Quote":
        """Return a quote as the API shows it; its lines as on documents."""
        window = quote.tenancy.window
        return cls(
            kind=quote.tenancy.kind,  # type: ignore[arg-type]
            window=None if window is None else Window(window.start, window.end - ONE_DAY),
            months=[QuotedMonth.of(month) for month in quote.months],
            **_sums(
                total(month.net for month in quote.months),
                total(month.tax for month in quote.months),
                total(month.advantage for month in quote.months),
            ),
        )


def _sums(net: int, tax: int, advantage: int) -> dict[str, Any]:
    return {
        "net": format_amount(net),
        "tax": format_amount(tax),
        "gross": format_amount(total((net, tax))),
        "advantage": format_amount(advantage),
    }
