"""The indicators of a period, by firm, site and network (R36): a firm counts once, however often it moves."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from pricing.eligibility import admission_day, tenancy
from pricing.money import CENTIMES, QUANTITY_SCALE, RATE_SCALE, settle, share_of
from pricing.period import ONE_DAY, Period, add_months

TURNOVER_MONTHS = 12
SURVIVAL_MONTHS = 60
GRADUATED = "graduated"
_STILL_TRADES = {"yes": True, "no": False}
# The quantities in which scores are kept, a hundredth of a point.
_HUNDREDTH = QUANTITY_SCALE // CENTIMES


class Stay(NamedTuple):
    """One lease: where, from which day, up to and without which (None: open)."""

    site: str
    start: date
    end: date | None

    def holds(self, day: date) -> bool:
        """Return whether it is rented that day."""
        return self.start <= day and (self.end is None or day < self.end)


class Answer(NamedTuple):
    """What a firm answered of a year; None and blank: it is not known. Shares in ten-thousandths, scores in millionths.

    `active` is `yes` or `no`; `left_as` is `graduated` or `left`.
    """

    year: int
    jobs: int | None
    export_share: int | None
    satisfaction: int | None
    active: str
    left_as: str


class Firm(NamedTuple):
    """A tenant as far as it counts in indicators."""

    code: str
    kind: str
    incorporated_on: date | None
    admitted_on: date | None
    stays: tuple[Stay, ...]
    answers: tuple[Answer, ...]


class Counted(NamedTuple):
    """How a firm counts at a place: a site, or the network (None).

    `window_ended` and `admitted` are the days that make it count in success and in survival; `succeeded` and `survives`
    are None where no record says what became of a firm that left. `answer` is of a firm that is present.
    """

    firm: str
    site: str | None
    present: bool
    entered: bool
    left: bool
    window_ended: date | None
    succeeded: bool | None
    admitted: date | None
    survives: bool | None
    answer: Answer | None

    @property
    def counts(self) -> bool:
        """Return whether any indicator counts it."""
        return self.present or self.entered or self.left or self.window_ended is not None or self.admitted is not None


class Indicators(NamedTuple):
    """The sums and rates of a place; rates in ten-thousandths, whole percents; scores in hundredths of a point.

    None: no data stands behind it. `state_unknown` firms left after their window with nothing on record, and do not
    count as successes; while `survival_unknown` is above zero there is no rate of survival.
    """

    firms: int
    entered: int
    left: int
    renewal: int | None
    departures: int | None
    windows_ended: int
    succeeded: int
    state_unknown: int
    success: int | None
    admitted_5y: int
    active_5y: int
    survival_unknown: int
    survival_5y: int | None
    surveyed: int
    jobs: int | None
    satisfaction: int | None
    export_share: int | None


def count_firms(firms: Iterable[Firm], period: Period) -> list[Counted]:
    """Return how each firm counts in the network and at each site, by the state of the period's last day."""
    rows = []
    for firm in firms:
        sites = sorted({stay.site for stay in firm.stays})
        rows += [row for row in (_count(firm, site, period) for site in (None, *sites)) if row.counts]
    return rows


def indicators(rows: Sequence[Counted]) -> Indicators:
    """Sum up the rows of one place."""
    firms = sum(row.present for row in rows)
    entered, left = sum(row.entered for row in rows), sum(row.left for row in rows)
    ended = [row for row in rows if row.window_ended is not None]
    succeeded = sum(row.succeeded is True for row in ended)
    admitted = [row for row in rows if row.admitted is not None]
    survive = sum(row.survives is True for row in admitted)
    unknown = sum(row.survives is None for row in admitted)
    answers = [row.answer for row in rows if row.answer is not None]
    jobs = [answer.jobs for answer in answers if answer.jobs is not None]
    scores = [answer.satisfaction for answer in answers if answer.satisfaction is not None]
    shares = [answer.export_share for answer in answers if answer.export_share is not None]
    return Indicators(
        firms=firms,
        entered=entered,
        left=left,
        renewal=share_of(entered, firms) if firms else None,
        departures=share_of(left, firms) if firms else None,
        windows_ended=len(ended),
        succeeded=succeeded,
        state_unknown=sum(row.succeeded is None for row in ended),
        success=share_of(succeeded, len(ended)) if ended else None,
        admitted_5y=len(admitted),
        active_5y=survive,
        survival_unknown=unknown,
        survival_5y=share_of(survive, len(admitted)) if admitted and not unknown else None,
        surveyed=len(answers),
        jobs=sum(jobs) if jobs else None,
        satisfaction=settle(sum(scores), len(scores) * _HUNDREDTH) if scores else None,
        export_share=share_of(sum(shares), len(shares) * RATE_SCALE) if shares else None,
    )


def _count(firm: Firm, site: str | None, period: Period) -> Counted:
    last = period.last_day
    since = add_months(period.end, -TURNOVER_MONTHS)
    here = [stay for stay in firm.stays if site in (None, stay.site)]
    present = _rents(here, last)
    # The day before the twelve months tells who was there already.
    was_there = _rents(here, since - ONE_DAY)
    came = any(stay.start <= last and (stay.end is None or since < stay.end) for stay in here)
    rents = _rents(firm.stays, last)
    state = _state(firm, last)
    window_ended = _window_ended(firm, site, period)
    admitted = _admitted(firm, site, period)
    succeeded = survives = None
    if window_ended is not None:
        succeeded = True if rents else _graduated(state)
    if admitted is not None:
        survives = True if rents else _STILL_TRADES.get(state.active if state else "")
    answer = next((answer for answer in firm.answers if answer.year == last.year), None) if present else None
    return Counted(
        firm=firm.code,
        site=site,
        present=present,
        entered=came and not was_there,
        left=(came or was_there) and not present,
        window_ended=window_ended,
        succeeded=succeeded,
        admitted=admitted,
        survives=survives,
        answer=answer,
    )


def _rents(stays: Iterable[Stay], day: date) -> bool:
    return any(stay.holds(day) for stay in stays)


def _window_ended(firm: Firm, site: str | None, period: Period) -> date | None:
    """Return the last day of the firm's window if it lies in the period; at a site, if it had come there last."""
    starts = [stay.start for stay in firm.stays]
    window = tenancy(firm.kind, firm.incorporated_on, firm.admitted_on, starts).window
    if window is None or window.end - ONE_DAY not in period:
        return None
    begun = [(stay.start, stay.site) for stay in firm.stays if stay.start <= window.end]
    return window.end - ONE_DAY if site is None or site == max(begun, default=(None, None))[1] else None


def _admitted(firm: Firm, site: str | None, period: Period) -> date | None:
    """Return the firm's admission day if it lies five years before the period; at a site, if it came there first."""
    admission = admission_day(firm.admitted_on, (stay.start for stay in firm.stays))
    then = Period(add_months(period.start, -SURVIVAL_MONTHS), add_months(period.end, -SURVIVAL_MONTHS))
    if admission is None or admission not in then:
        return None
    first = min(((stay.start, stay.site) for stay in firm.stays), default=(None, None))
    return admission if site is None or site == first[1] else None


def _state(firm: Firm, last: date) -> Answer | None:
    """Return the latest answer of a firm that left, none older than the year it left in or later than the period."""
    ends = [stay.end - ONE_DAY for stay in firm.stays if stay.end is not None and stay.start <= last]
    since = max(ends).year if ends else 0
    known = [a for a in firm.answers if since <= a.year <= last.year and (a.active or a.left_as)]
    return max(known, default=None)


def _graduated(state: Answer | None) -> bool | None:
    """Return whether a firm left as graduated: as it is recorded, else whether it is recorded as still active."""
    if state is None:
        return None
    return state.left_as == GRADUATED if state.left_as else _STILL_TRADES[state.active]
