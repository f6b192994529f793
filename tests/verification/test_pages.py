"""The page of a paper: what its holder sees, what nobody else learns, and the proof, checked by the shipped program."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from billing.api.app import create_app
from billing.check import check
from billing.documents.credit_notes.giving import CreditOrder, CreditTerms, Part, give_credit_note
from billing.documents.delivery.pdf_files import ensure_pdf
from billing.documents.lookup.queries import find_shown
from billing.frame.database import reading, writing
from billing.proof.checkpoints import make_checkpoint
from billing.proof.verify_books import main
from billing.receivables.deposits.deposits import Asking, ask_deposit, find_deposit
from billing.receivables.deposits.printout import deposit_call
from invoices.reading import document_id
from tests.support.api import Caller
from tests.support.pages import read_aloud
from tests.support.proofs import Proved
from tests.support.proved_park import NOW
from tests.support.spoiling import behind_its_back

BASE = "https://papiers.parcs.example"
LATER = date(2026, 7, 2)


def _link(connection: Connection, number: str) -> str:
    link = find_shown(connection, number, NOW.date()).link
    assert link is not None
    return link.removeprefix(BASE)


def _caller(proved: Proved) -> Caller:
    return Caller(create_app(proved.settings, proved.engine, lambda: NOW), {})


@pytest.fixture
def linked(proved: Proved) -> Proved:
    """The proved park, whose papers bear links from now on: a credit note of it is printed, a deposit is asked."""
    operator = proved.settings.operator
    operator = replace(operator, party=replace(operator.party, public_url=BASE))
    with writing(proved.engine) as connection:
        order = CreditOrder("FA-2026-000002", (Part(1, 10000),), "Geste commercial", "amina")
        note = give_credit_note(connection, order, CreditTerms(LATER, NOW, operator.party, {"712": "7129"}))
        ask_deposit(connection, "L1", Asking(LATER, NOW, operator, proved.settings.terms))
        assert note.number == "AV-2026-000003"
    return replace(proved, settings=replace(proved.settings, operator=operator))


def test_whoever_holds_a_paper_sees_what_stands_and_proves_it_offline(
    linked: Proved, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    caller = _caller(linked)
    with reading(linked.engine) as connection:
        address = _link(connection, "AV-2026-000003")
        key = document_id(connection, "AV-2026-000003")
    early = caller("GET", address, None)
    assert early.status_code == 200
    assert "pas encore couvert par un point de contrôle" in early.text
    assert caller("GET", f"{address}/proof", None).status_code == 404

    pdf = ensure_pdf(linked.engine, linked.settings.documents_url, key, clock=lambda: NOW)
    assert f"papiers.parcs.example{address}" in read_aloud(pdf)
    make_checkpoint(linked.settings, linked.engine, lambda: NOW)
    page = caller("GET", address, None)
    told = " ".join(page.text.split())
    for words in ("Avoir AV-2026-000003", "2 juillet 2026", "120,00 DH", "Reste à déduire", "journal signé"):
        assert words in told
    assert "Générale" not in told
    assert "Geste commercial" not in told

    (tmp_path / "proof.json").write_bytes(caller("GET", f"{address}/proof", None).data)
    (tmp_path / "paper.pdf").write_bytes(pdf)
    assert caller("GET", "/verify_books.py", None).data.startswith(b"#!/usr/bin/env python3")
    given = ["paper", str(tmp_path / "proof.json"), "--pdf", str(tmp_path / "paper.pdf")]
    assert main(given) == 0
    assert capsys.readouterr().out.startswith("proved: AV-2026-000003 is in the log of books.example.ma/1, signed by ")
    _refuses_what_is_spoiled(tmp_path, given, capsys)


def _refuses_what_is_spoiled(folder: Path, given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    proof = json.loads((folder / "proof.json").read_text())
    assert [record["kind"] for record in proof["records"]] == ["document", "file"]
    assert proof["records"][0]["record"] is None
    file = proof["records"][1]
    spoiled = {
        "PDF is not the one": (folder / "paper.pdf", b"%PDF"),
        "not of FA-2026-000001": (folder / "proof.json", proof | {"paper": "FA-2026-000001"}),
        "not what was logged": (
            folder / "proof.json",
            proof | {"records": [file | {"record": file["record"].replace("rendered", "Rendered")}]},
        ),
        "not in the log at place": (folder / "proof.json", proof | {"records": [file | {"path": file["path"][1:]}]}),
        "another head": (folder / "proof.json", proof | {"size": proof["size"] + 1}),
        "nobody has signed": (folder / "proof.json", proof | {"checkpoint": None}),
        "proves nothing": (folder / "proof.json", proof | {"records": []}),
        "is no proof": (folder / "proof.json", {}),
    }
    for words, (path, content) in spoiled.items():
        before = path.read_bytes()
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        assert main(given) == 1, words
        assert words in capsys.readouterr().err
        path.write_bytes(before)


def test_a_page_speaks_the_readers_language_and_asks_nothing_of_anybody(linked: Proved) -> None:
    caller = _caller(linked)
    with reading(linked.engine) as connection:
        address = deposit_call(find_deposit(connection, 1)).link.removeprefix(BASE)
    make_checkpoint(linked.settings, linked.engine, lambda: NOW)
    french, arabic, english = (
        caller("GET", address, None, headers={"Accept-Language": asked}) for asked in ("de, fr;q=0.5", "ar-MA", "en")
    )
    assert "Appel de dépôt de garantie n° DG-000001" in french.text
    assert 'lang="ar" dir="rtl"' in arabic.text
    assert "Awaiting payment" in english.text
    assert "Awaiting payment" in caller("GET", f"{address}?lang=en", None).text
    policy = french.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not [word for word in ("<script", "http://", "https://", "style=") if word in french.text]
    assert french.headers["X-Robots-Tag"] == "noindex, nofollow"
    proof = caller("GET", f"{address}/proof", None).json
    assert [record["kind"] for record in proof["records"]] == ["act"]


def test_nobody_learns_anything_by_trying_tokens(linked: Proved) -> None:
    caller = _caller(linked)
    with reading(linked.engine) as connection:
        token = _link(connection, "AV-2026-000003").rpartition("/")[2]
    wrong = ["a" * 24, token[:-1] + ("a" if token[-1] != "a" else "b"), "AV-2026-000003", "x", "é" * 100]
    answers = [caller("GET", f"/verify/{each}{tail}", None) for each in wrong for tail in ("", "/proof")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.data for answer in answers}) == 1
    headers = [
        {name: text for name, text in answer.headers if name != "X-Request-ID" and not name.startswith("RateLimit")}
        for answer in answers
    ]
    assert all(each == headers[0] for each in headers)


def test_papers_of_before_bear_no_link_and_another_secret_is_found(linked: Proved) -> None:
    with reading(linked.engine) as connection:
        assert find_shown(connection, "FA-2026-000001", NOW.date()).link is None
    behind_its_back(linked.engine, "UPDATE link_secret SET secret = sha256")
    with reading(linked.engine) as connection:
        key = connection.scalar(text("SELECT id FROM document WHERE number = 'FA-2026-000001'"))
    assert key == 1
    assert "the secret of links was changed" in " ".join(check(linked.engine))
