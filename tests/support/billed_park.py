"""A small park, billed for three months with everything that can happen to it, for the tests of the check.

A1 is subsidised and below cost, B1 a large firm whose rent carries others, C1 takes a second office in the
middle of a month, D1's lease is ended after June was billed (credit note, new line), E1 could not be billed
before its VAT rate was entered (second attempt of August). One grant is earmarked, one for the network, and
its amount is corrected between two runs.
"""

from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Engine

from billing.frame.settings import load_settings
from billing.register.network_import import import_folder
from billing.run.month import run_month
from tests.support.networks import GROUND, Row, write_network

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
FIRST, LAST = date(2026, 6, 1), date(2026, 8, 1)


def _leases(d1_ends_on: str | None) -> list[Row]:
    return [
        ("L1", "A1", "TNG", "TNG-1", "22.5", "2026-01-10", None),
        ("L2", "B1", "CAS", "CAS-1", "100", "2025-01-01", None),
        ("L3", "C1", "CAS", "CAS-2", "25", "2026-03-01", None),
        ("L4", "C1", "CAS", "CAS-3", "12", "2026-06-10", None),
        # July's contributions fill the reserve, which August draws on.
        ("L6", "B1", "CAS", "CAS-4", "300", "2026-07-01", "2026-07-31"),
        ("L5", "D1", "TNG", "TNG-2", "20", "2024-01-01", d1_ends_on),
    ]


def _usage(until: str) -> list[Row]:
    events: list[Row] = [
        ("U1", "A1", "TNG", "MEAL", "12", "2026-05-04"),
        ("U2", "A1", "TNG", "MEAL", "3", "2026-05-20"),
        ("U3", "B1", "CAS", "MEETING", "2.5", "2026-05-11"),
        ("U4", "A1", "TNG", "MEAL", "9", "2026-06-02"),
        ("U5", "B1", "CAS", "MEAL", "7", "2026-06-30"),
        ("U6", "E1", "CAS", "COURSE", "4", "2026-07-15"),
        ("U7", "B1", "CAS", "MEAL", "2", "2026-07-15"),
        # Waits for September's run, below events that don't.
        ("U8", "A1", "TNG", "MEAL", "1", "2026-08-03"),
        ("U9", "A1", "TNG", "MEAL", "1", "2026-07-31"),
    ]
    return [event for event in events if str(event[5]) <= until]  # type: ignore[index]


def bill_park(engine: Engine, folder: Path) -> None:
    """Enter the park and bill June, July and August 2026 into a migrated, empty database."""
    settings = load_settings({})
    tenants: list[Row] = [
        {"code": "A1", "incorporated_on": "2025-10-01"},
        {"code": "B1", "kind": "large", "incorporated_on": "2010-01-01"},
        {"code": "C1", "incorporated_on": "2025-06-01"},
        {"code": "D1", "kind": "sme", "incorporated_on": "2015-01-01"},
        {"code": "E1", "kind": "large", "incorporated_on": "2015-01-01"},
    ]
    services: list[Row] = [*GROUND["services"], ("COURSE", "Formation", "each", "arrears", "71243", None)]
    rates: list[Row] = [
        *GROUND["rates"],
        ("CAS", "COURSE", None, "2015-01-01", "500.00", "1/2", "400.00", "test"),
    ]

    def enter(until: str, d1_ends_on: str | None, network_grant: str, vat: list[Row]) -> None:
        write_network(
            folder,
            services=services,
            rates=rates,
            vat_rates=[*GROUND["vat_rates"], *vat],
            tenants=tenants,
            leases=_leases(d1_ends_on),
            usage=_usage(until),
            grants=[("GN", "État", None, network_grant, "2026-01-01"), ("GS", "Région", "TNG", "300", "2026-06-01")],
        )
        import_folder(engine, folder, now=NOW)

    def run(month: int, day: int = 1) -> None:
        issued_on = date(2026, month, day)
        run_month(settings, engine, date(2026, month, 1), issued_on=issued_on, clock=lambda: NOW, workers=1)

    enter("2026-05-31", None, "1500", [])
    run(6)
    enter("2026-06-30", "2026-06-15", "1500", [])
    run(7)
    enter("2026-08-31", "2026-06-15", "2000", [])
    run(8)
    enter("2026-08-31", "2026-06-15", "2000", [("COURSE", "2015-01-01", "0.20")])
    run(8, day=3)
