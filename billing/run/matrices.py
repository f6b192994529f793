"""The matrix of who funded whom in a run, kept: its margins in canonical bytes, compressed, with their SHA-256.

A month of 400 funders and 200 supported tenants is 600 sums, not 80,000: the cells are a function of them
(`pricing.funding_matrix`). The bytes say what they are of, so that no column can be changed by itself.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Row, select

from billing.run.tables import funding_matrix
from pricing.funding_matrix import Funder, Funding, Pool, Supported
from pricing.money import AMOUNT_DECIMALS, format_amount, parse_decimal
from pricing.period import format_month, parse_month

# The form of the bytes, and the rule that makes cells of their margins (`pricing.funding_matrix.matrix`).
VERSION = 1


class KeptMatrix(NamedTuple):
    """A run's matrix as one of its closings found it.

    `through_entry` is the number of the last entry that stood then: what it rests on was booked by then.
    """

    period: date
    attempt: int
    through_entry: int
    funding: Funding


class DamagedMatrix(ValueError):
    """A row whose bytes are not those it was written with, or are of another run."""


def canonical(matrix: KeptMatrix) -> bytes:
    """Return the matrix as canonical JSON (RFC 8785); amounts as decimal strings, which hold any centime."""
    # Its keys being ASCII and its values texts and small numbers, orjson's sorted form is that of RFC 8785.
    return orjson.dumps(
        {
            "version": VERSION,
            "period": format_month(matrix.period),
            "attempt": matrix.attempt,
            "through_entry": matrix.through_entry,
            "pools": [
                {"step": pool.step, "gives": _listed(pool.gives), "receives": _listed(pool.receives)}
                for pool in matrix.funding.pools
            ],
            "to_reserve": _listed(matrix.funding.to_reserve),
        },
        option=orjson.OPT_SORT_KEYS,
    )


def _listed(parties: Iterable[tuple[Sequence[str | None], int]]) -> list[list[str | None]]:
    return [[*party, format_amount(amount)] for party, amount in parties]


def keep(connection: Connection, matrix: KeptMatrix) -> None:
    """Write the matrix of a run, for good."""
    body = canonical(matrix)
    connection.execute(
        funding_matrix.insert().values(
            period=matrix.period, attempt=matrix.attempt, body=zlib.compress(body), sha256=sha256(body).hexdigest()
        )
    )


def unpacked(row: Row[Any]) -> KeptMatrix:
    """Read the matrix that a row keeps. Raises DamagedMatrix, which says what is wrong with it."""
    try:
        body = zlib.decompress(row.body)
        if sha256(body).hexdigest() != row.sha256:
            raise DamagedMatrix("its bytes don't have the SHA-256 written beside them")
        stored = orjson.loads(body)
        if stored["version"] != VERSION:
            raise DamagedMatrix(f"it is of version {stored['version']}, this program knows {VERSION}")
        matrix = KeptMatrix(
            parse_month(stored["period"]), int(stored["attempt"]), int(stored["through_entry"]), _funding(stored)
        )
    except zlib.error as error:
        raise DamagedMatrix(f"its bytes can't be decompressed: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise error if isinstance(error, DamagedMatrix) else DamagedMatrix(f"it can't be read: {error!r}") from error
    if (matrix.period, matrix.attempt) != (row.period, row.attempt):
        raise DamagedMatrix(f"it is that of {format_month(matrix.period)}, attempt {matrix.attempt}")
    return matrix


def _funding(stored: Any) -> Funding:
    def gives(parties: Any) -> tuple[tuple[Funder, int], ...]:
        return tuple((Funder(kind, site, code), _amount(amount)) for kind, site, code, amount in parties)

    def receives(parties: Any) -> tuple[tuple[Supported, int], ...]:
        return tuple((Supported(site, tenant), _amount(amount)) for site, tenant, amount in parties)

    pools = tuple(Pool(pool["step"], gives(pool["gives"]), receives(pool["receives"])) for pool in stored["pools"])
    return Funding(pools, gives(stored["to_reserve"]))


def _amount(text: str) -> int:
    return parse_decimal(text, AMOUNT_DECIMALS)


def kept_rows(connection: Connection, period: date) -> Sequence[Row[Any]]:
    """Return the rows kept for a run, by attempt: the last one stands."""
    c = funding_matrix.c
    return connection.execute(select(funding_matrix).where(c.period == period).order_by(c.attempt)).all()


def standing_matrix(connection: Connection, period: date) -> KeptMatrix | None:
    """Return the matrix that stands for a run; None where none was kept. Raises DamagedMatrix."""
    rows = kept_rows(connection, period)
    return unpacked(rows[-1]) if rows else None


def standing_matrices(connection: Connection, first: date, last: date) -> Iterator[KeptMatrix]:
    """Yield the matrix that stands for each complete run of these months, by month. Raises DamagedMatrix."""
    c = funding_matrix.c
    months = select(c.period).where(c.period.between(first, last)).distinct().order_by(c.period)
    for period in connection.scalars(months).all():
        matrix = standing_matrix(connection, period)
        if matrix is not None:
            yield matrix
