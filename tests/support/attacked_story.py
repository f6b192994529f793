"""A park in which everything happened once: a row in every table that a service fills, its log signed."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from billing.approvals.deciding import approve
from billing.approvals.orderable import Orderable, orderables
from billing.approvals.ordering import Waiting
from billing.approvals.ordering import place as place_order
from billing.audit.webhooks.delivering import deliver_webhooks
from billing.audit.webhooks.endpoints import add_endpoint
from billing.bank.withdrawing import withdraw_statement
from billing.books.cut_off.booking import book_cut_off
from billing.books.manual_entries.approving import MANUAL_ENTRIES, ManualOrder
from billing.books.manual_entries.files import rows_of_records
from billing.books.manual_entries.posting import post_entries
from billing.books.manual_entries.templates import template_file
from billing.books.manual_entries.vouchers import keep_voucher
from billing.cross_subsidy.tier_changes.announcing import announce
from billing.documents.credit_notes.giving import CreditOrder, CreditTerms, Part, give_credit_note
from billing.documents.credit_notes.kinds import CreditKind
from billing.documents.delivery.delivering import deliver
from billing.documents.delivery.pdf_files import ensure_pdf
from billing.documents.delivery.resending import resend
from billing.entries.debts import DOUBTFUL, RECOVERED, WRITTEN_OFF
from billing.entries.deposits import Movement
from billing.frame.audit_log import CLI, Act, on_behalf
from billing.frame.database import writing
from billing.frame.executors import open_executor
from billing.frame.settings import Settings
from billing.privacy.erasing import erase
from billing.proof.checkpoints import make_checkpoint
from billing.proof.timestamps import stamp
from billing.receivables.debts.cancelling import cancel_recovery
from billing.receivables.debts.deciding import Order, decide
from billing.receivables.deposits.cancelling import cancel_movement
from billing.receivables.deposits.deposits import Asking, ask_deposit, move_deposit
from billing.receivables.deposits.final_statement import close_tenancy
from billing.receivables.dunning.clauses import Clause, set_clause
from billing.receivables.receipts.approving import REFUND
from billing.receivables.receipts.certificates import record_certificate, withdraw_certificate
from billing.receivables.receipts.refunding import RefundOrder
from billing.receivables.tables.debts import debt_act
from billing.run.usage_voids.voiding import VoidOrder, void_events
from billing.subjects import SUBJECTS
from billing.users.administering import change_user
from invoices.structured_reference import rf_of
from tests.oracle.service import NOW
from tests.support import people, reminding, till
from tests.support.bank import decides as decides_line
from tests.support.bank import says, statement, takes
from tests.support.networks import Row
from tests.support.park import Park
from tests.support.proved_park import signing_settings
from tests.support.take_on import takes_on
from tests.support.time_authority import listening
from tests.support.webhook_sink import webhook_sink
from tests.support.witnesses import asked, cosigned, taken_in, with_witness

TENANTS: list[Row] = [
    {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"},
    {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01"},
    {"code": "T3", "kind": "startup", "incorporated_on": "2025-06-15"},
    {"code": "T4", "kind": "large", "incorporated_on": "2000-01-01"},
    # It left so long ago that what is known of it may be erased.
    {"code": "T5", "kind": "large", "incorporated_on": "2000-01-01", "city": "Rabat", "email": "t5@firm.example"},
]
UNITS: list[Row] = [{"site": "CAS", "code": "U-L1", "area_m2": "20"}, {"site": "CAS", "code": "U-L2", "area_m2": "10"}]
SURVEYS: list[Row] = [{"tenant": "T1", "year": "2025", "jobs": "7", "export_share": "0.25", "satisfaction": "82"}]
APPLICATIONS: list[Row] = [
    {"code": "C1", "state": "waiting", "decided_on": "2026-06-02"},
    {"code": "C2", "tenant": "T1", "incorporated_on": "2026-01-02"},
]
GRANTS: list[Row] = [{"code": "G1", "amount": "5000.00"}]


def _leases(last_ends_on: str | None) -> list[Row]:
    return [
        {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"},
        {"code": "L2", "tenant": "T2", "site": "CAS", "area_m2": "10", "starts_on": "2024-01-01"},
        {"code": "L3", "tenant": "T3", "site": "TNG", "area_m2": "50", "starts_on": "2025-07-01"},
        {
            "code": "L4", "tenant": "T4", "site": "CAS", "area_m2": "12", "starts_on": "2024-01-01",
            "ends_on": last_ends_on,
        },
        {
            "code": "L5", "tenant": "T5", "site": "CAS", "area_m2": "5", "starts_on": "2010-01-01",
            "ends_on": "2012-12-31",
        },
    ]  # fmt: skip


def _usage(*events: tuple[str, str, str, str]) -> list[Row]:
    return [
        {"event_id": key, "tenant": tenant, "site": "CAS", "quantity": quantity, "occurred_on": on}
        for key, tenant, quantity, on in events
    ]


MAY = (("U1", "T1", "7", "2026-05-05"), ("U2", "T1", "3", "2026-05-06"))
JULY = (("U3", "T2", "2", "2026-07-09"), ("U4", "T1", "4", "2026-08-03"))


def tell_the_whole_story(engine: Engine, folder: Path) -> Settings:
    """Let it all happen in a migrated, empty database."""
    park = Park(engine, folder / "network")
    settings = signing_settings(engine, folder)
    park.opens(
        units=UNITS, tenants=TENANTS, leases=_leases(None), grants=GRANTS, surveys=SURVEYS, usage=_usage(*MAY),
        applications=APPLICATIONS,
    )  # fmt: skip
    for name, role in {"amina": "finance", "karim": "approver", "salma": "admin"}.items():
        people.add(engine, name, role)
    people.token(engine, "compteurs", "usage", "amina", ["CAS"])
    takes_on(
        park,
        "2026-06-01",
        open_invoices="2025/17,0.20,T2,CAS,2026-03-01,2026-04-30,1000.00,200.00,300.00",
        credits="T1,250.00,2026-05-01",
        deposits="L1,5000.00,2024-01-05",
        balances="5141,,60000.00\n5161,CAS,300.00\n1111,,-55800.00",
        grants="G1,4900.00",
    )
    _bills(park)
    _deposits(park)
    _receipts(park)
    _bank(park)
    _reminders(park)
    _debts(park)
    _second_person(park)
    _manual_entries(park)
    _year_end(park)
    _erasures(park)
    # From June on credit that a month ends with bears VAT.
    park.settings = replace(park.settings, terms=till.taxing_advances(park.settings.terms, date(2026, 6, 1)))
    till.closes(park, "2026-06")
    with writing(engine) as connection:
        announce(connection, park.settings.terms, settings.operator, date(2026, 11, 20), recorded_at=NOW)
    ensure_pdf(engine, settings.documents_url, 2, clock=lambda: NOW)
    deliver(settings, engine, clock=lambda: NOW, open_pool=partial(open_executor, settings, 1))
    with writing(engine) as connection:
        resend(connection, "FA-2026-000001", "archives@firm.example", operator="Parc", now=NOW)
    _webhooks(engine, settings)
    make_checkpoint(settings, engine, lambda: NOW)
    settings = with_witness(settings, folder)
    taken_in(engine, settings, cosigned(engine, folder, asked(engine, settings), NOW), NOW)
    checkpoint = make_checkpoint(settings, engine, lambda: NOW)
    with listening(folder / "tsa") as (authority, address):
        stamp(replace(settings, tsa_url=address, tsa_ca_file=authority.ca_file), engine, checkpoint)
    return settings


def _webhooks(engine: Engine, settings: Settings) -> None:
    settings = replace(settings, webhook_networks=(ip_network("127.0.0.0/8"),))
    with webhook_sink() as sink:
        for types in ((), ("webhook_endpoint.created",)):
            with writing(engine) as connection:
                add_endpoint(connection, sink.url, types, networks=settings.webhook_networks, now=NOW)
        assert deliver_webhooks(settings, engine, clock=lambda: NOW).sent


def _bills(park: Park) -> None:
    park.bills("2026-06")
    with writing(park.engine) as connection:
        terms = CreditTerms(date(2026, 6, 20), NOW, park.settings.operator.party, {"712": "7129"})
        # The next run takes this back with the line, and counts the line that was cancelled whole.
        for order in (
            CreditOrder("FA-2026-000004", (Part(1, 50000),), "Climatisation en panne", "amina"),
            CreditOrder("FA-2026-000002", (), "Facture à refaire", "amina", CreditKind.CANCELLATION),
        ):
            give_credit_note(connection, order, terms)
    park.enters(leases=_leases("2026-06-20"))
    with writing(park.engine) as connection:
        void_events(connection, [VoidOrder("U1", "Saisi deux fois")], recorded_at=NOW)
    park.holds("2026-07", "T2")
    park.bills("2026-07")
    park.holds("2026-08", "T3")
    park.holds("2026-08", "T3", release=True)
    park.enters(usage=_usage(*JULY))
    park.bills("2026-08")


def _deposits(park: Park) -> None:
    settings = park.settings
    with writing(park.engine) as connection:
        key = ask_deposit(connection, "L4", Asking(date(2026, 6, 1), NOW, settings.operator, settings.terms))
        for movement_no, amount in enumerate((300000, 10000), 1):
            moved = Movement("received", "transfer", date(2026, 6, 3), amount, f"DEP{movement_no}", None)
            move_deposit(connection, key, moved, recorded_at=NOW)
        cancel_movement(connection, key, 2, reason="saisi par erreur", recorded_at=NOW)
    with writing(park.engine) as connection:
        close_tenancy(
            connection, "L4", date(2026, 8, 5), recorded_at=NOW, terms=settings.terms, operator=settings.operator
        )


def _receipts(park: Park) -> None:
    till.settles(park)
    (withheld,) = till.receives(
        park, till.order("3000.00", reference="V1", rent_withholding="100.00", reason="attestation de l'État")
    )
    with writing(park.engine) as connection:
        record_certificate(connection, withheld, "rent_withholding", "ATT-1", date(2026, 7, 1), recorded_at=NOW)
        withdraw_certificate(connection, withheld, "rent_withholding", reason="mauvaise attestation", recorded_at=NOW)
    first, second, third = till.receives(
        park,
        till.order("600.00", means="cheque", reference="C1", on="2026-06-21"),
        till.order("700.00", means="cheque", reference="C2", on="2026-06-21"),
        till.order("900.00", means="cash", reference="E1", on="2026-06-22", site="CAS", tenant="T2"),
    )
    till.clears(park, first)
    till.bounces(park, second)
    till.cancels(park, third)
    (mistaken,) = till.receives(park, till.order("800.00", reference="V2", tenant=None))
    till.places(park, mistaken, "T3", "500.00")
    till.withdraws(park, mistaken, "T3", "200.00")
    (loose,) = till.receives(park, till.order("1500.00", reference="V3", tenant="T2", pays=till.NONE))
    made = till.allocates(park, loose, None, "2026-06-23")
    till.undoes(park, made[0])
    refunded = till.refunds(park, "40.00", receipt=loose, tenant="T2")
    till.refunds(park, "30.00", receipt=loose, tenant="T2", reference="R2")
    till.cancels_refund(park, refunded)


def _bank(park: Park) -> None:
    first = statement(
        [
            says("77.00", text="DIVERS 1"),
            says("10.00", structured=rf_of("FA-2026-000004"), text="LOYER"),
            says("-15.00", text="FRAIS DE TENUE DE COMPTE"),
        ],
        opening="0.00",
        closing="72.00",
    )
    takes(park, first)
    decides_line(park, (1, 1), "received", tenant="T1")
    takes(park, statement([says("1.00", "2026-06-21")], opening="72.00", closing="73.00", on="2026-06-21"))
    with writing(park.engine) as connection:
        withdraw_statement(connection, 2, reason="mauvais fichier", recorded_at=NOW)


def _reminders(park: Park) -> None:
    key = reminding.holds(park, "dispute", tenant="T1", since="2026-08-01")
    reminding.holds(park, "promise", tenant="T3", since="2026-08-01", until="2026-08-20")
    reminding.ends(park, key, "2026-08-05")
    act = Act("amina", CLI, "dunning interest", "r3", reason="article 9 du bail")
    with writing(on_behalf(park.engine, act, lambda: NOW)) as connection:
        set_clause(connection, Clause("T2", None, date(2026, 7, 1), 1000), recorded_at=NOW)
    for on in ("2026-08-06", "2026-09-20", "2026-10-20"):
        reminding.reminds(park, on)


def _debts(park: Park) -> None:
    def decides(kind: str, amount: int, on: date, reference: str | None = None) -> None:
        order = Order("2025/17", kind, on, amount, "redressement judiciaire", "amina", reference=reference)
        with writing(park.engine) as connection:
            decide(connection, order, recorded_at=NOW)

    decides(DOUBTFUL, 1000, date(2026, 9, 30))
    decides(WRITTEN_OFF, 2000, date(2026, 10, 1))
    decides(RECOVERED, 600, date(2026, 10, 20), "V77")
    with writing(park.engine) as connection:
        recovered = connection.scalar(select(debt_act.c.id).where(debt_act.c.kind == RECOVERED))
        cancel_recovery(connection, int(recovered or 0), reason="saisi par erreur", recorded_at=NOW)


def _approved(park: Park, kind: Orderable, order: Any) -> None:
    """Have an order given by one person and approved by another."""

    def acting(user: str) -> Engine:
        return on_behalf(park.engine, Act(user, CLI, "story", "r4", "vérifié", user), lambda: NOW)

    with writing(acting("amina")) as connection:
        placed = place_order(connection, kind, order, clock=lambda: NOW, settings=park.settings)
    assert isinstance(placed, Waiting)
    with writing(acting("karim")) as connection:
        approve(connection, orderables(SUBJECTS), placed.number, now=NOW, settings=park.settings)


def _second_person(park: Park) -> None:
    (credit,) = till.receives(park, till.order("9000.00", reference="V9", tenant="T3", pays=till.NONE))
    refund = RefundOrder("transfer", "R9", date(2026, 11, 20), 800000, "trop-perçu", credit, "T3", None)
    _approved(park, REFUND, refund)


def _manual_entries(park: Park) -> None:
    """A rent with its voucher file, approved and taken back; the VAT declared by its template."""
    with writing(park.engine) as connection:
        voucher = keep_voucher(connection, "FR-117.pdf", b"%PDF-1.7 facture", recorded_at=NOW)
    row = {"date": "2026-09-30", "label": "Loyer du siège", "voucher": "FR-117"}
    rent = [row | {"account": "6131", "site": "CAS", "debit": "100.00"}, row | {"account": "4411", "credit": "100.00"}]
    _approved(
        park, MANUAL_ENTRIES, ManualOrder("pièces du mois", "entries", rows_of_records(rent), voucher_sha256=voucher)
    )
    _approved(park, MANUAL_ENTRIES, ManualOrder("déjà payé", reverses=1))
    with writing(park.engine) as connection:
        template = b"".join(template_file(connection, "vat-settlement", date(2026, 10, 31), "csv")).decode()
        declared = list(csv.DictReader(io.StringIO(template, newline="")))[:2]
        rows = rows_of_records([row | {"voucher": "TVA-2026-10"} for row in declared])
        post_entries(connection, rows, "déclaration", file="entries", voucher_sha256=None, recorded_at=NOW)


def _year_end(park: Park) -> None:
    park.bills("2026-12")
    # What December was billed too much belongs to its year.
    park.enters(leases=[{**dict(_leases(None)[1]), "ends_on": "2026-12-15"}])
    ended = datetime(2027, 1, 5, 9, tzinfo=UTC)
    with writing(park.engine) as connection:
        book_cut_off(connection, 2026, today=ended.date(), recorded_at=ended)


def _erasures(park: Park) -> None:
    people.add(park.engine, "samir", "finance")
    with writing(park.engine) as connection:
        change_user(connection, "samir", {"enabled": False}, now=datetime(2022, 1, 3, 9, tzinfo=UTC))
        erase(connection, park.settings.terms, now=NOW)
