"""The shape of occupancy on a day (contract, `sites occupancy`)."""

from typing import Annotated

from billing.frame.shapes import Count, Day, Quantity, Rate, Shape, about
from billing.register.applications.queries import Demand
from pricing.money import format_quantity, format_rate, share_of


class Occupied(Shape, frozen=True):
    """How far a site, or the network, is let."""

    capacity: Annotated[Count | None, about("How many firms there is room for; null: it is not entered")]
    firms: Annotated[Count, about("The firms with a lease that day, each counted once")]
    firms_rate: Annotated[Rate | None, about("Firms / capacity")]
    lettable_m2: Annotated[Quantity | None, about("The area of offices, desks and shops; null: no unit is entered")]
    let_m2: Annotated[Quantity, about("The area of that day's leases")]
    m2_rate: Annotated[Rate | None, about("Area let / area that can be let")]
    waiting: Annotated[
        Count | None, about("The firms accepted by that day and not admitted yet; null: no applications are kept here")
    ]
    coming: Annotated[
        Count | None, about("Those of them that are not told to wait: they come on top of the firms; null as above")
    ]
    coming_m2: Annotated[Quantity | None, about("The area that these want; null as above")]

    @classmethod
    def of(cls, capacity: int | None, firms: int, lettable: int | None, let: int, demand: Demand | None) -> "Occupied":
        """Return sums as they are answered, areas in millionths of a m²; without a base there is no rate."""
        return cls(
            capacity=capacity,
            firms=firms,
            firms_rate=format_rate(share_of(firms, capacity)) if capacity else None,
            lettable_m2=None if lettable is None else format_quantity(lettable),
            let_m2=format_quantity(let),
            m2_rate=format_rate(share_of(let, lettable)) if lettable else None,
            waiting=None if demand is None else demand.waiting,
            coming=None if demand is None else demand.coming,
            coming_m2=None if demand is None else format_quantity(demand.coming_area),
        )


class Occupancy(Shape, frozen=True):
    """How far each site and the whole network are let on a day, by the leases as they stand today."""

    on: Annotated[Day, about("The day, past or to come")]
    sites: Annotated[dict[str, Occupied], about("Each site, by its code")]
    network: Annotated[
        Occupied,
        about("All sites; a firm counts once. A base is null where a site with leases that day lacks it"),
    ]
