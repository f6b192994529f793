"""Statements and reports over HTTP: every format, what is refused, who may read."""

import csv
import io
import json

import openpyxl
import pytest

from tests.support.api import Caller
from tests.support.operations import is_problem

REPORTS = ("aged-balance", "open-items", "vat-not-due", "receipts", "unplaced-receipts", "missing-certificates")
MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
}


def a_tenant(caller: Caller) -> str:
    code: str = caller.get("/v1/documents?kind=invoice&limit=1")["items"][0]["tenant"]
    return code


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_comes_in_every_format(park: Caller, report: str) -> None:
    for file_format, media_type in MEDIA_TYPES.items():
        answer = park("GET", f"/v1/reports/{report}?format={file_format}", "auditor")
        assert (answer.status_code, answer.content_type) == (200, media_type), answer.text
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{report}.{file_format}"'
    assert json.loads(park("GET", f"/v1/reports/{report}").data)["report"] == report
    assert park("GET", f"/v1/reports/{report}?format=pdf").data.startswith(b"%PDF-1.7")


def test_the_aged_balance_of_a_day_sums_to_the_balances_of_tenants(park: Caller) -> None:
    found = json.loads(park("GET", "/v1/reports/aged-balance?on=2026-09-30").data)
    assert found["on"] == "2026-09-30"
    assert found["items"]
    accounts = {one["account"]: one["balance"] for one in park.get("/v1/ledger/trial-balance")["accounts"]}
    assert found["totals"]["balance"] == accounts["3421"]
    sheet = openpyxl.load_workbook(io.BytesIO(park("GET", "/v1/reports/aged-balance?format=xlsx").data)).worksheets[0]
    assert all(isinstance(cell.value, int | float) for row in sheet.iter_rows(min_row=2, min_col=3) for cell in row)


def test_a_tenants_statement_in_every_format(park: Caller) -> None:
    tenant = a_tenant(park)
    for file_format in ("json", "csv", "xlsx", "pdf"):
        answer = park("GET", f"/v1/tenants/{tenant}/statement?format={file_format}", "auditor")
        assert (answer.status_code, answer.content_type) == (200, MEDIA_TYPES[file_format])
    told = park.get(f"/v1/tenants/{tenant}/statement?from=2026-07-01&until=2026-07-31")
    assert (told["tenant"], told["from"], told["until"]) == (tenant, "2026-07-01", "2026-07-31")
    assert told["lines"][-1]["balance"] == told["closing"]
    rows = list(csv.reader(io.StringIO(park("GET", f"/v1/tenants/{tenant}/statement?format=csv").text)))
    assert rows[0] == ["Date", "Pièce", "Libellé", "Échéance", "Débit", "Crédit", "Solde"]


def test_what_cannot_be_asked_is_refused(park: Caller) -> None:
    tenant = a_tenant(park)
    assert is_problem(park("GET", "/v1/tenants/T9/statement"), 404, "not-found")
    for path in (
        f"/v1/tenants/{tenant}/statement?format=html", "/v1/reports/aged-balance?format=doc",
        "/v1/reports/aged-balance?on=2026-02-30", "/v1/reports/receipts?from=2026-09-02&until=2026-09-01",
        f"/v1/tenants/{tenant}/statement?from=2026-09-02&until=2026-09-01", "/v1/reports/aged-balance?tenant=T1",
    ):  # fmt: skip
        assert is_problem(park("GET", path), 422, "validation"), path
    assert park("GET", "/v1/reports/aged-balance", None).status_code == 401
