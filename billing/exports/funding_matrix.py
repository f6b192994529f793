"""Who funded whom in a run, tenant by tenant: read again from the positions and the waterfall it posted."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from billing.exports.cross_subsidy import stored
from billing.exports.tables import require_format, table
from billing.models import billing_run, run_position
from billing.postings import GRANTS
from billing.run.closing import standing_waterfall
from ledger.exports.columns import Cell, Column, Kind
from pricing.cross_subsidy import GrantUse, Position, SiteFunding, Waterfall
from pricing.funding_matrix import Funding, funding_of
from pricing.money import AMOUNT_DECIMALS, format_amount, parse_decimal
from pricing.period import format_month

_OF_SITE = tuple(SiteFunding.__dataclass_fields__)
# A row a cell; what nobody needed has no supported tenant.
TO_RESERVE = "to_reserve"
COLUMNS = (
    Column("period", Kind.MONTH),
    Column("step", Kind.TEXT),
    Column("funder_kind", Kind.TEXT),
    Column("funder_site", Kind.TEXT),
    Column("funder", Kind.TEXT),
    Column("site", Kind.TEXT),
    Column("tenant", Kind.TEXT),
    Column("amount", Kind.AMOUNT),
)


def funding_of_run(connection: Connection, period: date) -> Funding:
    """The matrix of a complete run, whenever it was run: a function of what it stored and posted. Raises Unknown."""
    found = json.loads(stored(connection, period))
    attempts = connection.scalar(select(billing_run.c.attempt).where(billing_run.c.period == period))
    posted = standing_waterfall(connection, period, int(attempts or 0))
    uses = tuple(
        GrantUse(p.auxiliary, p.site, p.amount)
        for p in (() if posted is None else posted.postings)
        if p.account == GRANTS and p.auxiliary is not None and p.site is not None
    )
    sites = {
        code: SiteFunding(*(_amount(site[name]) for name in _OF_SITE)) for code, site in sorted(found["sites"].items())
    }
    outcome = Waterfall(
        sites=sites,
        grant_uses=uses,
        grants_left={code: _amount(left) for code, left in found["grants_left"].items()},
        reserve_before=_amount(found["reserve_before"]),
        reserve_used=sum(site.reserve for site in sites.values()),
        surplus=_amount(found["surplus"]),
    )
    c = run_position.c
    rows = connection.execute(select(c.tenant, c.site, c.contribution, c.draw, c.advantage).where(c.period == period))
    return funding_of(((row.tenant, Position(*row[1:])) for row in rows), outcome)


def _amount(text: str) -> int:
    return parse_decimal(text, AMOUNT_DECIMALS)


def _rows(period: date, funding: Funding) -> Iterator[tuple[Cell, ...]]:
    for step, funder, supported, amount in funding.cells():
        yield (period, step, *funder, *supported, amount)
    for funder, amount in funding.to_reserve:
        yield (period, TO_RESERVE, *funder, None, None, amount)


def _parts(parties: Any) -> list[dict[str, Any]]:
    return [party._asdict() | {"amount": format_amount(amount)} for party, amount in parties]


def json_pieces(period: date, funding: Funding) -> Iterator[bytes]:
    """The matrix as pieces of JSON: pools with what each gave and received, what went to the reserve, every cell."""
    head = {
        "period": format_month(period),
        "pools": [
            {"step": pool.step, "gives": _parts(pool.gives), "receives": _parts(pool.receives)}
            for pool in funding.pools
        ],
        "to_reserve": _parts(funding.to_reserve),
    }
    yield json.dumps(head, ensure_ascii=False).encode()[:-1] + b', "cells": ['
    before = b"\n"
    for step, funder, supported, amount in funding.cells():
        cell = {
            "step": step,
            "funder": funder._asdict(),
            "supported": supported._asdict(),
            "amount": format_amount(amount),
        }
        yield before + json.dumps(cell, ensure_ascii=False).encode()
        before = b",\n"
    yield b"\n]}\n"


def pieces(connection: Connection, period: date, file_format: str) -> Iterator[bytes]:
    """The matrix of a complete run as pieces of a file. Raises Unknown."""
    require_format(file_format)
    funding = funding_of_run(connection, period)
    if file_format == "json":
        return json_pieces(period, funding)
    return table(file_format, "Qui finance qui", COLUMNS, _rows(period, funding))
