"""Any network, any history: each firm's account and each year's statement are what the ledger holds (R16-R19, R21)."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from sqlalchemy import func, select

from billing.cross_subsidy.accounts.account import account_of
from billing.cross_subsidy.annual_report.queries import year_statement
from billing.frame.database import reading
from billing.frame.settings import load_settings
from billing.register.tables import billing_run, tenant
from ledger.models import posting
from tests.conftest import FreshEngine
from tests.oracle.service import Service
from tests.oracle.strategies import Enter, RunMonth, Step, histories
from tests.support.examples import QUIET, examples

EXAMPLES = {"sqlite": examples(20), "postgresql": examples(4)}
pytestmark = pytest.mark.timeout(1200)


def accounts_are_what_9201_and_9202_hold(service: Service) -> None:
    """Of every firm, in every month and in all; a firm without runs has none."""
    terms = load_settings({}).terms
    with reading(service.engine) as connection:
        rows = connection.execute(
            select(posting.c.account, posting.c.auxiliary, func.sum(posting.c.amount))
            .where(posting.c.account.in_(["9201", "9202"]))
            .group_by(posting.c.account, posting.c.auxiliary)
        )
        booked = Counter({(account, code): int(amount) for account, code, amount in rows if amount})
        found: Counter[tuple[str, str]] = Counter()
        for code in connection.scalars(select(tenant.c.code)).all():
            account = account_of(connection, code, None, terms)
            found["9201", code] += account.contributed
            found["9202", code] -= account.received
            for month in account.months:
                assert all(part.amount > 0 for part in (*month.received, *month.contributed))
    assert {key: amount for key, amount in found.items() if amount} == dict(booked)


def statements_are_what_the_ledger_holds(service: Service) -> None:
    """Every year that was run: `year_statement` itself refuses a figure that is not the ledger's; sums follow."""
    with reading(service.engine) as connection:
        years = {period.year for period in connection.scalars(select(billing_run.c.period))}
        reserve = 0
        for year in sorted(years):
            found = year_statement(connection, year)
            assert {tie.stated - tie.booked for tie in found.ties} == {0}
            assert found.reserve_before == reserve
            reserve = found.reserve_after
            assert sum(flow.amount for flow in found.flows()) == found.support == sum(found.supports)
            assert sum(found.contributions) == found.of("own_site") + found.of("other_sites") + found.kept
            assert all(min(grant.before, grant.used, grant.left) >= 0 for grant in found.grants)
        balance = connection.scalar(select(func.sum(posting.c.amount)).where(posting.c.account == "9207"))
    assert -int(balance or 0) == reserve


@pytest.mark.parametrize("fresh_engine", ["sqlite", "postgresql"], indirect=True)
def test_accounts_and_statements_of_any_history_tie_to_the_ledger(
    fresh_engine: FreshEngine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = request.node.callspec.params["fresh_engine"]

    @settings(max_examples=EXAMPLES[database], suppress_health_check=QUIET, print_blob=True)
    @given(histories())
    def check_history(history: tuple[Step, ...]) -> None:
        with fresh_engine() as engine:
            service = Service(engine, tmp_path / "network")
            for step in history:
                if isinstance(step, Enter):
                    service.enter(step.files)
                elif not step.dry:
                    service.run(step.month)
            if any(isinstance(step, RunMonth) and not step.dry for step in history):
                accounts_are_what_9201_and_9202_hold(service)
                statements_are_what_the_ledger_holds(service)

    check_history()
