"""What is given in kind (R37): billed at 0.00, worth its full price, counted by R16; nothing is asked for it."""

import json
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from billing.check import check
from billing.documents.export import pieces
from billing.frame.database import reading
from billing.frame.errors import Refused
from billing.receivables.dunning.sending import due_reminders
from billing.run import waterfall_export
from invoices.mail import document_text
from invoices.reading import document_ids, load_documents
from invoices.rendering.pdf import render_pdf
from tests.support.networks import Row
from tests.support.pages import read_aloud
from tests.support.park import Park, open_park

TENANTS: list[Row] = [
    {"code": "T1", "incorporated_on": "2025-12-01"},
    {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01"},
]
LEASES: list[Row] = [{"code": "L1", "tenant": "T1", "starts_on": "2026-08-01", "ends_on": "2026-08-31"}]
USAGE: list[Row] = [
    {"event_id": "U1", "tenant": "T1", "service": "COACHING", "quantity": "3", "occurred_on": "2026-08-10"},
    {"event_id": "U2", "tenant": "T2", "service": "COACHING", "quantity": "2", "occurred_on": "2026-08-11"},
]
SHOWN = ("tier", "unit_price", "full_price", "amount", "full_amount", "cost_amount")
RATES = "site,service,tenant_kind,effective_from,market,subsidised,full_cost,source,in_kind\n"


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    """Coaching is worth 400.00 an hour, costs 250.00, and is free. T1 is in its window, T2 never was; neither rents."""
    park = open_park(engine, tmp_path)
    park.opens(tenants=TENANTS, leases=LEASES)
    park.enters(
        services=[{"code": "COACHING", "label": "Accompagnement", "unit": "hour"}],
        vat_rates=[{"service": "COACHING"}],
        rates=f"{RATES}TNG,COACHING,,2015-01-01,400.00,0.00,250.00,fiche,yes\n",
        usage=USAGE,
    )
    park.bills("2026-09")
    return park


def test_r37_it_is_billed_at_nothing_and_counts_by_what_it_is_worth_and_costs(park: Park) -> None:
    with reading(park.engine) as connection:
        documents = json.loads(b"".join(pieces(connection, date(2026, 9, 1), "json")))
        waterfall = json.loads(b"".join(waterfall_export.pieces(connection, date(2026, 9, 1), "json")))
    shown = {
        d["tenant"]: [d["net"], d["tax"], d["gross"]] + [line[name] for line in d["lines"] for name in SHOWN]
        for d in documents
    }
    assert shown == {
        "T1": ["0.00", "0.00", "0.00", "subsidised", "0.00", "400.00", "0.00", "1200.00", "750.00"],
        "T2": ["0.00", "0.00", "0.00", "market", "0.00", "400.00", "0.00", "800.00", "500.00"],
    }
    # Advantage in both tiers, a draw in the subsidised one alone; nobody contributes.
    assert waterfall["advantage"] == "2000.00"
    assert (waterfall["sites"]["TNG"]["draws"], waterfall["sites"]["TNG"]["contributions"]) == ("750.00", "0.00")
    assert check(park.engine) == []


def test_r37_an_invoice_of_nothing_says_so_and_is_never_reminded_of(park: Park) -> None:
    with reading(park.engine) as connection:
        (_, first), _ = load_documents(connection, document_ids(connection, date(2026, 9, 1)))
        due = due_reminders(connection, park.settings.terms, date(2027, 6, 1))
    assert due == []
    page = " ".join(read_aloud(render_pdf(first)).split())
    for text in (
        "Rien à régler.",
        "400,00",
        "zéro dirham",
        "Ce qui est porté à 0,00 sur cette facture vaut 1 200,00 DH HT.",
    ):
        assert text in page, text
    # It is no discount that ends.
    assert "Remise pépinière, datée et conditionnelle" not in page
    mail = str(document_text(first, "Parc")[0])
    assert "Rien à régler." in mail
    assert "au plus tard" not in mail


def test_r37_what_is_in_kind_has_no_price(park: Park) -> None:
    with pytest.raises(Refused) as refused:
        park.enters(rates=f"{RATES}TNG,COACHING,,2027-01-01,400.00,10.00,250.00,fiche,yes\n")
    assert [(f.column, f.problem) for f in refused.value.faults] == [
        ("subsidised", "is a price, though in_kind says it is free")
    ]
