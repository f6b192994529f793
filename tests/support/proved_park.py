"""A park with a row in every table under proof, its log signed: credits by hand and by a run, a file, a closing."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Engine

from billing.books.periods.closing import close_period
from billing.documents.credit_notes.giving import CreditOrder, CreditTerms, Part, give_credit_note
from billing.documents.delivery.pdf_files import ensure_pdf
from billing.frame.database import writing
from billing.frame.settings import Settings
from billing.proof.checkpoints import Checkpoint, make_checkpoint
from ledger.proof.notes import new_key_file
from tests.support.networks import Row
from tests.support.park import Park
from tests.support.queued import settings

NOW = datetime(2026, 9, 1, 8, 0, 0, 250_000, tzinfo=UTC)
DAY = date(2026, 6, 20)
LARGE: Row = {
    "code": "T1",
    "kind": "large",
    "incorporated_on": "2000-01-01",
    "legal_name": "Générale « Éts » \U0001f98a",
}


def _lease(ends_on: str | None) -> Row:
    return {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01", "ends_on": ends_on}


def signing_settings(engine: Engine, folder: Path) -> Settings:
    """The settings on a database, with a key of this folder's."""
    if not (folder / "proof.pem").exists():
        new_key_file(folder / "proof.pem")
    return replace(settings(engine, folder), proof_key_file=folder / "proof.pem", proof_origin="books.example.ma/1")


def prove_park(engine: Engine, folder: Path) -> Checkpoint:
    """Bill the park into a migrated, empty database, and sign its log."""
    mine = signing_settings(engine, folder)
    park = Park(engine, folder / "network")
    park.opens(tenants=[LARGE], leases=[_lease(None)])
    park.bills("2026-06")
    with writing(engine) as connection:
        terms = CreditTerms(DAY, NOW, mine.operator.party, {"712": "7129"})
        order = CreditOrder("FA-2026-000001", (Part(1, 50000),), "Climatisation en panne", "amina")
        give_credit_note(connection, order, terms)
    # What no run has billed is under proof as well.
    usage: Row = {
        "event_id": "U1", "tenant": "T1", "site": "CAS", "service": "MEAL", "quantity": "3", "occurred_on": "2026-08-03"
    }  # fmt: skip
    park.enters(leases=[_lease("2026-06-15")], usage=[usage])
    park.bills("2026-07")
    ensure_pdf(engine, mine.documents_url, 1, clock=lambda: NOW)
    with writing(engine) as connection:
        close_period(
            connection, date(2026, 6, 1), today=NOW.date(), recorded_at=NOW, open_months_max=2, terms=mine.terms
        )
    return make_checkpoint(mine, engine, lambda: NOW)
