"""Positions and the waterfall (R17-R19, W10)."""

from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.cross_subsidy import Grant, Position, SiteFunding, positions, waterfall
from pricing.eligibility import MARKET, SUBSIDISED
from pricing.rating import PricedLine

JUNE = date(2026, 6, 1)
MAY = date(2026, 5, 1)


@pytest.mark.parametrize(
    ("contribution", "draw", "supply", "need"),
    [(252, 567, 252, 567), (-300, 0, 0, 300), (0, -567, 567, 0), (-300, -567, 567, 300), (5, -7, 12, 0), (0, 0, 0, 0)],
)
def test_r17_credited_contributions_are_needs_and_credited_draws_are_supplies(
    contribution: int, draw: int, supply: int, need: int
) -> None:
    position = Position("TNG", contribution, draw, 0)
    assert (position.supply, position.need) == (supply, need)
    assert position.supply - position.need == contribution - draw


def line(site: str, tier: str, price: int, full: int, cost: int) -> PricedLine:
    return PricedLine(
        service="MEAL",
        site=site,
        lease=None,
        month=JUNE,
        first_day=None,
        last_day=None,
        days=1,
        days_in_month=1,
        tier=tier,
        quantity=10**6,
        full_price=full * 100,
        unit_price=price * 100,
        unit_cost=cost * 100,
        amount=price,
        full_amount=full,
        cost_amount=cost,
        vat_rate=1_000,
    )


def test_r16_r17_positions_are_per_site_and_credited_lines_count_negative() -> None:
    give = line("TNG", MARKET, 150, 150, 134)
    take = line("TNG", SUBSIDISED, 50, 150, 134)
    elsewhere = line("CAS", MARKET, 150, 150, 130)
    assert positions([give, take, elsewhere], []) == (Position("CAS", 20, 0, 0), Position("TNG", 16, 84, 100))
    assert positions([give], [take, take]) == (Position("TNG", 16, -168, -200),)
    assert positions([take], [take]) == (Position("TNG", 0, 0, 0),)
    assert positions([], []) == ()


def funding(found: SiteFunding) -> tuple[int, ...]:
    """(earmarked, own, network, reserve, network grants, unfunded)."""
    return (
        found.earmarked_grants,
        found.own,
        found.network,
        found.reserve,
        found.network_grants,
        found.unfunded,
    )


def test_r18_each_need_is_met_in_the_order_of_the_rule() -> None:
    found = waterfall(
        {"A": 20, "B": 100, "C": 0},
        {"A": 100, "B": 70, "C": 60},
        reserve=25,
        grants=[Grant("GA", "A", MAY, 30), Grant("GN", None, MAY, 15)],
        first_day=JUNE,
    )
    # After grant and own, A lacks 50 and C 60. B leaves 30: 13.6 and 16.4. The reserve's 25 over 36 and 44;
    # the network grant's 15 over 25 and 30.
    assert funding(found.sites["A"]) == (30, 20, 14, 11, 7, 18)
    assert funding(found.sites["B"]) == (0, 70, 0, 0, 0, 0)
    assert funding(found.sites["C"]) == (0, 0, 16, 14, 8, 22)
    assert (found.reserve_used, found.surplus, found.reserve_after) == (25, 0, 0)
    assert found.grants_left == {"GA": 0, "GN": 0}


def test_r18_an_earmarked_grant_comes_before_the_sites_own_contributions_which_then_reach_the_reserve() -> None:
    found = waterfall({"A": 50}, {"A": 50}, 0, [Grant("G", "A", JUNE, 80)], JUNE)
    assert funding(found.sites["A"]) == (50, 0, 0, 0, 0, 0)
    assert found.grants_left == {"G": 30}
    assert found.reserve_after == 50


def test_r18_earmarked_grants_are_used_oldest_first_then_by_code() -> None:
    grants = [
        Grant("G3", "A", JUNE, 10),
        Grant("G2", "A", MAY, 10),
        Grant("G1", "A", JUNE, 10),
        Grant("G0", "B", MAY, 9),
    ]
    found = waterfall({}, {"A": 25}, 0, grants, JUNE)
    assert found.grants_left == {"G0": 9, "G1": 0, "G2": 0, "G3": 5}
    assert [use.grant for use in found.grant_uses] == ["G2", "G1", "G3"]


def test_r18_network_grants_are_used_oldest_first_then_by_code() -> None:
    grants = [Grant("G3", None, JUNE, 10), Grant("G2", None, MAY, 10), Grant("G1", None, JUNE, 10)]
    found = waterfall({}, {"A": 15, "B": 10}, 0, grants, JUNE)
    assert found.grants_left == {"G1": 0, "G2": 0, "G3": 5}


def test_r18_a_grant_counts_from_the_first_of_a_month_and_not_one_day_later() -> None:
    assert waterfall({}, {"A": 5}, 0, [Grant("G", "A", JUNE, 5)], JUNE).sites["A"].unfunded == 0
    late = waterfall({}, {"A": 5}, 0, [Grant("G", "A", date(2026, 6, 2), 5)], JUNE)
    assert (late.sites["A"].unfunded, late.grants_left) == (5, {})


def test_r18_the_reserve_is_the_one_before_the_run_not_this_runs_surplus() -> None:
    found = waterfall({"A": 10}, {"A": 4}, 3, [], JUNE)
    assert (found.reserve_used, found.surplus, found.reserve_after) == (0, 6, 9)


def test_r19_shares_are_by_largest_remainder_with_ties_to_the_smaller_site_code() -> None:
    found = waterfall({"D": 10_000}, {"C": 4_000, "B": 4_000, "A": 4_000}, 0, [], JUNE)
    assert {site: of.network for site, of in found.sites.items()} == {"A": 3_334, "B": 3_333, "C": 3_333, "D": 0}
    assert {site: of.unfunded for site, of in found.sites.items()} == {"A": 666, "B": 667, "C": 667, "D": 0}


def test_r18_negative_sums_are_refused() -> None:
    sums: list[tuple[dict[str, int], dict[str, int], int]] = [({"A": -1}, {}, 0), ({}, {"A": -1}, 0), ({}, {}, -1)]
    for supplies, needs, reserve in sums:
        with pytest.raises(ValueError, match="must not be negative"):
            waterfall(supplies, needs, reserve, [], JUNE)


def test_a_sites_funding_that_does_not_meet_its_need_exactly_cannot_be_built() -> None:
    for parts in ((10, 10, 0, 9, 0, 0, 0, 0), (5, 10, 0, 10, 0, 0, 0, 0), (0, 0, 0, 0, 1, -1, 0, 0)):
        with pytest.raises(ValueError, match="not met exactly"):
            SiteFunding(*parts)


SITES = st.sampled_from(["A", "B", "C", "D"])
SUMS = st.dictionaries(SITES, st.one_of(st.integers(0, 30), st.integers(0, 10**9)), max_size=4)
GRANTS = st.lists(
    st.builds(
        Grant,
        st.sampled_from(["G1", "G2", "G3", "G4", "G5"]),
        st.one_of(st.none(), st.sampled_from(["A", "B", "Z"])),
        st.sampled_from([MAY, JUNE, date(2026, 6, 2)]),
        st.integers(0, 40),
    ),
    unique_by=lambda grant: grant.code,
)


@given(SUMS, SUMS, st.integers(0, 50), GRANTS)
def test_r18_every_centime_is_accounted_for(
    supplies: dict[str, int], needs: dict[str, int], reserve: int, grants: list[Grant]
) -> None:
    found = waterfall(supplies, needs, reserve, grants, JUNE)
    for site, of in found.sites.items():
        assert sum(funding(of)) == needs.get(site, 0)
        assert min(funding(of)) >= 0
        assert of.contributions == supplies.get(site, 0)
        # Nobody bears a need while its own contributions are left.
        assert of.left_over == 0 or of.network + of.reserve + of.network_grants + of.unfunded == 0
    left_over = sum(of.left_over for of in found.sites.values())
    assert left_over == sum(of.network for of in found.sites.values()) + found.surplus
    assert found.surplus == 0 or not any(of.reserve + of.network_grants + of.unfunded for of in found.sites.values())
    assert 0 <= found.reserve_used <= reserve
    assert found.reserve_used == reserve or not any(of.network_grants + of.unfunded for of in found.sites.values())
    assert found.reserve_after == reserve - found.reserve_used + found.surplus
    eligible = {grant.code: grant for grant in grants if grant.granted_on <= JUNE}
    assert set(found.grants_left) == set(eligible)
    used = dict.fromkeys(eligible, 0)
    for use in found.grant_uses:
        assert use.amount > 0
        assert eligible[use.grant].site in (None, use.site)
        used[use.grant] += use.amount
    for code, grant in eligible.items():
        assert found.grants_left[code] == grant.left - used[code] >= 0
    met = sum(of.earmarked_grants + of.network_grants for of in found.sites.values())
    assert met == sum(used.values())
    if any(of.unfunded for of in found.sites.values()):
        assert not any(found.grants_left[code] for code, grant in eligible.items() if grant.site is None)


@given(SUMS, SUMS, st.integers(0, 50), GRANTS, st.randoms())
def test_r19_the_order_in_which_sites_and_grants_are_given_decides_nothing(
    supplies: dict[str, int], needs: dict[str, int], reserve: int, grants: list[Grant], random: Random
) -> None:
    def shuffled(sums: dict[str, int]) -> dict[str, int]:
        items = list(sums.items())
        random.shuffle(items)
        return dict(items)

    expected = waterfall(supplies, needs, reserve, grants, JUNE)
    again = list(grants)
    random.shuffle(again)
    assert waterfall(shuffled(supplies), shuffled(needs), reserve, again, JUNE) == expected
