"""The shape of an application weighed."""

from typing import Annotated, Any, Literal

from billing.cross_subsidy.forecast.forecasting import Question
from billing.cross_subsidy.forecast.shapes import ten_thousandths
from billing.cross_subsidy.prospects import weighing
from billing.frame.shapes import Count, Day, Money, Month, Rate, Shape, about
from billing.register.applications.shapes import APPLICATIONS
from billing.register.occupancy.shapes import Occupied
from billing.register.shapes import stored_as, stored_shape
from billing.run.quotes.shapes import Quote
from pricing.eligibility import ELIGIBLE_KINDS
from pricing.forecast.dial import CONFIDENCE, DIAL_MONTHS
from pricing.money import format_amount, format_rate
from pricing.period import add_months, format_month

_STORED: Any = stored_shape(APPLICATIONS)


class PoolMonth(Shape, frozen=True):
    """What the firm would bring to the pool, and take from it, in a run."""

    month: Month
    contribution: Annotated[Money, about("What it would bring (R16)")]
    draw: Annotated[Money, about("What it would take (R16)")]


class Pool(Shape, frozen=True):
    """What its admission would do to the pool: the admission dial for exactly this firm and place."""

    first: Annotated[Month, about("The first run ahead")]
    months: Annotated[Count, about("So many runs are looked at")]
    contribution: Annotated[Money, about("What it would bring in these runs")]
    draw: Annotated[Money, about("What it would take in these runs")]
    without: Annotated[Rate, about("The share of the draws in which the reserve stays above 0.00 without it")]
    with_it: Annotated[Rate, about("The same with it")]
    is_carried: Annotated[bool, about("Whether the reserve stays above 0.00 in so many draws with it")]
    wanted_confidence: Annotated[Rate, about("The share of the draws in which newcomers must be carried")]
    draws: Annotated[Count, about("How many futures were drawn")]
    seed: Annotated[Count, about("The same seed, the same draws")]
    usage: Annotated[Literal["usual", "known"], about("Usage: usual, or only what is on record")]
    by_month: Annotated[list[PoolMonth], about("Run by run")]


class Prospect(Shape, frozen=True):
    """An application with what the firm would pay and what its admission would do to the pool."""

    application: Annotated[_STORED, about("The application")]
    starts_on: Annotated[Day, about("The first day of the office that is quoted")]
    place: Annotated[Count | None, about("Its place on the site's waiting list; null: it is not on it")]
    site: Annotated[Occupied, about("How far its site is let on that day")]
    is_age_known: Annotated[
        bool, about("false: nothing says when the firm was founded, so that it is quoted at the market price (R4)")
    ]
    quote: Annotated[Quote, about("What it would pay, month by month; of a tenant, with the leases it has")]
    pool: Annotated[Pool, about("What its admission would do to the pool")]

    @classmethod
    def of(cls, prospect: weighing.Prospect, question: Question) -> "Prospect":
        """Return an application weighed by a question as it is answered."""
        weighed = prospect.weighed
        return cls(
            application=stored_as(APPLICATIONS, prospect.application),
            starts_on=prospect.starts_on,
            place=prospect.place,
            site=prospect.site,
            is_age_known=prospect.is_age_known or prospect.quote.tenancy.kind not in ELIGIBLE_KINDS,
            quote=Quote.of(prospect.quote),
            pool=Pool(
                first=format_month(prospect.first),
                months=DIAL_MONTHS,
                contribution=format_amount(sum(weighed.contributions)),
                draw=format_amount(sum(weighed.draws)),
                without=format_rate(ten_thousandths(weighed.without)),
                with_it=format_rate(ten_thousandths(weighed.with_it)),
                is_carried=weighed.with_it >= CONFIDENCE,
                wanted_confidence=format_rate(ten_thousandths(CONFIDENCE)),
                draws=question.draws,
                seed=question.seed,
                usage=question.usage,  # type: ignore[arg-type]
                by_month=[
                    PoolMonth(
                        format_month(add_months(prospect.first, place)), format_amount(brings), format_amount(takes)
                    )
                    for place, (brings, takes) in enumerate(zip(weighed.contributions, weighed.draws, strict=True))
                ],
            ),
        )
