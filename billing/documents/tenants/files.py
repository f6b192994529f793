"""Tenants at a glance as a table: a row each."""

from collections.abc import Iterable, Iterator
from datetime import date

from sqlalchemy import Connection

from billing.documents.tenants.queries import find_tenants, tenant_summaries
from billing.documents.tenants.shapes import TenantSummary
from billing.frame.listing import Asked
from billing.frame.shapes import encode
from billing.register.listings import LISTINGS
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import json_list, table
from pricing.money import AMOUNT_DECIMALS, parse_decimal

_SUMS = ("open", "overdue", "credit", "balance")
COLUMNS = (
    Column("code", Kind.TEXT),
    Column("legal_name", Kind.TEXT),
    Column("kind", Kind.TEXT),
    Column("sites", Kind.TEXT),
    Column("tier", Kind.TEXT),
    Column("window_first_day", Kind.DAY),
    Column("window_last_day", Kind.DAY),
    *(Column(name, Kind.AMOUNT) for name in _SUMS),
)


def all_summaries(
    connection: Connection, asked: Asked, site: str | None, kind: str | None, today: date
) -> list[TenantSummary]:
    """Return the tenants that are looked for, in the order asked for."""
    rows = connection.execute(LISTINGS["tenants"].ordered(connection, find_tenants(site, kind, today), asked)).all()
    return tenant_summaries(connection, rows, today)


def pieces(tenants: Iterable[TenantSummary], file_format: str) -> Iterator[bytes]:
    """Return tenants as pieces of a file."""
    if file_format == "json":
        return json_list(map(encode, tenants))
    return table(file_format, "Locataires", COLUMNS, map(_row, tenants))


def _row(t: TenantSummary) -> tuple[object, ...]:
    window = (None, None) if t.window is None else (t.window.first_day, t.window.last_day)
    sums = (parse_decimal(getattr(t, name), AMOUNT_DECIMALS) for name in _SUMS)
    return (t.code, t.legal_name, t.kind, " ".join(t.sites), t.tier, *window, *sums)
