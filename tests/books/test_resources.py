"""The books over HTTP: entries, accounts, balances, and files for accountants."""

import csv
import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from billing.books.reports.writing import FORMATS as REPORT_FORMATS
from billing.books.reports.writing import REPORTS
from billing.frame.http.report_files import LINES_ON_PAPER_MAX
from ledger.exports import FORMATS
from ledger.exports.tables import ending
from tests.support.api import Caller


def centimes(text: str) -> int:
    return int(text.replace(".", ""))


def test_every_entry_balances_and_none_is_missing_r22(park: Caller) -> None:
    entries = park.get("/v1/ledger/entries?limit=500", "auditor")["items"]
    assert [entry["number"] for entry in entries] == list(range(1, len(entries) + 1))
    for entry in entries:
        assert sum(centimes(p["debit"]) - centimes(p["credit"]) for p in entry["postings"]) == 0
        assert {p["account"][0] == "9" for p in entry["postings"]} == {entry["journal"] == "PER"}


def test_entries_are_chosen_by_account_tenant_journal_piece_reference_and_days(park: Caller) -> None:
    def chosen(query: str) -> list[str]:
        return [entry["reference"] for entry in park.get(f"/v1/ledger/entries?limit=500&{query}")["items"]]

    sales = chosen("journal=VTE")
    assert sales
    assert sales == chosen("account=3421")
    of_d1 = chosen("account=3421&auxiliary=D1")
    assert len(of_d1) == len(park.get("/v1/documents?tenant=D1")["items"])
    assert chosen("piece=AV-2026-000001&journal=VTE") == ["VTE/AV-2026-000001"]
    assert chosen("reference=VTE/AV-2026-000001") == ["VTE/AV-2026-000001"]
    assert set(chosen("from=2026-07-01&until=2026-07-01")) <= set(chosen("from=2026-06-02&until=2026-07-31"))
    assert chosen("from=2031-01-01") == []
    assert chosen("account=1") == []


def test_the_trial_balance_is_the_sum_of_the_entries(park: Caller) -> None:
    balance = park.get("/v1/ledger/trial-balance", "auditor")
    totals: dict[str, int] = {}
    for entry in park.get("/v1/ledger/entries?limit=500")["items"]:
        for posting in entry["postings"]:
            amount = centimes(posting["debit"]) - centimes(posting["credit"])
            totals[posting["account"]] = totals.get(posting["account"], 0) + amount
    assert {found["account"]: centimes(found["balance"]) for found in balance["accounts"]} == totals
    assert all(
        centimes(found["balance"]) == centimes(found["debit"]) - centimes(found["credit"])
        for found in balance["accounts"]
    )
    june = park.get("/v1/ledger/trial-balance?until=2026-06-30")
    assert june["until"] == "2026-06-30"
    assert {found["account"] for found in june["accounts"]} <= set(totals)
    assert june["accounts"] != balance["accounts"]


def test_9205_and_9206_are_nil_after_every_run_r22(park: Caller) -> None:
    for until in ("2026-06-30", "2026-07-31", "2026-08-31"):
        accounts = park.get(f"/v1/ledger/trial-balance?until={until}")["accounts"]
        pools = {found["account"]: found["balance"] for found in accounts if found["account"] in ("9205", "9206")}
        assert pools
        assert set(pools.values()) == {"0.00"}


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_journal_is_handed_out_in_every_format(park: Caller, file_format: str) -> None:
    found = park("GET", f"/v1/ledger/exports?format={file_format}", "auditor")
    assert (found.status_code, found.content_type) == (200, FORMATS[file_format].media_type)
    assert found.headers["Content-Disposition"].startswith('attachment; filename="journal.')
    assert len(found.data) > 1000


def test_the_files_days_are_those_asked_for(park: Caller) -> None:
    def days(query: str) -> set[str]:
        answer = park("GET", f"/v1/ledger/exports?format=csv{query}")
        rows = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
        return {value for row in rows for name, value in row.items() if name == "effective_on"}

    assert days("&from=2026-07-01&until=2026-07-31") == {"2026-07-01"}
    assert days("") > days("&from=2026-07-01")


def test_hledger_accepts_what_is_handed_out(park: Caller, tmp_path: Path) -> None:
    journal = tmp_path / "books.journal"
    journal.write_bytes(park("GET", "/v1/ledger/exports?format=hledger").data)
    subprocess.run(["hledger", "-f", str(journal), "check"], check=True)


def test_a_format_that_is_none_is_refused(park: Caller) -> None:
    for query in ("", "?format=pdf", "?format=csv&from=2026-02-30", "?format=csv&until=x"):
        assert park("GET", f"/v1/ledger/exports{query}").status_code == 422


def test_a_file_hung_up_on_leaves_nothing_open(park: Caller) -> None:
    """More often than the pool has connections."""
    for _ in range(20):
        answer = park("GET", "/v1/ledger/exports?format=csv", buffered=False)
        next(iter(answer.response))
        answer.close()
    assert park.get("/v1/ledger/accounts?limit=1")["items"]


@pytest.mark.parametrize("name", REPORTS)
def test_the_books_are_handed_out_to_auditors_in_every_format(park: Caller, name: str) -> None:
    for file_format, found in REPORT_FORMATS.items():
        answer = park("GET", f"/v1/ledger/reports/{name}?format={file_format}&from=2026-07-01", "auditor")
        assert (answer.status_code, answer.content_type) == (200, found.media_type)
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}.{ending(file_format)}"'
        assert len(answer.data) > 500


def test_a_book_is_chosen_by_days_account_tenant_and_site(park: Caller) -> None:
    def lines(query: str) -> list[dict[str, str]]:
        found = park.get(f"/v1/ledger/reports/journal?format=json&{query}")
        return [row for row in [*found["general"], *found["analytic"]] if row["kind"] == "line"]

    whole = lines("")
    assert lines("account=3421&tenant=D1") == [r for r in whole if (r["account"], r["auxiliary"]) == ("3421", "D1")]
    assert lines("site=TNG") == [row for row in whole if row["site"] == "TNG"]
    july = [row for row in whole if row["effective_on"][:7] == "2026-07"]
    assert lines("from=2026-07-01&until=2026-07-31") == july != []


def test_a_book_that_can_t_be_given_is_a_problem_that_says_why(park: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def problem(name: str, query: str) -> tuple[int, str]:
        answer = park("GET", f"/v1/ledger/reports/{name}?{query}")
        assert answer.content_type == "application/problem+json"
        return answer.status_code, answer.json["type"].rsplit("/", 1)[1]

    assert problem("inventory", "format=csv") == (404, "not-found")
    assert problem("journal", "format=csv&tenant=T9") == (404, "not-found")
    assert problem("journal", "format=csv&account=99") == (404, "not-found")
    assert problem("journal", "format=docx") == (422, "validation")
    assert problem("journal", "") == (422, "validation")
    assert problem("journal", "format=csv&from=2026-08-01&until=2026-07-31") == (422, "validation")
    assert LINES_ON_PAPER_MAX > 100
    monkeypatch.setattr("billing.books.reports.resources.LINES_ON_PAPER_MAX", 3)
    assert problem("journal", "format=pdf") == (422, "too-long")
    assert park("GET", "/v1/ledger/reports/journal?format=csv").status_code == 200


def test_a_book_hung_up_on_leaves_nothing_open(park: Caller) -> None:
    """More often than the pool has connections."""
    for _ in range(20):
        answer = park("GET", "/v1/ledger/reports/ledger?format=html", buffered=False)
        next(iter(answer.response))
        answer.close()
    assert park.get("/v1/ledger/accounts?limit=1")["items"]


def test_an_auditor_takes_a_years_books_away(park: Caller) -> None:
    answer = park("GET", "/v1/ledger/audit-bundles/2026", "auditor")
    assert (answer.status_code, answer.content_type) == (200, "application/zip")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit-2026.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.read("controle/controle.txt").decode().splitlines()[-1] == "difference = 0"
    for year, status in (("2019", 404), ("26", 404), ("9999", 404)):
        refused = park("GET", f"/v1/ledger/audit-bundles/{year}", "auditor")
        assert (refused.status_code, refused.content_type) == (status, "application/problem+json")
