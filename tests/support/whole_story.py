"""A park to which everything happened once that makes an entry: taken on, billed, paid, credited, lost, closed."""

from dataclasses import replace
from datetime import UTC, date, datetime

from billing.books.manual_entries.files import rows_of_records
from billing.books.manual_entries.posting import post_entries, reverse_entry
from billing.books.periods.closing import close_accounts_of
from billing.entries.deposits import Movement
from billing.frame.audit_log import CLI, Act, on_behalf
from billing.frame.database import writing
from billing.frame.terms import Term, Terms
from billing.receivables.deposits.deposits import Asking, ask_deposit, move_deposit
from billing.receivables.deposits.setting_off import SetOff, set_off_deposit
from tests.oracle.service import NOW
from tests.support.bank import decides as decides_line
from tests.support.bank import says, statement, takes, undoes_line
from tests.support.credit_notes import credits_by_hand
from tests.support.debts import decides
from tests.support.networks import Row
from tests.support.park import Park
from tests.support.reminding import holds, reminds
from tests.support.take_on import takes_on
from tests.support.till import (
    allocates,
    applies,
    bounces,
    cancels,
    cancels_refund,
    clears,
    closes,
    order,
    places,
    receives,
    refunds,
    taxing_advances,
    undoes,
    withdraws,
)

TENANTS: list[Row] = [
    {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Noor Santé"},
    {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Atlas Code"},
    {"code": "T3", "kind": "startup", "incorporated_on": "2026-01-15", "legal_name": "Rif Data"},
]
# T1 and T2 pay 3,480.00 and 1,740.00 a month; T3 is subsidised.
OFFICE = {"code": "L2", "tenant": "T2", "site": "CAS", "area_m2": "10", "starts_on": "2024-01-01"}
LEASES: list[Row] = [
    {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"},
    OFFICE,
    {"code": "L3", "tenant": "T3", "site": "TNG", "area_m2": "100", "starts_on": "2026-02-01"},
]
USAGE: list[Row] = [
    {"event_id": "U1", "tenant": "T1", "site": "CAS", "service": "MEAL", "quantity": "7", "occurred_on": "2026-05-12"},
    {"event_id": "U2", "tenant": "T1", "site": "CAS", "service": "MEAL", "quantity": "5", "occurred_on": "2026-05-13"},
]
LATER = datetime(2027, 2, 1, 9, tzinfo=UTC)


def tells(park: Park) -> None:
    """Tell the story; every act has a person, and most a reason."""
    act = Act("amina", CLI, "story", "r1", "vérifié", "amina")
    park.engine = on_behalf(park.engine, act, lambda: NOW)
    park.opens(tenants=TENANTS, leases=LEASES, usage=USAGE, grants=[{"code": "G1", "amount": "5000.00"}])
    takes_on(
        park,
        "2026-06-01",
        open_invoices="""
            2026/0117,0.20,T1,CAS,2026-04-01,2026-05-30,2900.00,580.00,1000.00
            F-26-8,0.20,T2,CAS,2026-05-01,2026-06-30,1600.00,320.00,
        """,
        credits="T3,250.00,2026-05-12",
        balances="""
            5141,,60000.00
            5161,CAS,300.00
            1111,,-58716.67
            9207,,-2000.00
        """,
        grants="G1,400.00",
    )
    park.bills("2026-06")
    # A grant is corrected, a lease shortened after it was billed.
    park.enters(grants=[{"code": "G1", "amount": "6000.00"}])
    _receives(park)
    park.enters(leases=[{**OFFICE, "area_m2": "9"}])
    park.bills("2026-07")
    credits_by_hand(park, "FA-2026-000001", (1, 50000), on="2026-07-02")
    refunds(park, "10.00", note="AV-2026-000002", reference="R3", on="2026-07-10")
    applies(park)
    _decides_debts(park)
    _reads_a_statement(park)
    _moves_deposits(park)
    _posts_by_hand(park)
    _ends_the_year(park)


def _receives(park: Park) -> None:
    # The first allocation is of the credit that was brought, as is the first receipt.
    (paid,) = receives(park, order("3000.00", pays={"FA-2026-000001": "3000.00"}))
    undoes(park, 2)
    allocates(park, paid, {"FA-2026-000001": "1000.00"}, on="2026-06-25")
    (unknown,) = receives(park, order("500.00", reference="V2", tenant=None, pays="none"))
    places(park, unknown, "T2", "300.00")
    withdraws(park, unknown, "T2", "100.00")
    refunds(park, "50.00", receipt=unknown, reference="R1")
    refunds(park, "20.00", receipt=unknown, tenant="T2", reference="R2")
    cancels_refund(park, 2)
    cleared, bounced, unpaid = receives(
        park,
        order("600.00", reference="C1", pays="none", means="cheque", tenant="T2"),
        order("700.00", reference="C2", pays={"FA-2026-000002": "700.00"}, means="cheque", tenant="T2"),
        order("800.00", reference="C3", pays={"FA-2026-000002": "800.00"}, means="cheque", tenant="T2"),
    )
    clears(park, cleared)
    allocates(park, cleared, {"F-26-8": "100.00"}, on="2026-06-22")
    clears(park, bounced)
    bounces(park, bounced)
    bounces(park, unpaid)
    receives(park, order("100.00", means="cash", reference="E1", tenant="T2", pays="none", site="CAS"))
    (wrong,) = receives(park, order("90.00", reference="V3", pays="none"))
    cancels(park, wrong)


def _decides_debts(park: Park) -> None:
    for kind, amount in (
        ("doubtful", "500.00"),
        ("provisioned", "200.00"),
        ("released", "50.00"),
        ("written_off", "300.00"),
        ("recovered", "20.00"),
    ):
        decides(park, kind, amount, on="2026-10-31", invoice="FA-2026-000001")
    decides(park, "reinstated", "100.00", on="2026-11-02", invoice="FA-2026-000001")


def _reads_a_statement(park: Park) -> None:
    lines = [says("-12.00", text="FRAIS"), says("-13.00", text="FRAIS DIVERS"), says("400.00", text="VIREMENT INCONNU")]
    takes(park, statement(lines, opening="0.00", closing="375.00"))
    decides_line(park, (1, 1), "booked", account="6147")
    decides_line(park, (1, 2), "booked", account="6147")
    undoes_line(park, (1, 2))
    decides_line(park, (1, 3), "received", tenant="T1", automatic=True)


def _moves_deposits(park: Park) -> None:
    settings = park.settings
    with writing(park.engine) as connection:
        key = ask_deposit(connection, "L2", Asking(date(2026, 6, 1), NOW, settings.operator, settings.terms))
        for kind, on, amount in (("received", 5, 250_000), ("returned", 20, 10_000)):
            reason = "trop versé" if kind == "returned" else None
            movement = Movement(kind, "transfer", date(2026, 6, on), amount, f"D{on}", reason)
            move_deposit(connection, key, movement, recorded_at=NOW)
    park.enters(leases=[{**OFFICE, "area_m2": "9", "ends_on": "2026-07-31"}])
    with writing(park.engine) as connection:
        wanted = SetOff(50_000, date(2026, 8, 5), "fin du bail")
        set_off_deposit(connection, key, wanted, recorded_at=NOW, terms=settings.terms)


def _posts_by_hand(park: Park) -> None:
    row = {"date": "2026-08-31", "label": "Loyer du siège", "voucher": "FR-117"}
    rows = rows_of_records(
        [row | {"account": "6131", "debit": "100.00"}, row | {"account": "4411", "credit": "100.00"}]
    )
    with writing(park.engine) as connection:
        post_entries(connection, rows, "pièces du mois", file="entries", voucher_sha256=None, recorded_at=NOW)
        reverse_entry(connection, 1, "déjà payé", None, recorded_at=NOW)


def _ends_the_year(park: Park) -> None:
    """From September on VAT falls due as documents are issued; June is closed, and credit it ends with bears VAT."""
    shipped = park.settings.terms.versions
    terms = Terms({**shipped, "vat.regime": (*shipped["vat.regime"], Term(date(2026, 9, 1), "debits", "test"))})
    park.settings = replace(park.settings, terms=taxing_advances(terms, date(2026, 6, 1)))
    park.bills("2026-08")
    holds(park, "dispute", invoice="FA-2026-000004", since="2026-08-20")
    reminds(park, "2026-08-31")
    park.bills("2026-09")
    receives(park, order("60.00", reference="V9", tenant="T3", pays="none"))
    closes(park, "2026-06")
    with writing(park.engine) as connection:
        close_accounts_of(connection, 2026, today=LATER.date(), recorded_at=LATER, terms=park.settings.terms)
