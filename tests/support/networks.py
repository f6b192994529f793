"""Writes small network folders (contract, "Network folder") from rows of Python, for tests.

The ground network is that of the worked examples: Tanger and Casablanca, OFFICE, MEAL, MEETING, with
their rates and VAT, and no tenant, lease, usage or grant. A test states only what it is about:

    write_network(folder, tenants=[{"code": "T1", "incorporated_on": "2024-01-15"}],
                  leases=[("L1", "T1", "TNG", "TNG-1", "22.5", "2025-03-10", None)])
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any] | Sequence[Any]

COLUMNS: dict[str, tuple[str, ...]] = {
    "sites": ("code", "name", "city", "capacity", "opened_on"),
    "units": ("site", "code", "kind", "area_m2", "floor"),
    "services": ("code", "label", "unit", "billing", "revenue_account", "price_ceiling_incl_vat"),
    "vat_rates": ("service", "effective_from", "rate"),
    "rates": ("site", "service", "tenant_kind", "effective_from", "market", "subsidised", "full_cost", "source"),
    "tenants": (
        "code", "legal_name", "legal_form", "kind", "incorporated_on", "admitted_on", "ice", "tax_id",
        "trade_register", "address", "city", "email", "language",
    ),
    "leases": ("code", "tenant", "site", "unit", "area_m2", "starts_on", "ends_on"),
    "usage": ("event_id", "tenant", "site", "service", "quantity", "occurred_on"),
    "usage_voids": ("event_id", "reason"),
    "grants": ("code", "funder", "site", "amount", "granted_on"),
    "surveys": ("tenant", "year", "jobs", "export_share", "satisfaction", "active"),
    "applications": (
        "code", "tenant", "legal_name", "kind", "site", "area_m2", "received_on", "state", "decided_on",
        "incorporated_on",
    ),
}  # fmt: skip

# What a row given as a mapping holds where it says nothing.
DEFAULTS: dict[str, dict[str, Any]] = {
    "sites": {"name": "Technopark", "city": "Tanger", "capacity": 50, "opened_on": "2015-01-01"},
    "units": {"site": "TNG", "kind": "office", "area_m2": "22.5"},
    "services": {"label": "Service", "unit": "each", "billing": "arrears", "revenue_account": "71243"},
    "vat_rates": {"service": "OFFICE", "effective_from": "2015-01-01", "rate": "0.20"},
    "rates": {
        "site": "TNG", "service": "OFFICE", "effective_from": "2015-01-01", "market": "150.00",
        "subsidised": "50.00", "full_cost": "134.00", "source": "test",
    },
    "tenants": {
        "legal_name": "Atlas Logiciel", "legal_form": "SARL", "kind": "startup", "incorporated_on": "2024-01-15",
        "ice": "001561191000066", "tax_id": "12345678", "trade_register": "4321 Tanger", "address": "1 rue Ibn Sina",
        "city": "Tanger", "email": "compta@atlas.example", "language": "fr",
    },
    "leases": {"site": "TNG", "area_m2": "22.5", "starts_on": "2025-03-10"},
    "usage": {"site": "TNG", "service": "MEAL", "quantity": "1"},
    "usage_voids": {"reason": "saisi deux fois"},
    "grants": {"funder": "Région", "amount": "1000.00", "granted_on": "2026-01-01"},
    "surveys": {},
    "applications": {
        "legal_name": "Argan Robotique", "kind": "startup", "site": "TNG", "area_m2": "20",
        "received_on": "2026-06-01", "state": "received",
    },
}  # fmt: skip

GROUND: dict[str, tuple[Row, ...]] = {
    "sites": (("CAS", "Technopark Casablanca", "Casablanca", 200, "2001-10-01"),
              ("TNG", "Technopark Tanger", "Tanger", 80, "2015-09-01")),
    "services": (("OFFICE", "Mise à disposition de bureau équipé", "m2_month", "advance", "71243", None),
                 ("MEAL", "Repas", "each", "arrears", "71243", "20.00"),
                 ("MEETING", "Salle de réunion équipée", "hour", "arrears", "71271", None)),
    "vat_rates": (("OFFICE", "2015-01-01", "0.20"), ("MEAL", "2015-01-01", "0.10"),
                  ("MEETING", "2015-01-01", "0.20")),
    "rates": (("CAS", "OFFICE", None, "2015-01-01", "145.00", "1/3", "130.00", "test"),
              ("TNG", "OFFICE", None, "2015-01-01", "150.00", "50.00", "134.00", "test"),
              ("CAS", "MEAL", None, "2015-01-01", "36.00", "18.00", "33.00", "test"),
              ("TNG", "MEAL", None, "2015-01-01", "34.00", "17.50", "31.50", "test"),
              ("CAS", "MEETING", None, "2015-01-01", "200.00", "80.00", "150.00", "test"),
              ("TNG", "MEETING", None, "2015-01-01", "180.00", "1/3", "140.00", "test")),
    "tenants": (), "leases": (), "usage": (), "grants": (),
}  # fmt: skip


def cells(stem: str, row: Row) -> list[Any]:
    """The row's values in the order of the file's columns; a mapping is completed from DEFAULTS.

    A unit left out of a lease is one of its own, so that two leases don't collide by accident.
    """
    if isinstance(row, Mapping):
        unknown = set(row) - set(COLUMNS[stem])
        if unknown:
            raise ValueError(f"{stem}.csv has no column {sorted(unknown)}")
        defaults = DEFAULTS[stem]
        if stem == "leases":
            defaults = {**defaults, "unit": f"U-{row['code']}"}
        return [row[column] if column in row else defaults.get(column) for column in COLUMNS[stem]]
    return list(row)


def write_network(folder: Path, **overrides: str | bytes | Iterable[Row] | None) -> Path:
    """Write the ground network, with the files named in `overrides` in place of its own; gives the folder.

    An override is the file's rows (sequences in the order of COLUMNS, or mappings completed from
    DEFAULTS), or its whole content as text or bytes, or None to leave the file out.
    """
    unknown = set(overrides) - set(COLUMNS)
    if unknown:
        raise ValueError(f"no such file in a network folder: {sorted(unknown)}")
    folder.mkdir(parents=True, exist_ok=True)
    for stem, columns in COLUMNS.items():
        content = overrides.get(stem, GROUND.get(stem))
        path = folder / f"{stem}.csv"
        if content is None:
            path.unlink(missing_ok=True)
        elif isinstance(content, str):
            path.write_bytes(content.encode())
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(columns)
                writer.writerows(["" if cell is None else cell for cell in cells(stem, row)] for row in content)
    return folder
