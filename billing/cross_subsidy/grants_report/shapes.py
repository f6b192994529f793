"""The year of grants as JSON: amounts as decimal strings."""

from typing import Annotated

from billing.cross_subsidy.annual_report import shapes as annual
from billing.cross_subsidy.grants_report import year as of_year
from billing.frame.shapes import Count, Money, Month, Shape, SiteCode, TenantCode, Text, about
from pricing.money import format_amount
from pricing.period import format_month


class GrantUse(Shape, frozen=True):
    """The amount that a grant gave to one firm at a site in a month's run."""

    period: Month
    grant: Annotated[Text, about("The grant's code")]
    site: SiteCode
    tenant: TenantCode
    legal_name: Annotated[Text, about("The firm's name, as the register has it")]
    amount: Annotated[Money, about("What the grant gave")]


class GrantsYear(Shape, frozen=True):
    """What became of grants in a year: received, used for whom, carried over."""

    year: Annotated[Count, about("The year of the months that were run")]
    until: Annotated[Month, about("The last month of it that was run")]
    grants: Annotated[list[annual.GrantYear], about("Each grant: `left` is carried over into the next year")]
    uses: Annotated[list[GrantUse], about("Month by month, grant by grant, firm by firm")]

    @classmethod
    def of(cls, report: of_year.GrantsYear) -> "GrantsYear":
        """Write the report."""
        return cls(
            year=report.year,
            until=format_month(report.last),
            grants=[annual.GrantYear.of(grant) for grant in report.grants],
            uses=[
                GrantUse(
                    period=format_month(use.period),
                    grant=use.grant,
                    site=use.site,
                    tenant=use.tenant,
                    legal_name=report.firms.get(use.tenant, use.tenant),
                    amount=format_amount(use.amount),
                )
                for use in report.uses
            ],
        )
