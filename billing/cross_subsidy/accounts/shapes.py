"""A tenant's account of the cross-subsidy as JSON: amounts as decimal strings, no name the operator does not allow."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from msgspec import UNSET, UnsetType

from billing.cross_subsidy.accounts.account import GROUPS, USES, Account, Part, Switch, by_group_and_site
from billing.frame.shapes import Day, Money, Month, Shape, SiteCode, TenantCode, about
from pricing.money import format_amount
from pricing.period import ONE_DAY, format_month

Group = Literal["own_site", "other_sites", "grants", "reserve", "operator", "itself"]


class DueAccount(Shape, frozen=True):
    """An account of the cross-subsidy that is sent to its tenant."""

    tenant: TenantCode
    period: Month
    occasion: Annotated[Literal["window_end", "year", "invoice"], about("Why it is sent (cross_subsidy.account_sent)")]


class SentAccounts(Shape, frozen=True):
    """The accounts of the latest run that were queued, or would be."""

    dry_run: Annotated[bool, about("Whether nothing was queued")]
    accounts: Annotated[list[DueAccount], about("By tenant")]


class GroupShare(Shape, frozen=True):
    """The amount that came from, or went to, one group at one site."""

    group: Annotated[Group, about("Whose money it is, or what it was used for")]
    site: Annotated[SiteCode | None, about("null: no site, as of the reserve")]
    amount: Money


class NamedShare(Shape, frozen=True):
    """The amount that came from, or went to, one party."""

    kind: Annotated[Literal["tenant", "grant"], about("What the party is")]
    code: Annotated[str, about("The tenant's or the grant's code")]
    name: Annotated[str | None, about("Its name; null where none is known")]
    amount: Money


class Shares(Shape, frozen=True):
    """One side of an account: its total, by group, by site, and by name where the operator allows it."""

    total: Money
    by_group: Annotated[dict[Group, Money], about("The total, by group")]
    by_site: Annotated[list[GroupShare], about("The total, by group and site")]
    by_name: (
        Annotated[list[NamedShare], about("The total, by party; absent unless the operator allows it")] | UnsetType
    ) = UNSET

    @classmethod
    def of(
        cls, parts: Iterable[Part], groups: tuple[str, ...], names: Mapping[tuple[str, str], str] | None
    ) -> "Shares":
        """Sum parts by group, by site, and by name where that is allowed; each sums to the total."""
        all_parts = list(parts)
        return cls(
            total=format_amount(sum(part.amount for part in all_parts)),
            by_group={
                group: format_amount(sum(part.amount for part in all_parts if part.group == group))  # type: ignore[misc]
                for group in groups
            },
            by_site=[
                GroupShare(group=part.group, site=part.site, amount=format_amount(part.amount))  # type: ignore[arg-type]
                for part in by_group_and_site(all_parts)
            ],
            by_name=UNSET if names is None else _by_name(all_parts, names),
        )


def _by_name(parts: Iterable[Part], names: Mapping[tuple[str, str], str]) -> list[NamedShare]:
    sums: dict[tuple[str, str], int] = {}
    for part in parts:
        if part.code is not None:
            sums[part.kind, part.code] = sums.get((part.kind, part.code), 0) + part.amount
    return [
        NamedShare(kind=kind, code=code, name=names.get((kind, code)), amount=format_amount(sums[kind, code]))  # type: ignore[arg-type]
        for kind, code in sorted(sums)
    ]


class AccountMonth(Shape, frozen=True):
    """A month of an account."""

    period: Month
    received: Annotated[Shares, about("What carried the tenant that month")]
    contributed: Annotated[Shares, about("What the tenant brought that month")]
    net: Annotated[Money, about("Received less contributed")]
    cumulated: Annotated[Money, about("The sum of `net` up to this month")]
    advantage: Annotated[Money, about("What the discount was worth, whoever bore it")]


class AccountWindow(Shape, frozen=True):
    """The days at the subsidised price (R5)."""

    first_day: Day
    last_day: Day


class AccountPrice(Shape, frozen=True):
    """The rents of a month without VAT: as charged, and at the full price."""

    month: Month
    charged: Annotated[Money, about("What is charged")]
    full: Annotated[Money, about("What the full price would be")]


class Bill(Shape, frozen=True):
    """The rents of a month with VAT."""

    month: Month
    gross: Annotated[Money, about("With VAT")]


class PriceSwitch(Shape, frozen=True):
    """The day the window ends, and the bills of the whole months around it."""

    on: Annotated[Day, about("The first day at the market price")]
    before: Annotated[Bill, about("The last whole month at the subsidised price")]
    after: Annotated[Bill, about("The first whole month at the market price")]

    @classmethod
    def of(cls, switch: Switch) -> "PriceSwitch":
        """Tell a tier change by the bills around it."""
        return cls(
            on=switch.on,
            before=Bill(month=format_month(switch.month_before), gross=format_amount(switch.before)),
            after=Bill(month=format_month(switch.month_after), gross=format_amount(switch.after)),
        )


class CrossSubsidyAccount(Shape, frozen=True):
    """A tenant's account of the péréquation since its admission."""

    tenant: TenantCode
    until: Annotated[Month, about("The last month counted")]
    admitted_on: Annotated[Day | None, about("null: it has neither lease nor admission day")]
    window: Annotated[AccountWindow | None, about("null: it is not eligible")]
    named: Annotated[bool, about("Whether the operator allows the names of others")]
    received: Annotated[Shares, about("What carried the tenant")]
    contributed: Annotated[Shares, about("What the tenant brought")]
    net: Annotated[Money, about("Received less contributed")]
    advantage: Annotated[Money, about("What the discount was worth, whoever bore it")]
    months: Annotated[list[AccountMonth], about("Month by month")]
    prices: Annotated[list[AccountPrice], about("The rents month by month, before and after the window ends")]
    prices_problem: Annotated[str | None, about("Why prices are missing; null if none are")]
    switch: Annotated[PriceSwitch | None, about("The tier change; null if there is none")]

    @classmethod
    def of(cls, account: Account) -> "CrossSubsidyAccount":
        """Tell an account."""
        window, names = account.terms.window, account.names
        cumulated = 0
        months = []
        for month in account.months:
            cumulated += month.net
            months.append(
                AccountMonth(
                    period=format_month(month.period),
                    received=Shares.of(month.received, GROUPS, names),
                    contributed=Shares.of(month.contributed, USES, names),
                    net=format_amount(month.net),
                    cumulated=format_amount(cumulated),
                    advantage=format_amount(month.advantage),
                )
            )
        return cls(
            tenant=account.tenant,
            until=format_month(account.until),
            admitted_on=account.admission,
            window=None if window is None else AccountWindow(first_day=window.start, last_day=window.end - ONE_DAY),
            named=names is not None,
            received=Shares.of((part for month in account.months for part in month.received), GROUPS, names),
            contributed=Shares.of((part for month in account.months for part in month.contributed), USES, names),
            net=format_amount(account.net),
            advantage=format_amount(sum(month.advantage for month in account.months)),
            months=months,
            prices=[
                AccountPrice(
                    month=format_month(price.month),
                    charged=format_amount(price.charged),
                    full=format_amount(price.full),
                )
                for price in account.prices
            ],
            prices_problem=account.prices_problem,
            switch=None if account.switch is None else PriceSwitch.of(account.switch),
        )
