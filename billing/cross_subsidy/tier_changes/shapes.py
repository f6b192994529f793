"""The shapes of tier changes: the list for finance, a tenant's bills around its own, announcements."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any

from msgspec import field
from sqlalchemy import Row

from billing.cross_subsidy.tier_changes import announcing, finding, listing
from billing.cross_subsidy.tier_changes.wording import Announcement
from billing.frame.shapes import Count, Day, LeaseCode, Money, Month, Quantity, Shape, SiteCode, TenantCode, Text, about
from billing.run.quotes.shapes import QuotedLine, QuotedMonth
from billing.run.shapes import TenantError
from invoices.messages.message import number_of
from pricing.money import format_amount, format_quantity
from pricing.period import format_month


class Gain(Shape, frozen=True):
    """Whole months' rents without VAT before and after, of the tenants that change to the market price in a month."""

    tenants: Annotated[Count, about("How many tenants change")]
    before: Annotated[Money, about("Their rents at the subsidised price")]
    after: Annotated[Money, about("Their rents at the market price")]
    difference: Annotated[Money, about("What a whole month brings more")]

    @classmethod
    def of(cls, gain: listing.Gain) -> "Gain":
        """Write a gain."""
        return cls(
            tenants=gain.tenants,
            before=format_amount(gain.before),
            after=format_amount(gain.after),
            difference=format_amount(gain.difference),
        )


class TierChangeMonth(Shape, frozen=True):
    """A month that has tier changes."""

    month: Month
    sites: Annotated[dict[str, Gain], about("What each site gains, by its code")]
    network: Annotated[Gain, about("What the network gains")]

    @classmethod
    def of(cls, month: date, gains: Mapping[str | None, listing.Gain]) -> "TierChangeMonth":
        """Write a month's gains; that of the network stands under None."""
        sites = sorted((site, gain) for site, gain in gains.items() if site is not None)
        return cls(
            month=format_month(month),
            sites={site: Gain.of(gain) for site, gain in sites},
            network=Gain.of(gains[None]),
        )


class TierChange(Shape, frozen=True):
    """An office that changes to the market price."""

    month: Month
    switches_on: Annotated[Day, about("The first day at the market price")]
    tenant: TenantCode
    name: Annotated[Text, about("The tenant's name")]
    site: SiteCode
    lease: LeaseCode
    office: Annotated[Text, about("The unit let")]
    area_m2: Quantity
    before: Annotated[Money, about("A whole month's rent at the subsidised price")]
    after: Annotated[Money, about("A whole month's rent at the market price")]
    difference: Annotated[Money, about("What a whole month brings more")]
    ends_on: Annotated[Day | None, about("The last day of the lease; null: it has none")]
    announced: Annotated[list[int], about("So many days before")]

    @classmethod
    def of(cls, office: listing.OfficeChange) -> "TierChange":
        """Write an office's change."""
        return cls(
            month=format_month(office.month),
            switches_on=office.switches_on,
            tenant=office.tenant,
            name=office.name,
            site=office.site,
            lease=office.lease,
            office=office.office,
            area_m2=format_quantity(office.area),
            before=format_amount(office.before),
            after=format_amount(office.after),
            difference=format_amount(office.difference),
            ends_on=office.ends_on,
            announced=list(office.announced),
        )


class TierChanges(Shape, frozen=True):
    """The tier changes of some months."""

    first: Annotated[Month, about("The first month")] = field(name="from")
    months: Annotated[Count, about("How many months")]
    by_month: Annotated[list[TierChangeMonth], about("The months that have tier changes")]
    switches: Annotated[list[TierChange], about("The offices that change, by day, tenant and site")]
    unpriced: Annotated[list[TenantError], about("Who can't be priced, and why")]

    @classmethod
    def of(cls, ahead: listing.Ahead) -> "TierChanges":
        """Write the list."""
        return cls(
            first=format_month(ahead.first),
            months=ahead.months,
            by_month=[TierChangeMonth.of(month, gains) for month, gains in sorted(listing.gains(ahead).items())],
            switches=[TierChange.of(office) for office in ahead.offices],
            unpriced=_unpriced(ahead.unpriced),
        )


class Habit(Shape, frozen=True):
    """The usual usage of a service in a month, before and after."""

    before: Annotated[QuotedLine, about("At the subsidised price")]
    after: Annotated[QuotedLine, about("At the market price")]

    @classmethod
    def of(cls, habit: finding.Habit) -> "Habit":
        """Write a service's usual usage."""
        return cls(before=QuotedLine.of(habit.before), after=QuotedLine.of(habit.after))


class TenantTierChange(Shape, frozen=True):
    """A tenant's bills around its tier change; its usual usage apart."""

    tenant: TenantCode
    switches_on: Annotated[Day, about("The first day at the market price")]
    months: Annotated[list[QuotedMonth], about("The months before, of and after the change")]
    habits: Annotated[list[Habit], about("The usual usage of a month, service by service")]

    @classmethod
    def of(cls, announcement: Announcement) -> "TenantTierChange":
        """Write what an announcement would say."""
        return cls(
            tenant=announcement.change.party.code,
            switches_on=announcement.change.switches_on,
            months=[QuotedMonth.of(month) for month in announcement.bills.months],
            habits=[Habit.of(habit) for habit in announcement.bills.habits],
        )


class TierChangeNotice(Shape, frozen=True):
    """An announcement."""

    message: Annotated[str, about("The number of the message")]
    tenant: TenantCode
    switches_on: Annotated[Day, about("The day announced")]
    step: Annotated[Count, about("So many days before; 0: only a correction")]
    announced_on: Day
    corrects: Annotated[str | None, about("The message whose day was wrong")]

    @classmethod
    def of(cls, row: Row[Any]) -> "TierChangeNotice":
        """Write a row of the announcements."""
        return cls(
            message=number_of(row.message_id),
            tenant=row.tenant,
            switches_on=row.switches_on,
            step=row.step,
            announced_on=row.announced_on,
            corrects=None if row.corrects is None else number_of(row.corrects),
        )


class Announcements(Shape, frozen=True):
    """The announcements made now."""

    on: Annotated[Day, about("The day they bear")]
    announced: Annotated[list[TierChangeNotice], about("The announcements that were queued")]
    unpriced: Annotated[list[TenantError], about("Who can't be priced, and why")]

    @classmethod
    def of(cls, report: announcing.AnnounceReport) -> "Announcements":
        """Write the announcements of a day."""
        notices = [
            TierChangeNotice(
                message=announced.message,  # type: ignore[arg-type]  # None in a dry run alone
                tenant=announced.tenant,
                switches_on=announced.switches_on,
                step=announced.step,
                announced_on=report.on,
                corrects=announced.corrects,
            )
            for announced in report.announced
        ]
        return cls(on=report.on, announced=notices, unpriced=_unpriced(report.unpriced))


def _unpriced(tenants: Iterable[tuple[str, str]]) -> list[TenantError]:
    return [TenantError(tenant=code, message=message) for code, message in tenants]
