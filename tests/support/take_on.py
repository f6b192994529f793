"""A park that is taken on, told as its files: what it brings, and the park it brings it to."""

import csv
from datetime import date
from pathlib import Path

from billing.frame.database import writing
from billing.take_on.files import find_files, new_faults, rows_of_files
from billing.take_on.taking import Taken, take_park_on
from tests.oracle.service import NOW
from tests.support.networks import Row
from tests.support.park import Park

TENANTS: list[Row] = [
    {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Noor Santé"},
    {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Atlas Code"},
    {"code": "T3", "kind": "startup", "incorporated_on": "2026-01-15", "legal_name": "Rif Data"},
]
# T1 pays 2,900.00 a month, T2 1,450.00; T3 is subsidised.
LEASES: list[Row] = [
    {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"},
    {"code": "L2", "tenant": "T2", "site": "CAS", "area_m2": "10", "starts_on": "2024-01-01"},
    {"code": "L3", "tenant": "T3", "site": "TNG", "area_m2": "100", "starts_on": "2026-02-01"},
]
GRANTS: list[Row] = [{"code": "G1", "amount": "5000.00"}]
HEADS = {
    "open_invoices": "number,vat_rate,tenant,site,issued_on,due_on,base,vat,paid",
    "credits": "tenant,amount,since",
    "deposits": "lease,amount,received_on",
    "balances": "account,site,amount",
    "grants": "code,used",
}
# Open: 2,480.00 of the first, VAT 413.33 of it not yet due; 2,320.00 of the second, VAT 370.00.
FILES = {
    "open_invoices": """
        2026/0117,0.20,T1,CAS,2026-07-01,2026-08-30,2900.00,580.00,1000.00
        F-26-8,0.20,T2,CAS,2026-08-01,2026-09-30,1600.00,320.00,
        F-26-8,0.10,T2,CAS,2026-08-01,2026-09-30,500.00,50.00,150.00
    """,
    "credits": "T3,250.00,2026-08-12",
    "deposits": "L1,5000.00,2024-01-05",
    "balances": """
        5141,,60000.00
        5161,CAS,300.00
        1111,,-59080.31
        9207,,-2000.00
    """,
    "grants": "G1,4900.00",
}
ON = "2026-09-01"
FIRST, SECOND = "2026/0117", "F-26-8"


def written(folder: Path, **files: str) -> Path:
    """Write the files of a take-on, rows without their heads; those of `FILES` unless given, none where blank."""
    folder.mkdir(exist_ok=True)
    for stem, rows in {**FILES, **files}.items():
        lines = [line.strip() for line in rows.strip().splitlines() if line.strip()]
        if lines:
            (folder / f"{stem}.csv").write_text("\n".join([HEADS[stem], *lines]) + "\n", encoding="utf-8")
    return folder


def records(**files: str) -> dict[str, list[dict[str, str]]]:
    """The same rows as the API takes them."""
    return {
        stem: list(csv.DictReader([HEADS[stem], *(line.strip() for line in rows.strip().splitlines())]))
        for stem, rows in {**FILES, **files}.items()
    }


def opens(park: Park) -> None:
    park.opens(tenants=TENANTS, leases=LEASES, grants=GRANTS)


def takes_on(park: Park, on: str = ON, **files: str) -> Taken:
    """Take the park on with these files."""
    faults = new_faults()
    rows = rows_of_files(find_files(written(park.folder.parent / "opening", **files)), faults)
    assert not faults
    with writing(park.engine) as connection:
        return take_park_on(connection, rows, date.fromisoformat(on), recorded_at=NOW, settings=park.settings)
