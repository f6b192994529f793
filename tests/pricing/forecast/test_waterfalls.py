"""The waterfall over many draws is that of `pricing`, draw by draw, to the centime."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pricing.cross_subsidy import Grant, SiteFunding
from pricing.forecast.waterfalls import FundsInDraws
from pricing.projection import Funds, cascade

SITES = ("AGA", "CAS", "TNG")
MONTHS = (date(2026, 6, 1), date(2026, 7, 1), date(2026, 8, 1))
# Small sums make ties, large ones would pass 64 bits when multiplied.
AMOUNT = st.one_of(st.integers(0, 12), st.integers(0, 10**6), st.integers(0, 10**13))
RUN = st.tuples(st.tuples(AMOUNT, AMOUNT, AMOUNT), st.tuples(AMOUNT, AMOUNT, AMOUNT))
DRAW = st.tuples(RUN, RUN, RUN)
GRANTS = st.lists(
    st.tuples(
        st.sampled_from((*SITES, None, "RAB")),
        st.sampled_from((date(2026, 1, 1), date(2026, 6, 1), date(2026, 7, 15))),
        st.one_of(st.integers(-5, 20), AMOUNT),
    ),
    max_size=4,
).map(lambda rows: tuple(Grant(f"G{number}", *row) for number, row in enumerate(rows)))


@given(st.lists(DRAW, min_size=1, max_size=4), AMOUNT, GRANTS)
def test_r18_r19_every_draw_is_met_as_a_run_would_meet_it(
    drawn: list[tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]], reserve: int, grants: tuple[Grant, ...]
) -> None:
    funds, light = FundsInDraws(len(drawn), reserve, grants), FundsInDraws(len(drawn), reserve, grants)
    found = []
    for place, month in enumerate(MONTHS):
        supplies, needs = (np.array([draw[place][side] for draw in drawn]) for side in (0, 1))
        found.append(funds.meet(supplies, needs, SITES, month))
        light.settle(supplies, needs.copy(), SITES, month)
        assert light.reserve.tolist() == funds.reserve.tolist()
    for number, draw in enumerate(drawn):
        runs = [
            (month, dict(zip(SITES, supplies, strict=True)), dict(zip(SITES, needs, strict=True)))
            for month, (supplies, needs) in zip(MONTHS, draw, strict=True)
        ]
        for outcome, funding in zip(cascade(runs, Funds(reserve, grants)), found, strict=True):
            for column, site in enumerate(SITES):
                expected = outcome.sites[site]
                assert expected == SiteFunding(
                    *(int(getattr(funding, name)[number, column]) for name in SiteFunding.__dataclass_fields__)
                )
            assert int(funding.reserve_after[number]) == outcome.reserve_after
