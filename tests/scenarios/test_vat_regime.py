"""VAT due as documents are issued (*débits*): moved at once, by nothing that is paid later; the option is dated."""

from dataclasses import replace
from datetime import date

import pytest

from billing.check import check
from billing.frame.errors import BadConfiguration
from billing.frame.terms import Term, Terms
from tests.support.credit_notes import credits_by_hand
from tests.support.debts import decides
from tests.support.park import Park, text
from tests.support.receipts_park import FIRST, LEASES, TENANTS
from tests.support.till import order, receives, settles, still_open, undoes


def under(park: Park, *versions: tuple[str, str]) -> None:
    """The regimes with the days they count from."""
    terms = tuple(Term(date.fromisoformat(since), value, "test") for since, value in versions)
    shipped = park.settings.terms.versions
    park.settings = replace(park.settings, terms=Terms({**shipped, "vat.regime": terms}))


def test_vat_falls_due_with_the_invoice_and_payments_move_none(park: Park) -> None:
    under(park, ("2000-01-01", "debits"))
    park.opens(tenants=TENANTS[:1], leases=LEASES[:1])
    park.bills("2026-06")
    assert park.booked("OD") == text("""
        2026-06-01 OD/TVA-FA-2026-000001
          44551                    580.00
          4455                    -580.00
        """)
    receives(park, order("1000.00"))
    undoes(park, 1)
    receives(park, order("480.00", reference="V2"))
    credits_by_hand(park, FIRST, (1, 50000), on="2026-06-21")
    settles(park)
    assert (
        park.booked("OD", since="2026-06-21").splitlines()[:3]
        == text("""
        2026-06-25 OD/AF-1/annulation
          4428  T1               -1000.00
          3421  T1                1000.00
        """).splitlines()
    )
    assert park.balances()["4455"] == "-480.00"
    assert "44551" not in park.balances()
    assert still_open(park) == {FIRST: "1400.00"}
    decides(park, "written_off")
    assert (park.balances()["6182"], park.balances()["4455"]) == ("1400.00", "-480.00")
    decides(park, "recovered", "400.00", on="2027-01-05")
    assert (park.balances()["7585"], park.balances()["4455"]) == ("-400.00", "-480.00")
    assert check(park.engine) == []


def test_an_option_concerns_what_is_issued_from_its_first_day_on(park: Park) -> None:
    under(park, ("2000-01-01", "encaissement"), ("2026-07-01", "debits"), ("2026-08-01", "encaissement"))
    park.opens(tenants=TENANTS[:1], leases=LEASES[:1])
    for month in ("2026-06", "2026-07", "2026-08"):
        park.bills(month)
    assert (park.balances()["44551"], park.balances()["4455"]) == ("-1160.00", "-580.00")
    receives(park, order("10440.00", on="2026-08-20"))
    assert (park.balances().get("44551"), park.balances()["4455"]) == (None, "-1740.00")
    assert check(park.engine) == []


def test_a_regime_that_is_none_is_refused(park: Park) -> None:
    under(park, ("2000-01-01", "caisse"))
    park.opens(tenants=TENANTS[:1], leases=LEASES[:1])
    with pytest.raises(BadConfiguration, match=r"vat\.regime is encaissement or debits, not 'caisse'"):
        receives(park, order("1.00"))
