"""Proof of who funded whom: each kept matrix is that of the positions, and its sums are what the journal holds."""

from collections.abc import Iterator, Mapping
from datetime import date

from sqlalchemy import ColumnElement, Connection, and_, func, literal, select

from billing.entries.accounts import BORNE_BY_OPERATOR, CONTRIBUTIONS, GRANTS, RESERVE, SUPPORT
from billing.entries.standing import Place, difference_of_sums
from billing.register.tables import billing_run
from billing.run.matrices import DamagedMatrix, KeptMatrix, kept_rows, unpacked
from billing.run.tables import funding_matrix, run_position
from ledger.models import entry, posting
from pricing.cross_subsidy import Position, Waterfall
from pricing.funding_matrix import GRANT, TENANT, Funding, funding_of
from pricing.money import format_amount
from pricing.period import format_month

_CARRYING = (CONTRIBUTIONS, SUPPORT, RESERVE, GRANTS, BORNE_BY_OPERATOR)
_OF_FUNDER = {GRANT: GRANTS, "reserve": RESERVE, "operator": BORNE_BY_OPERATOR}


def read_matrices(connection: Connection, period: date) -> tuple[list[KeptMatrix], list[str]]:
    """Return the matrices kept for a run, by attempt, and the faults of rows that can't be read."""
    matrices, faults = [], []
    for row in kept_rows(connection, period):
        try:
            matrices.append(unpacked(row))
        except DamagedMatrix as error:
            faults.append(f"the run of {format_month(period)}: its matrix of attempt {row.attempt} is spoilt: {error}")
    return matrices, faults


def positions_booked_by(connection: Connection, period: date, number: int) -> list[tuple[str, Position]]:
    """Return the positions of a run whose entries bear at most this number, each with its tenant."""
    p = run_position.c
    reference = literal(f"PER/{format_month(period)}/").concat(p.tenant)
    rows = connection.execute(
        select(p.tenant, p.site, p.contribution, p.draw, p.advantage)
        .join(entry, entry.c.reference == reference)
        .where(p.period == period, entry.c.id <= number)
    )
    return [(row[0], Position(*row[1:])) for row in rows]


def matrix_faults(matrix: KeptMatrix, positions: list[tuple[str, Position]], outcome: Waterfall) -> Iterator[str]:
    """Name where a kept matrix is not that of these positions and this waterfall: who, in which step (R17-R19)."""
    try:
        due = _sums(funding_of(positions, outcome))
    except ValueError as error:
        yield f"the run of {format_month(matrix.period)}: its positions make no matrix: {error}"
        return
    stands = _sums(matrix.funding)
    for key in sorted({*due, *stands}, key=str):
        if due.get(key, 0) != stands.get(key, 0):
            step, place, side, party = key
            yield (
                f"the run of {format_month(matrix.period)}: its matrix of attempt {matrix.attempt} says that in {step} "
                f"{place or 'for the network'} {' '.join(part for part in party if part)} {side} "
                f"{format_amount(stands.get(key, 0))}, the positions give {format_amount(due.get(key, 0))}"
            )


_Key = tuple[str, str, str, tuple[str | None, ...]]


def _sums(funding: Funding) -> dict[_Key, int]:
    """Return the sums at the margins of every pool, by step, the site it serves (blank: several), side and party."""
    sums: dict[_Key, int] = {("reserve", "", "leaves", tuple(f)): amount for f, amount in funding.to_reserve}
    for pool in funding.pools:
        sites = {supported.site for supported, _ in pool.receives}
        place = f"at {sites.pop()}" if len(sites) == 1 else ""
        sums |= {(pool.step, place, "gives", tuple(funder)): amount for funder, amount in pool.gives}
        sums |= {(pool.step, place, "receives", tuple(party)): amount for party, amount in pool.receives}
    return sums


def carried_faults(connection: Connection, matrix: KeptMatrix) -> Iterator[str]:
    """Name where the sums of a matrix are not those of its run's entries on 9201, 9202, 9207, 9208 and 9209 (R21)."""
    due: dict[Place, int] = {}

    def add(account: str, auxiliary: str | None, site: str | None, amount: int) -> None:
        due[account, auxiliary, site] = due.get((account, auxiliary, site), 0) + amount

    for pool in matrix.funding.pools:
        for funder, amount in pool.gives:
            if funder.kind == TENANT:
                add(CONTRIBUTIONS, funder.code, funder.site, amount)
        funder = pool.gives[0][0]
        for supported, amount in pool.receives:
            add(SUPPORT, supported.tenant, supported.site, -amount)
            if funder.kind in ("reserve", "operator"):
                add(_OF_FUNDER[funder.kind], None, supported.site, amount)
        if funder.kind == GRANT:
            for grant, amount in pool.gives:
                add(GRANTS, grant.code, pool.receives[0][0].site, amount)
    for funder, amount in matrix.funding.to_reserve:
        add(CONTRIBUTIONS, funder.code, funder.site, amount)
        add(RESERVE, None, None, -amount)
    for fault in difference_of_sums(due, _posted(connection, matrix.period)):
        yield f"the run of {format_month(matrix.period)}, its matrix against its entries: {fault}"


def _posted(connection: Connection, period: date) -> Mapping[Place, int]:
    p = posting.c
    rows = connection.execute(
        select(p.account, p.auxiliary, p.site, func.sum(p.amount))
        .join(entry, entry.c.id == p.entry_id)
        .where(_of_run(period), p.account.in_(_CARRYING))
        .group_by(p.account, p.auxiliary, p.site)
    )
    return {(account, auxiliary, site): int(amount) for account, auxiliary, site, amount in rows if amount}


def _of_run(period: date) -> ColumnElement[bool]:
    """Return the entries of a run: `PER/2026-09/…`, `PER/2026-09:cascade/…`; between `/` and `;` stands no other."""
    reference = entry.c.reference
    month = f"PER/{format_month(period)}"
    return and_(reference >= f"{month}/", reference < f"{month};")


def loose_matrices(connection: Connection) -> Iterator[str]:
    """Matrices of runs that are not complete for the first time, or of attempts the run has not had."""
    m, r = funding_matrix.c, billing_run.c
    rows = connection.execute(
        select(m.period, m.attempt)
        .outerjoin(billing_run, r.period == m.period)
        .where(r.period.is_(None) | (m.attempt > r.attempt) | (m.attempt < 1) | r.cross_subsidy.is_(None))
        .order_by(m.period, m.attempt)
    )
    for period, attempt in rows:
        yield f"a matrix stands for attempt {attempt} of {format_month(period)}, which no closing has found"
