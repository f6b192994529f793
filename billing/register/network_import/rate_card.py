"""Reads a rates.csv that is not to be imported: prices that are only asked about."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from billing.frame.errors import Refused
from billing.register.network_import.checks import References, price_rates
from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import LAYOUTS
from billing.register.network_import.reading import NumberedRow, TableFile, read_rows
from billing.register.network_import.sheet import Sheet
from pricing.rates import Rate

_STEM = "rates"


def read_rate_card(connection: Connection, path: Path) -> list[tuple[str, str, str, Rate]]:
    """Return the versions of a file in the form of rates.csv, judged by the rules of an import; writes nothing.

    Raises Refused with every fault.
    """
    layout = LAYOUTS[_STEM]
    faults = Faults((layout.file,))
    try:
        return _versions(connection, layout.file, read_rows(TableFile(path, layout.file), layout, faults), faults)
    except Refused as refused:
        # It is not the network's rates.csv that is at fault.
        raise Refused([replace(fault, file=path.name) for fault in refused.faults]) from None


def rate_card_of(connection: Connection, records: Iterable[Mapping[str, str]]) -> list[tuple[str, str, str, Rate]]:
    """Return the versions of records given as texts by column, blank if left out; else as `read_rate_card`."""
    names = LAYOUTS[_STEM].names
    rows = ((number, [record.get(name, "") for name in names]) for number, record in enumerate(records, 1))
    return _versions(connection, _STEM, rows, Faults((_STEM,)))


def _versions(
    connection: Connection, file: str, rows: Iterable[NumberedRow], faults: Faults
) -> list[tuple[str, str, str, Rate]]:
    sheets = {stem: Sheet(layout, layout.file) for stem, layout in LAYOUTS.items() if stem != "usage"}
    sheet = sheets[_STEM] = Sheet(LAYOUTS[_STEM], file)
    sheet.read(rows, faults)
    price_rates(sheet, faults)
    References(connection, sheets).check(sheet, faults)
    if faults:
        raise Refused(faults.in_order())
    versions = []
    for site, service, kind, effective_from in sheet.by_key:
        values = sheet.by_key[site, service, kind, effective_from].values
        prices = Rate(
            effective_from, values["market"], values["subsidised_price"], values["full_cost"], bool(values["in_kind"])
        )
        versions.append((site, service, kind, prices))
    return versions
