"""Monetary-unit sampling of a year's invoices, which an auditor can draw again by hand."""

import csv
import io
import json
import re
import zipfile
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from billing.audit.bundle.sample import Sample, points
from billing.audit.bundle.writing import audit_bundle
from billing.frame.database import reading
from billing.frame.settings import load_settings
from tests.support.api import CallerOf
from tests.support.billed_park import bill_park
from tests.support.examples import examples
from tests.support.people import invoker


def bundle_of(engine: Engine, sample: Sample | None) -> zipfile.ZipFile:
    usual = load_settings({})
    with reading(engine) as connection:
        made = audit_bundle(connection, 2026, usual.operator.party, usual.terms, sample=sample)
        return zipfile.ZipFile(io.BytesIO(b"".join(made.pieces)))


def rows(archive: zipfile.ZipFile, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(path).decode(), newline="")))


def centimes(amount: str) -> int:
    return int(amount.replace(".", ""))


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Engine:
    bill_park(engine, tmp_path / "network")
    return engine


def test_the_draw_is_done_again_from_the_register_and_what_the_method_says(park: Engine) -> None:
    archive = bundle_of(park, Sample(12, seed=7))
    method = archive.read("echantillon/methode.txt").decode()
    said = {name: int(re.search(rf"{name} = ([0-9]+)", method)[1]) for name in ("S", "n", "modulo S")}  # type: ignore[index]
    invoices = [row for row in rows(archive, "documents/registre.csv") if row["Nature"] == "facture"]
    invoices.sort(key=lambda row: (row["Date"], row["Numéro"]))
    total = sum(centimes(row["TTC"]) for row in invoices)
    begun = int(sha256(b"7").hexdigest(), 16) % total
    assert (said["S"], said["n"], said["modulo S"]) == (total, 12, begun)
    by_hand = []
    for k in range(12):
        point, below = (begun + k * total) // 12, 0
        for row in invoices:
            if below <= point < below + centimes(row["TTC"]):
                by_hand.append((point, row["Numéro"]))
            below += centimes(row["TTC"])
    drawn = rows(archive, "echantillon/echantillon.csv")
    assert [(centimes(row["Point"]), row["Numéro"]) for row in drawn] == by_hand
    assert len(drawn) == 12
    for number in {row["Numéro"] for row in drawn}:
        trail = json.loads(archive.read(f"echantillon/{number}.json"))
        assert (trail["kind"], trail["name"]) == ("document", number)
        assert {"line", "entry"} <= {step["kind"] for step in trail["down"] + trail["up"]}
    large = {row["Numéro"] for row in invoices if centimes(row["TTC"]) * 12 >= total}
    assert large <= {row["Numéro"] for row in drawn}


def test_the_same_seed_draws_the_same_and_without_a_sample_there_is_none(park: Engine) -> None:
    first, again, other = (bundle_of(park, Sample(5, seed)) for seed in (1, 1, 2))
    path = "echantillon/echantillon.csv"
    assert first.read(path) == again.read(path) != other.read(path)
    assert not [name for name in bundle_of(park, None).namelist() if name.startswith("echantillon")]
    manifest = first.read("SHA256SUMS").decode()
    assert all(name in manifest for name in first.namelist() if name.startswith("echantillon/"))


@settings(max_examples=examples(100))
@given(total=st.integers(0, 10**15), size=st.integers(1, 1000), seed=st.integers(0, 2**63 - 1))
def test_points_lie_within_the_sum_and_are_as_far_apart_as_centimes_allow(total: int, size: int, seed: int) -> None:
    drawn = points(total, Sample(size, seed))
    assert len(drawn) == (size if total else 0)
    assert all(0 <= point < total for point in drawn)
    gaps = {after - before for before, after in pairwise(drawn)}
    assert gaps <= {total // size, total // size + 1}


def test_over_http(park: Engine, caller_of: CallerOf) -> None:
    caller = caller_of(park)
    answer = caller("GET", "/v1/ledger/audit-bundles/2026?sample=3&seed=9", "auditor")
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert len(rows(archive, "echantillon/echantillon.csv")) == 3
    assert caller("GET", "/v1/ledger/audit-bundles/2026?sample=0", "auditor").status_code == 422
    # A seed by itself would draw nothing, and say nothing of it.
    refused = caller("GET", "/v1/ledger/audit-bundles/2026?seed=9", "auditor")
    assert (refused.status_code, [error["field"] for error in refused.json["errors"]]) == (422, ["seed"])
    told = invoker({"DATABASE_URL": park.url.render_as_string(hide_password=False)})(
        "audit-bundle", "--year", "2026", "--seed", "9", "--output", "none.zip"
    )
    assert told.exit_code != 0
    assert "seed '9' draws nothing without a sample (say how many draws, as --sample 60)" in told.stderr
    assert not Path("none.zip").exists()
