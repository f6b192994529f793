"""The VAT return's working paper over HTTP."""

import pytest

from tests.support.api import Caller


def test_a_month_without_receipts_owes_nothing_and_says_so(park: Caller) -> None:
    told = park.get("/v1/vat-returns/2026-07", scope="auditor")
    assert (told["period"], told["regime"], told["vat"], told["difference"]) == (
        "2026-07", "encaissement", "0.00", "0.00",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("file_format", "media_type"),
    [
        ("json", "application/json"),
        ("csv", "text/csv; charset=utf-8"),
        ("html", "text/html; charset=utf-8"),
        ("pdf", "application/pdf"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_it_comes_in_every_format_of_reports(park: Caller, file_format: str, media_type: str) -> None:
    answer = park("GET", f"/v1/vat-returns/2026-07?format={file_format}")
    assert (answer.status_code, answer.content_type) == (200, media_type)
    assert len(answer.data) > 50


def test_what_is_no_month_or_format_is_refused(park: Caller) -> None:
    assert park("GET", "/v1/vat-returns/2026-13").status_code == 404
    assert park("GET", "/v1/vat-returns/2026-07?format=fec").status_code == 422
    assert park("GET", "/v1/vat-returns/2026-07", scope=None).status_code == 401


def test_a_month_before_the_settings_begin_has_no_return(park: Caller) -> None:
    answer = park("GET", "/v1/vat-returns/1900-01")
    assert answer.status_code == 404
    assert answer.get_json()["detail"].startswith("there is no VAT return of 1900-01: TERMS_FILE: vat.")
