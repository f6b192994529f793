"""Proof of who funded whom: every waterfall computed again, from what it found (R18, R21, R22)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, func, select

from billing.entries.accounts import GRANTS, GRANTS_COUNTERPART, RESERVE
from billing.entries.cross_subsidy import waterfall_entry, waterfall_reference
from billing.entries.grants import GRANTS_RECEIVED, grant_reference
from billing.entries.standing import Place, difference_of_sums
from billing.frame.checking import Proof, Step
from billing.register.tables import billing_run, subsidy_grant
from billing.run.checks.matrices import (
    carried_faults,
    loose_matrices,
    matrix_faults,
    positions_booked_by,
    read_matrices,
)
from billing.run.closing import cross_subsidy_json, network_sites, positions_by_tenant, sum_positions
from billing.run.matrices import KeptMatrix
from billing.run.recomputed_matrices import last_position_entry
from billing.run.tables import run_batch, run_position
from ledger.entry import Entry
from ledger.models import entry, posting
from ledger.openings import taken_on
from ledger.periods import closings
from pricing.cross_subsidy import Grant, Waterfall, waterfall
from pricing.money import format_amount
from pricing.period import format_month

_COUNTERPARTS = {GRANTS: GRANTS_COUNTERPART, GRANTS_COUNTERPART: GRANTS}


class Booked(NamedTuple):
    """An entry that moves the reserve or a grant, or decides a run."""

    number: int
    reference: str
    effective_on: date
    postings: list[tuple[str, str | None, str | None, int]]

    def sums(self) -> dict[Place, int]:
        """Return its postings by account, auxiliary and site."""
        sums: dict[Place, int] = {}
        for account, auxiliary, site, amount in self.postings:
            place = account, auxiliary, site
            sums[place] = sums.get(place, 0) + amount
        return sums


@dataclass(slots=True)
class Funds:
    """The reserve and what is left of each grant, in centimes, as the entries read so far leave them."""

    reserve: int = 0
    left: dict[str, int] = field(default_factory=dict)
    # Site and day of each grant, as last received; the days the register gives.
    terms: dict[str, tuple[str | None, date]] = field(default_factory=dict)
    granted_on: Mapping[str, date] = field(default_factory=dict)
    # The days after closed months, and the take-on's, on which what comes too late is posted.
    first_open_days: frozenset[date] = frozenset()

    def take(self, booked: Booked) -> None:
        """Let an entry move the funds."""
        for account, auxiliary, site, amount in booked.postings:
            if account == RESERVE:
                self.reserve -= amount
            elif account == GRANTS:
                code = auxiliary or ""
                self.left[code] = self.left.get(code, 0) - amount
                if booked.reference.startswith(GRANTS_RECEIVED) and amount < 0:
                    self.terms[code] = site, self._day(code, booked)

    def _day(self, code: str, booked: Booked) -> date:
        """Return the day a grant was granted: that of its first entry, unless its month was closed when it came.

        A correction's may be later, in the open period.
        """
        if booked.reference == grant_reference(code, 1) and booked.effective_on not in self.first_open_days:
            return booked.effective_on
        return min(booked.effective_on, self.granted_on.get(code, date.max))

    def overdrawn(self) -> Iterator[str]:
        """The funds below zero."""
        if self.reserve < 0:
            yield f"account {RESERVE}, the reserve, is overdrawn by {format_amount(-self.reserve)}"
        for code, left in sorted(self.left.items()):
            if left < 0:
                yield f"account {GRANTS}, grant {code}, is overdrawn by {format_amount(-left)}"


def funding(connection: Connection, step: Step) -> Iterator[str]:
    """Each run's waterfall and matrix recompute from the positions, reserve and grants, and are what was posted."""
    entries = _entries(connection)
    granted = connection.execute(select(subsidy_grant.c.code, subsidy_grant.c.granted_on))
    closed = (closing.closed_through for closing in closings(connection))
    days = [taken_on(connection), *(through + timedelta(days=1) for through in closed if through is not None)]
    first_open_days = frozenset(day for day in days if day is not None)
    funds = Funds(granted_on=dict(row for row in granted), first_open_days=first_open_days)
    place = 0
    for run in connection.execute(select(billing_run).order_by(billing_run.c.period)).all():
        if run.status != "complete":
            break
        own = _standing_waterfall(run, entries, place)
        matrices, spoilt = read_matrices(connection, run.period)
        yield from spoilt
        for former in matrices[:-1]:
            # This closing was taken back since: its matrix is computed from the funds of its day.
            while place < len(entries) and entries[place].number <= former.through_entry:
                funds.take(entries[place])
                place += 1
            yield from _former_faults(connection, former, funds, entries)
        # Without an entry of its own a run moved nothing: the funds are those the run before it left.
        for booked in entries[place : place if own is None else own]:
            funds.take(booked)
        yield from _open_batches(connection, run)
        standing = matrices[-1] if matrices else None
        yield from _run_faults(connection, run, funds, None if own is None else entries[own], standing)
        if own is not None:
            funds.take(entries[own])
            place = own + 1
        yield from _funds_after(run, funds, moved=own is not None)
        step(1)
    for booked in entries[place:]:
        funds.take(booked)
    yield from funds.overdrawn()
    yield from _grants_received(connection, funds, entries)
    yield from _reversal_faults(entries)
    yield from loose_matrices(connection)


def _entries(connection: Connection) -> list[Booked]:
    """Return every entry that moves the reserve or a grant, and every waterfall, in order: few, whatever the park."""
    p, e = posting.c, entry.c
    moving = select(p.entry_id).where(p.account.in_([RESERVE, GRANTS]))
    rows = connection.execute(
        select(e.id, e.reference, e.effective_on, p.account, p.auxiliary, p.site, p.amount)
        .outerjoin(posting, p.entry_id == e.id)
        .where(e.id.in_(moving) | e.reference.like("PER/____-__:cascade/%"))
        .order_by(e.id, p.line_no)
    )
    by_number: dict[int, Booked] = {}
    for number, reference, effective_on, *moved in rows:
        booked = by_number.setdefault(number, Booked(number, reference, effective_on, []))
        if moved[0] is not None:
            booked.postings.append((moved[0], moved[1], moved[2], moved[3]))
    return list(by_number.values())


def _standing_waterfall(run: Any, entries: list[Booked], place: int) -> int | None:
    """Return the place of the waterfall that stands, from `place` on: the one not taken back; None if none does."""
    taken_back = {
        booked.reference.removesuffix("/annulation") for booked in entries if "/annulation" in booked.reference
    }
    standing = {waterfall_reference(run.period, attempt) for attempt in range(1, run.attempt + 1)} - taken_back
    for index in range(place, len(entries)):
        if entries[index].reference in standing:
            return index
    return None


def _site_sums(
    connection: Connection, period: date, sites: Iterable[str]
) -> tuple[dict[str, int], dict[str, int], int]:
    """Return contributions, draws per site, and the advantage, from the stored positions (R17)."""
    p = run_position.c

    def above_nil(value: Any) -> Any:
        return case((value > 0, value), else_=0)

    rows = connection.execute(
        select(
            p.site,
            func.sum(above_nil(p.contribution) + above_nil(-p.draw)),
            func.sum(above_nil(p.draw) + above_nil(-p.contribution)),
            func.sum(p.advantage),
        )
        .where(p.period == period)
        .group_by(p.site)
    )
    contributions = dict.fromkeys(sites, 0)
    draws = dict(contributions)
    advantage = 0
    for site, supply, need, worth in rows:
        contributions[site], draws[site] = int(supply), int(need)
        advantage += int(worth)
    return contributions, draws, advantage


def _run_faults(
    connection: Connection, run: Any, funds: Funds, own: Booked | None, matrix: KeptMatrix | None
) -> Iterator[str]:
    month = format_month(run.period)
    try:
        stored = json.loads(run.cross_subsidy)
        sites, grants_left = list(stored["sites"]), stored["grants_left"]
    except (TypeError, ValueError, KeyError) as error:
        yield f"the run of {month} is complete and its cross-subsidy can't be read: {error!r}"
        return
    yield from funds.overdrawn()
    contributions, draws, advantage = _site_sums(connection, run.period, sites)
    outcome = waterfall(contributions, draws, max(funds.reserve, 0), _grants(funds), run.period)
    computed = dict(cross_subsidy_json(run.period, advantage, outcome))
    if own is None:
        # Where nothing was posted, the grants the run has seen are not known; nor did they matter.
        computed["grants_left"] = grants_left
    for path, due, stands in _differences(computed, stored):
        yield f"the run of {month}: its cross-subsidy says {path} {stands}, the positions give {due}"
    yield from _entry_faults(run, outcome, own)
    yield from _standing_faults(connection, run, outcome, own, matrix)


def _standing_faults(
    connection: Connection, run: Any, outcome: Waterfall, own: Booked | None, matrix: KeptMatrix | None
) -> Iterator[str]:
    """The matrix that stands for a run is that of its positions, and its sums are those of its entries."""
    month = format_month(run.period)
    if matrix is None:
        yield f"the run of {month} is complete and no matrix of who funded whom is kept"
        return
    if own is not None and own.reference != waterfall_reference(run.period, matrix.attempt):
        yield f"the run of {month}: its matrix is that of attempt {matrix.attempt}, and {own.reference} is what stands"
    latest = last_position_entry(connection, run.period)
    if not latest <= matrix.through_entry or (own is not None and matrix.through_entry >= own.number):
        stood = f"when entry {matrix.through_entry} was the last"
        yield f"the run of {month}: its matrix says it was found {stood}, which is not between positions and waterfall"
    yield from matrix_faults(matrix, positions_by_tenant(connection, run.period), outcome)
    yield from carried_faults(connection, matrix)


def _former_faults(connection: Connection, matrix: KeptMatrix, funds: Funds, entries: list[Booked]) -> Iterator[str]:
    """The matrix and the waterfall of a closing that was taken back recompute from what stood then."""
    positions = positions_booked_by(connection, matrix.period, matrix.through_entry)
    sums = sum_positions((position for _, position in positions), network_sites(connection))
    outcome = waterfall(sums.contributions, sums.draws, max(funds.reserve, 0), _grants(funds), matrix.period)
    yield from matrix_faults(matrix, positions, outcome)
    reference = waterfall_reference(matrix.period, matrix.attempt)
    posted = next((booked for booked in entries if booked.reference == reference), None)
    expected = waterfall_entry(matrix.period, matrix.period, matrix.attempt, outcome)
    if posted is None or expected is None:
        if (posted is None) != (expected is None):
            yield f"{reference} was {'not ' if posted is None else ''}posted, the positions of its day say otherwise"
        return
    for fault in difference_of_sums(_sums(expected), posted.sums()):
        yield f"entry {posted.number} ({reference}): {fault}"


def _grants(funds: Funds) -> list[Grant]:
    """Return the grants as the entries read so far leave them."""
    return [
        Grant(code, site, granted_on, max(funds.left.get(code, 0), 0))
        for code, (site, granted_on) in sorted(funds.terms.items())
    ]


def _sums(booked: Entry) -> dict[Place, int]:
    """Return the postings of an entry by account, auxiliary and site."""
    sums: dict[Place, int] = {}
    for p in booked.postings:
        place = p.account, p.auxiliary, p.site
        sums[place] = sums.get(place, 0) + p.amount
    return sums


def _differences(computed: Any, stored: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(computed, Mapping) and isinstance(stored, Mapping):
        for key in sorted({*computed, *stored}):
            yield from _differences(computed.get(key), stored.get(key), f"{path}.{key}" if path else key)
    elif computed != stored:
        yield path, computed, stored


def _entry_faults(run: Any, outcome: Waterfall, own: Booked | None) -> Iterator[str]:
    expected = waterfall_entry(run.period, run.issued_on, run.attempt, outcome)
    if expected is None or own is None:
        if own is not None:
            yield f"entry {own.number} ({own.reference}) moves funds, the positions move none"
        elif expected is not None:
            yield f"the run of {format_month(run.period)} has no entry {expected.reference}"
        return
    for fault in difference_of_sums(_sums(expected), own.sums()):
        yield f"entry {own.number} ({own.reference}): {fault}"
    # A run tried again without anything new keeps the waterfall of the attempt before.
    if own.reference == expected.reference and own.effective_on != run.issued_on:
        yield f"entry {own.number} ({own.reference}) is dated {own.effective_on}, its run {run.issued_on}"


def _open_batches(connection: Connection, run: Any) -> Iterator[str]:
    b = run_batch.c
    for number in connection.scalars(
        select(b.batch_no).where(b.period == run.period, b.attempt == run.attempt, b.status != "done")
    ):
        yield f"the run of {format_month(run.period)} is complete and its batch {number} is open"


def _funds_after(run: Any, funds: Funds, *, moved: bool) -> Iterator[str]:
    """The balances of 9207 and 9208 after a run are what its outcome says (R22)."""
    month = format_month(run.period)
    stored = json.loads(run.cross_subsidy) if run.cross_subsidy else {}
    said = stored.get("reserve_after")
    if said != format_amount(funds.reserve):
        holds = format_amount(funds.reserve)
        yield f"account {RESERVE} holds {holds} after the run of {month}, its outcome says {said}"
    for code, left in sorted(stored.get("grants_left", {}).items() if moved else ()):
        holds = format_amount(funds.left.get(code, 0))
        if left != holds:
            yield f"account {GRANTS}, grant {code}, holds {holds} after the run of {month}, its outcome says {left}"


def _grants_received(connection: Connection, funds: Funds, entries: list[Booked]) -> Iterator[str]:
    """Each grant is booked as it stands in the register, once for each revision, all but the last taken back (R21)."""
    by_reference = {booked.reference: booked for booked in entries}
    expected: set[str] = set()
    codes = set()
    for grant in connection.execute(select(subsidy_grant).order_by(subsidy_grant.c.code)):
        codes.add(grant.code)
        references = [grant_reference(grant.code, revision) for revision in range(1, grant.revision + 1)]
        expected |= {*references, *(f"{reference}/reversal" for reference in references[:-1])}
        booked = by_reference.get(references[-1])
        if booked is not None:
            received = -sum(amount for account, _, _, amount in booked.postings if account == GRANTS)
            if received != grant.amount:
                yield f"grant {grant.code} of {format_amount(grant.amount)} is booked as {format_amount(received)}"
            if funds.terms.get(grant.code) != (grant.site, grant.granted_on):
                terms = f"for {grant.site or 'any site'} from {grant.granted_on}"
                yield f"grant {grant.code} is {terms} in the register, and otherwise in its entry"
    standing = {reference for reference in by_reference if reference.startswith(GRANTS_RECEIVED)}
    for reference in sorted(expected - standing):
        yield f"grant {reference.split('/')[2]} has no entry {reference}"
    for reference in sorted(standing - expected):
        yield f"entry {by_reference[reference].number} ({reference}) is of no grant in the register"
    for code in sorted(set(funds.left) - codes):
        yield f"account {GRANTS} has postings for grant {code or '(none)'}, which is not in the register"
    for reference in sorted(standing & expected):
        yield from _counterpart_faults(by_reference[reference])


def _counterpart_faults(booked: Booked) -> Iterator[str]:
    """A grant's entry says the same on 9208 and on its counterpart 9210."""
    code = booked.reference.removeprefix(GRANTS_RECEIVED).removesuffix("/reversal").rpartition("/")[0]
    for place, amount in booked.sums().items():
        account, auxiliary, site = place
        other = _COUNTERPARTS.get(account)
        if other is None or auxiliary != code or booked.sums().get((other, auxiliary, site)) != -amount:
            yield (
                f"entry {booked.number} ({booked.reference}): account {account} {auxiliary} {site or ''} has no "
                f"counterpart of the same grant and site"
            )


def _reversal_faults(entries: list[Booked]) -> Iterator[str]:
    """Name reversals that don't say the same as their entry with opposite signs."""
    by_reference = {booked.reference: booked for booked in entries}
    for booked in entries:
        original = by_reference.get(booked.reference.removesuffix("/annulation").removesuffix("/reversal"))
        if original is None:
            yield f"entry {booked.number} ({booked.reference}) takes back an entry that does not stand"
        elif original is not booked:
            due = {place: -amount for place, amount in original.sums().items()}
            for fault in difference_of_sums(due, booked.sums()):
                yield f"entry {booked.number} ({booked.reference}): {fault}"


CHECKS: tuple[Proof, ...] = (funding,)
