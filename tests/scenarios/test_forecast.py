"""What lies ahead: the exact path is what runs then give; chance lies around it; nothing is ever written."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from sqlalchemy import Engine, select

from billing.cross_subsidy.forecast import shapes
from billing.cross_subsidy.forecast.assumptions import (
    load_assumptions,
    read_assumptions,
)
from billing.cross_subsidy.forecast.files import dial_pieces, forecast_pieces, what_if_pieces
from billing.cross_subsidy.forecast.forecasting import KNOWN, USUAL, Forecast, Question, dial, forecast
from billing.cross_subsidy.forecast.observed import as_toml, observed
from billing.cross_subsidy.forecast.queries import months_asked
from billing.cross_subsidy.forecast.terms import Asked
from billing.cross_subsidy.forecast.what_if import WhatIf, what_if
from billing.frame.database import reading
from billing.frame.errors import Refused, RunRefused, Unknown
from billing.register.network_import import import_folder
from billing.register.network_import.rate_card import read_rate_card
from billing.register.tables import billing_run
from billing.schema.tables import all_metadata
from pricing.forecast.assumptions import Assumptions
from pricing.forecast.dial import Dial, Reading
from pricing.money import format_amount
from pricing.period import parse_month
from tests.oracle.sample import SAMPLE, golden
from tests.oracle.service import NOW
from tests.support.assumptions import nothing_by_chance
from tests.support.networks import Row
from tests.support.park import Park

JUNE = date(2026, 6, 1)
TODAY = date(2026, 11, 22)
# The sample's reserve after 24 months, by seed 7 and 40 draws: path, low, median, high.
FROZEN_RESERVE = (369874697, 103226748, 160960589, 230136894)
FIGURES = ("contributions", "draws", "earmarked_grants", "own", "network", "reserve", "network_grants", "unfunded")
NEWCOMER = {"code": "T1", "incorporated_on": "2025-06-15"}
LARGE = {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01"}
LEASES: list[Row] = [
    {"code": "L1", "tenant": "T1", "site": "TNG", "area_m2": "22.5", "starts_on": "2025-12-10"},
    {"code": "L2", "tenant": "T2", "site": "CAS", "area_m2": "200", "starts_on": "2020-01-01"},
]


def ahead(park: Park, today: date = TODAY, assumptions: Assumptions | None = None, **asked: Any) -> Forecast:
    question = replace(Question(assumptions or nothing_by_chance(), draws=40), **asked)
    with reading(park.engine) as connection:
        return forecast(connection, question, today)


def asks(park: Park, asked: Asked, first: date | None = None, last: date | None = None) -> WhatIf:
    with reading(park.engine) as connection:
        return what_if(connection, asked, months_asked(connection, first, last))


def turns(park: Park, area: int, **asked: Any) -> tuple[Dial, tuple[Reading, ...]]:
    with reading(park.engine) as connection:
        question = replace(Question(load_assumptions(None), draws=60), **asked)
        return dial(connection, question, area, TODAY)


def path_of(found: Forecast, place: int) -> dict[str, Any]:
    """A month of the path in the contract's shape."""
    outcome = found.path.outcomes[place]
    return {
        "sites": {
            code: {name: format_amount(getattr(funding, name)) for name in FIGURES}
            for code, funding in outcome.sites.items()
        },
        "reserve_after": format_amount(outcome.reserve_after),
    }


def rows_of(engine: Engine) -> dict[str, list[Any]]:
    with reading(engine) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for metadata in all_metadata()
            for table in metadata.tables.values()
        }


@contextmanager
def written_nowhere(park: Park) -> Iterator[None]:
    before = rows_of(park.engine)
    yield
    assert rows_of(park.engine) == before


def test_the_path_of_the_sample_is_what_its_six_runs_then_give(park: Park) -> None:
    """With the usage on record: every site's share of every step of the waterfall, and the reserve, to the centime."""
    import_folder(park.engine, SAMPLE, now=NOW)
    with written_nowhere(park):
        found = ahead(park, first=JUNE, months=36, usage=KNOWN)
    assert found.path.unpriced == ()
    for place, month in enumerate(golden("months.json")):
        assert found.path.months[place] == parse_month(month["period"])
        expected = month["cross_subsidy"]
        assert path_of(found, place) == {name: expected[name] for name in ("sites", "reserve_after")}
    # And half way: what was run is where it goes on from.
    for month in golden("months.json")[:3]:
        park.bills(month["period"])
    later = ahead(park, months=3, usage=KNOWN)
    assert [path_of(later, place) for place in range(3)] == [path_of(found, place) for place in range(3, 6)]
    assert later.path.months[0] == date(2026, 9, 1)


def test_the_path_foresees_repairs_late_usage_windows_and_grants(park: Park) -> None:
    park.opens(
        tenants=[NEWCOMER, LARGE],
        leases=LEASES,
        usage=[("E1", "T1", "TNG", "MEAL", "10", "2026-05-03"), ("E2", "T2", "CAS", "MEETING", "4", "2026-06-20")],
        grants=[("G1", "Région", "TNG", "500.00", "2026-08-01")],
    )
    park.bills("2026-06")
    # June was billed whole; now the large firm has left in it, and a meal of May comes late.
    park.enters(
        leases=[{**LEASES[1], "unit": "U-L2", "ends_on": "2026-06-20"}],  # type: ignore[dict-item]
        usage=[("E3", "T1", "TNG", "MEAL", "7", "2026-05-30"), ("E4", "T1", "TNG", "MEAL", "3", "2026-08-31")],
    )
    found = ahead(park, months=14, usage=KNOWN)
    for place, month in enumerate(found.path.months):
        given = park.bills(f"{month:%Y-%m}").cross_subsidy
        assert path_of(found, place) == {name: given[name] for name in ("sites", "reserve_after")}, month
    # Credited contributions of a tenant that left are a need (R17): 13 of June's rent above its cost.
    assert found.path.outcomes[0].sites["CAS"].draws > 0
    # The window ends on 9 June 2027: nothing is drawn from July 2027 on but usage of before.
    assert found.path.outcomes[-1].sites["TNG"].draws == 0


def test_a_tenant_without_a_price_is_named_and_brings_nothing(park: Park) -> None:
    park.opens(
        tenants=[NEWCOMER, LARGE],
        leases=[LEASES[0], {**LEASES[1], "site": "RAB"}],  # type: ignore[dict-item]
        sites=[
            ("CAS", "Technopark Casablanca", "Casablanca", 200, "2001-10-01"),
            ("RAB", "Rabat", "Rabat", None, None),
            ("TNG", "Technopark Tanger", "Tanger", 80, "2015-09-01"),
        ],
    )
    found = ahead(park, first=JUNE, months=2)
    assert [code for code, _ in found.path.unpriced] == ["T2"]
    assert "no rate for OFFICE at RAB" in found.path.unpriced[0][1]
    assert found.path.outcomes[1].sites["RAB"].contributions == 0


def test_without_chance_every_draw_is_the_path(park: Park) -> None:
    import_folder(park.engine, SAMPLE, now=NOW)
    found = ahead(park, first=JUNE, months=12)
    for figures in (*found.months, found.whole):
        for of_place in (*figures.sites.values(), figures.network):
            for name, figure in of_place.items():
                assert set(figure.drawn) == {figure.path}, name


def test_usage_that_is_not_on_record_is_the_usual_one(park: Park) -> None:
    """31 meals in May's 31 days: 30 in June, by the engine's own price; what is on record after today is left out."""
    usage: list[Row] = [
        ("E1", "T1", "TNG", "MEAL", "31", "2026-05-15"),
        ("E2", "T1", "TNG", "MEAL", "99", "2026-06-20"),
    ]
    park.opens(tenants=[NEWCOMER], leases=LEASES[:1], usage=usage)
    found = ahead(park, date(2026, 6, 1), first=JUNE, months=3, usage=USUAL)
    office = 22.5 * (134 - 50)
    # A meal lacks 14.00 to its cost: 31 on record in May, then 30 in June, 31 in July.
    needs = [outcome.sites["TNG"].draws for outcome in found.path.outcomes]
    assert needs == [int((office + 14 * meals) * 100) for meals in (31, 30, 31)]
    # Asked on the 11th of June, ten days of it are on record, without a meal.
    found = ahead(park, date(2026, 6, 11), first=JUNE, months=2, usage=USUAL)
    assert found.path.outcomes[1].sites["TNG"].draws == int((office + 14 * 20) * 100)
    known = ahead(park, first=JUNE, months=3, usage=KNOWN)
    assert [x.sites["TNG"].draws for x in known.path.outcomes] == [int((office + 14 * n) * 100) for n in (31, 99, 0)]


def test_the_same_seed_gives_the_same_forecast_on_either_database_and_another_seed_another(park: Park) -> None:
    import_folder(park.engine, SAMPLE, now=NOW)
    with written_nowhere(park):
        found = ahead(park, assumptions=load_assumptions(None), first=JUNE, months=24, seed=7)
        again = ahead(park, assumptions=load_assumptions(None), first=JUNE, months=24, seed=7)
        other = ahead(park, assumptions=load_assumptions(None), first=JUNE, months=24, seed=8)
    assert shapes.Forecast.of(found) == shapes.Forecast.of(again)
    assert shapes.Forecast.of(found).whole != shapes.Forecast.of(other).whole
    # Frozen: the same on SQLite and PostgreSQL, on any machine, with any version of what is underneath.
    reserve = found.whole.network["reserve_after"]
    assert (reserve.path, *reserve.drawn) == FROZEN_RESERVE


def test_departures_arrivals_and_unpaid_shares_move_what_they_should(park: Park) -> None:
    import_folder(park.engine, SAMPLE, now=NOW)
    nothing, shipped = nothing_by_chance(), load_assumptions(None)

    def network(assumptions: Assumptions, figure: str) -> Any:
        return ahead(park, assumptions=assumptions, first=JUNE, months=24, draws=60).whole.network[figure]

    coming = replace(nothing, arrivals=shipped.arrivals)
    assert network(coming, "draws").drawn.low > network(coming, "draws").path
    leaving = replace(nothing, leaves_market=Fraction(1, 20))
    assert network(leaving, "contributions").drawn.high < network(leaving, "contributions").path
    assert set(network(leaving, "draws").drawn) == {network(leaving, "draws").path}
    unpaid = replace(nothing, unpaid_least=Fraction(1, 10), unpaid_most=Fraction(1, 10))
    contributions = network(unpaid, "contributions")
    assert contributions.drawn.low == contributions.drawn.high
    # A part of a centime is lost at most, by site and month.
    assert 0 <= contributions.path * 9 // 10 - contributions.drawn.low < 24 * 5
    gone = replace(nothing, leaves_subsidised=Fraction(1), leaves_at_the_switch=Fraction(1), leaves_market=Fraction(1))
    empty = ahead(park, assumptions=gone, first=JUNE, months=4, usage=KNOWN)
    # The first run is certain, the second bills the usage of those who left, the third nothing.
    drawn = [set(figures.network["contributions"].drawn) for figures in empty.months]
    assert drawn[0] == {empty.months[0].network["contributions"].path}
    assert drawn[2:] == [{0}, {0}]


def test_newcomers_come_only_as_far_as_offices_are_free(park: Park) -> None:
    sites: list[Row] = [
        ("CAS", "Technopark Casablanca", "Casablanca", 1, "2001-10-01"),
        ("TNG", "Technopark Tanger", "Tanger", 2, "2015-09-01"),
    ]
    park.opens(tenants=[NEWCOMER, LARGE], leases=LEASES, sites=sites)
    coming = replace(
        nothing_by_chance(),
        arrivals={"*": Fraction(10)},
        kinds={"startup": Fraction(1)},
        areas={22_500_000: Fraction(1)},
        young=Fraction(1),
    )
    found = ahead(park, assumptions=coming, first=JUNE, months=8)
    # 22.5 m² at 134.00 - 50.00; one newcomer in Tanger from July on, where one office is free; none in Casablanca.
    one = 2250 * (134 - 50)
    assert set(found.months[7].sites["TNG"]["draws"].drawn) == {2 * one}
    assert set(found.months[7].sites["CAS"]["draws"].drawn) == {0}
    # Within 18 months it is at the market price: from January 2028 on both bring and take nothing any more.
    later = ahead(park, assumptions=coming, first=JUNE, months=24)
    assert set(later.months[18].sites["TNG"]["draws"].drawn) == {one}
    assert set(later.months[19].sites["TNG"]["draws"].drawn) == {0}
    assert set(later.months[19].sites["TNG"]["contributions"].drawn) == {2 * 2250 * 16}


def test_the_dial_is_monotone_and_stops_at_the_last_number_carried(park: Park) -> None:
    import_folder(park.engine, SAMPLE, now=NOW)
    with written_nowhere(park):
        prepared, readings = turns(park, 22_500_000, first=JUNE)
    assert [found.site for found in readings] == ["AGA", "CAS", "RAB", "SOU", "TNG", None]
    for found in readings[:-1]:
        assert found.site is not None
        assert found.newcomers is not None
        carried = [prepared.confidence({found.site: count}) for count in range(0, found.newcomers + 12, 4)]
        assert carried == sorted(carried, reverse=True)
        assert prepared.confidence({found.site: found.newcomers}) == found.confidence >= Fraction(95, 100)
        assert prepared.confidence({found.site: found.newcomers + 1}) == found.one_more
        assert found.one_more is not None
        assert found.one_more < Fraction(95, 100)
    network = readings[-1]
    assert sum(network.shares.values()) == network.newcomers
    assert prepared.confidence(network.shares) == network.confidence
    # A larger office is carried less often.
    _, larger = turns(park, 60_000_000, first=JUNE)
    for small, large in zip(readings, larger, strict=True):
        assert large.newcomers is not None
        assert small.newcomers is not None
        assert large.newcomers <= small.newcomers


def test_the_dial_of_a_small_park_can_be_worked_out_by_hand(park: Park) -> None:
    """T2 brings 200 m² × 15.00 = 3,000.00 a month; T1 takes 22.5 m² × 84.00 = 1,890.00 until June 2027.

    1,110.00 are left in June 2026; a newcomer of 10 m² in Tanger takes 840.00, one in Casablanca 816.70.
    """
    park.opens(tenants=[NEWCOMER, LARGE], leases=LEASES)
    certain = nothing_by_chance()
    _, readings = turns(park, 10_000_000, first=JUNE, assumptions=certain)
    found = {one.site: one for one in readings}
    assert [found[site].newcomers for site in ("CAS", "TNG", None)] == [1, 1, 1]
    assert (found["TNG"].confidence, found["TNG"].one_more, found["TNG"].free) == (
        Fraction(1), Fraction(0), 79,
    )  # fmt: skip
    # Nothing is left above nil without the large firm.
    park.enters(leases=[{**LEASES[1], "unit": "U-L2", "ends_on": "2026-08-31"}])  # type: ignore[dict-item]
    _, readings = turns(park, 10_000_000, first=JUNE, assumptions=certain)
    assert {(one.newcomers, one.confidence) for one in readings} == {(None, Fraction(0))}


def test_what_the_register_has_seen_can_be_assumed(park: Park, tmp_path: Path) -> None:
    """From November 2024 to October 2026: two came to Tanger, one of them left in the month of its switch."""
    came: list[Row] = [
        {"code": "T1", "incorporated_on": "2024-01-15"},
        {"code": "T3", "kind": "sme", "incorporated_on": "2010-01-01"},
        LARGE,
    ]
    leases: list[Row] = [
        {"code": "L1", "tenant": "T1", "area_m2": "20", "starts_on": "2025-01-10", "ends_on": "2026-07-20"},
        {"code": "L3", "tenant": "T3", "area_m2": "20", "starts_on": "2026-04-01"},
        LEASES[1],
    ]
    park.opens(tenants=came, leases=leases)
    with reading(park.engine) as connection:
        found = observed(connection, TODAY)
    assert found == {
        "arrivals": {
            "a_month": {"CAS": "0", "TNG": "1/12"},
            "kinds": {"sme": "1/2", "startup": "1/2"},
            "areas_m2": {"20": "1"},
            "young": {"share": "1/2"},
        },
        # T1 was there on the first of 17 months before that of its switch, and gone on 1 August.
        "departures": {"at_the_switch": "1", "market": "0", "subsidised": "0"},
    }
    file = tmp_path / "observed.toml"
    file.write_text(as_toml(found, TODAY), encoding="utf-8")
    assert load_assumptions(file) == read_assumptions(found, "observed")
    assert load_assumptions(file).leaves_at_the_switch == 1
    import_folder(park.engine, SAMPLE, now=NOW)
    with reading(park.engine) as connection:
        of_sample = read_assumptions(observed(connection, TODAY), "observed")
    assert len(ahead(park, assumptions=of_sample, first=JUNE, months=3).months) == 3


def test_a_forecast_begins_after_the_latest_run_and_not_before_it_is_complete(park: Park) -> None:
    park.opens(tenants=[NEWCOMER], leases=LEASES[:1])
    assert ahead(park, months=1).path.months == (date(2026, 11, 1),)
    park.bills("2026-06")
    assert ahead(park, months=1).path.months == (date(2026, 7, 1),)
    assert ahead(park, months=1, first=date(2026, 9, 1)).path.months == (date(2026, 9, 1),)
    with pytest.raises(RunRefused, match="has been run"):
        ahead(park, first=JUNE)
    with pytest.raises(RunRefused, match="too far ahead"):
        ahead(park, first=date(2062, 1, 1))
    with park.engine.begin() as connection:
        connection.execute(billing_run.update().values(status="running"))
    with pytest.raises(RunRefused, match="is not complete"):
        ahead(park)


def test_every_fault_of_a_question_is_named(park: Park) -> None:
    park.opens()
    with pytest.raises(Refused) as refused:
        ahead(park, months=61, draws=0, seed=-1, usage="none")
    assert {fault.column for fault in refused.value.faults} == {"months", "draws", "seed", "usage"}
    with pytest.raises(Refused, match="NOWHERE"):
        ahead(park, assumptions=replace(nothing_by_chance(), arrivals={"NOWHERE": Fraction(1)}))


def test_an_empty_network_has_an_empty_future(park: Park) -> None:
    found = ahead(park, assumptions=load_assumptions(None), months=2)
    assert found.whole.network["reserve_after"].path == 0
    _, readings = turns(park, 10_000_000)
    assert [one.newcomers for one in readings] == [None]


def test_what_if_nothing_changes_nothing_changes_and_todays_side_is_what_the_runs_gave(park: Park) -> None:
    import_folder(park.engine, SAMPLE, now=NOW)
    months = golden("months.json")
    for month in months[:4]:
        park.bills(month["period"])
    with reading(park.engine) as connection:
        todays = tuple(read_rate_card(connection, SAMPLE / "rates.csv"))
    with written_nowhere(park):
        found = asks(park, Asked(todays, 18), None, date(2026, 11, 1))
    shape = to_builtins(shapes.WhatIf.of(found))
    differences = [
        compared["difference"] for of in (*shape["sites"].values(), shape["network"]) for compared in of.values()
    ]
    assert set(differences) == {"0.00"}
    assert shape["reserve_after"]["difference"] == "0.00"
    assert (shape["tenants"]["paying_more"], shape["tenants"]["paying_less"]) == (0, 0)
    assert (shape["from"], shape["until"], shape["reserve_before"]) == ("2026-06", "2026-11", "0.00")
    for code in shape["sites"]:
        for name in FIGURES:
            sums = sum(cents(month["cross_subsidy"]["sites"][code][name]) for month in months)
            assert cents(shape["sites"][code][name]["today"]) == sums
    net = sum(cents(m["invoices"]["net"]) - cents(m["credit_notes"]["net"]) for m in months)
    assert cents(shape["network"]["income"]["today"]) == net
    assert shape["reserve_after"]["today"] == months[-1]["cross_subsidy"]["reserve_after"]
    # A part of the months finds what the run before them has left.
    part = asks(park, Asked(), date(2026, 9, 1), date(2026, 11, 1))
    assert format_amount(part.reserve_before) == months[2]["cross_subsidy"]["reserve_after"]
    assert part.today.reserve_after == found.today.reserve_after


def cents(text: str) -> int:
    return int(text.replace(".", ""))


def test_what_if_the_window_were_longer_or_the_discount_smaller(park: Park) -> None:
    """T1's window ends on 9 June 2027; asked about: 24 months, and half of the full price."""
    park.opens(tenants=[NEWCOMER, LARGE], leases=LEASES)
    july = date(2027, 7, 1)
    longer = asks(park, Asked(window_months=24), july, july)
    # 22.5 m² × 100.00 less, and 22.5 × (134.00 - 50.00) drawn in place of 22.5 × 16.00 contributed.
    assert [(mover.tenant, mover.difference) for mover in longer.movers] == [("T1", -225_000), ("T2", 0)]
    before, after = longer.today.sites["TNG"], longer.asked.sites["TNG"]
    assert (before.contributions, before.draws, after.contributions, after.draws) == (36_000, 0, 0, 189_000)
    assert after.advantage - before.advantage == 225_000
    assert longer.asked.reserve_after - longer.today.reserve_after == -225_000
    half = asks(park, Asked(discounts={"OFFICE": Fraction(1, 2)}), JUNE, JUNE)
    # 75.00 in place of 50.00.
    assert [(mover.tenant, mover.difference) for mover in half.movers] == [("T1", 56_250), ("T2", 0)]
    more, less = half.most(5)
    assert ([mover.tenant for mover in more], less) == (["T1"], ())
    none = asks(park, Asked(window_months=0), JUNE, JUNE)
    assert none.asked.network.advantage == 0


def test_what_if_another_rate_card_stands_in_place_of_all_versions_of_its_places(park: Park, tmp_path: Path) -> None:
    park.opens(tenants=[NEWCOMER, LARGE], leases=LEASES)
    card = tmp_path / "card.csv"
    header = "site,service,tenant_kind,effective_from,market,subsidised,full_cost,source\n"
    card.write_text(header + "CAS,OFFICE,,2020-01-01,155.00,1/3,130.00,essai\n", encoding="utf-8")
    with reading(park.engine) as connection:
        found = what_if(connection, Asked(tuple(read_rate_card(connection, card))), [JUNE])
    assert [(mover.tenant, mover.difference) for mover in found.movers] == [("T1", 0), ("T2", 200_000)]
    assert found.asked.sites["TNG"] == found.today.sites["TNG"]
    # Who would have no price by the card is left out of both sides, and named.
    card.write_text(header + "CAS,OFFICE,,2027-01-01,155.00,1/3,130.00,essai\n", encoding="utf-8")
    with reading(park.engine) as connection:
        found = what_if(connection, Asked(tuple(read_rate_card(connection, card))), [JUNE])
    assert [code for code, _ in found.unpriced] == ["T2"]
    assert found.today.sites["CAS"].income == 0
    card.write_text(header + "NIX,OFFICE,,2020-01-01,10.00,20.00,1.00,x\n", encoding="utf-8")
    with reading(park.engine) as connection, pytest.raises(Refused) as refused:
        read_rate_card(connection, card)
    assert {(fault.file, fault.line, fault.column) for fault in refused.value.faults} == {
        ("card.csv", 2, "site"), ("card.csv", 2, "subsidised"),
    }  # fmt: skip


def test_what_if_asks_nothing_that_could_not_be_entered(park: Park) -> None:
    """R8: a meal at 22.50 passes its ceiling of 20.00."""
    park.opens(tenants=[NEWCOMER], leases=LEASES[:1])
    with pytest.raises(Refused, match=r"must stay below 20\.00 \(R8\)"):
        asks(park, Asked(discounts={"MEAL": Fraction(1, 10)}), JUNE, JUNE)
    with pytest.raises(Refused, match="NOTHING"):
        asks(park, Asked(discounts={"NOTHING": Fraction(1, 10)}), JUNE, JUNE)
    with pytest.raises(Refused, match="1 to 36 months"):
        asks(park, Asked(), JUNE, date(2026, 5, 1))
    with pytest.raises(Unknown, match="nothing has been run yet"):
        asks(park, Asked())


def test_the_tables_say_what_the_json_says(park: Park) -> None:
    park.opens(tenants=[NEWCOMER, LARGE], leases=LEASES)
    found = ahead(park, assumptions=load_assumptions(None), first=JUNE, months=2)
    lines = b"".join(forecast_pieces(found, "csv")).decode().splitlines()
    assert lines[0] == "month,site,figure,path,low,median,high"
    shape = to_builtins(shapes.Forecast.of(found))
    figure = shape["runs"][1]["sites"]["TNG"]["draws"]
    assert f"2026-07,TNG,draws,{','.join(figure[name] for name in ('path', 'low', 'median', 'high'))}" in lines
    whole = shape["whole"]["network"]["reserve_after"]
    assert lines[-1] == f",,reserve_after,{','.join(whole[name] for name in ('path', 'low', 'median', 'high'))}"
    assert len(lines) == 1 + 3 * (2 * 8 + 9)
    compared = asks(park, Asked(window_months=0), JUNE, JUNE)
    lines = b"".join(what_if_pieces(compared, "csv")).decode().splitlines()
    assert "tenant,T1,Atlas Logiciel,income,1125.00,3375.00,2250.00" in lines
    prepared, readings = turns(park, 10_000_000, first=JUNE, assumptions=nothing_by_chance())
    question = Question(nothing_by_chance())
    lines = b"".join(dial_pieces(question, 10_000_000, prepared.path.months[0], readings, "csv")).decode().splitlines()
    assert lines[1:] == ["CAS,1,1.00,0.00,199", "TNG,1,1.00,0.00,79", ",1,1.00,0.00,278"]
    for pieces in (forecast_pieces(found, "xlsx"), what_if_pieces(compared, "xlsx")):
        assert b"".join(pieces).startswith(b"PK")
    assert parse_month(shape["first"]) == JUNE
