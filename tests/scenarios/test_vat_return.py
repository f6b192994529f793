"""What falls due of VAT in a month, told as an accountant declares it: by line of the return, traced to receipts."""

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from billing.books.vat_return.files import vat_return_pieces
from billing.books.vat_return.paper import VatReturn, vat_return, vat_return_shape
from billing.frame.database import reading
from billing.frame.settings import load_settings
from billing.frame.terms import Terms, load_terms
from pricing.money import format_amount
from tests.support.credit_notes import credits_by_hand
from tests.support.networks import Row
from tests.support.pages import text_of
from tests.support.park import Park
from tests.support.till import allocates, applies, bounces, clears, order, receives, refunds, settles, undoes

TENANTS: list[Row] = [
    {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"},
    {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01"},
]
LEASES: list[Row] = [
    {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"},
    {"code": "L2", "tenant": "T2", "site": "CAS", "area_m2": "10", "starts_on": "2024-01-01"},
]
# May's meals and rooms are billed in June: T1's invoice bears 20 % and 10 %.
USAGE: list[Row] = [
    {"event_id": "E1", "tenant": "T1", "site": "CAS", "service": "MEAL", "quantity": "10", "occurred_on": "2026-05-04"},
]
FIRST, SECOND = "FA-2026-000001", "FA-2026-000002"


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES, usage=USAGE)
    park.bills("2026-06")
    return park


def paper(park: Park, month: str, terms: Terms | None = None) -> VatReturn:
    with reading(park.engine) as connection:
        return vat_return(connection, date.fromisoformat(f"{month}-01"), terms or park.settings.terms)


def sums(found: VatReturn) -> dict[str, tuple[str, str]]:
    assert found.difference == 0
    return {f"{line.code} {line.rate}": (line.base, line.vat) for line in vat_return_shape(found).lines}


def test_nothing_is_due_before_anything_is_paid(billed: Park) -> None:
    assert sums(paper(billed, "2026-06")) == {}


def test_an_invoice_paid_in_parts_over_two_months_is_declared_exactly_once(billed: Park) -> None:
    (whole,) = (document for document in billed.documents("2026-06") if document.number == FIRST)
    receives(billed, order("1000.00"))
    receives(billed, order("1234.57", reference="V2", on="2026-06-28"))
    receives(billed, order(format_amount(whole.gross - 223_457), reference="V3", on="2026-07-03"))
    june, july = paper(billed, "2026-06"), paper(billed, "2026-07")
    assert june.difference == july.difference == 0
    due: dict[tuple[str, int], list[int]] = {}
    for line in (*june.subtotals, *july.subtotals):
        found = due.setdefault((line.code, line.rate), [0, 0])
        found[0] += line.base
        found[1] += line.vat
    lines = {2000: "81", 1000: "89"}
    assert due == {(lines[vat.rate], vat.rate): [vat.base, vat.amount] for vat in whole.vat}
    assert {m.piece for m in june.movements} == {"RG-000001", "RG-000002"}
    assert {m.piece for m in july.movements} == {"RG-000003"}


def test_a_cheque_is_declared_when_it_is_cleared_and_taken_back_when_it_bounces(billed: Park) -> None:
    (key,) = receives(billed, order("1740.00", means="cheque", tenant="T2"))
    assert sums(paper(billed, "2026-06")) == {}
    clears(billed, key, on="2026-07-02")
    assert sums(paper(billed, "2026-07")) == {"81 0.20": ("1450.00", "290.00")}
    bounces(billed, key, on="2026-08-05")
    assert sums(paper(billed, "2026-08")) == {"81 0.20": ("-1450.00", "-290.00")}


def test_what_is_undone_is_taken_back(billed: Park) -> None:
    receives(billed, order("1740.00", tenant="T2", on="2026-06-20"))
    undoes(billed, 1, on="2026-06-25")
    found = paper(billed, "2026-06")
    assert [(m.what, m.piece, m.base, m.vat) for m in found.movements] == [
        ("Encaissement", "RG-000001", 145_000, 29_000),
        ("Affectation annulée", "RG-000001", -145_000, -29_000),
    ]
    assert (found.vat, found.difference) == (0, 0)


def test_under_the_option_for_debits_vat_is_due_as_invoices_are_issued(billed: Park, tmp_path: Path) -> None:
    file = tmp_path / "terms.toml"
    file.write_text(
        '[[vat.regime]]\neffective_from = 2000-01-01\nvalue = "debits"\nsource = "option"\n', encoding="utf-8"
    )
    billed.settings = load_settings({"TERMS_FILE": str(file)})
    settles(billed)
    found = paper(billed, "2026-06")
    assert found.regime == "debits"
    assert sums(found)["81 0.20"] == ("4350.00", "870.00")
    assert {m.piece for m in found.movements} == {FIRST, SECOND}
    receives(billed, order("1740.00", tenant="T2"))
    assert paper(billed, "2026-06").vat == found.vat


def test_services_are_declared_on_the_lines_the_setting_says(billed: Park, tmp_path: Path) -> None:
    file = tmp_path / "terms.toml"
    file.write_text(
        '[[vat.return_codes]]\neffective_from = 2000-01-01\nvalue = { OFFICE = "102", "0.10" = "89" }\nsource = "x"\n',
        encoding="utf-8",
    )
    receives(billed, order("1740.00", tenant="T2"))
    assert sums(paper(billed, "2026-06", load_terms(file))) == {"102 0.20": ("1450.00", "290.00")}
    file.write_text(
        '[[vat.return_codes]]\neffective_from = 2000-01-01\nvalue = { "0.10" = "89" }\nsource = "x"\n',
        encoding="utf-8",
    )
    assert sums(paper(billed, "2026-06", load_terms(file))) == {"? 0.20": ("1450.00", "290.00")}


def written(park: Park, file_format: str) -> bytes:
    settings = park.settings
    with reading(park.engine) as connection:
        return b"".join(
            vat_return_pieces(
                connection, date(2026, 6, 1), file_format, operator=settings.operator.party, terms=settings.terms
            )
        )


def test_every_format_says_the_same(billed: Park) -> None:
    receives(billed, order("1740.00", tenant="T2"))
    told: Any = json.loads(written(billed, "json"))
    assert (told["vat"], told["booked"], told["difference"]) == ("290.00", "290.00", "0.00")
    rows = list(csv.DictReader(io.StringIO(written(billed, "csv").decode())))
    assert [(row["Nature"], row["TVA"]) for row in rows if row["Désignation"] in ("Total exigible", "Différence")] == [
        ("total", "290.00"),
        ("pour mémoire", "0.00"),
    ]
    pdf = written(billed, "pdf")
    assert written(billed, "pdf") == pdf
    page = " ".join(text_of(pdf).split())
    for words in ("TVA exigible", "juin 2026", "Ligne 81 · TVA 20 %", "RG-000001", "1 450,00 290,00", "Différence"):
        assert words in page, words
    assert b"RG-000001" in written(billed, "html")
    assert written(billed, "xlsx").startswith(b"PK")


def test_money_paid_back_for_a_credit_note_gives_its_vat_back(billed: Park) -> None:
    receives(billed, order("1740.00", tenant="T2"))
    billed.enters(leases=[{**dict(LEASES[1]), "ends_on": "2026-06-15"}])
    billed.bills("2026-07")
    # The credit note of 1,740.00 pays the invoice of the half month; the rest goes back.
    applies(billed)
    refunds(billed, note="AV-2026-000001", on="2026-07-20")
    found = paper(billed, "2026-07")
    assert found.difference == 0
    assert (found.base, found.vat) == (-72_500, -14_500)
    assert found.movements[-1].piece == "RB-000001"


def held(park: Park, month: str) -> dict[str, tuple[str, str, str]]:
    return {x.account: (x.amount, x.base, x.vat) for x in vat_return_shape(paper(park, month)).held}


def test_e5_money_that_settles_nothing_is_shown_with_the_vat_it_would_bear(billed: Park) -> None:
    receives(billed, order("1200.00", tenant="T1", pays={}, reference="V1"))
    receives(billed, order("60.00", tenant=None, reference="V2"))
    receives(billed, order("600.00", tenant="T2", pays={}, reference="V3", means="cheque"))
    # A cheque is no money before it is cleared.
    assert held(billed, "2026-06") == {"4428": ("1200.00", "1000.00", "200.00"), "4497": ("60.00", "50.00", "10.00")}
    assert held(billed, "2026-05") == {}
    page = " ".join(text_of(written(billed, "pdf")).split())
    assert "Non affecté au 30 juin 2026, compte 4428 : TVA non déclarée, à 20 %" in page
    allocates(billed, 1)
    assert list(held(billed, "2026-06")) == ["4497"]


def test_e14_a_credit_note_that_is_netted_is_no_receipt(billed: Park) -> None:
    (whole,) = (document for document in billed.documents("2026-06") if document.number == FIRST)
    receives(billed, order(format_amount(whole.gross)))
    # Of what is paid, the meals alone are given back: at 10 %, out of an invoice at 20 %.
    credits_by_hand(billed, FIRST, (2, None), on="2026-06-25")
    billed.bills("2026-07")
    applies(billed)
    netted = [m for m in paper(billed, "2026-07").movements if m.document != FIRST]
    assert {(m.what, m.piece) for m in netted} == {("Avoir imputé", "AV-2026-000001")}
    assert {(m.rate, m.vat > 0) for m in netted} == {(1000, False), (2000, True)}
