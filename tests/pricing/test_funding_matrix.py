"""Who funds whom, tenant by tenant: the sums, the shares, and nothing below zero (R17-R19)."""

from collections import Counter
from datetime import date
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.cross_subsidy import Grant, Position, Waterfall, waterfall
from pricing.funding_matrix import (
    EARMARKED_GRANTS,
    GRANT,
    NETWORK,
    NETWORK_GRANTS,
    OPERATOR,
    OWN,
    RESERVE,
    TENANT,
    UNFUNDED,
    Cell,
    Funder,
    Funding,
    Pool,
    Supported,
    _matrix_by_arrays,
    funding_of,
    matrix,
)

JUNE = date(2026, 6, 1)
SITES = ("AGA", "CAS", "TNG")

Found = list[tuple[str, Position]]


def solved(positions: Found, reserve: int = 0, grants: tuple[Grant, ...] = ()) -> Waterfall:
    contributions, draws = Counter[str](), Counter[str]()
    for _, position in positions:
        contributions[position.site] += position.supply
        draws[position.site] += position.need
    return waterfall(contributions, draws, reserve, grants, JUNE)


def test_each_step_names_who_gave_and_who_received() -> None:
    positions = [
        ("BIG", Position("CAS", 900, 0, 0)),
        ("OLD", Position("CAS", 300, 0, 0)),
        ("NEW", Position("CAS", 0, 600, 0)),
        ("ONE", Position("TNG", 0, 500, 0)),
        ("TWO", Position("TNG", 0, 1_500, 0)),
    ]
    grants = (Grant("G-TNG", "TNG", date(2026, 1, 1), 400), Grant("G-ALL", None, date(2026, 1, 1), 100))
    found = funding_of(positions, solved(positions, reserve=200, grants=grants))
    big, old = Funder(TENANT, "CAS", "BIG"), Funder(TENANT, "CAS", "OLD")
    new, one, two = Supported("CAS", "NEW"), Supported("TNG", "ONE"), Supported("TNG", "TWO")
    earmarked, of_network = Funder(GRANT, None, "G-TNG"), Funder(GRANT, None, "G-ALL")
    reserve, operator = Funder(RESERVE, None, None), Funder(OPERATOR, None, None)
    assert list(found.cells()) == [
        Cell(EARMARKED_GRANTS, earmarked, one, 100), Cell(EARMARKED_GRANTS, earmarked, two, 300),
        Cell(OWN, big, new, 450), Cell(OWN, old, new, 150),
        Cell(NETWORK, big, one, 113), Cell(NETWORK, big, two, 337),
        Cell(NETWORK, old, one, 37), Cell(NETWORK, old, two, 113),
        Cell("reserve", reserve, one, 50), Cell("reserve", reserve, two, 150),
        Cell(NETWORK_GRANTS, of_network, one, 25), Cell(NETWORK_GRANTS, of_network, two, 75),
        Cell(UNFUNDED, operator, one, 175), Cell(UNFUNDED, operator, two, 525),
    ]  # fmt: skip
    assert found.to_reserve == ()


def test_what_nobody_needs_goes_to_the_reserve() -> None:
    positions = [("BIG", Position("CAS", 900, 0, 0)), ("NEW", Position("TNG", 0, 100, 0))]
    found = funding_of(positions, solved(positions))
    assert found.to_reserve == ((Funder(TENANT, "CAS", "BIG"), 800),)


def test_a_park_without_tenants_funds_nobody() -> None:
    assert funding_of([], solved([])) == Funding((), ())


def test_a_pool_that_does_not_balance_is_refused() -> None:
    reserve, new = Funder(RESERVE, None, None), Supported("TNG", "NEW")
    with pytest.raises(ValueError, match="differ"):
        Pool(OWN, ((reserve, 2),), ((new, 1),))
    with pytest.raises(ValueError, match="same sum"):
        list(matrix([1], [2]))


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.data())
def test_cells_sum_to_rows_and_columns_and_are_the_exact_share_to_within_a_centime(
    rows: list[int], data: st.DataObject
) -> None:
    whole = sum(rows)
    cuts = sorted(data.draw(st.sets(st.integers(1, whole - 1), max_size=11))) if whole > 1 else []
    columns = [end - start for start, end in zip([0, *cuts], [*cuts, whole], strict=True)]
    found = list(matrix(rows, columns))
    assert [sum(row) for row in found] == rows
    assert [sum(column) for column in zip(*found, strict=True)] == columns
    for row, cells in zip(rows, found, strict=True):
        for column, cell in zip(columns, cells, strict=True):
            exact = Fraction(row * column, whole)
            assert cell >= 0
            assert abs(cell - exact) <= 1


def cut(whole: int, parts: int, random: Random) -> list[int]:
    """So many parts above zero that sum to the whole."""
    cuts = sorted(random.sample(range(1, whole), parts - 1))
    return [end - start for start, end in zip([0, *cuts], [*cuts, whole], strict=True)]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(40, 2 * 10**9), st.randoms(use_true_random=False))
def test_large_matrices_are_what_small_ones_would_be(rows: int, columns: int, whole: int, random: Random) -> None:
    """NumPy's integers and Python's give the same, whatever the sums whose products the former can hold."""
    given_, received = cut(whole, rows, random), cut(whole, columns, random)
    assert list(_matrix_by_arrays(given_, received, whole)) == list(matrix(given_, received))


def test_a_month_of_400_funders_and_200_supported_tenants_holds_its_sums() -> None:
    """Beyond the size from which arrays are used."""
    random = Random(4)
    positions = [(f"T{n}", Position(SITES[n % 3], random.randint(1, 300_000), 0, 0)) for n in range(400)]
    positions += [(f"T{n}", Position(SITES[n % 3], 0, random.randint(1, 200_000), 0)) for n in range(400, 600)]
    found = funding_of(positions, solved(positions))
    received = Counter[str]()
    for cell in found.cells():
        received[cell.supported.tenant] += cell.amount
    assert received == {tenant: p.need for tenant, p in positions if p.need}
    for tenant in ("T0", "T17", "T450", "T599"):
        assert list(found.cells_of(tenant)) == [
            cell for cell in found.cells() if tenant in (cell.funder.code, cell.supported.tenant)
        ]


def test_amounts_beyond_any_array_are_shared_exactly() -> None:
    rows = [2**70, 1, 2**70, *[3] * 300]
    columns = [*cut(2**60, 200, Random(4)), sum(rows) - 2**60]
    found = list(matrix(rows, columns))
    assert [sum(row) for row in found] == rows
    assert [sum(column) for column in zip(*found, strict=True)] == columns
    assert min(min(row) for row in found) >= 0


def test_a_waterfall_of_other_positions_makes_no_matrix() -> None:
    positions = [("BIG", Position("CAS", 900, 0, 0)), ("NEW", Position("TNG", 0, 100, 0))]
    outcome = solved(positions)
    for others in (
        [("BIG", Position("CAS", 900, 0, 0)), ("NEW", Position("TNG", 0, 101, 0))],
        [("BIG", Position("CAS", 901, 0, 0)), ("NEW", Position("TNG", 0, 100, 0))],
        [("BIG", Position("CAS", 900, 0, 0))],
    ):
        with pytest.raises(ValueError, match=r"other positions|nothing to share|below zero|differ"):
            funding_of(others, outcome)


amounts = st.integers(-5_000, 5_000)
networks = st.dictionaries(
    st.tuples(st.sampled_from([f"T{n}" for n in range(9)]), st.sampled_from(SITES)), st.tuples(amounts, amounts)
)
grant_lists = st.lists(
    st.tuples(st.sampled_from([None, *SITES]), st.integers(0, 4_000), st.dates(date(2026, 5, 1), date(2026, 6, 3))),
    max_size=4,
)


@given(networks, st.integers(0, 3_000), grant_lists, st.randoms(use_true_random=False))
def test_any_network_gives_what_r17_supplies_and_meets_what_r17_needs(
    network: dict[tuple[str, str], tuple[int, int]],
    reserve: int,
    given_grants: list[tuple[str | None, int, date]],
    random: Random,
) -> None:
    positions = [(tenant, Position(site, c, w, 0)) for (tenant, site), (c, w) in network.items()]
    grants = tuple(Grant(f"G{n}", site, on, left) for n, (site, left, on) in enumerate(given_grants))
    outcome = solved(positions, reserve, grants)
    found = funding_of(positions, outcome)
    gave, received, by_step = Counter[Funder](), Counter[Supported](), Counter[tuple[str, str]]()
    for cell in found.cells():
        assert cell.amount > 0
        gave[cell.funder] += cell.amount
        received[cell.supported] += cell.amount
        by_step[cell.step, cell.supported.site] += cell.amount
    assert received == Counter({Supported(p.site, t): p.need for t, p in positions if p.need})
    supplied = Counter({Funder(TENANT, p.site, t): p.supply for t, p in positions if p.supply})
    assert +(Counter({f: n for f, n in gave.items() if f.kind == TENANT}) + Counter(dict(found.to_reserve))) == supplied
    assert sum(dict(found.to_reserve).values()) == outcome.surplus
    used = Counter[str]()
    for use in outcome.grant_uses:
        used[use.grant] += use.amount
    assert {f.code: n for f, n in gave.items() if f.kind == GRANT} == dict(used)
    assert gave[Funder(RESERVE, None, None)] == outcome.reserve_used
    for site, funding in outcome.sites.items():
        for step in (EARMARKED_GRANTS, OWN, NETWORK, "reserve", NETWORK_GRANTS, UNFUNDED):
            assert by_step[step, site] == getattr(funding, step), (site, step)
    random.shuffle(positions)
    assert funding_of(positions, outcome) == found
