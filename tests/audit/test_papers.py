"""What an auditor asks for first, as tables: each says what was told of the park, and agrees with the books."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from billing.entries.deposits import Movement
from billing.frame.database import reading, writing
from billing.receivables.deposits.deposits import Asking, ask_deposit, move_deposit
from billing.receivables.receipts.certificates import record_certificate
from tests.oracle.service import NOW
from tests.support.credit_notes import credits_by_hand
from tests.support.debts import decides
from tests.support.papers import papers_of, require_papers_agree, total
from tests.support.park import Park, open_park
from tests.support.receipts_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.till import bounces, centimes, order, receives
from tests.support.usage import voids


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    """June billed; money in, some withheld, some nobody's; a deposit, a doubtful debt, a rebate, a void, a new name."""
    park = open_park(engine, tmp_path)
    park.opens(tenants=TENANTS, leases=LEASES, usage=[("U1", "T1", "CAS", "MEAL", "3", "2026-05-03")])
    park.bills("2026-06")
    voids(park, "U1")
    credits_by_hand(park, SECOND, (1, 50000))
    receives(
        park,
        order("1000.00", pays={FIRST: "1145.00"}, rent_withholding="145.00", reason="attestation"),
        order("100.00", tenant="T2", reference="V2", pays={SECOND: "150.00"}, rent_withholding="50.00",
              reason="attestation"),
        order("77.00", tenant=None, reference="V3", on="2026-06-25"),
        order("300.00", means="cheque", reference="C1", pays={FIRST: "300.00"}),
    )  # fmt: skip
    bounces(park, 4, "2026-07-01")
    with writing(park.engine) as connection:
        record_certificate(connection, 1, "rent_withholding", "A-7", date(2026, 7, 2), recorded_at=NOW)
        settings = park.settings
        key = ask_deposit(connection, "L1", Asking(date(2026, 6, 1), NOW, settings.operator, settings.terms))
        for kind, amount, day in (("received", "900.00", 2), ("returned", "250.00", 9)):
            moved = Movement(kind, "transfer", date(2026, 7, day), centimes(amount), f"D-{kind}", "fin du bail")
            move_deposit(connection, key, moved, recorded_at=NOW)
    decides(park, "doubtful", "500.00", "2026-07-15")
    renamed = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Rif Conseil"}
    park.enters(tenants=[renamed, TENANTS[1]])
    return park


def cells(rows: list[dict[str, str]], *columns: str) -> list[tuple[str, ...]]:
    return [tuple(row[column] for column in columns) for row in rows]


def test_what_is_open_held_withheld_and_decided_is_what_was_told_and_what_the_accounts_hold(park: Park) -> None:
    with reading(park.engine) as connection:
        require_papers_agree(connection)
        told = papers_of(connection, 2026)
    receipts = cells(told["clients/encaissements"], "Règlement", "État", "Reçu", "RAS loyer", "Affecté")
    assert receipts == [
        ("RG-000001", "reçu", "1000.00", "145.00", "1145.00"), ("RG-000002", "reçu", "100.00", "50.00", "150.00"),
        ("RG-000004", "impayé", "300.00", "0.00", "0.00"), ("RG-000003", "reçu", "77.00", "0.00", "0.00"),
    ]  # fmt: skip
    allocated = cells(told["clients/affectations"], "Règlement", "Facture", "Montant", "Annulée le")
    assert ("RG-000001", FIRST, "1145.00", "") in allocated
    assert ("RG-000004", FIRST, "300.00", "2026-07-01") in allocated
    withheld = cells(told["clients/retenues-a-la-source"], "Règlement", "Montant", "Attestation", "État")
    assert withheld == [("RG-000001", "145.00", "A-7", "reçue"), ("RG-000002", "50.00", "", "manquante")]
    deposits = cells(told["clients/depots-de-garantie"], "Bail", "Nature", "Date", "Détenu")
    assert deposits == [
        ("L1", "reçu", "2026-07-02", "900.00"), ("L1", "restitué", "2026-07-09", "-250.00"),
    ]  # fmt: skip
    decided = cells(told["clients/decisions-sur-creances"], "Nature", "Facture", "Montant", "Demandée par", "Motif")
    assert decided == [("Créance douteuse", FIRST, "500.00", "amina", "redressement judiciaire")]
    assert cells(told["clients/encaissements-a-identifier"], "Règlement", "À identifier") == [("RG-000003", "77.00")]


def test_documents_are_told_line_by_line_with_what_took_them_back(park: Park) -> None:
    with reading(park.engine) as connection:
        told = papers_of(connection, 2026)
    lines = told["documents/lignes"]
    signed = {"facture": 1, "avoir": -1}
    net = sum(signed[row["Nature"]] * centimes(row["HT"]) for row in lines)
    assert net == centimes("2900.00") + centimes("108.00") + centimes("1450.00") - centimes("500.00")
    assert {row["Palier"] for row in lines} == {"marché"}
    [rebate] = told["documents/avoirs-manuels"]
    assert [rebate[name] for name in ("Facture", "Ligne de la facture", "Portée", "HT", "Établi par")] == [
        SECOND, "1", "partie", "500.00", "amina",
    ]  # fmt: skip
    voided = cells(told["documents/consommations-annulees"], "Consommation", "Motif", "Facture", "Ligne", "Avoir")
    assert voided == [("U1", "saisi deux fois", FIRST, "2", "")]


def test_the_register_is_told_version_by_version_with_the_act_that_wrote_each(park: Park) -> None:
    with reading(park.engine) as connection:
        told = papers_of(connection, 2026)
    renamed = [row for row in told["referentiel/locataires"] if row["Clé"] == "T1"]
    assert cells(renamed, "Changement", "legal_name", "kind") == [
        ("entrée", renamed[0]["legal_name"], "large"), ("modification", "Rif Conseil", "large"),
    ]  # fmt: skip
    assert renamed[0]["legal_name"] != "Rif Conseil"
    # Each version names an act that is told as well.
    acts = {row["Acte"]: row for row in told["actes/actes"]}
    for name in ("locataires", "baux", "tarifs", "taux-de-tva", "sites", "services"):
        assert told[f"referentiel/{name}"]
        assert {row["Acte"] for row in told[f"referentiel/{name}"]} <= set(acts)
    assert "1 locataires : T1" in acts[renamed[1]["Acte"]]["Objets"]
    assert all(row["Compte d'accès"] and row["Opération"] for row in acts.values())
    documents = [(row["Premier document"], row["Dernier document"]) for row in acts.values() if row["Premier document"]]
    assert (FIRST, SECOND) in documents


def test_the_papers_have_the_same_columns_in_a_year_without_anything(park: Park) -> None:
    with reading(park.engine) as connection:
        full, empty = papers_of(connection, 2026), papers_of(connection, 2031)
    assert full.keys() == empty.keys()
    assert empty["documents/lignes"] == empty["clients/encaissements"] == []
    assert total(full["clients/lettrage"], "Débit") == total(full["clients/lettrage"], "Crédit")
