"""The shapes of what lies ahead: forecasts, the admission dial, other terms compared with today's, assumptions."""

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, field

from billing.cross_subsidy.forecast import forecasting, what_if
from billing.frame.shapes import Count, Day, Money, Month, Quantity, Rate, Shape, TenantCode, Text, about
from billing.run.shapes import TenantError
from pricing.forecast import assumptions as assumed
from pricing.forecast import dial
from pricing.money import format_amount, format_quantity, format_rate
from pricing.period import format_month

_TEN_THOUSANDTHS = 10_000

Part: TypeAlias = Annotated[str, Meta(pattern="^[0-9]+(/[0-9]+)?$", description="An exact fraction", examples=["3/5"])]
_FIRST_RUN = about("The month of the first run")
_BY_CODE = about("Each site's figures by the site's code, then by the figure's name")
_OF_NETWORK = about("The network's figures, by their names; among them `reserve_after`, which no site has")
_UNFUNDED = about("The share of the draws in which some need is left unfunded")
_UNPRICED = about("The tenants that can't be priced and are left out, and why")
_DRAWS = about("How many futures were drawn")
_SEED = about("The same seed gives the same draws anywhere")
_USAGE = about("Usage from today on: the `usual` one, or only what is `known`")
_ASSUMED = about("What was assumed of the future")


class Figure(Shape, frozen=True):
    """An amount on the exact path, and where it lies by the draws: low 5 %, high 95 %."""

    path: Annotated[Money, about("What the runs give if nobody comes or leaves, and everybody pays")]
    low: Annotated[Money, about("5 % of the draws lie below it")]
    median: Annotated[Money, about("Half of the draws lie below it")]
    high: Annotated[Money, about("5 % of the draws lie above it")]

    @classmethod
    def of(cls, figure: forecasting.Figure) -> "Figure":
        """Write a figure."""
        drawn = {name: format_amount(value) for name, value in figure.drawn._asdict().items()}
        return cls(path=format_amount(figure.path), **drawn)


class ForecastFigures(Shape, frozen=True):
    """All figures of one month's run, or of all months together."""

    sites: Annotated[dict[str, dict[str, Figure]], _BY_CODE]
    network: Annotated[dict[str, Figure], _OF_NETWORK]
    draws_unfunded: Annotated[Rate, _UNFUNDED]

    @classmethod
    def of(cls, figures: forecasting.Figures) -> "ForecastFigures":
        """Write the figures of all months together."""
        return cls(**_figures(figures))


class ForecastRun(Shape, frozen=True):
    """One month's run."""

    month: Month
    sites: Annotated[dict[str, dict[str, Figure]], _BY_CODE]
    network: Annotated[dict[str, Figure], _OF_NETWORK]
    draws_unfunded: Annotated[Rate, _UNFUNDED]

    @classmethod
    def of(cls, month: date, figures: forecasting.Figures) -> "ForecastRun":
        """Write a month's figures."""
        return cls(month=format_month(month), **_figures(figures))


class Young(Shape, frozen=True):
    """The newcomers young enough for a discount."""

    share: Annotated[Part, about("Their share of the newcomers of an eligible kind")]


class Arrivals(Shape, frozen=True):
    """The newcomers assumed."""

    a_month: Annotated[dict[str, Part], about("How many come a month on average, by site; `*`: at every other")]
    kinds: Annotated[dict[str, Part], about("The share of each kind of tenant")]
    areas_m2: Annotated[dict[str, Part], about("The share of each size of office")]
    young: Annotated[Young, about("The share of those young enough for a discount")]


class Departures(Shape, frozen=True):
    """The parts of the tenants that leave in a month, by what they pay."""

    subsidised: Annotated[Part, about("Of those at the subsidised price")]
    at_the_switch: Annotated[Part, about("Of those whose price has just changed to the market price")]
    market: Annotated[Part, about("Of those at the market price")]


class Unpaid(Shape, frozen=True):
    """The part of the contributions that is never paid: anything between the two."""

    least: Annotated[Part, about("The least")]
    most: Annotated[Part, about("The most")]


class Assumptions(Shape, frozen=True):
    """The assumptions on the future; probabilities and shares as exact texts."""

    arrivals: Annotated[Arrivals, about("Who comes")]
    departures: Annotated[Departures, about("Who leaves")]
    unpaid: Annotated[Unpaid, about("What is never paid")]

    @classmethod
    def of(cls, given: assumed.Assumptions) -> "Assumptions":
        """Write assumptions as their file would say them."""
        return cls(
            arrivals=Arrivals(
                a_month=_texts(given.arrivals),
                kinds=_texts(given.kinds),
                areas_m2={format_quantity(area): str(share) for area, share in given.areas.items()},
                young=Young(share=str(given.young)),
            ),
            departures=Departures(
                subsidised=str(given.leaves_subsidised),
                at_the_switch=str(given.leaves_at_the_switch),
                market=str(given.leaves_market),
            ),
            unpaid=Unpaid(least=str(given.unpaid_least), most=str(given.unpaid_most)),
        )


class Forecast(Shape, frozen=True):
    """The runs ahead, and how they were drawn."""

    first: Annotated[Month, _FIRST_RUN]
    last: Annotated[Month, about("The month of the last run")]
    draws: Annotated[Count, _DRAWS]
    seed: Annotated[Count, _SEED]
    usage: Annotated[Literal["usual", "known"], _USAGE]
    assumptions: Annotated[Assumptions, _ASSUMED]
    usual_from: Annotated[Day | None, about("From this day on usage is assumed; null: only what is known counts")]
    runs: Annotated[list[ForecastRun], about("Run by run")]
    whole: Annotated[ForecastFigures, about("All months together; of the reserve, what the last run leaves")]
    unpriced: Annotated[list[TenantError], _UNPRICED]

    @classmethod
    def of(cls, ahead: forecasting.Forecast) -> "Forecast":
        """Write a forecast."""
        months = ahead.path.months
        return cls(
            first=format_month(months[0]),
            last=format_month(months[-1]),
            **_chance(ahead.question),
            usual_from=ahead.outlook.usual_from,
            runs=[ForecastRun.of(month, figures) for month, figures in zip(months, ahead.months, strict=True)],
            whole=ForecastFigures.of(ahead.whole),
            unpriced=_unpriced(ahead.path.unpriced),
        )


class DialReading(Shape, frozen=True):
    """The dial's answer for a site."""

    newcomers: Annotated[Count | None, about("How many newcomers are carried; null: not even without any")]
    confidence: Annotated[Rate, about("The share of the draws in which they are")]
    confidence_one_more: Annotated[Rate | None, about("That of one newcomer more; null: none more is tried")]
    free_offices: Annotated[Count | None, about("The offices free on the first day; null: no capacity is entered")]

    @classmethod
    def of(cls, reading: dial.Reading) -> "DialReading":
        """Write a site's reading."""
        return cls(**_reading(reading))


class NetworkDial(DialReading, frozen=True):
    """The dial's answer for the network."""

    shares: Annotated[dict[str, Count], about("How many of its newcomers each site has")]

    @classmethod
    def of(cls, reading: dial.Reading) -> "NetworkDial":
        """Write the network's reading."""
        return cls(**_reading(reading), shares=dict(reading.shares))


class Dial(Shape, frozen=True):
    """The admission dial, and how it was drawn."""

    first: Annotated[Month, _FIRST_RUN]
    months: Annotated[Count, about("So many runs must leave a reserve")]
    area_m2: Annotated[Quantity, about("The size of a newcomer's office")]
    wanted_confidence: Annotated[Rate, about("The share of the draws in which newcomers must be carried")]
    draws: Annotated[Count, _DRAWS]
    seed: Annotated[Count, _SEED]
    usage: Annotated[Literal["usual", "known"], _USAGE]
    assumptions: Annotated[Assumptions, _ASSUMED]
    sites: Annotated[dict[str, DialReading], about("Site by site")]
    network: Annotated[NetworkDial, about("Newcomers at several sites together")]

    @classmethod
    def of(cls, question: forecasting.Question, area: int, first: date, readings: tuple[dial.Reading, ...]) -> "Dial":
        """Write the dial of every site and of the network."""
        *sites, network = readings
        return cls(
            first=format_month(first),
            months=dial.DIAL_MONTHS,
            area_m2=format_quantity(area),
            wanted_confidence=format_rate(ten_thousandths(dial.CONFIDENCE)),
            **_chance(question),
            sites={str(reading.site): DialReading.of(reading) for reading in sites},
            network=NetworkDial.of(network),
        )


class Compared(Shape, frozen=True):
    """An amount by today's terms and by those asked about."""

    today: Annotated[Money, about("By today's terms")]
    asked: Annotated[Money, about("By the terms asked about")]
    difference: Annotated[Money, about("What the terms asked about add")]

    @classmethod
    def of(cls, today: int, asked: int) -> "Compared":
        """Write the two and their difference."""
        return cls(**_compared(today, asked))


class Mover(Shape, frozen=True):
    """The amount that a tenant pays, without VAT."""

    tenant: TenantCode
    name: Annotated[Text, about("The tenant's name")]
    today: Annotated[Money, about("By today's terms")]
    asked: Annotated[Money, about("By the terms asked about")]
    difference: Annotated[Money, about("What it would pay more; negative: less")]

    @classmethod
    def of(cls, mover: what_if.Mover) -> "Mover":
        """Write a tenant's sums."""
        return cls(tenant=mover.tenant, name=mover.name, **_compared(mover.today, mover.asked))


class Moved(Shape, frozen=True):
    """The tenants that move, counted."""

    paying_more: Annotated[Count, about("Those who would pay more")]
    paying_less: Annotated[Count, about("Those who would pay less")]
    paying_the_same: Annotated[Count, about("Those who would pay the same")]


class WhatIf(Shape, frozen=True):
    """The outcome of other terms, beside that of today's."""

    first: Annotated[Month, about("The first run compared")] = field(name="from")
    until: Annotated[Month, about("The last run compared")]
    reserve_before: Annotated[Money, about("The reserve before the first run")]
    reserve_after: Annotated[Compared, about("The reserve after the last run")]
    sites: Annotated[dict[str, dict[str, Compared]], _BY_CODE]
    network: Annotated[dict[str, Compared], about("The network's figures, by their names")]
    tenants: Annotated[Moved, about("How many tenants would pay more, less, the same")]
    most_more: Annotated[list[Mover], about("Those who would pay most more")]
    most_less: Annotated[list[Mover], about("Those who would pay most less")]
    unpriced: Annotated[list[TenantError], _UNPRICED]

    @classmethod
    def of(cls, both: what_if.WhatIf, movers: int = what_if.MOVERS_SHOWN) -> "WhatIf":
        """Write both sides and their difference; `movers` says how many of those who move most are named."""
        more, less = both.most(movers)
        differences = [mover.difference for mover in both.movers]
        today, asked = both.today, both.asked
        return cls(
            first=format_month(both.months[0]),
            until=format_month(both.months[-1]),
            reserve_before=format_amount(both.reserve_before),
            reserve_after=Compared.of(today.reserve_after, asked.reserve_after),
            sites={code: _sides(today.sites[code], asked.sites[code]) for code in today.sites},
            network=_sides(today.network, asked.network),
            tenants=Moved(
                paying_more=sum(difference > 0 for difference in differences),
                paying_less=sum(difference < 0 for difference in differences),
                paying_the_same=sum(difference == 0 for difference in differences),
            ),
            most_more=[Mover.of(mover) for mover in more],
            most_less=[Mover.of(mover) for mover in less],
            unpriced=_unpriced(both.unpriced),
        )


def ten_thousandths(share: Fraction) -> int:
    """Return a share of the draws, cut off after the ten-thousandth: never rounded up."""
    return share.numerator * _TEN_THOUSANDTHS // share.denominator


def _share(share: Fraction) -> str:
    return format_rate(ten_thousandths(share))


def _figures(figures: forecasting.Figures) -> dict[str, Any]:
    return {
        "sites": {
            code: {name: Figure.of(figure) for name, figure in of_site.items()}
            for code, of_site in figures.sites.items()
        },
        "network": {name: Figure.of(figure) for name, figure in figures.network.items()},
        "draws_unfunded": _share(figures.unmet),
    }


def _chance(question: forecasting.Question) -> dict[str, Any]:
    return {
        "draws": question.draws,
        "seed": question.seed,
        "usage": question.usage,
        "assumptions": Assumptions.of(question.assumptions),
    }


def _reading(reading: dial.Reading) -> dict[str, Any]:
    return {
        "newcomers": reading.newcomers,
        "confidence": _share(reading.confidence),
        "confidence_one_more": None if reading.one_more is None else _share(reading.one_more),
        "free_offices": reading.free,
    }


def _compared(today: int, asked: int) -> dict[str, str]:
    return {
        "today": format_amount(today),
        "asked": format_amount(asked),
        "difference": format_amount(asked - today),
    }


def _sides(today: what_if.Figures, asked: what_if.Figures) -> dict[str, Compared]:
    return {name: Compared.of(*sides) for name, *sides in zip(what_if.Figures._fields, today, asked, strict=True)}


def _texts(numbers: Mapping[str, Fraction]) -> dict[str, str]:
    return {name: str(number) for name, number in numbers.items()}


def _unpriced(tenants: Iterable[tuple[str, str]]) -> list[TenantError]:
    return [TenantError(tenant=code, message=message) for code, message in tenants]
