"""What finance staff take away: the contract's shapes, and tables whose numbers are numbers (contract, Exports)."""

import csv
import io
import json
import os
from collections import defaultdict
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from msgspec import to_builtins
from sqlalchemy import Connection, Engine, func, insert, select, update

from billing.books.journal import trial_balance
from billing.documents import export as documents_export
from billing.documents.export import COLUMNS
from billing.documents.queries import document_shapes
from billing.frame.database import reading, writing
from billing.frame.errors import Unknown
from billing.register.tables import billing_run
from billing.run import matrix_export, waterfall_export
from invoices.models import document
from invoices.structured_reference import rf_of
from ledger.entry import Entry, Posting
from ledger.models import entry, posting
from pricing.cross_subsidy import SiteFunding
from tests.support.billed_park import NOW, bill_park
from tests.support.books import post_all, small_books

JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)
GOLDEN = Path(__file__).parent.parent / "golden" / "billing"


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Engine:
    bill_park(engine, tmp_path / "network")
    return engine


def documents(engine: Engine, period: date, file_format: str = "json") -> bytes:
    with reading(engine) as connection:
        return b"".join(documents_export.pieces(connection, period, file_format))


def cross_subsidy(engine: Engine, period: date, file_format: str = "json") -> bytes:
    with reading(engine) as connection:
        return b"".join(waterfall_export.pieces(connection, period, file_format))


def balance(engine: Engine, until: date | None, file_format: str = "json") -> bytes:
    with reading(engine) as connection:
        return b"".join(trial_balance.pieces(connection, until, file_format))


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_a_billed_park_gives_these_files_on_every_database(park: Engine) -> None:
    found = {
        "documents-2026-07.json": documents(park, JULY),
        "documents-2026-07.csv": documents(park, JULY, "csv"),
        "cross-subsidy-2026-07.json": cross_subsidy(park, JULY),
        "cross-subsidy-2026-07.csv": cross_subsidy(park, JULY, "csv"),
        "trial-balance.json": balance(park, None),
        "trial-balance.csv": balance(park, None, "csv"),
    }
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        for name, content in found.items():
            (GOLDEN / name).write_bytes(content)
    assert {name: content.decode() for name, content in found.items()} == {
        name: (GOLDEN / name).read_text(encoding="utf-8") for name in found
    }


# --- documents ---------------------------------------------------------------------------------------


def test_documents_are_a_list_by_number_in_the_contracts_shape(park: Engine) -> None:
    found: list[dict[str, Any]] = json.loads(documents(park, JULY))
    assert [d["number"] for d in found] == sorted(d["number"] for d in found)
    assert {d["kind"] for d in found} == {"invoice", "credit_note"}
    for d in found:
        assert list(d) == [
            "number", "kind", "period", "issued_on", "due_on", "tenant", "currency", "payment_reference", "lines",
            "vat", "net", "tax", "gross",
        ]  # fmt: skip
        for line in d["lines"]:
            assert list(line) == [
                "service", "site", "lease", "month", "first_day", "last_day", "tier", "quantity", "full_price",
                "unit_price", "amount", "full_amount", "cost_amount", "vat_rate", "corrects", "withdraws",
                "account", "text",
            ]  # fmt: skip
            assert (line["lease"] is None) == (line["first_day"] is None) == (line["service"] != "OFFICE")
        assert Decimal(d["net"]) == sum(Decimal(line["amount"]) for line in d["lines"])
        assert Decimal(d["gross"]) == Decimal(d["net"]) + Decimal(d["tax"])


def test_r14_a_credit_notes_lines_are_positive_and_name_the_invoice_they_correct(park: Engine) -> None:
    [credit_note] = [d for d in json.loads(documents(park, JULY)) if d["kind"] == "credit_note"]
    [d1_of_june] = [d for d in json.loads(documents(park, date(2026, 6, 1))) if d["tenant"] == "D1"]
    assert credit_note["tenant"] == "D1"
    assert [line["corrects"] for line in credit_note["lines"]] == [d1_of_june["number"]]
    assert [line["amount"] for line in credit_note["lines"]] == [d1_of_june["lines"][0]["amount"]]


def test_the_export_and_the_api_say_the_same_of_every_document(park: Engine) -> None:
    with reading(park) as connection:
        for period in (date(2026, 6, 1), JULY, AUGUST):
            heads = connection.execute(
                select(document).where(document.c.period == period).order_by(document.c.number)
            ).all()
            assert json.loads(documents(park, period)) == to_builtins(document_shapes(connection, heads))


def test_an_invoice_says_what_payers_quote_as_its_paper_does(park: Engine) -> None:
    found = {d["number"]: d["payment_reference"] for d in json.loads(documents(park, JULY))}
    for number, reference in found.items():
        assert reference == (rf_of(number) if number.startswith("FA") else number)
    assert {row["number"]: row["payment_reference"] for row in csv_rows(documents(park, JULY, "csv"))} == found


def test_a_run_of_many_documents_is_one_list(park: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = documents(park, JULY)
    monkeypatch.setattr("billing.documents.export._BATCH", 2)
    assert documents(park, JULY) == whole


def test_a_run_without_documents_is_an_empty_list(engine: Engine) -> None:
    with writing(engine) as connection:
        add_run(connection, JULY, "complete", "{}")
    assert json.loads(documents(engine, JULY)) == []
    assert len(csv_rows(documents(engine, JULY, "csv"))) == 0


def test_tables_have_a_row_a_line_and_a_documents_sums_on_its_first(park: Engine) -> None:
    rows = csv_rows(documents(park, JULY, "csv"))
    whole = json.loads(documents(park, JULY))
    assert list(rows[0]) == [column.name for column in COLUMNS]
    assert len(rows) == sum(len(d["lines"]) for d in whole)
    for name in ("net", "tax", "gross"):
        assert sum(Decimal(row[name] or 0) for row in rows) == sum(Decimal(d[name]) for d in whole)
    expected = [line | {"number": d["number"], "tenant": d["tenant"]} for d in whole for line in d["lines"]]
    for row, line in zip(rows, expected, strict=True):
        assert {name: row[name] for name in line} == {name: value or "" for name, value in line.items()}


def test_in_xlsx_amounts_are_numbers_and_days_are_days(park: Engine) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(documents(park, JULY, "xlsx")))["Documents"]
    names = [cell.value for cell in next(sheet.iter_rows(max_row=1))]
    rows = [dict(zip(names, row, strict=True)) for row in sheet.iter_rows(min_row=2)]
    expected = csv_rows(documents(park, JULY, "csv"))
    for row, text in zip(rows, expected, strict=True):
        for name in ("quantity", "full_price", "unit_price", "amount", "full_amount", "cost_amount", "vat_rate"):
            assert row[name].data_type == "n"
            assert Decimal(str(row[name].value)) == Decimal(text[name])
        assert row["issued_on"].value == datetime.fromisoformat(text["issued_on"])
        assert row["month"].value == datetime.fromisoformat(f"{text['month']}-01")
        assert row["number"].value == text["number"]


def test_no_table_takes_a_code_for_a_formula(engine: Engine, tmp_path: Path) -> None:
    hostile = Entry(
        "VTE/1", "VTE", JULY, "x", "1", (Posting("3421", 100, "=HYPERLINK(1)"), Posting("71243", -100))
    )  # fmt: skip
    with writing(engine) as connection:
        post_all(connection, [hostile])
        outcome = {
            "period": "2026-07", "advantage": "0.00", "sites": {"=1+1": dict.fromkeys(OF_SITE, "-1.00")},
            "reserve_after": "0.00", "grants_left": {"@G": "1.00"},
        }  # fmt: skip
        add_run(connection, JULY, "complete", json.dumps(outcome))
    rows = csv_rows(cross_subsidy(engine, JULY, "csv"))
    assert [row["code"] for row in rows] == ["'=1+1", "'@G", ""]
    # A negative amount is a number, not a formula.
    assert rows[0]["draws"] == "-1.00"
    sheet = openpyxl.load_workbook(io.BytesIO(cross_subsidy(engine, JULY, "xlsx"))).active
    assert sheet is not None
    assert (sheet["C2"].value, sheet["C2"].data_type, sheet["D2"].value) == ("=1+1", "s", -1)


# --- cross-subsidy -----------------------------------------------------------------------------------

OF_SITE = tuple(field.name for field in fields(SiteFunding))


def add_run(connection: Connection, period: date, status: str, outcome: str | None) -> None:
    connection.execute(
        insert(billing_run).values(
            period=period, issued_on=period, status=status, attempt=1, deliver=0, started_at=NOW, cross_subsidy=outcome
        )
    )


def test_r18_the_cross_subsidy_is_in_the_contracts_shape_and_each_need_is_met_exactly(park: Engine) -> None:
    found = json.loads(cross_subsidy(park, AUGUST))
    assert {"period", "advantage", "sites", "reserve_after", "grants_left"} <= found.keys()
    assert found["period"] == "2026-08"
    for site in found["sites"].values():
        assert tuple(site) == OF_SITE
        met = sum(Decimal(site[name]) for name in OF_SITE[2:])
        assert met == Decimal(site["draws"])


def test_the_cross_subsidy_as_a_table_has_a_row_a_site_a_grant_and_one_for_the_network(park: Engine) -> None:
    whole = json.loads(cross_subsidy(park, AUGUST))
    rows = csv_rows(cross_subsidy(park, AUGUST, "csv"))
    assert [(row["of"], row["code"]) for row in rows] == [
        ("site", "CAS"), ("site", "TNG"), ("grant", "GN"), ("grant", "GS"), ("network", ""),
    ]  # fmt: skip
    assert {name: rows[0][name] for name in OF_SITE} == whole["sites"]["CAS"]
    assert {row["code"]: row["grants_left"] for row in rows[2:4]} == whole["grants_left"]
    assert (rows[4]["advantage"], rows[4]["reserve_after"]) == (whole["advantage"], whole["reserve_after"])


@pytest.mark.parametrize("file_format", ["json", "csv", "xlsx"])
def test_a_month_that_has_not_been_run_is_unknown_and_the_message_says_what_to_do(
    engine: Engine, file_format: str
) -> None:
    for export in (documents, cross_subsidy):
        with pytest.raises(Unknown, match=r"2026-07 has not been run: .*technopark-billing run 2026-07"):
            export(engine, JULY, file_format)


def test_a_run_under_way_has_no_cross_subsidy_yet(park: Engine) -> None:
    with writing(park) as connection:
        connection.execute(
            update(billing_run).where(billing_run.c.period == AUGUST).values(status="running", cross_subsidy=None)
        )
    with pytest.raises(Unknown, match="2026-08 is not complete"):
        cross_subsidy(park, AUGUST)


# --- trial balance -----------------------------------------------------------------------------------


def test_r21_a_trial_balance_totals_the_general_ledger_and_class_9_apart(engine: Engine) -> None:
    with writing(engine) as connection:
        post_all(connection, small_books())
    found = json.loads(balance(engine, None))
    assert found["until"] == "2026-10-01"
    assert found["accounts"][0] == {
        "account": "3421", "label": "Clients", "debit": "10608.90", "credit": "1449.90", "balance": "9159.00",
    }  # fmt: skip
    assert found["totals"] == {
        "general": {"debit": "12058.80", "credit": "12058.80"},
        "analytic": {"debit": "11809.00", "credit": "11809.00"},
    }
    rows = csv_rows(balance(engine, None, "csv"))
    assert [dict(row) for row in rows] == found["accounts"]
    sheet = openpyxl.load_workbook(io.BytesIO(balance(engine, None, "xlsx")))["Balance"]
    assert [cell.value for cell in sheet[2]] == ["3421", "Clients", 10608.9, 1449.9, 9159]


def test_a_trial_balance_until_a_day_says_that_day(engine: Engine) -> None:
    with writing(engine) as connection:
        post_all(connection, small_books())
    found = json.loads(balance(engine, date(2026, 8, 31)))
    assert found["until"] == "2026-08-31"
    assert [account["account"] for account in found["accounts"]] == ["9208", "9210"]


def test_empty_books_have_an_empty_trial_balance(engine: Engine) -> None:
    found = json.loads(balance(engine, None))
    assert (found["until"], found["accounts"]) == (None, [])


def test_r22_in_a_billed_park_both_ledgers_balance_and_the_pools_are_nil(park: Engine) -> None:
    found = json.loads(balance(park, None))
    for totals in found["totals"].values():
        assert totals["debit"] == totals["credit"]
    balances = {account["account"]: account["balance"] for account in found["accounts"]}
    assert (balances["9205"], balances["9206"]) == ("0.00", "0.00")
    owed = sum(
        Decimal(d["gross"]) * (1 if d["kind"] == "invoice" else -1)
        for period in (date(2026, 6, 1), JULY, AUGUST)
        for d in json.loads(documents(park, period))
    )
    assert Decimal(balances["3421"]) == owed


@pytest.mark.parametrize("export", [documents, cross_subsidy, balance])
def test_an_unknown_format_is_refused(engine: Engine, export: Any) -> None:
    with pytest.raises(Unknown, match="json, csv, csv-fr, xlsx"):
        export(engine, JULY, "pdf")


def funding_matrix(engine: Engine, period: date, file_format: str = "json") -> bytes:
    with reading(engine) as connection:
        return b"".join(matrix_export.pieces(connection, period, file_format))


def booked(engine: Engine, account_code: str, period: date) -> dict[tuple[str, str], Decimal]:
    """What a run booked on 9201 or 9202, by site and tenant, in dirhams above nil."""
    p = posting.c
    with reading(engine) as connection:
        rows = connection.execute(
            select(p.site, p.auxiliary, func.sum(func.abs(p.amount)))
            .join(entry, entry.c.id == p.entry_id)
            .where(p.account == account_code, entry.c.reference.startswith(f"PER/{period:%Y-%m}/"))
            .group_by(p.site, p.auxiliary)
        )
        return {(site, tenant): Decimal(int(amount)) / 100 for site, tenant, amount in rows}


def test_r21_the_matrix_of_every_run_sums_to_what_9201_and_9202_booked(park: Engine) -> None:
    funders = set()
    for period in (date(2026, 6, 1), JULY, AUGUST):
        found = json.loads(funding_matrix(park, period))
        gave: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        received: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for cell in found["cells"]:
            funder = cell["funder"]
            funders.add(funder["kind"])
            received[cell["supported"]["site"], cell["supported"]["tenant"]] += Decimal(cell["amount"])
            if funder["kind"] == "tenant":
                gave[funder["site"], funder["code"]] += Decimal(cell["amount"])
        for kept in found["to_reserve"]:
            gave[kept["site"], kept["code"]] += Decimal(kept["amount"])
        assert gave == booked(park, "9201", period), period
        assert received == booked(park, "9202", period), period
        for pool in found["pools"]:
            assert sum(Decimal(part["amount"]) for part in pool["gives"]) == sum(
                Decimal(part["amount"]) for part in pool["receives"]
            )
    assert funders >= {"tenant", "grant", "reserve"}


def test_the_matrix_as_a_table_has_a_row_a_cell(park: Engine) -> None:
    for period in (JULY, AUGUST):
        told = json.loads(funding_matrix(park, period))
        rows = csv_rows(funding_matrix(park, period, "csv"))
        assert len(rows) == len(told["cells"]) + len(told["to_reserve"]) > 0
        assert [row["amount"] for row in rows[: len(told["cells"])]] == [cell["amount"] for cell in told["cells"]]
        assert {row["period"] for row in rows} == {f"{period:%Y-%m}"}
    with pytest.raises(Unknown, match="has not been run"):
        funding_matrix(park, date(2026, 9, 1))
