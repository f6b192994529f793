"""Schemathesis tries the whole OpenAPI document on a real server: no 5xx, no answer the document doesn't name.

SCHEMATHESIS_EXAMPLES sets how many cases an operation gets beside those of the coverage phase (a deep look: 200).
"""

import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from billing.frame.settings import load_settings
from billing.register.network_import import import_folder
from billing.run.month import run_month
from tests.support.api import NOW, CallerOf
from tests.support.operations import operations
from tests.support.served import Served, serving

SAMPLE = Path(__file__).parents[2] / "billing" / "demo" / "network"
# Schemathesis would revoke the token it asks with: that operation is tried by itself, last.
REVOKING = "revokeOneToken"
# What is well-formed may still be refused for what the register holds: no schema can say that.
EXCLUDED_CHECKS = "positive_data_acceptance"


def schemathesis(served: Served, secret: str, folder: Path, *options: str) -> str:
    """Its report; fails with it when anything is found."""
    examples = os.environ.get("SCHEMATHESIS_EXAMPLES", "2")
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{served.address}/openapi.json",
        "--checks", "all", "--exclude-checks", EXCLUDED_CHECKS, "--header", f"Authorization: Bearer {secret}",
        "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", examples, "--workers", "1",
        "--continue-on-failure", "--request-timeout", "120", "--max-response-time", "60", "--no-color", *options,
    ]  # fmt: skip
    # A report of 800 documents is laid out in six seconds, more where others want the processor: nothing hangs.
    # One worker: CPython 3.11 fails when two threads parse source at once, as Hypothesis does.
    deep = "SCHEMATHESIS_EXAMPLES" in os.environ
    command += ["--generation-database", "none"] if deep else ["--generation-deterministic"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# Takes minutes: some 170 operations, each with every parameter left out, misspelt and out of range, over real HTTP.
@pytest.mark.timeout(1800)
def test_the_whole_document_is_true(engine: Engine, tmp_path: Path, caller_of: CallerOf) -> None:
    """On the sample network, whose rows the document's examples are, with two months billed."""
    import_folder(engine, SAMPLE, now=NOW)
    for month in (6, 7):
        day = date(2026, month, 1)
        run_month(load_settings({}), engine, day, issued_on=day, clock=lambda: NOW, workers=1)
    caller = caller_of(engine)
    environment = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "DOCUMENTS_URL": f"file:{tmp_path / 'documents'}",
        # More than a client that waits for its jobs will ever order.
        "JOBS_MAX": "10000",
    }
    with serving(environment, tmp_path) as served:
        report = schemathesis(served, caller.secrets["admin"], tmp_path, "--exclude-operation-id", REVOKING)
        tried = re.search(r"Tested: (\d+)", report)
        assert tried is not None
        # All but the one that gives the document itself, and the one that comes next.
        assert int(tried[1]) == len(operations(caller.app)) - 2
        schemathesis(served, caller.secrets["admin"], tmp_path, "--include-operation-id", REVOKING)
        served.stop()
    answered = [line for line in served.lines() if "status" in line]
    assert [line for line in answered if line["status"] >= 500] == []
    # It got through to what the operations do, and was not turned away at the door.
    reached = {(line["method"], line["route"]) for line in answered if 200 <= line["status"] < 300}
    assert len(reached) > 45, sorted(reached)
