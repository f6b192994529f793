"""The annual report on the cross-subsidy as JSON: amounts as decimal strings, without names."""

from typing import Annotated, Literal

from billing.cross_subsidy.annual_report import year
from billing.cross_subsidy.annual_report.year import FEWEST, SOURCES, YearMonth, YearStatement
from billing.frame.shapes import Account, Count, Money, Month, Shape, SiteCode, Text, about
from pricing.money import format_amount
from pricing.period import format_month

Source = Literal["own_site", "other_sites", "grants", "reserve", "operator"]
_SUPPORT = about("What carried firms below their full cost")
_SOURCES = about("The support, by where it came from")
_TO_RESERVE = about("What nobody needed")


class CrossSubsidyMonth(Shape, frozen=True):
    """A month of the annual report."""

    period: Month
    support: Annotated[Money, _SUPPORT]
    sources: Annotated[dict[Source, Money], _SOURCES]
    to_reserve: Annotated[Money, _TO_RESERVE]
    advantage: Annotated[Money, about("What discounts were worth, whoever bore them")]
    reserve_after: Annotated[Money, about("The reserve after the month's run")]


class Flow(Shape, frozen=True):
    """The amount that one source gave the firms of one site; `origin` is the site whose firms gave."""

    source: Annotated[Source, about("Where it came from")]
    origin: Annotated[SiteCode | None, about("The site whose firms gave; null for other sources")]
    site: Annotated[SiteCode, about("The site whose firms received")]
    amount: Money


class GrantYear(Shape, frozen=True):
    """A grant over the year."""

    code: Annotated[str, about("The grant's code")]
    funder: Annotated[Text, about("Who gave it")]
    site: Annotated[SiteCode | None, about("The site it is for; null: the whole network")]
    before: Annotated[Money, about("What was left of it at the year's beginning")]
    received: Annotated[Money, about("Its amount as corrected, in the year it was granted")]
    used: Annotated[Money, about("What the year's runs used of it")]
    left: Annotated[Money, about("What is left: before, and received, less used")]

    @classmethod
    def of(cls, grant: year.GrantYear) -> "GrantYear":
        """Write a grant over the year."""
        return cls(
            code=grant.code,
            funder=grant.funder,
            site=grant.site,
            before=format_amount(grant.before),
            received=format_amount(grant.received),
            used=format_amount(grant.used),
            left=format_amount(grant.left),
        )


class Distribution(Shape, frozen=True):
    """The amounts that each firm received and brought, largest first; null where fewer than five did."""

    supports: Annotated[list[Money] | None, about("What each firm received, largest first")]
    contributions: Annotated[list[Money] | None, about("What each firm brought, largest first")]


class Tie(Shape, frozen=True):
    """An account: what the report says, what the entries of its months moved; those dated in another year."""

    account: Account
    stated: Annotated[Money, about("What the report says it moved, debit less credit")]
    booked: Annotated[Money, about("What the entries of the year's months moved it by")]
    difference: Annotated[Money, about("Always 0.00: else no report is given")]
    dated_elsewhere: Annotated[Money, about("What of `booked` is dated in another year")]
    dated_here: Annotated[Money, about("What entries of other months, dated in the year, moved it by")]


class CrossSubsidyYear(Shape, frozen=True):
    """The annual report: who funded whom, month by month and site by site, without names."""

    year: Annotated[int, about("The year")]
    months_counted: Annotated[list[Month], about("The months of the year that were run")]
    support: Annotated[Money, _SUPPORT]
    sources: Annotated[dict[Source, Money], _SOURCES]
    contributions: Annotated[Money, about("What firms brought above their full cost")]
    to_reserve: Annotated[Money, _TO_RESERVE]
    advantage: Annotated[Money, about("What discounts were worth, whoever bore them")]
    reserve_before: Annotated[Money, about("The reserve at the year's beginning")]
    reserve_after: Annotated[Money, about("The reserve after the last run")]
    firms_supported: Annotated[Count, about("How many firms received")]
    firms_contributing: Annotated[Count, about("How many firms brought")]
    months: Annotated[list[CrossSubsidyMonth], about("Month by month")]
    flows: Annotated[list[Flow], about("Source by source, site by site")]
    to_reserve_by_site: Annotated[dict[str, Money], about("What each site's firms left to the reserve")]
    grants: Annotated[list[GrantYear], about("Grant by grant")]
    distribution: Annotated[Distribution, about("Firm by firm, without names")]
    ledger: Annotated[list[Tie], about("Account by account, against the ledger")]

    @classmethod
    def of(cls, report: YearStatement) -> "CrossSubsidyYear":
        """Tell a year."""
        return cls(
            year=report.year,
            months_counted=[format_month(month.period) for month in report.months],
            support=format_amount(report.support),
            sources={source: format_amount(report.of(source)) for source in SOURCES},  # type: ignore[misc]
            contributions=format_amount(sum(report.contributions)),
            to_reserve=format_amount(report.kept),
            advantage=format_amount(report.advantage),
            reserve_before=format_amount(report.reserve_before),
            reserve_after=format_amount(report.reserve_after),
            firms_supported=len(report.supports),
            firms_contributing=len(report.contributions),
            months=[_month(month) for month in report.months],
            flows=[
                Flow(source=flow.source, origin=flow.origin, site=flow.site, amount=format_amount(flow.amount))  # type: ignore[arg-type]
                for flow in report.flows()
            ],
            to_reserve_by_site={code: format_amount(amount) for code, amount in sorted(report.kept_by_site().items())},
            grants=[GrantYear.of(grant) for grant in report.grants],
            distribution=Distribution(
                supports=_distribution(report.supports), contributions=_distribution(report.contributions)
            ),
            ledger=[
                Tie(
                    account=tie.account,
                    stated=format_amount(tie.stated),
                    booked=format_amount(tie.booked),
                    difference=format_amount(tie.stated - tie.booked),
                    dated_elsewhere=format_amount(tie.dated_elsewhere),
                    dated_here=format_amount(tie.dated_here),
                )
                for tie in report.ties
            ],
        )


def _month(month: YearMonth) -> CrossSubsidyMonth:
    return CrossSubsidyMonth(
        period=format_month(month.period),
        support=format_amount(month.support),
        sources={source: format_amount(month.of(source)) for source in SOURCES},  # type: ignore[misc]
        to_reserve=format_amount(month.kept),
        advantage=format_amount(month.advantage),
        reserve_after=format_amount(month.reserve_after),
    )


def _distribution(amounts: tuple[int, ...]) -> list[str] | None:
    return [format_amount(amount) for amount in amounts] if len(amounts) >= FEWEST else None
