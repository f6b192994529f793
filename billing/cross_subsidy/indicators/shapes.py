"""The shape of the indicators (contract, `report indicators`), each with its definition."""

from typing import Annotated, Any

from billing.cross_subsidy.indicators.report import IndicatorReport, Place
from billing.frame.shapes import Count, Day, Money, Rate, Shape, SiteCode, TenantCode, about
from pricing.indicators import Counted
from pricing.money import format_amount, format_rate

# Each figure and what it counts, in the order of the answer.
DEFINITIONS = {
    "firms": "Firms with a lease on the last day of the period, each counted once",
    "entered": "Firms that had no lease the day before the 12 months that end with the period, and had one in them",
    "left": "Firms that had a lease in these 12 months or the day before them, and have none on the last day",
    "renewal": "entered / firms",
    "departures": "left / firms",
    "windows_ended": "Firms whose last subsidised day lies in the period; at a site: those that had come there last",
    "succeeded": "Of these, those that still rent, or left as graduated: as their latest survey row says in left_as, "
    "or else active: yes",
    "state_unknown": "Of these, those that left and on which no survey row says what became of them: no success",
    "success": "succeeded / windows_ended; null: no window ended",
    "admitted_5y": "Firms admitted five years before the period; at a site: those that came there first",
    "active_5y": "Of these, those that still rent, or that their latest survey row says are active",
    "survival_unknown": "Of these, those that left and on which no survey row says whether they are active",
    "survival_5y": "active_5y / admitted_5y; null: none was admitted, or survival_unknown is not 0",
    "surveyed": "Firms with a lease on the last day that have a survey row of the year",
    "jobs": "The jobs in these rows, summed; null: no row holds any, as with the two that follow",
    "satisfaction": "The mean of satisfaction in these rows, of 100",
    "export_share": "The mean of the export shares in these rows, each firm weighing the same",
    "income": "What documents of the period brought, without VAT, less credit notes; null: none was issued",
    "advantage": "What discounts were worth in the runs of the period, whoever bore them; null: none is complete",
    "support": "What firms below their full cost needed in these runs",
    "own_site": "What firms of the same site gave to it",
    "other_sites": "What firms of other sites gave to it",
    "grants": "What grants gave to it",
    "reserve": "What the reserve gave to it",
    "operator": "What the operator bore of it",
    "cost_per_job": "advantage / jobs; null: one of them is",
    "cost_per_success": "advantage / succeeded; null: there is none",
}  # fmt: skip


def _about(name: str) -> Any:
    return about(DEFINITIONS[name])


class PlaceIndicators(Shape, frozen=True):
    """The indicators of a site, or of the network."""

    firms: Annotated[Count, _about("firms")]
    entered: Annotated[Count, _about("entered")]
    left: Annotated[Count, _about("left")]
    renewal: Annotated[Rate | None, _about("renewal")]
    departures: Annotated[Rate | None, _about("departures")]
    windows_ended: Annotated[Count, _about("windows_ended")]
    succeeded: Annotated[Count, _about("succeeded")]
    state_unknown: Annotated[Count, _about("state_unknown")]
    success: Annotated[Rate | None, _about("success")]
    admitted_5y: Annotated[Count, _about("admitted_5y")]
    active_5y: Annotated[Count, _about("active_5y")]
    survival_unknown: Annotated[Count, _about("survival_unknown")]
    survival_5y: Annotated[Rate | None, _about("survival_5y")]
    surveyed: Annotated[Count, _about("surveyed")]
    jobs: Annotated[Count | None, _about("jobs")]
    satisfaction: Annotated[Rate | None, _about("satisfaction")]
    export_share: Annotated[Rate | None, _about("export_share")]
    income: Annotated[Money | None, _about("income")]
    advantage: Annotated[Money | None, _about("advantage")]
    support: Annotated[Money | None, _about("support")]
    own_site: Annotated[Money | None, _about("own_site")]
    other_sites: Annotated[Money | None, _about("other_sites")]
    grants: Annotated[Money | None, _about("grants")]
    reserve: Annotated[Money | None, _about("reserve")]
    operator: Annotated[Money | None, _about("operator")]
    cost_per_job: Annotated[Money | None, _about("cost_per_job")]
    cost_per_success: Annotated[Money | None, _about("cost_per_success")]

    @classmethod
    def of(cls, place: Place) -> "PlaceIndicators":
        """Return what was counted as it is answered: rates and amounts as decimal strings."""
        counted = place.counted._asdict()
        for name in ("renewal", "departures", "success", "survival_5y", "export_share"):
            counted[name] = None if counted[name] is None else format_rate(counted[name])
        costs = {"cost_per_job": place.cost_per_job, "cost_per_success": place.cost_per_success}
        amounts = place.money._asdict() | costs | {"satisfaction": place.counted.satisfaction}
        return cls(**counted | {name: None if x is None else format_amount(x) for name, x in amounts.items()})


class IndicatorRow(Shape, frozen=True):
    """How one firm counts at one place: the row behind the figures."""

    firm: Annotated[TenantCode, about("The firm")]
    site: Annotated[SiteCode | None, about("Where it counts; null: in the network")]
    present: Annotated[bool, about("Whether it counts in firms")]
    entered: Annotated[bool, about("Whether it counts in entered")]
    left: Annotated[bool, about("Whether it counts in left")]
    window_ended: Annotated[Day | None, about("The day for which it counts in windows_ended; null: it does not")]
    succeeded: Annotated[bool | None, about("Whether it succeeded; null: it left, and no record says how")]
    admitted: Annotated[Day | None, about("The day for which it counts in admitted_5y; null: it does not")]
    active: Annotated[bool | None, about("Whether it is active after five years; null: no record says it")]
    jobs: Annotated[Count | None, about("The jobs of its survey row")]

    @classmethod
    def of(cls, row: Counted) -> "IndicatorRow":
        """Return a row as it is answered."""
        return cls(
            firm=row.firm,
            site=row.site,
            present=row.present,
            entered=row.entered,
            left=row.left,
            window_ended=row.window_ended,
            succeeded=row.succeeded,
            admitted=row.admitted,
            active=row.survives,
            jobs=None if row.answer is None else row.answer.jobs,
        )


class IndicatorsAnswer(Shape, frozen=True):
    """The indicators of a year or a month, with their definitions; null where no data stands behind a figure."""

    period: Annotated[str, about("The year, or the month")]
    sites: Annotated[dict[str, PlaceIndicators], about("Each site, by its code")]
    network: Annotated[PlaceIndicators, about("The network: a firm counts once, however often it moves")]
    months_run: Annotated[Count, about("How many months of the period were run; the money is theirs")]
    definitions: Annotated[dict[str, str], about("What each figure counts")]
    rows: Annotated[
        tuple[IndicatorRow, ...] | None, about("How each firm counts, in the network and at its sites; null: not asked")
    ]

    @classmethod
    def of(cls, report: IndicatorReport, *, rows: bool) -> "IndicatorsAnswer":
        """Return a report as it is answered, with the rows behind it if they are asked for."""
        return cls(
            period=report.name,
            sites={code: PlaceIndicators.of(place) for code, place in report.sites.items()},
            network=PlaceIndicators.of(report.network),
            months_run=report.months_run,
            definitions=DEFINITIONS,
            rows=tuple(map(IndicatorRow.of, report.rows)) if rows else None,
        )
