"""Switches over HTTP."""

from sqlalchemy import Engine

from billing.check import check
from tests.support.api import Caller


def test_switches_are_listed_shown_and_announced_once(ground: Caller, engine: Engine) -> None:
    """T1's window ends on 9 September 2026; it is 2 September."""
    found = ground.get("/v1/tier-changes", "auditor")
    assert (found["from"], found["months"]) == ("2026-09", 24)
    assert [(x["tenant"], x["difference"], x["announced"]) for x in found["switches"]] == [("T1", "2250.00", [])]
    assert found["by_month"][0]["sites"]["TNG"]["tenants"] == 1
    assert ground("GET", "/v1/tier-changes/table?format=csv&from=2026-09&months=1").text.count("\n") == 2
    assert ground("GET", "/v1/tier-changes/table?format=xlsx").data.startswith(b"PK")
    shown = ground.get("/v1/tenant-tier-changes/T1", "auditor")
    assert (shown["switches_on"], [month["gross"] for month in shown["months"]]) == (
        "2026-09-10", ["1350.00", "3240.00", "4050.00"],
    )  # fmt: skip
    assert ground("GET", "/v1/tenant-tier-changes/T1/pdf").data.startswith(b"%PDF")
    for path in ("/v1/tenant-tier-changes/T2", "/v1/tenant-tier-changes/T9", "/v1/tenant-tier-changes/T2/pdf"):
        assert ground("GET", path).status_code == 404

    made = ground.post("/v1/tier-change-notices", None, key="september")
    assert made.status_code == 201
    [notice] = made.json["announced"]
    assert (notice["tenant"], notice["step"], notice["corrects"]) == ("T1", 30, None)
    assert ground.post("/v1/tier-change-notices", None, key="september").json == made.json
    again = ground.post("/v1/tier-change-notices", None)
    assert (again.status_code, again.json["announced"]) == (200, [])
    [listed] = ground.get("/v1/tier-change-notices?tenant=T1", "auditor")["items"]
    assert listed == notice
    assert notice["announced_on"] == "2026-09-02"
    assert ground.get(f"/v1/messages/{notice['message']}")["papers"] == ["Fin-de-remise-2026-09-10.pdf"]
    assert ground.get("/v1/tier-changes")["switches"][0]["announced"] == [30]
    assert check(engine) == []
