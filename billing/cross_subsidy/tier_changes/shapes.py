"""The shapes of switches to the market price: the list for finance, a tenant's bills around its own, announcements."""

from typing import Annotated

from msgspec import field

from billing.frame.shapes import Count, Day, LeaseCode, Money, Month, Quantity, Shape, SiteCode, TenantCode, Text, about
from billing.run.quotes.shapes import QuotedLine, QuotedMonth
from billing.run.shapes import TenantError


class Gain(Shape, frozen=True):
    """Whole months' rents without VAT before and after, of the tenants that switch in a month."""

    tenants: Annotated[Count, about("How many tenants switch")]
    before: Annotated[Money, about("Their rents at the subsidised price")]
    after: Annotated[Money, about("Their rents at the market price")]
    difference: Annotated[Money, about("What a whole month brings more")]


class SwitchMonth(Shape, frozen=True):
    """A month that has switches."""

    month: Month
    sites: Annotated[dict[str, Gain], about("What each site gains, by its code")]
    network: Annotated[Gain, about("What the network gains")]


class Switch(Shape, frozen=True):
    """An office that turns to the market price."""

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


class Switches(Shape, frozen=True):
    """The switches of some months."""

    first: Annotated[Month, about("The first month")] = field(name="from")
    months: Annotated[Count, about("How many months")]
    by_month: Annotated[list[SwitchMonth], about("The months that have switches")]
    switches: Annotated[list[Switch], about("The offices that switch, by day, tenant and site")]
    unpriced: Annotated[list[TenantError], about("Who can't be priced, and why")]


class Habit(Shape, frozen=True):
    """What is usually used of a service in a month, before and after."""

    before: Annotated[QuotedLine, about("At the subsidised price")]
    after: Annotated[QuotedLine, about("At the market price")]


class TenantSwitch(Shape, frozen=True):
    """A tenant's bills around its switch; its usual usage apart."""

    tenant: TenantCode
    switches_on: Annotated[Day, about("The first day at the market price")]
    months: Annotated[list[QuotedMonth], about("The months before, of and after the switch")]
    habits: Annotated[list[Habit], about("The usual usage of a month, service by service")]


class SwitchNotice(Shape, frozen=True):
    """An announcement."""

    message: Annotated[str, about("The number of the message")]
    tenant: TenantCode
    switches_on: Annotated[Day, about("The day announced")]
    step: Annotated[Count, about("So many days before; 0: only a correction")]
    announced_on: Day
    corrects: Annotated[str | None, about("The message whose day was wrong")]


class Announcements(Shape, frozen=True):
    """What was announced now."""

    on: Annotated[Day, about("The day it was announced on")]
    announced: Annotated[list[SwitchNotice], about("The announcements that were queued")]
    unpriced: Annotated[list[TenantError], about("Who can't be priced, and why")]
