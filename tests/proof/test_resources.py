"""The proof of the books over HTTP: checkpoints, keys, inclusion, consistency."""

from base64 import b64decode
from pathlib import Path

import pytest
from sqlalchemy import Engine

from billing.api.app import create_app
from billing.frame.database import writing
from billing.frame.settings import load_settings
from billing.frame.tokens import SCOPES, create_token
from billing.proof.verify_books import Key, Witness, new_witness_key
from ledger.proof.merkle import leaf_hash
from ledger.proof.notes import new_key_file, parse_verifier_key, verify_note
from tests.support.api import NOW, Caller
from tests.support.billed_park import bill_park
from tests.support.merkle import is_consistent, is_included
from tests.support.witnesses import NAME


@pytest.fixture
def signing(engine: Engine, tmp_path: Path) -> Caller:
    """The caller of an app on a billed park, with a key."""
    bill_park(engine, tmp_path / "network")
    new_key_file(tmp_path / "proof.pem")
    environment = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "DOCUMENTS_URL": f"file:{tmp_path / 'documents'}",
        "PROOF_KEY_FILE": str(tmp_path / "proof.pem"),
        "PROOF_ORIGIN": "books.example.ma/1",
        "PROOF_PUBLISH": f"file:{tmp_path}/published.txt",
        "PROOF_WITNESSES": new_witness_key(str(tmp_path / "witness.key"), NAME),
    }
    with writing(engine) as connection:
        secrets = {scope: create_token(connection, f"the-{scope}", scope, now=NOW) for scope in SCOPES}
    return Caller(create_app(load_settings(environment), engine, lambda: NOW), secrets)


def decoded(texts: list[str]) -> list[bytes]:
    return [b64decode(text) for text in texts]


def test_an_auditor_proves_a_document_and_an_entry_under_a_signed_checkpoint(signing: Caller) -> None:
    assert signing("GET", "/v1/proof/checkpoint", "auditor").status_code == 404
    made = signing.post("/v1/proof/checkpoints", None, key="once")
    assert made.status_code == 201
    checkpoint = signing.get("/v1/proof/checkpoint", "auditor")
    assert checkpoint == made.json
    keys = [parse_verifier_key(text) for text in signing.get("/v1/proof/keys", "auditor")["keys"]]
    head = verify_note(checkpoint["note"], keys)
    assert (head.origin, head.size) == ("books.example.ma/1", checkpoint["size"])
    for query in ("kind=document&number=FA-2026-000001", "kind=entry&number=3", "kind=act&number=1"):
        found = signing.get(f"/v1/proof/inclusion?{query}", "auditor")
        leaf = leaf_hash(found["record"].encode())
        assert is_included(leaf, found["position"], head.size, head.root, decoded(found["path"]))
        assert found["checkpoint"] == checkpoint["note"]
    grown = signing.get("/v1/proof/consistency?older=10", "auditor")
    roots = decoded([grown["older_root"], grown["root"]])
    assert is_consistent(10, head.size, roots[0], roots[1], decoded(grown["path"]))
    assert roots[1] == head.root


def test_what_is_new_lies_under_no_checkpoint_until_one_is_signed(signing: Caller) -> None:
    first = signing.post("/v1/proof/checkpoints", None).json
    again = signing.post("/v1/proof/checkpoints", None)
    assert (again.status_code, again.json) == (200, first)
    signing.post("/v1/deposits", {"lease": "L1"})
    grant = {"code": "G9", "funder": "État", "site": None, "amount": "10.00", "granted_on": "2026-06-01"}
    assert signing.post("/v1/grants", grant).status_code == 201
    number = signing.get("/v1/ledger/entries?limit=500")["items"][-1]["number"]
    early = signing("GET", f"/v1/proof/inclusion?kind=entry&number={number}", "auditor")
    assert (early.status_code, early.json["type"]) == (409, "/problems/proof")
    second = signing.post("/v1/proof/checkpoints", None).json
    assert second["number"] == 2
    assert signing.get(f"/v1/proof/inclusion?kind=entry&number={number}")["size"] == second["size"]
    assert [found["number"] for found in signing.get("/v1/proof/checkpoints", "auditor")["items"]] == [1, 2]


def test_an_auditor_is_asked_to_cosign_and_what_he_cosigned_is_taken_in(signing: Caller, tmp_path: Path) -> None:
    assert signing("GET", "/v1/proof/witness-request").status_code == 404
    note = signing.post("/v1/proof/checkpoints", None).json["note"]
    asked = signing.get("/v1/proof/witness-request", "auditor")
    assert asked["request"] == f"old 0\n\n{note}"
    assert signing.get(f"/v1/proof/witness-request?witness={NAME}&old=7")["request"].startswith("old 7\n")
    assert signing("GET", "/v1/proof/witness-request?witness=X").status_code == 404
    keys = [Key(text) for text in signing.get("/v1/proof/keys")["keys"]]
    answer = Witness(str(tmp_path / "witness.key")).cosign(asked["request"], keys, int(NOW.timestamp()))
    assert signing.post("/v1/proof/cosignatures", {"note": answer}, scope="auditor").status_code == 403
    refused = signing.post("/v1/proof/cosignatures", {"note": note})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/proof")
    for status in (201, 200):
        taken = signing.post("/v1/proof/cosignatures", {"note": answer})
        assert taken.status_code == status, taken.text
    assert signing.get("/v1/proof/cosignatures", "auditor")["items"] == taken.json["cosignatures"]
    assert [note + each["line"] for each in taken.json["cosignatures"]] == [answer]


def test_the_newest_checkpoint_is_published(signing: Caller, tmp_path: Path) -> None:
    assert signing("POST", "/v1/proof/publications").status_code == 404
    note = signing.post("/v1/proof/checkpoints", None).json["note"]
    told = signing.post("/v1/proof/publications", None, key="once").json
    assert told == {"checkpoint": 1, "published": [f"published to {tmp_path}/published.txt"]}
    assert (tmp_path / "published.txt").read_text(encoding="utf-8") == note


def test_without_a_key_nothing_is_signed_and_the_answer_says_how(park: Caller) -> None:
    refused = park.post("/v1/proof/checkpoints", None)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/proof")
    assert "proof new-key" in refused.json["detail"]


def test_an_auditor_signs_nothing(signing: Caller) -> None:
    assert signing.post("/v1/proof/checkpoints", None, scope="auditor").status_code == 403


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("kind=document&number=FA-2026-999999", 404),
        ("kind=entry&number=X", 404),
        ("kind=entry&number=999999", 409),
        ("kind=entry&number=999999999999999999", 409),
        ("kind=entry", 422),
        ("kind=table&number=1", 422),
        ("kind=entry&number=%27", 422),
    ],
)
def test_what_does_not_exist_is_told(signing: Caller, query: str, status: int) -> None:
    assert signing("GET", f"/v1/proof/inclusion?{query}").status_code == status


@pytest.mark.parametrize(
    ("query", "status"), [("older=5&size=4", 404), ("older=0&size=999999", 404), ("older=-1", 422), ("size=1", 422)]
)
def test_sizes_the_log_never_had_are_told(signing: Caller, query: str, status: int) -> None:
    assert signing("GET", f"/v1/proof/consistency?{query}").status_code == status
