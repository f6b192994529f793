"""Nothing is billed before a site opens (R34), whatever leases and usage say."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from billing.check import check
from billing.documents.explanation.explaining import explain
from billing.frame.database import reading
from billing.frame.errors import Refused
from billing.register.network_import import import_folder
from tests.oracle.service import NOW
from tests.support.networks import COLUMNS, Row, write_network
from tests.support.one_off import bills_by_hand
from tests.support.park import open_park, text

LARGE = {"code": "T1", "kind": "large"}
ESS = {"code": "ESS", "name": "Technopark Essaouira", "city": "Essaouira"}
RATES: list[Row] = [
    {"site": "ESS", "service": "OFFICE", "market": "100.00", "subsidised": "50.00", "full_cost": "90.00"},
    {"site": "ESS", "service": "MEAL", "market": "30.00", "subsidised": "15.00", "full_cost": "25.00"},
]


def test_r34_a_lease_is_billed_from_the_opening_of_its_site_on_and_no_day_before(
    engine: Engine, tmp_path: Path
) -> None:
    park = open_park(engine, tmp_path)
    park.opens(tenants=[LARGE], leases=[{"code": "L0", "tenant": "T1", "starts_on": "2026-06-30"}])
    # The lease begins in June, the site opens in the middle of July.
    park.enters(
        sites=[{**ESS, "opened_on": "2026-07-16"}],
        rates=RATES,
        leases=[{"code": "L1", "tenant": "T1", "site": "ESS", "area_m2": "10", "starts_on": "2026-06-01"}],
    )
    park.bills("2026-06")
    park.bills("2026-07")
    assert park.issued("2026-06") == text(
        """
        FA-2026-000001 T1: net 112.50, VAT 22.50, due 135.00
          TNG L0 2026-06-30 to 2026-06-30 market 112.50
        """
    )
    assert "ESS L1 2026-07-16 to 2026-07-31 market 516.13" in park.issued("2026-07")
    # The opening is put off: the next run takes the days back, and says why.
    park.enters(sites=[{**ESS, "opened_on": "2026-08-03"}])
    park.bills("2026-08")
    assert "ESS L1 2026-07-16 to 2026-07-31 market 516.13, corrects FA-2026-000002" in park.issued("2026-08")
    assert "ESS L1 2026-08-03 to 2026-08-31 market 935.48" in park.issued("2026-08")
    with reading(engine) as connection:
        (credited,) = (x for x in explain(connection, "AV-2026-000001").lines if x.site == "ESS")
    assert [(x.subject, x.key, x.after) for x in credited.changes] == [("sites", "ESS", {"opened_on": "2026-08-03"})]
    assert credited.is_reproduced is not False
    assert not check(engine)


def test_r34_usage_and_invoices_by_hand_before_a_site_opens_bill_nothing(engine: Engine, tmp_path: Path) -> None:
    park = open_park(engine, tmp_path)
    early = {"event_id": "E1", "tenant": "T1", "site": "ESS", "occurred_on": "2026-06-09"}
    park.opens(
        sites=[{**ESS, "opened_on": "2026-06-10"}],
        rates=RATES,
        tenants=[LARGE, {"code": "T2", "kind": "large"}],
        usage=[{"event_id": "E2", "tenant": "T2", "site": "ESS", "occurred_on": "2026-06-10"}],
    )
    problem = "MEAL at ESS on 2026-06-09, before the site opened on 2026-06-10"
    write_network(park.folder, **{**dict.fromkeys(COLUMNS), "usage": [early]})
    warnings = import_folder(engine, park.folder, now=NOW).warnings
    assert f"of event E1 can't be billed, nor anything else of the tenant: {problem}" in [x.problem for x in warnings]
    # As without a rate (R6): its outcome says so, everybody else is billed, and voiding it mends it.
    report = park.bills("2026-07")
    assert [(tenant, why.partition(":")[0]) for tenant, why in report.errors] == [("T1", problem)]
    assert park.issued("2026-07").startswith("FA-2026-000001 T2: net 30.00")
    with pytest.raises(Refused, match=r"sites.csv:2: opened_on .* is after the first usage on record there, 2026-06-0"):
        park.enters(sites=[{**ESS, "opened_on": "2026-06-11"}])
    with pytest.raises(Refused, match="opens on 2026-06-10: nothing is billed there before"):
        bills_by_hand(park, "MEAL;Repas du conseil;2;38.50", tenant="T1", site="ESS", on="2026-06-09")
    park.enters(usage_voids=[{"event_id": "E1"}])
    assert not park.bills("2026-07").errors
    park.enters(sites=[{**ESS, "opened_on": "2026-05-01"}])
