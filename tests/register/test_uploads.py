"""A network folder sent over HTTP: rules and report are the command's; names and sizes that deceive are refused."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from billing.register.network_import import uploads
from tests.support.api import Caller, CallerOf
from tests.support.counts import counts
from tests.support.networks import write_network
from tests.support.operations import is_problem


def sends(caller: Caller, *files: tuple[str, bytes], query: str = "", key: str | None = None) -> Any:
    parts = [(io.BytesIO(content), name) for name, content in files]
    headers = {} if key is None else {"Idempotency-Key": key}
    return caller("POST", f"/v1/imports{query}", data={"file": parts}, headers=headers)


def packed(*files: tuple[str, bytes], folder: str = "") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, written in files:
            archive.writestr(folder + name, written)
    return content.getvalue()


def network(folder: Path) -> list[tuple[str, bytes]]:
    made = write_network(
        folder, tenants=[{"code": "T1"}], leases=[("L1", "T1", "TNG", "TNG-1", "22.5", "2026-03-10", None)]
    )
    return [(path.name, path.read_bytes()) for path in sorted(made.iterdir())]


def test_a_folder_is_tried_imported_and_then_stands(engine: Engine, tmp_path: Path, caller_of: CallerOf) -> None:
    caller, files = caller_of(engine), network(tmp_path / "network")
    before = counts(engine)
    tried = sends(caller, ("reseau.zip", packed(*files, folder="reseau/")), query="?dry_run=true")
    assert (tried.status_code, tried.json["dry_run"], tried.json["changed"]) == (200, True, 0)
    assert counts(engine)["tenant"] == before["tenant"] == 0
    made = sends(caller, *files, key="once")
    assert made.status_code == 201, made.text
    assert made.json == tried.json | {"dry_run": False}
    assert sends(caller, *files, key="once").data == made.data
    [tenants] = [file for file in made.json["files"] if file["file"] == "tenants.csv"]
    assert (tenants["new"], tenants["new_keys"]) == (1, ["T1"])
    again = sends(caller, ("reseau.zip", packed(*files)))
    assert (again.status_code, again.json["new"], again.json["unchanged"]) == (200, 0, made.json["new"])
    assert caller.get("/v1/imports", "admin")["items"][-1]["source"] == "api:the-finance"
    leases = b"code,tenant,site,unit,area_m2,starts_on,ends_on\nL1,T1,TNG,TNG-1,50,2026-03-10,\n"
    changed = sends(caller, ("leases.csv", leases))
    assert changed.json["changes"] == [
        {"file": "leases.csv", "key": "L1", "column": "area_m2", "old": "22.5", "new": "50"}
    ]
    assert {(x["file"], x["line"], x["column"]) for x in changed.json["warnings"]} >= {("leases.csv", 2, "area_m2")}
    wrong = sends(caller, ("leases.csv", leases.replace(b"T1", b"T9")))
    assert is_problem(wrong, 422, "refused")
    assert ("leases.csv", 2, "tenant", "unknown") in {
        (x["file"], x.get("line"), x["field"], x["code"]) for x in wrong.json["errors"]
    }


def test_a_template_can_be_sent_back(engine: Engine, caller_of: CallerOf) -> None:
    caller = caller_of(engine)
    workbook = caller("GET", "/v1/imports/template").data
    assert sends(caller, ("network.xlsx", workbook), query="?dry_run=true").status_code == 200
    archive = caller("GET", "/v1/imports/template?format=csv-fr").data
    tried = sends(caller, ("modele.zip", archive), query="?dry_run=true")
    assert (tried.status_code, tried.json["new"] > 8) == (200, True)


def linked() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        member = zipfile.ZipInfo("sites.csv")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/passwd")
    return content.getvalue()


def test_names_and_sizes_that_deceive_are_refused(
    ground: Caller, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "UNPACKED_BYTES_MAX", 1 << 20)
    before, site = counts(engine), b"code,name\n"
    many = [(f"t{n}.csv", b"") for n in range(uploads.FILES_MAX + 1)]
    deceiving: list[list[tuple[str, bytes]]] = [
        [("a.zip", packed(("../sites.csv", site)))],
        [("a.zip", packed(("/sites.csv", site)))],
        [("a.zip", packed(("a/b/sites.csv", site)))],
        [("a.zip", packed(("a/sites.csv", site), ("b/tenants.csv", site)))],
        [("a.zip", packed(("..\\sites.csv", site)))],
        [("a.zip", packed(("sites.csv", b" " * (1 << 20)), ("tenants.csv", b" ")))],
        [("a.zip", packed(*many))],
        [("a.zip", packed(*((f"{n:0200}.csv", b"") for n in range(400))))],
        [("a.zip", linked())],
        [("a.zip", packed(("sites.csv", site))[:-9])],
        [("a.zip", b"no archive")],
        [("sites.csv", site), ("SITES.CSV", site)],
        [("..", site)],
        [("con:sites.csv", site)],
        [("notes.txt", site)],
        many,
    ]
    for files in deceiving:
        refused = sends(ground, *files)
        assert is_problem(refused, 422, "refused"), (files[0], refused.text)
        assert "/import-" not in refused.text
    assert sends(ground).status_code in (415, 422)
    assert (
        ground("POST", "/v1/imports", data={"dry_run": "true"}, content_type="multipart/form-data").status_code == 422
    )
    assert ground.post("/v1/imports", {}).status_code == 415
    too_large = sends(ground, ("sites.csv", b" " * (uploads.UPLOAD_BYTES_MAX + 1)))
    assert is_problem(too_large, 413, "too-large")
    assert counts(engine) == before
