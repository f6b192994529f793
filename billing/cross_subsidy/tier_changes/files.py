"""The list of tier changes as a file: JSON for programs, a table with a row an office for spreadsheets."""

from collections.abc import Iterator

from billing.cross_subsidy.tier_changes.listing import Ahead
from billing.cross_subsidy.tier_changes.shapes import TierChanges
from billing.frame.reports.formats import require_format
from billing.frame.shapes import indented
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import table

COLUMNS = (
    Column("month", Kind.MONTH),
    Column("switches_on", Kind.DAY),
    Column("tenant", Kind.TEXT),
    Column("name", Kind.TEXT),
    Column("site", Kind.TEXT),
    Column("lease", Kind.TEXT),
    Column("office", Kind.TEXT),
    Column("area_m2", Kind.QUANTITY),
    Column("before", Kind.AMOUNT),
    Column("after", Kind.AMOUNT),
    Column("difference", Kind.AMOUNT),
    Column("ends_on", Kind.DAY),
    Column("announced", Kind.TEXT),
)


def pieces(ahead: Ahead, file_format: str) -> Iterator[bytes]:
    """Return the list as the pieces of a file."""
    require_format(file_format)
    if file_format == "json":
        return iter((indented(TierChanges.of(ahead)),))
    return table(file_format, "Fins de remise", COLUMNS, _rows(ahead))


def _rows(ahead: Ahead) -> Iterator[tuple[Cell, ...]]:
    for x in ahead.offices:
        yield (
            x.month, x.switches_on, x.tenant, x.name, x.site, x.lease, x.office, x.area, x.before, x.after,
            x.difference, x.ends_on, " ".join(map(str, x.announced)) or None,
        )  # fmt: skip
