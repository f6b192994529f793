"""A quote says what the runs will bill (contract, `POST /v1/quotes`): the reference's office lines, month by month."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.frame.database import reading
from billing.run.quotes.quoting import Question, quote
from pricing.errors import PricingError
from pricing.money import PRICE_SCALE, QUANTITY_SCALE
from pricing.period import parse_month
from tests.conftest import FreshEngine
from tests.oracle.reference import Line, Oracle, Unpriceable, following
from tests.oracle.service import Service
from tests.oracle.strategies import World
from tests.support.examples import QUIET, examples

MONTHS = 5


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A network as first entered; its rows stand in `rows`."""
    world = World(draw, draw(st.sampled_from(("2026-01", "2024-01"))))
    world.first_network()
    return world


def owed(oracle: Oracle, tenant: str, months: list[str]) -> list[list[Line]] | None:
    """The reference's lines of each month; None where a day can't be priced."""
    try:
        return [oracle.register.office_lines(tenant, month) for month in months]
    except Unpriceable:
        return None


@pytest.mark.parametrize("fresh_engine", ["sqlite"], indirect=True)
def test_a_quote_for_a_tenant_is_what_the_runs_will_bill_it(fresh_engine: FreshEngine, tmp_path: Path) -> None:
    @settings(max_examples=examples(25), suppress_health_check=QUIET)
    @given(worlds())
    def check_world(world: World) -> None:
        files = {name: list(rows.values()) for name, rows in world.rows.items() if rows}
        oracle = Oracle()
        oracle.enter(files)
        months = [world.origin]
        while len(months) < MONTHS:
            months.append(following(months[-1]))
        with fresh_engine() as engine:
            Service(engine, tmp_path / "network").enter(files)
            with reading(engine) as connection:
                for (tenant,) in world.rows["tenants"]:
                    expected = owed(oracle, tenant, months)
                    question = Question(starts_on=parse_month(world.origin), months=MONTHS, tenant=tenant)
                    if expected is None:
                        with pytest.raises(PricingError):
                            quote(connection, question)
                        continue
                    found = quote(connection, question)
                    assert [
                        sorted(
                            (
                                line.lease,
                                str(line.first_day),
                                str(line.last_day),
                                line.tier,
                                Fraction(line.quantity, QUANTITY_SCALE),
                                Fraction(line.unit_price, PRICE_SCALE),
                                Fraction(line.amount, 100),
                            )
                            for line in month.lines
                        )
                        for month in found.months
                    ] == [
                        sorted(
                            (of.lease, of.first_day, of.last_day, of.tier, of.quantity, of.price, of.amount)
                            for of in lines
                        )
                        for lines in expected
                    ]

    check_world()
