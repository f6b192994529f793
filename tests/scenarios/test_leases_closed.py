"""A lease ends: its deposit pays what was not paid, and a final statement closes the account."""

from datetime import date
from typing import cast

import pytest
from msgspec import to_builtins
from sqlalchemy import select
from sqlalchemy import text as sql

from billing.check import check
from billing.entries.deposits import Movement
from billing.frame.database import maintenance_transaction, reading, writing
from billing.frame.errors import Refused, Unknown
from billing.frame.settings import load_settings
from billing.receivables.deposits.deposits import Asking, ask_deposit, deposit_shape, move_deposit
from billing.receivables.deposits.final_statement import (
    close_tenancy,
    final_statement_pdf,
    final_statement_shape,
    find_final_statement,
)
from billing.receivables.deposits.setting_off import SetOff, set_off_deposit
from billing.receivables.receipts.receiving import receive
from invoices.messages.tables import message
from pricing.money import parse_decimal
from tests.oracle.service import NOW
from tests.support.networks import Row
from tests.support.pages import text_of
from tests.support.park import Park, text
from tests.support.till import order, receives, still_open

TENANT: Row = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Atlas Énergie"}
LEASE = {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"}
# Each month 2,900.00 and 580.00 VAT; the deposit is two months of rent, 5,800.00.
FIRST, SECOND = "FA-2026-000001", "FA-2026-000002"


@pytest.fixture
def ended(park: Park) -> Park:
    """June and July are billed and not paid, 5,800.00 is held, the lease ends on 31 July."""
    park.opens(tenants=[TENANT], leases=[LEASE])
    settings = load_settings({})
    with writing(park.engine) as connection:
        asking = Asking(date(2026, 6, 1), NOW, settings.operator, settings.terms)
        key = ask_deposit(connection, "L1", asking)
        movement = Movement("received", "transfer", date(2026, 6, 2), 580_000, "V1", None)
        move_deposit(connection, key, movement, recorded_at=NOW)
    park.bills("2026-06")
    park.bills("2026-07")
    park.enters(leases=[{**LEASE, "ends_on": "2026-07-31"}])
    return park


def sets_off(park: Park, amount: str | None = None, on: str = "2026-08-05", reason: str = "fin de bail") -> int:
    wanted = SetOff(None if amount is None else parse_decimal(amount, 2), date.fromisoformat(on), reason)
    with writing(park.engine) as connection:
        return set_off_deposit(connection, 1, wanted, recorded_at=NOW, terms=park.settings.terms)


def closes(park: Park, on: str = "2026-08-10") -> dict[str, object]:
    with writing(park.engine) as connection:
        head = close_tenancy(
            connection, "L1", date.fromisoformat(on), recorded_at=NOW, terms=park.settings.terms,
            operator=park.settings.operator,
        )  # fmt: skip
    return cast(dict[str, object], to_builtins(final_statement_shape(head)))


def held(park: Park) -> tuple[str, str]:
    with reading(park.engine) as connection:
        told = deposit_shape(connection, 1)
    return told.set_off, told.held


def test_a_deposit_pays_the_oldest_invoices_and_their_vat_falls_due(ended: Park) -> None:
    sets_off(ended)
    assert ended.booked("OD") == text("""
        2026-08-05 OD/RG-000001
          1487  T1                5800.00
          3421  T1               -3480.00
          3421  T1               -2320.00
          44551                    966.67
          4455                    -966.67
        """)
    assert still_open(ended) == {SECOND: "1160.00"}
    assert held(ended) == ("5800.00", "0.00")
    assert check(ended.engine) == []


def test_it_pays_in_parts_and_what_is_left_goes_back(ended: Park) -> None:
    receives(ended, order("3480.00"), order("2480.00", reference="V2", on="2026-07-20"))
    sets_off(ended, "600.00")
    sets_off(ended)
    assert held(ended) == ("1000.00", "4800.00")
    with writing(ended.engine) as connection:
        back = Movement("returned", "transfer", date(2026, 8, 6), 480_000, "V9", "fin de bail")
        move_deposit(connection, 1, back, recorded_at=NOW)
    assert held(ended) == ("1000.00", "0.00")
    assert still_open(ended) == {}
    assert check(ended.engine) == []


def test_it_waits_for_the_leases_end_and_for_something_unpaid(ended: Park) -> None:
    with pytest.raises(Refused, match=r"ends on 2026-07-31: a deposit is held until its lease has ended"):
        sets_off(ended, on="2026-07-31")
    with pytest.raises(Refused, match=r"5800\.00 is held and 6960\.00 open"):
        sets_off(ended, "5800.01")
    receives(ended, order("6960.00"))
    with pytest.raises(Refused, match=r"5800\.00 is held and 0\.00 open"):
        sets_off(ended)
    with pytest.raises(Refused, match="is set off where deposits are"), writing(ended.engine) as connection:
        receive(connection, [order("1.00", means="deposit")], recorded_at=NOW, terms=ended.settings.terms)
    assert held(ended) == ("0.00", "5800.00")


def test_the_final_statement_lets_the_deposit_pay_and_says_what_remains(ended: Park) -> None:
    with pytest.raises(Refused, match=r"run 2026-08 first: it bills the last usage"):
        closes(ended)
    ended.bills("2026-08")
    told = closes(ended)
    assert told == {
        "number": "AC-000001",
        "lease": "L1",
        "tenant": "T1",
        "closed_on": "2026-08-10",
        "documents": [
            {
                "number": SECOND, "kind": "invoice", "issued_on": "2026-07-01", "due_on": "2026-08-30",
                "open": "1160.00",
            }
        ],
        "credit": "0.00",
        "set_off": "5800.00",
        "deposit_left": "0.00",
        "balance": "1160.00",
        "deposit_received": "5800.00",
        "deposit_returned": "0.00",
        "settled": [
            {"number": FIRST, "amount": "3480.00", "on": "2026-08-10"},
            {"number": SECOND, "amount": "2320.00", "on": "2026-08-10"},
        ],
    }  # fmt: skip
    # Closed again, nothing changes: the paper was mailed once, as was the call for the deposit.
    assert closes(ended, on="2026-09-01") == told
    with reading(ended.engine) as connection:
        mails = connection.execute(select(message.c.kind, message.c.key).order_by(message.c.id)).all()
    assert [tuple(mail) for mail in mails] == [("deposit_call", "DG-000001"), ("final_statement", "AC-000001")]
    assert check(ended.engine) == []


def test_a_tenant_that_has_paid_is_owed_its_deposit_and_its_credit(ended: Park) -> None:
    receives(ended, order("7000.00", on="2026-07-20"))
    ended.bills("2026-08")
    told = closes(ended)
    assert (told["credit"], told["deposit_left"], told["balance"]) == ("40.00", "5800.00", "-5840.00")
    with reading(ended.engine) as connection:
        before = final_statement_pdf(find_final_statement(connection, "L1"))
    ended.enters(tenants=[{**dict(TENANT), "legal_name": "Autre nom"}])
    with reading(ended.engine) as connection:
        assert final_statement_pdf(find_final_statement(connection, "L1")) == before
    page = " ".join(text_of(before).split())
    for words in (
        "Arrêté de compte", "N° AC-000001", "Atlas Énergie", "Sommes à valoir −40,00",
        "Dépôt de garantie DG-000001, reçu −5 800,00", "À vous restituer 5 840,00 DH",
        "cinq mille huit cent quarante dirhams",
    ):  # fmt: skip
        assert words in page, words


def test_a_lease_without_end_or_unknown_is_not_closed(park: Park) -> None:
    park.opens(tenants=[TENANT], leases=[LEASE])
    with pytest.raises(Refused, match="has no end"):
        closes(park)
    with reading(park.engine) as connection, pytest.raises(Unknown, match="was not closed by a final statement"):
        find_final_statement(connection, "L1")


@pytest.mark.parametrize(
    ("table", "spoil", "named"),
    [
        ("deposit_set_off", "UPDATE deposit_set_off SET amount = 1", "RG-000001 is not what was set off of deposit"),
        ("deposit_set_off", "DELETE FROM deposit_set_off", "RG-000001 is of a deposit that does not say so"),
        ("final_statement", "UPDATE final_statement SET balance = 7", "AC-000001: its balance 0.07 is not the sum"),
        ("final_statement", "UPDATE final_statement SET tenant = 'T9'", "AC-000001 is addressed to T1"),
        ("final_statement", "UPDATE final_statement SET closed_on = '2026-07-01'", "AC-000001 is of 2026-07-01"),
    ],
)
def test_check_names_what_was_spoilt(ended: Park, table: str, spoil: str, named: str) -> None:
    ended.bills("2026-08")
    closes(ended)
    assert check(ended.engine) == []
    with maintenance_transaction(ended.engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sql(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        else:
            connection.execute(sql(f"DROP TRIGGER {table}_no_update"))
            connection.execute(sql(f"DROP TRIGGER {table}_no_delete"))
        connection.execute(sql(spoil))
    assert any(named in problem for problem in check(ended.engine)), check(ended.engine)
