"""Manual entries (R30): posted all or none, refused with every fault, taken back, approved."""

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import Engine

from billing.books.vat_return.paper import vat_return
from billing.check import check
from billing.entries.accounts import GRANTS, PROVED
from billing.frame.database import reading
from billing.frame.settings import load_settings
from billing.take_on import judging
from ledger.balances import account_balance
from tests.support.api import Caller
from tests.support.bank_files import camt
from tests.support.bank_files import entry as bank_entry
from tests.support.people import Invoke, add, invoker, ok, refused, token
from tests.support.spoiling import behind_its_back

HEADER = "date,label,voucher,account,auxiliary,site,debit,credit\n"
RENT = "2026-08-31,Loyer du siège,FR-117,6131,,TNG,1000.50,\n2026-08-31,Loyer du siège,FR-117,4411,,,,1000.50\n"
CHARGES = "2026-08-31,Frais,B 12,6147,,,12.00,\n2026-08-31,Frais,B 12,5141,,,,12.00\n"
NAMES = HEADER.strip().split(",")


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a file as a request gives them."""
    return [
        {name: cell for name, cell in zip(NAMES, line.split(","), strict=True) if cell or name in NAMES[:4]}
        for line in text.splitlines()
    ]


def order(text: str, **more: Any) -> dict[str, Any]:
    return {"rows": rows(text), "reason": "pièces du mois", **more}


def faults(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code in (409, 422), answer.text
    return [(fault["field"], fault["problem"]) for fault in answer.json["errors"]]


@pytest.fixture
def books(park: Caller, engine: Engine, tmp_path: Path) -> Invoke:
    """The command line on the billed park."""
    return invoker(
        {
            "DATABASE_URL": engine.url.render_as_string(hide_password=False),
            "DOCUMENTS_URL": f"file:{tmp_path / 'documents'}",
            "TERMS_FILE": "",
        }
    )


def test_entries_of_a_file_are_posted_once(park: Caller, engine: Engine) -> None:
    voucher = {"name": "FR-117.pdf", "content": b64encode(b"%PDF-1.7 facture").decode()}
    made = park.post("/v1/entries", order(RENT + CHARGES, voucher_file=voucher))
    assert made.status_code == 201
    first, second = made.json["entries"]
    assert (first["number"], first["reference"], first["amount"]) == ("EM-000001", "OD/EM-000001", "1000.50")
    assert [(p["account"], p["label"], p["site"], p["debit"], p["credit"]) for p in first["postings"]] == [
        ("6131", "Autres charges externes", "TNG", "1000.50", "0.00"),
        ("4411", "Fournisseurs et comptes rattachés", None, "0.00", "1000.50"),
    ]
    digest = sha256(b"%PDF-1.7 facture").hexdigest()
    assert (first["voucher_name"], second["voucher_sha256"]) == ("FR-117.pdf", digest)
    assert park("GET", f"/v1/voucher-files/{digest}", "auditor").data == b"%PDF-1.7 facture"
    assert park("GET", "/v1/voucher-files/0").status_code == 404
    again = park.post("/v1/entries", order(CHARGES + RENT))
    assert (again.status_code, [e["number"] for e in again.json["entries"]]) == (200, ["EM-000002", "EM-000001"])
    assert [e["number"] for e in park.get("/v1/entries", "auditor")["items"]] == ["EM-000001", "EM-000002"]
    posted = park.get("/v1/ledger/entries?reference=OD/EM-000001")["items"]
    assert [(e["journal"], e["effective_on"], e["piece"]) for e in posted] == [("OD", "2026-08-31", "FR-117")]
    assert park.post("/v1/entries", order(RENT), scope="auditor").status_code == 403
    assert check(engine) == []


def test_eight_at_once_post_an_entry_once(park: Caller, engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(lambda _: park.post("/v1/entries", order(RENT)).status_code, range(8)))
    assert codes == [*[200] * 7, 201]
    assert check(engine) == []


def test_another_entry_under_a_voucher_that_stands_is_refused_until_it_is_reversed(
    park: Caller, engine: Engine
) -> None:
    park.post("/v1/entries", order(RENT))
    other = order(RENT.replace("1000.50", "1000.51"))
    refused_ = park.post("/v1/entries", other)
    assert (refused_.status_code, faults(refused_)) == (
        409, [("rows.0.voucher", "is that of EM-000001, with other postings")],
    )  # fmt: skip
    back = park.post("/v1/entries/EM-000001/reversal", {"reason": "montant erroné"})
    assert (back.status_code, back.json["reversed_on"], back.json["reversed_for"]) == (
        201, "2026-08-31", "montant erroné",
    )  # fmt: skip
    assert park.post("/v1/entries/EM-000001/reversal", {"reason": "encore"}).status_code == 200
    assert park.post("/v1/entries", other).status_code == 201
    assert park.get("/v1/entries/EM-000002")["amount"] == "1000.51"
    assert park("GET", "/v1/entries/EM-000009").status_code == 404
    assert park.post("/v1/entries/EM-000009/reversal", {"reason": "x"}).status_code == 404
    with reading(engine) as connection:
        assert account_balance(connection, "6131") == 100_051
    assert check(engine) == []


def test_every_fault_of_every_row_is_named(park: Caller) -> None:
    answer = park.post(
        "/v1/entries",
        order(
            "2026-08-31,A,V1,6147,T9,QQQ,10.00,\n"
            "2026-08-32,,V1,44,,,-1,\n"
            "2027-08-31,A,V1,6999,,,1.00,1.00\n"
            "2026-08-31,A,V1,3427,A1,,1.00,\n"
        ),
    )
    assert faults(answer) == [
        ("rows.0.site", "is no site of the register"),
        ("rows.0.auxiliary", "is no tenant of the register"),
        ("rows.1.date", "is not a day of the calendar"),
        ("rows.1.label", "must be 1 to 200 characters that can be printed"),
        ("rows.1.account", "is not an account"),
        ("rows.1.debit", "is below zero"),
        ("rows.2.account", "is not in the chart of accounts"),
        ("rows.2.credit", "stands beside a debit"),
        ("rows.2.date", "is more than 31 days after today, 2026-09-02"),
        ("rows.3.auxiliary", "would stand on the tenant's account by 3427"),
    ]
    nearest = answer.json["errors"][6]["remedy"]
    assert nearest.startswith("the nearest: 6701 (Impôts sur les bénéfices), 670 ("), nearest
    unbalanced = park.post("/v1/entries", order(RENT.replace("1000.50,\n", "1000.49,\n") + CHARGES))
    assert faults(unbalanced) == [("rows.0.debit", "does not balance: 0.01 is missing in debit on lines 1, 2")]
    bad = {"name": "x.pdf", "content": "%"}
    assert faults(park.post("/v1/entries", order(RENT, voucher_file=bad))) == [
        ("voucher_file.content", "is not base64")
    ]
    empty = {"name": "x.pdf", "content": ""}
    assert faults(park.post("/v1/entries", order(RENT, voucher_file=empty))) == [("voucher_file", "is empty")]
    assert park.get("/v1/entries")["items"] == []


@pytest.mark.parametrize("account", [*PROVED, "34211", "9207", "9301", "8100", "1191", "1199"])
def test_what_the_service_proves_itself_is_never_moved_by_hand(park: Caller, account: str) -> None:
    text = f"2026-08-31,A,V1,{account},,,1.00,\n2026-08-31,A,V1,6147,,,,1.00\n"
    assert [field for field, _ in faults(park.post("/v1/entries", order(text)))] == ["rows.0.account"]


def test_accounts_are_called_proved_in_one_place() -> None:
    assert judging._PROVED.keys() == PROVED.keys() | {GRANTS}


def test_a_closed_month_is_refused_and_a_reversal_goes_to_the_first_open_day(park: Caller, engine: Engine) -> None:
    early = RENT.replace("2026-08-31", "2026-06-10")
    park.post("/v1/entries", order(early))
    for month in range(1, 7):
        assert park.post(f"/v1/periods/2026-{month:02}/close", None).status_code == 200
    june = order(CHARGES.replace("2026-08-31", "2026-06-11"))
    assert faults(park.post("/v1/entries", june)) == [("rows.0.date", "lies in 2026-06, which is closed")]
    beyond = order(CHARGES.replace("2026-08-31", "2026-09-01"))
    assert faults(park.post("/v1/entries", beyond))[0][1].startswith("lies beyond 2026-08-31")
    before = {"reason": "x", "on": "2026-06-09"}
    assert faults(park.post("/v1/entries/EM-000001/reversal", before)) == [("on", "is before the entry's own day")]
    closed = {"reason": "x", "on": "2026-06-11"}
    assert park.post("/v1/entries/EM-000001/reversal", closed).json["type"] == "/problems/period"
    back = park.post("/v1/entries/EM-000001/reversal", {"reason": "x"})
    assert (back.status_code, back.json["reversed_on"]) == (201, "2026-07-01")
    assert check(engine) == []


def test_manual_entries_wait_for_a_second_person(park: Caller, engine: Engine) -> None:
    for name, role in (("amina", "finance"), ("karim", "approver"), ("salma", "admin")):
        add(engine, name, role)
    park.secrets["amina"] = token(engine, "amina-1", "finance", "amina")
    park.secrets["karim"] = token(engine, "karim-1", "approvals", "karim")
    voucher = {"name": "FR-117.pdf", "content": b64encode(b"facture").decode()}
    waiting = park.post("/v1/entries", order(RENT, voucher_file=voucher), scope="amina")
    assert (waiting.status_code, waiting.json["kind"], waiting.json["effect"]) == (
        202, "manual_entry",
        {"reason": "pièces du mois", "voucher_sha256": sha256(b"facture").hexdigest(), "vouchers": ["FR-117"]},
    )  # fmt: skip
    assert [p["debit"] for p in waiting.json["entries"][0]["postings"]] == ["1000.50", "0.00"]
    assert park.get("/v1/entries")["items"] == []
    assert park.post("/v1/entries", order(CHARGES), scope="amina").json["number"] == 2
    # Another entry takes the number that this one would have had: what was shown is done all the same.
    for number, made in ((2, "EM-000001"), (1, "EM-000002")):
        approved = park.post(f"/v1/approvals/{number}/approve", {}, scope="karim")
        assert (approved.json["state"], approved.json["result"]) == ("approved", made)
    back = park.post("/v1/entries/EM-000002/reversal", {"reason": "doublon"}, scope="amina")
    assert (back.status_code, back.json["effect"]["reverses"]) == (202, "EM-000002")
    assert park.post("/v1/approvals/3/approve", {}, scope="karim").json["state"] == "approved"
    assert park.get("/v1/entries/EM-000002")["reversed_for"] == "doublon"
    assert check(engine) == []


def test_an_entry_that_stands_for_a_bank_line_is_not_reversed(park: Caller, engine: Engine) -> None:
    park.post("/v1/entries", order(CHARGES))
    day = date(2026, 8, 31)
    content = camt([bank_entry(-1200, day)], opening=5000, closing=3800, on=day)
    read = park("POST", "/v1/statements", data=content, content_type="application/xml")
    assert read.status_code == 201, read.text
    accepted = park(
        "POST",
        "/v1/statements/RE-000001/lines/1/decisions",
        json={"kind": "recorded", "entry": "OD/EM-000001"},
        headers={"X-Reason": "frais"},
    )
    assert accepted.status_code == 201, accepted.text
    refused_ = park.post("/v1/entries/EM-000001/reversal", {"reason": "x"})
    assert (refused_.status_code, refused_.json["detail"].partition(":")[0]) == (
        409, "EM-000001 stands for a bank line",
    )  # fmt: skip
    assert check(engine) == []


def test_settling_vat_by_hand_leaves_the_return_alone(park: Caller, engine: Engine) -> None:
    settled = "2026-08-31,TVA,juillet,4455,,,100.00,\n2026-08-31,TVA,juillet,4456,,,,100.00\n"
    with reading(engine) as connection:
        before = vat_return(connection, date(2026, 8, 1), load_settings({}).terms)
    park.post("/v1/entries", order(settled))
    with reading(engine) as connection:
        after = vat_return(connection, date(2026, 8, 1), load_settings({}).terms)
        assert account_balance(connection, "4456") == -10_000
    assert (after.booked, after.difference) == (before.booked, 0)
    park.post("/v1/entries/EM-000001/reversal", {"reason": "x"})
    with reading(engine) as connection:
        assert vat_return(connection, date(2026, 8, 1), load_settings({}).terms).difference == 0


def test_the_command_line_reads_what_spreadsheets_write(books: Invoke, engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "écritures.csv"
    french = (HEADER + RENT + CHARGES).replace("2026-08-31", "31/08/2026").replace(",", ";").replace(".", ",")
    file.write_bytes(french.encode("windows-1252"))
    voucher = tmp_path / "FR-117.pdf"
    voucher.write_bytes(b"facture")
    assert "a manual entry needs a reason" in refused(books("entries", "post", file))
    said = ok(books("entries", "post", file, "--reason", "pièces", "--voucher", voucher))
    assert said.splitlines() == [
        "EM-000001 of 2026-08-31, 1 000.50 DH, Loyer du siège".replace("1 000", "1\N{NO-BREAK SPACE}000"),
        "EM-000002 of 2026-08-31, 12.00 DH, Frais",
        "posted: EM-000001 to EM-000002",
    ]
    book = Workbook()
    assert book.active is not None
    for line in (HEADER + CHARGES).splitlines():
        book.active.append([float(cell) if cell in ("12.00", "6147", "5141") else cell for cell in line.split(",")])
    book.save(tmp_path / "frais.xlsx")
    again = ok(books("entries", "post", tmp_path / "frais.xlsx", "--reason", "pièces"))
    assert again.endswith("every entry stands already: nothing changed\n")
    assert "FR-117" in ok(books("entries", "list"))
    rows_listed = ok(books("entries", "list", "--format", "csv")).splitlines()
    assert (len(rows_listed), rows_listed[1].split(",")[:8]) == (
        5, ["EM-000001", "2026-08-31", "Loyer du siège", "FR-117", "6131", "", "TNG", "1000.50"],
    )  # fmt: skip
    assert '"voucher": "FR-117"' in ok(books("entries", "list", "--format", "json"))
    shown = ok(books("entries", "show", "EM-000001"))
    assert all(word in shown for word in ("6131", "Autres charges externes", "FR-117.pdf", "TNG"))
    ok(books("entries", "voucher", sha256(b"facture").hexdigest(), "--output", tmp_path / "out.pdf"))
    assert (tmp_path / "out.pdf").read_bytes() == b"facture"
    file.write_text(HEADER + RENT.replace("6131", "3421"), encoding="utf-8")
    assert f"{file.name}:2: account '3421' (Clients) is proved" in refused(
        books("entries", "post", file, "--reason", "x")
    )
    back = ok(books("entries", "reverse", "EM-000002", "--reason", "doublon"))
    assert back == "EM-000002 is taken back on 2026-08-31\n"
    assert "reversed 2026-08-31: doublon" in ok(books("entries", "show", "EM-000002"))
    assert check(engine) == []


def test_templates_hold_what_the_books_hold(books: Invoke, park: Caller, engine: Engine, tmp_path: Path) -> None:
    sale = "2026-08-31,Reprise,R1,5141,,,500.00,\n2026-08-31,Reprise,R1,4455,,,,380.00\n"
    sale += "2026-08-31,Reprise,R1,3458,,,80.00,\n2026-08-31,Reprise,R1,1181,,,,200.00\n"
    assert park.post("/v1/entries", order(sale)).status_code == 201
    on = ("--date", "2026-09-02")
    vat = ok(books("entries", "template", "vat-settlement", *on)).splitlines()
    assert vat[1:] == [
        "2026-09-02,Déclaration de TVA,,4455,,,380.00,",
        "2026-09-02,Déclaration de TVA,,4456,,,,380.00",
        "2026-09-02,Paiement de la TVA,,4456,,,300.00,",
        "2026-09-02,Paiement de la TVA,,5141,,,,300.00",
    ]
    result = ok(books("entries", "template", "result-appropriation", *on, "--format", "csv", "--dialect", "fr"))
    assert [line.split(";")[3:] for line in result.splitlines()[1:]] == [
        ["1181", "", "", "200,00", ""], ["114", "", "", "", "10,00"], ["1161", "", "", "", "190,00"],
    ]  # fmt: skip
    assert "stamp-duty" in ok(books("entries", "template"))
    assert "there is no template 'x'" in books("entries", "template", "x").output
    templates = park.get("/v1/entry-templates?date=2026-09-02")["templates"]
    assert [t["name"] for t in templates] == [
        "vat-settlement", "withholding-credits", "stamp-duty", "grant-notified", "investment-grant-notified",
        "grant-received", "grant-carried-over", "bank-opening", "result-appropriation",
    ]  # fmt: skip
    assert [row["credit"] for row in templates[1]["rows"]] == ["", "80.00", "", ""]
    # Completed with a voucher it is posted as it came.
    file = tmp_path / "tva.csv"
    file.write_text("\n".join([vat[0], *(line.replace(",,", ",TVA,", 1) for line in vat[1:])]) + "\n", "utf-8")
    assert ok(books("entries", "post", file, "--reason", "août")).endswith("posted: EM-000002 to EM-000003\n")
    assert check(engine) == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        ("UPDATE manual_posting SET amount = amount + 1 WHERE line_no = 1", "of manual entry EM-000001 do not balance"),
        ("UPDATE manual_posting SET account = '6147' WHERE line_no = 1", "entry OD/EM-000001: account 6131"),
        ("UPDATE manual_posting SET account = '3421' WHERE line_no = 1", "manual entry EM-000001 moves 3421"),
        ("UPDATE manual_entry SET voucher = 'FR-118'", "not of the day and piece of what it books: manual entry"),
        ("UPDATE manual_entry SET id = id + 1", "follows EM-000000: entries are missing"),
        ("DELETE FROM manual_reversal", "entry OD/EM-000001/annulation books a manual entry that was not recorded"),
        ("DELETE FROM entry WHERE reference = 'OD/EM-000001'", "manual entry EM-000001 has no entry OD/EM-000001"),
        ("UPDATE entry SET reference = 'OD/X' WHERE reference = 'OD/EM-000001'", "OD without what it books"),
        (
            "UPDATE voucher_file SET content = substr(content, 2)",
            "the voucher file FR-117.pdf is not the file of SHA-256",
        ),
    ],
)
def test_check_finds_a_manual_entry_that_was_tampered_with(
    park: Caller, engine: Engine, spoil: str, problem: str
) -> None:
    voucher = {"name": "FR-117.pdf", "content": b64encode(b"facture").decode()}
    assert park.post("/v1/entries", order(RENT, voucher_file=voucher)).status_code == 201
    assert park.post("/v1/entries/EM-000001/reversal", {"reason": "x"}).status_code == 201
    assert check(engine) == []
    behind_its_back(engine, spoil)
    assert any(problem in fault for fault in check(engine)), check(engine)
