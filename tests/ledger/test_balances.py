"""Balances at any day: what they are, and that no balance reads the whole journal."""

from datetime import date

import pytest
from sqlalchemy import Connection, Engine, text

from billing.frame.database import reading, writing
from ledger.balances import (
    AccountBalance,
    Totals,
    account_balance,
    auxiliary_balance,
    last_day,
    totals,
    trial_balance,
)
from tests.support.books import SEPTEMBER, auxiliary_balances, invoice, post_all, small_books

OCTOBER = date(2026, 10, 1)


@pytest.fixture
def posted(engine: Engine) -> Engine:
    with writing(engine) as connection:
        post_all(connection, small_books())
    return engine


def test_a_trial_balance_lists_every_account_with_postings_by_number(posted: Engine) -> None:
    with reading(posted) as connection:
        found = trial_balance(connection)
    assert found == [
        AccountBalance("3421", "Clients", 283500 + 177390 + 600000, 144990),
        AccountBalance("44551", "État - TVA facturée (transitoire)", 24165, 47250 + 29565 + 100000),
        AccountBalance("71243", "Prestations de services", 120825, 236250 + 120825 + 500000),
        AccountBalance("71271", "Locations diverses reçues", 0, 27000),
        AccountBalance("9201", "Péréquation - Contributions des locataires", 25200, 0),
        AccountBalance("9202", "Péréquation - Soutien reçu par les locataires", 0, 56700),
        AccountBalance("9205", "Péréquation - Fonds du site", 56700, 25200 + 31500),
        AccountBalance("9208", "Péréquation - Subventions affectées", 31500, 1_000_000),
        AccountBalance("9210", "Péréquation - Contrepartie des subventions", 1_000_000, 0),
        AccountBalance("9301", "Avantage accordé (remise pépinière)", 67500, 0),
        AccountBalance("9309", "Avantage accordé - contrepartie", 0, 67500),
    ]
    assert found[0].balance == 915900


def test_a_trial_balance_includes_its_last_day_and_nothing_later(posted: Engine) -> None:
    with reading(posted) as connection:
        until = {found.account: found.balance for found in trial_balance(connection, SEPTEMBER)}
        assert until["3421"] == 283500 + 177390
        assert [found.account for found in trial_balance(connection, date(2026, 8, 31))] == ["9208", "9210"]
        assert trial_balance(connection, date(2026, 1, 14)) == []
        assert trial_balance(connection, OCTOBER) == trial_balance(connection)


def test_r21_class_9_balances_by_itself_and_the_general_ledger_too(posted: Engine) -> None:
    with reading(posted) as connection:
        found = trial_balance(connection)
    assert totals(b for b in found if not b.is_analytic) == Totals(1_205_880, 1_205_880)
    assert totals(b for b in found if b.is_analytic) == Totals(1_180_900, 1_180_900)


def test_an_account_at_a_day_holds_what_was_effective_by_then(posted: Engine) -> None:
    with reading(posted) as connection:
        assert account_balance(connection, "3421", date(2026, 8, 31)) == 0
        assert account_balance(connection, "3421", SEPTEMBER) == 460890
        assert account_balance(connection, "3421", date(2026, 9, 30)) == 460890
        assert account_balance(connection, "3421") == 915900
        assert account_balance(connection, "5141") == 0


def test_r22_the_credit_balance_of_9208_is_what_is_left_of_each_grant(posted: Engine) -> None:
    with reading(posted) as connection:
        assert auxiliary_balances(connection, "9208", date(2026, 8, 31)) == {"G1": -1_000_000}
        assert auxiliary_balances(connection, "9208") == {"G1": -968_500}
        assert auxiliary_balance(connection, "9208", "G1") == -968_500


def test_a_tenant_owes_its_invoices_less_its_credit_notes(posted: Engine) -> None:
    with reading(posted) as connection:
        assert auxiliary_balances(connection, "3421") == {"T0007": 32400, "T0042": 883500}
        assert auxiliary_balance(connection, "3421", "T0007", SEPTEMBER) == 177390
        assert auxiliary_balance(connection, "3421", "T0007", OCTOBER) == 32400
        assert auxiliary_balance(connection, "3421", "nobody") == 0


def test_the_last_day_of_the_books_is_that_of_their_latest_entry(engine: Engine) -> None:
    with writing(engine) as connection:
        assert last_day(connection) is None
        post_all(connection, [invoice(1, on=OCTOBER), invoice(2)])
        assert last_day(connection) == OCTOBER


def plan(connection: Connection, statement: str, values: dict[str, object]) -> str:
    if connection.dialect.name == "sqlite":
        return "\n".join(row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"), values))
    # A table this small is read whole, whatever its indexes: here the question is whether one serves at all.
    connection.execute(text("SET LOCAL enable_seqscan = off"))
    connection.execute(text("SET LOCAL enable_bitmapscan = off"))
    return "\n".join(row[0] for row in connection.execute(text(f"EXPLAIN {statement}"), values))


def test_a_balance_of_a_tenant_is_read_from_its_index_alone(posted: Engine) -> None:
    """pitfalls: hordak #40, #126, balances that slow down with history."""
    with writing(posted) as connection:
        found = plan(
            connection,
            "SELECT sum(amount) FROM posting WHERE auxiliary = :auxiliary AND account = :account "
            "AND effective_on <= :on",
            {"auxiliary": "T0042", "account": "3421", "on": SEPTEMBER},
        )
    used = "USING COVERING INDEX" if posted.dialect.name == "sqlite" else "Index Only Scan using"
    assert f"{used} ix_posting_auxiliary" in found


def test_a_balance_of_an_account_reads_its_days_not_its_postings(posted: Engine) -> None:
    with writing(posted) as connection:
        found = plan(
            connection,
            "SELECT sum(debit - credit) FROM account_day WHERE account = :account AND day <= :on",
            {"account": "3421", "on": SEPTEMBER},
        )
    used = (
        "SEARCH account_day USING PRIMARY KEY" if posted.dialect.name == "sqlite" else "Index Scan using pk_account_day"
    )
    assert used in found
