"""The exact path: the runs ahead if nobody comes, nobody leaves and everybody pays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from pricing.cross_subsidy import Position, Waterfall
from pricing.errors import PricingError
from pricing.forecast.outlook import Outlook
from pricing.period import Period, add_months
from pricing.projection import Stay, cascade, lines_of_run

MONTHS_MAX = 60


@dataclass(slots=True)
class Seat:
    """A tenant at one site: what it supplies and needs in each month's run, in centimes (R17).

    The amounts of offices stand apart from those of usage, since usage is billed a month later. The first run
    stands under offices, whole: it is certain. `places` counts the offices let on each month's first day.
    """

    tenant: str
    site: str
    office_supply: list[int]
    office_need: list[int]
    usage_supply: list[int]
    usage_need: list[int]
    places: list[int]


@dataclass(frozen=True, slots=True)
class Path:
    """The path: its months, every seat, and the waterfall of each run."""

    months: tuple[date, ...]
    seats: tuple[Seat, ...]
    outcomes: tuple[Waterfall, ...]
    unpriced: tuple[tuple[str, str], ...]
    # By tenant, the place of the first month that begins at the market price; None: beyond the months.
    switches: Mapping[str, int | None]


def path_ahead(outlook: Outlook, count: int, progress: Callable[[int, int], None] | None = None) -> Path:
    """Price `count` months ahead, tenant by tenant, and let each run's waterfall leave to the next what it leaves.

    `progress` is told tenants done and tenants in all.
    """
    months = tuple(add_months(outlook.first, place) for place in range(count))
    seats: list[Seat] = []
    unpriced = list(outlook.unpriced)
    for done, (code, tenant) in enumerate(sorted(outlook.tenants.items()), 1):
        own, reason = _seats_of(outlook, months, code, tenant.stay, tenant.positions)
        seats += own
        if reason is not None:
            unpriced.append((code, reason))
        if progress is not None:
            progress(done, len(outlook.tenants))
    seats.sort(key=lambda seat: (seat.site, seat.tenant))
    runs = [(month, *_sums(outlook, seats, place)) for place, month in enumerate(months)]
    switches = {code: _switch(tenant.stay, months) for code, tenant in outlook.tenants.items()}
    return Path(months, tuple(seats), cascade(runs, outlook.funds), tuple(sorted(unpriced)), switches)


def _seats_of(
    outlook: Outlook, months: tuple[date, ...], code: str, stay: Stay, first_run: tuple[Position, ...]
) -> tuple[list[Seat], str | None]:
    """Return a tenant's seats; and why it can't be billed from some month on, where it then brings nothing any more."""
    by_site: dict[str, Seat] = {}

    def seat(site: str) -> Seat:
        if site not in by_site:
            by_site[site] = Seat(code, site, *([0] * len(months) for _ in range(5)))
        return by_site[site]

    for lease in stay.leases:
        for place, month in enumerate(months):
            if lease.start <= month and (lease.end is None or month < lease.end):
                seat(lease.site).places[place] += 1
    for position in first_run:
        of_site = seat(position.site)
        of_site.office_supply[0], of_site.office_need[0] = position.supply, position.need
    for place in range(1, len(months)):
        used = Period(months[place - 1], months[place])
        try:
            lines = lines_of_run(stay, months[place], used, outlook.usual_from, outlook.rates, outlook.vat)
        except PricingError as error:
            return list(by_site.values()), str(error)
        for line in lines.offices:
            of_site = seat(line.site)
            of_site.office_supply[place] += line.contribution
            of_site.office_need[place] += line.draw
        for line in lines.usage:
            of_site = seat(line.site)
            of_site.usage_supply[place] += line.contribution
            of_site.usage_need[place] += line.draw
    return list(by_site.values()), None


def _sums(outlook: Outlook, seats: list[Seat], place: int) -> tuple[dict[str, int], dict[str, int]]:
    contributions = dict.fromkeys(outlook.sites, 0)
    draws = dict.fromkeys(outlook.sites, 0)
    for seat in seats:
        contributions[seat.site] += seat.office_supply[place] + seat.usage_supply[place]
        draws[seat.site] += seat.office_need[place] + seat.usage_need[place]
    return contributions, draws


def _switch(stay: Stay, months: tuple[date, ...]) -> int | None:
    """Return the place of the first month after the window's last subsidised day; None: beyond the months."""
    window = stay.tenancy.window
    if window is None:
        return 0
    return next((place for place, month in enumerate(months) if month >= window.end), None)
