"""What a forecast assumes is read exactly, and every fault is named."""

from fractions import Fraction
from pathlib import Path

import pytest
from msgspec import to_builtins

from billing.cross_subsidy.forecast.assumptions import (
    load_assumptions,
    read_assumptions,
    shipped_text,
)
from billing.cross_subsidy.forecast.shapes import Assumptions
from billing.frame.errors import Refused
from tests.support.assumptions import nothing_by_chance


def test_the_shipped_file_is_what_is_assumed_and_can_be_written_back(tmp_path: Path) -> None:
    shipped = load_assumptions(None)
    assert (shipped.arrivals_at("TNG"), shipped.leaves_at_the_switch) == (Fraction(3, 5), Fraction(1, 10))
    assert shipped.areas[22_500_000] == Fraction(7, 20)
    file = tmp_path / "assumptions.toml"
    file.write_text(shipped_text(), encoding="utf-8")
    assert load_assumptions(file) == shipped
    assert read_assumptions(to_builtins(Assumptions.of(shipped)), "json") == shipped


def test_what_a_file_leaves_out_stays_as_shipped(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[arrivals.a_month]\nTNG = "1/4"\n[unpaid]\nmost = "0.1"\n', encoding="utf-8")
    mine, shipped = load_assumptions(file), load_assumptions(None)
    assert (mine.arrivals_at("TNG"), mine.arrivals_at("CAS")) == (Fraction(1, 4), Fraction(0))
    assert (mine.unpaid_least, mine.unpaid_most) == (Fraction(0), Fraction(1, 10))
    assert mine.kinds == shipped.kinds


def test_nothing_by_chance_is_nothing() -> None:
    nothing = nothing_by_chance()
    assert nothing.arrivals_at("TNG") == 0
    assert {nothing.leaves_subsidised, nothing.leaves_at_the_switch, nothing.leaves_market, nothing.unpaid_most} == {0}


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"arrival": {}}, {"arrival"}),
        ({"arrivals": 3}, {"arrivals"}),
        ({"departures": {"market": "0.5", "sometimes": "1"}}, {"departures.sometimes"}),
        ({"departures": {"market": 0.5, "subsidised": "1.1"}}, {"departures.market", "departures.subsidised"}),
        ({"departures": {"market": "1/0", "subsidised": "-1"}}, {"departures.market", "departures.subsidised"}),
        ({"arrivals": {"kinds": {"startup": "0.5", "sme": "0.4"}}}, {"arrivals.kinds"}),
        ({"arrivals": {"kinds": {"startup": "0.5", "bank": "0.5"}}}, {"arrivals.kinds.bank"}),
        ({"arrivals": {"areas_m2": {"0": "1"}}}, {"arrivals.areas_m2.0"}),
        ({"arrivals": {"areas_m2": {}}}, {"arrivals.areas_m2"}),
        ({"arrivals": {"a_month": {"*": "11"}}}, {"arrivals.a_month.*"}),
        ({"arrivals": {"young": {"part": "1"}}}, {"arrivals.young.share"}),
        ({"unpaid": {"least": "0.5", "most": "0.4"}}, {"unpaid.least"}),
    ],
)
def test_every_fault_is_named(given: dict[str, object], fields: set[str]) -> None:
    with pytest.raises(Refused) as refused:
        read_assumptions(given, "mine.toml")
    named = {fault.column for fault in refused.value.faults}
    assert fields <= named
    assert all(fault.file == "mine.toml" and fault.remedy for fault in refused.value.faults)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b"[unpaid\n\xff")
    for file in (broken, tmp_path / "absent.toml", tmp_path):
        with pytest.raises(Refused):
            load_assumptions(file)
