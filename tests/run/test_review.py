"""A run is read document by document before it is ordered, and the order issues just what was read (R24)."""

import csv
import io
import json
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.json import Encoder
from sqlalchemy import Engine

from billing.documents.export import pieces as exported
from billing.frame.database import reading
from billing.frame.errors import RunRefused
from billing.run.drafts import DraftDocument, canonical
from billing.run.month import run_month
from billing.run.review.files import pieces, review_shape
from billing.run.review.reviewing import Review, review_month
from billing.run.review.shapes import RunReview
from tests.oracle.service import instant
from tests.support.api import Caller
from tests.support.pages import text_of
from tests.support.park import Park, open_park
from tests.support.statements import counted_statements

LARGE = {"kind": "large", "incorporated_on": "2000-01-01", "email": "compta@firme.example"}
STARTUP = {"kind": "startup", "incorporated_on": "2025-06-01", "email": "compta@firme.example"}


def office(number: int, **fields: str) -> dict[str, str]:
    return {"code": f"L{number}", "tenant": f"T{number}", "site": "CAS", "unit": f"C-{number}", "area_m2": "20",
            "starts_on": "2024-01-01"} | fields  # fmt: skip


def meals(event: str, tenant: str, quantity: str, day: str) -> dict[str, str]:
    return {"event_id": event, "tenant": tenant, "site": "CAS", "service": "MEAL", "quantity": quantity,
            "occurred_on": day}  # fmt: skip


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    """Five firms, billed for June and July 2026."""
    park = open_park(engine, tmp_path)
    park.opens(
        tenants=[*({**LARGE, "code": f"T{n}"} for n in range(1, 5)), {**STARTUP, "code": "T5"}],
        # T5's window ends on 15 August 2026 (R5).
        leases=[*(office(n) for n in range(1, 5)), office(5, starts_on="2025-02-15", area_m2="24")],
        usage=[meals("E1", "T2", "10", "2026-05-04"), meals("E2", "T2", "12", "2026-06-04")],
    )
    for month in ("2026-06", "2026-07"):
        park.bills(month)
    return park


def reviewed(park: Park, month: str = "2026-08", **how: Any) -> Review:
    period = date.fromisoformat(f"{month}-01")
    return review_month(park.engine, period, clock=lambda: instant(period), issued_on=period, **how)


def told(park: Park, month: str = "2026-08") -> dict[tuple[str, str], tuple[str | None, list[str], list[str]]]:
    """Difference, reasons and flags of each document, by tenant and kind."""
    shape = review_shape(reviewed(park, month))
    return {(x.tenant, x.kind): (x.difference, list(x.reasons), list(x.flags)) for x in shape.documents}


def ordered(park: Park, digest: str, month: str = "2026-08") -> None:
    period = date.fromisoformat(f"{month}-01")
    run_month(
        park.settings,
        park.engine,
        period,
        clock=lambda: instant(period),
        issued_on=period,
        digest=digest,
        deliver=False,
    )


def test_each_document_is_set_against_the_month_before(park: Park) -> None:
    park.enters(tenants=[{**LARGE, "code": "T6", "email": ""}], leases=[office(6, starts_on="2026-08-10")])
    found = told(park)
    assert found["T1", "invoice"] == ("0.00", [], [])
    # 12 meals in July's run, none in August's.
    assert found["T2", "invoice"] == ("-432.00", ["usage"], [])
    assert found["T5", "invoice"][1:] == (["tier_change"], ["above_twice_last"])
    assert found["T6", "invoice"] == (None, ["new_tenant"], ["first_bill", "no_email"])


def test_a_lease_ended_entered_or_resized_is_said(park: Park) -> None:
    park.enters(
        leases=[
            office(1, ends_on="2026-08-10"),
            office(2, ends_on="2026-06-15"),
            office(3, area_m2="45"),
            office(40, tenant="T4", starts_on="2026-08-01"),
        ]
    )
    found = told(park)
    assert found["T1", "invoice"][1:] == (["lease_ended"], ["below_half_last"])
    assert found["T2", "credit_note"] == ("-9132.00", ["lease_ended", "usage", "repair"], ["credit_note"])
    assert found["T3", "invoice"][1:] == (["area_changed", "repair"], ["above_twice_last"])
    assert found["T3", "credit_note"][1:] == (["area_changed", "repair"], ["credit_note"])
    assert found["T4", "invoice"] == ("2900.00", ["new_lease"], [])


def test_a_tenant_without_bill_who_had_one_has_vanished(park: Park) -> None:
    park.enters(leases=[office(1, ends_on="2026-07-31")])
    shape = review_shape(reviewed(park))
    [gone] = shape.vanished
    assert (gone.tenant, gone.previous.period, gone.previous.net, gone.reasons) == (
        "T1", "2026-07", "2900.00", ["lease_ended"],
    )  # fmt: skip
    assert "T1" not in {document.tenant for document in shape.documents}


def test_a_mistyped_price_is_flagged_before_it_is_billed(park: Park) -> None:
    """A4: 1450.00 for 145.00."""
    rate = {"site": "CAS", "service": "OFFICE", "effective_from": "2026-08-01", "market": "1450.00",
            "subsidised": "1/3", "full_cost": "130.00"}  # fmt: skip
    park.enters(rates=[rate])
    assert told(park)["T1", "invoice"] == ("26100.00", ["rate_change"], ["above_twice_last", "price_changed_30"])


@pytest.mark.parametrize(
    ("price", "flagged"), [("188.40", False), ("188.50", True), ("101.50", True), ("101.60", False)]
)
def test_a_price_is_flagged_from_30_percent_away(park: Park, price: str, flagged: bool) -> None:
    rate = {"site": "CAS", "service": "OFFICE", "effective_from": "2026-08-01", "market": price,
            "subsidised": "1/3", "full_cost": "90.00"}  # fmt: skip
    park.enters(rates=[rate])
    _, reasons, flags = told(park)["T1", "invoice"]
    assert reasons == ["rate_change"]
    assert ("price_changed_30" in flags) is flagged


def test_usage_above_ten_times_the_mean_is_flagged(park: Park) -> None:
    """B1: 100 000 meals for 10. The mean of the runs before is 11 a month."""
    park.enters(usage=[meals("E3", "T2", "110", "2026-07-09")])
    assert told(park)["T2", "invoice"][2] == ["above_twice_last"]
    park.enters(usage=[meals("E4", "T2", "1", "2026-07-10")])
    assert told(park)["T2", "invoice"][2] == ["above_twice_last", "usage_ten_times"]


@pytest.mark.parametrize(("quantity", "flagged"), [("54", False), ("55", False), ("56", True)])
def test_r24_usage_above_ten_times_the_mean_is_flagged_on_a_bill_like_the_last_one_too(
    engine: Engine, tmp_path: Path, quantity: str, flagged: bool
) -> None:
    """Of twelve months eleven had a meal each: 55 are ten times the mean of 66 in twelve months, 56 are more."""
    park, codes = open_park(engine, tmp_path), ("T1", "a1")
    used = [f"2025-{month:02}" for month in range(6, 13)] + [f"2026-{month:02}" for month in range(1, 7)]
    park.opens(
        tenants=[{**LARGE, "code": code} for code in codes],
        leases=[office(number, tenant=code) for number, code in enumerate(codes, 1)],
        usage=[
            meals(f"{code}-{month}", code, quantity if month > "2026-04" else "1", f"{month}-04")
            for code in codes
            for month in used
        ],
    )
    for month in (*(f"2025-{month:02}" for month in range(7, 13)), *(f"2026-{month:02}" for month in range(1, 7))):
        park.bills(month)
    flags = ["usage_ten_times"] if flagged else []
    assert told(park, "2026-07") == {(code, "invoice"): ("0.00", [], flags) for code in codes}


def test_months_that_have_not_run_are_a_catch_up(park: Park) -> None:
    review = review_shape(reviewed(park, "2026-09", catch_up=True))
    [first] = [document for document in review.documents if document.tenant == "T1"]
    assert (first.difference, first.reasons) == ("2900.00", ["catch_up"])
    assert review.warnings == []
    assert "2026-08 has not been run" in reviewed(park, "2026-09").report.warnings[0]


def test_the_run_issues_just_what_was_reviewed(park: Park) -> None:
    park.enters(leases=[office(2, ends_on="2026-06-15")], usage=[meals("E3", "T1", "3", "2026-07-09")])
    review = reviewed(park)
    ordered(park, review.digest)
    with reading(park.engine) as connection:
        issued = json.loads(b"".join(exported(connection, date(2026, 8, 1), "json")))
    shape = json.loads(b"".join(pieces(review, "json", park.settings.operator.party)))
    names = ("kind", "tenant", "net", "tax", "gross", "vat")

    def plain(documents: list[dict[str, Any]]) -> list[Any]:
        fields = shape["documents"][0]["lines"][0].keys()
        return [
            [[x[name] for name in names], [{name: line[name] for name in fields} for line in x["lines"]]]
            for x in sorted(documents, key=lambda x: (x["tenant"], x["kind"]))
        ]

    assert plain(shape["documents"]) == plain(issued)
    assert {document["kind"] for document in issued} == {"invoice", "credit_note"}


def test_a_run_is_refused_if_facts_changed_since_the_review(park: Park) -> None:
    digest = reviewed(park).digest
    park.enters(leases=[office(2, ends_on="2026-08-15")])
    with pytest.raises(RunRefused, match="facts changed since the review"):
        ordered(park, digest)
    assert park.documents("2026-08") == []
    again = reviewed(park).digest
    assert again != digest
    ordered(park, again)
    # Ordered again it is final, and no fault.
    ordered(park, digest)
    assert len(park.documents("2026-08")) == 5


def test_what_is_not_printed_leaves_the_digest_alone(park: Park) -> None:
    digest = reviewed(park).digest
    park.enters(tenants=[{**LARGE, "code": "T1", "email": "autre@firme.example"}])
    assert reviewed(park).digest == digest


def test_a_row_a_document_stands_in_the_table_and_the_page_is_signed(park: Park) -> None:
    park.enters(leases=[office(1, ends_on="2026-07-31")])
    review, operator = reviewed(park), park.settings.operator.party
    rows = list(csv.DictReader(io.StringIO(b"".join(pieces(review, "csv", operator)).decode())))
    assert [(row["kind"], row["tenant"], row["previous_net"], row["reasons"]) for row in rows] == [
        ("invoice", "T2", "3332.00", "usage"),
        ("invoice", "T3", "2900.00", ""),
        ("invoice", "T4", "2900.00", ""),
        ("invoice", "T5", "1159.92", "tier_change"),
        ("vanished", "T1", "2900.00", "lease_ended"),
    ]
    assert b"".join(pieces(review, "xlsx", operator)).startswith(b"PK")
    assert b"".join(pieces(review, "pdf", operator)).startswith(b"%PDF")


def test_a_page_is_written_where_a_tenant_had_no_bill_before(park: Park) -> None:
    park.enters(tenants=[{**LARGE, "code": "T6"}], leases=[office(6, starts_on="2026-08-10")])
    page = b"".join(pieces(reviewed(park), "pdf", park.settings.operator.party))
    assert "T6" in text_of(page)


def test_the_api_reviews_and_takes_the_digest(park: Park, caller_of: Any) -> None:
    caller: Caller = caller_of(park.engine)
    order = {"period": "2026-08", "issue_date": "2026-08-01"}
    review = caller.post("/v1/billing-runs/review", order, scope="auditor")
    assert review.status_code == 200
    assert RunReview.__struct_fields__ == tuple(review.json)
    assert caller.get("/v1/billing-runs/2026-08/review?issue_date=2026-08-01") == review.json
    for file_format in ("csv", "xlsx", "pdf"):
        assert caller("GET", f"/v1/billing-runs/2026-08/review?format={file_format}").status_code == 200
    wrong = caller.post("/v1/billing-runs", order | {"digest": f"sha256:{'0' * 64}"})
    assert (wrong.status_code, wrong.json["type"]) == (409, "/problems/run-refused")
    assert caller.post("/v1/billing-runs", order | {"digest": "sha256:abc"}).status_code == 422
    assert caller.post("/v1/billing-runs", order | {"digest": review.json["digest"]}).status_code == 201


def test_the_digest_is_of_the_documents_as_the_review_has_them(park: Park) -> None:
    """Canonical JSON is made without the shapes, which it must agree with to the byte, whatever a name holds."""
    name = 'Société "Éclair" \\ <&> \u2028 ☕'
    park.enters(
        tenants=[{**LARGE, "code": "T1", "legal_name": name}],
        leases=[office(2, ends_on="2026-06-15")],
        usage=[meals("E3", "T1", "3.5", "2026-07-09")],
    )
    review = reviewed(park)
    documents = [DraftDocument.of(x.draft, x.vat) for x in review.documents]
    assert (documents[0].legal_name, documents[2].kind) == (name, "credit_note")
    sorted_json = Encoder(order="sorted")
    assert [canonical(x.draft, x.vat) for x in review.documents] == [sorted_json.encode(x) for x in documents]
    assert review.digest == f"sha256:{sha256(sorted_json.encode(documents)).hexdigest()}"


def test_a_review_takes_as_many_statements_for_two_tenants_as_for_hundreds(engine: Engine, tmp_path: Path) -> None:
    park = open_park(engine, tmp_path)
    park.opens(tenants=[{**LARGE, "code": "T1"}, {**LARGE, "code": "T2"}], leases=[office(1), office(2)])
    park.bills("2026-07")
    counts = []
    for more in (2, 300):
        # One of another area, the others new and with usage, some of them held.
        numbers = range(3, 3 + more)
        park.enters(
            tenants=[{**LARGE, "code": f"T{n}"} for n in numbers],
            leases=[*(office(n, starts_on="2026-08-01") for n in numbers), office(1, area_m2=f"{25 + more}")],
            usage=[meals(f"E{n}", f"T{n}", "3", "2026-07-09") for n in numbers],
        )
        park.holds("2026-08", *(f"T{n}" for n in numbers[: more // 2]))
        with counted_statements(engine) as statements:
            review = reviewed(park)
        counts.append(len(statements))
        assert (len(review.report.held), len(review.documents)) == (more // 2, more // 2 + 3)
    assert counts[0] == counts[1]
