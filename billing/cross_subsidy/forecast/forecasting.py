"""Make a forecast, from the question to the bands: read, price, draw, sum."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from fractions import Fraction
from hashlib import sha256
from typing import Any, NamedTuple

from numpy.typing import NDArray
from sqlalchemy import Connection

from billing.cross_subsidy.forecast.register import first_run_ahead, load_outlook
from billing.frame.computed import Computed
from billing.frame.errors import Fault, Refused
from pricing.cross_subsidy import SiteFunding
from pricing.forecast.assumptions import Assumptions
from pricing.forecast.dial import DIAL_MONTHS, Dial, Reading, prepare, read_dial
from pricing.forecast.outlook import Outlook
from pricing.forecast.path import MONTHS_MAX, Path, path_ahead
from pricing.forecast.simulation import DRAWS_MAX, Band, Chance, band, fundings
from pricing.forecast.waterfalls import Fundings

USUAL, KNOWN = "usual", "known"
USAGES = (USUAL, KNOWN)
MONTHS, DRAWS, SEED = 36, 1000, 1
SEED_MAX = 2**63 - 1
# The figures of a site; the network has the reserve besides.
FIGURES = tuple(SiteFunding.__dataclass_fields__)
RESERVE_AFTER = "reserve_after"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Question:
    """A question to a forecast: from which run on (None: the next), how far, by which draws, assumptions and usage.

    `usage` is `usual` (from today on) or `known` (as far as it is on record, and none beyond).
    """

    assumptions: Assumptions
    first: date | None = None
    months: int = MONTHS
    draws: int = DRAWS
    seed: int = SEED
    usage: str = USUAL


class Figure(NamedTuple):
    """A figure in centimes: on the exact path, and where it lies by the draws."""

    path: int
    drawn: Band


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a month, or of all months together: by site, of the network.

    `unmet` is the share of the draws in which some need is left unfunded.
    """

    sites: Mapping[str, Mapping[str, Figure]]
    network: Mapping[str, Figure]
    unmet: Fraction


@dataclass(frozen=True, slots=True)
class Forecast:
    """The answer: months in order, and their sums (whose reserve is that after the last run)."""

    question: Question
    outlook: Outlook
    path: Path
    months: tuple[Figures, ...]
    whole: Figures


def forecast(
    connection: Connection,
    question: Question,
    today: date,
    progress: Progress | None = None,
    computed: Computed | None = None,
) -> Forecast:
    """Forecast the runs ahead, from one snapshot; writes nothing. Raises Refused, RunRefused.

    `progress` is told steps done and in all: a step is a tenant priced, or a month drawn. What is kept in `computed`
    is not priced again.
    """
    outlook, path = look_ahead(connection, question, today, question.months, computed, progress)
    chance = Chance(question.draws, question.seed)
    by_month, sums = [], _Sums()
    steps = len(outlook.tenants) + question.months
    drawn = fundings(outlook, path, question.assumptions, chance, _part(progress, len(outlook.tenants), steps))
    for place, funding in enumerate(drawn):
        by_month.append(_figures(outlook, _of_path(path, place), funding))
        sums.add(funding)
    whole = _figures(outlook, _of_whole_path(path), sums.whole())
    return Forecast(question, outlook, path, tuple(by_month), whole)


def inputs_digest(connection: Connection, question: Question, today: date, computed: Computed) -> str:
    """Return a digest of all that the answers to a question depend on, besides the question itself.

    An act that changes none of it (a mail that left, a receipt) leaves it as it is.
    """
    first = first_run_ahead(connection, today, question.first)
    usual_from = today if question.usage == USUAL else None

    def compute() -> str:
        return sha256(repr(load_outlook(connection, first, usual_from)).encode()).hexdigest()

    return computed.of(connection, ("inputs", first, usual_from), compute)


def dial(
    connection: Connection,
    question: Question,
    area: int,
    today: date,
    progress: Progress | None = None,
    computed: Computed | None = None,
) -> tuple[Dial, tuple[Reading, ...]]:
    """Read the admission dial for offices of that size, in millionths of a m2; writes nothing. As `forecast`."""
    outlook, path = look_ahead(connection, question, today, DIAL_MONTHS, computed)
    prepared = prepare(outlook, path, question.assumptions, Chance(question.draws, question.seed), area)
    return prepared, read_dial(prepared, progress)


def look_ahead(
    connection: Connection,
    question: Question,
    today: date,
    months: int,
    computed: Computed | None,
    progress: Progress | None = None,
) -> tuple[Outlook, Path]:
    """Return what is known and the path of so many months, which no assumption and no chance changes."""
    _require_sound(question)
    first = first_run_ahead(connection, today, question.first)
    usual_from = today if question.usage == USUAL else None

    def compute() -> tuple[Outlook, Path]:
        outlook = load_outlook(connection, first, usual_from)
        return outlook, path_ahead(outlook, months, _part(progress, 0, len(outlook.tenants) + months))

    asked = ("path", first, usual_from, months)
    outlook, path = compute() if computed is None else computed.of(connection, asked, compute)
    unknown = sorted(set(question.assumptions.arrivals) - {*outlook.sites, "*"})
    if unknown:
        raise Refused(
            [Fault("assumptions", None, "arrivals.a_month", code, "is no known site", "correct it") for code in unknown]
        )
    return outlook, path


def _require_sound(question: Question) -> None:
    faults = [
        Fault("forecast", None, name, str(value), f"is not from {least} to {most}", "correct it")
        for name, value, least, most in (
            ("months", question.months, 1, MONTHS_MAX),
            ("draws", question.draws, 1, DRAWS_MAX),
            ("seed", question.seed, 0, SEED_MAX),
        )
        if not least <= value <= most
    ]
    if question.usage not in USAGES:
        faults.append(Fault("forecast", None, "usage", question.usage, "is none", f"choose one of {', '.join(USAGES)}"))
    if faults:
        raise Refused(faults)


def _part(progress: Progress | None, before: int, steps: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, _in_all: progress(before + done, steps)


def _of_path(path: Path, place: int) -> Mapping[str, Mapping[str, int]]:
    """Return a month's figures on the path: by site, and under a blank code those of the network."""
    outcome = path.outcomes[place]
    sites = {code: {name: getattr(funding, name) for name in FIGURES} for code, funding in outcome.sites.items()}
    network = {name: sum(figures[name] for figures in sites.values()) for name in FIGURES}
    return {**sites, "": {**network, RESERVE_AFTER: outcome.reserve_after}}


def _of_whole_path(path: Path) -> Mapping[str, Mapping[str, int]]:
    """Sum all months on the path; of the reserve, what the last run leaves."""
    months = [_of_path(path, place) for place in range(len(path.months))]
    return {
        code: {
            name: value if name == RESERVE_AFTER else sum(month[code][name] for month in months)
            for name, value in last.items()
        }
        for code, last in months[-1].items()
    }


def _figures(outlook: Outlook, of_path: Mapping[str, Mapping[str, int]], drawn: Fundings) -> Figures:
    sites = {
        code: {name: Figure(of_path[code][name], band(getattr(drawn, name)[:, column])) for name in FIGURES}
        for column, code in enumerate(outlook.sites)
    }
    network = {name: Figure(of_path[""][name], band(getattr(drawn, name).sum(axis=1))) for name in FIGURES}
    network[RESERVE_AFTER] = Figure(of_path[""][RESERVE_AFTER], band(drawn.reserve_after))
    unmet = int((drawn.unfunded.sum(axis=1) > 0).sum())
    return Figures(sites, network, Fraction(unmet, len(drawn.reserve_after)))


class _Sums:
    """The sums of all months, draw by draw."""

    def __init__(self) -> None:
        self._sums: dict[str, NDArray[Any]] = {}

    def add(self, funding: Fundings) -> None:
        """Add a month; of the reserve only the last counts."""
        for field in fields(funding):
            value = getattr(funding, field.name)
            before = self._sums.get(field.name)
            latest_counts = before is None or field.name == RESERVE_AFTER
            self._sums[field.name] = value if latest_counts else value + before

    def whole(self) -> Fundings:
        """Return all months together."""
        return Fundings(**self._sums)
