"""What others make of the OpenAPI document: linters find nothing in it, and generated clients run the month."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.api import Caller
from tests.support.served import Served, serving

TOOLS = Path(__file__).parents[1] / "tools"
MODULES = TOOLS / "node_modules"
NODE = shutil.which("node")
# The generator knows few media types by itself: what is no JSON is a file to it.
CONFIG = {
    "content_type_overrides": dict.fromkeys(
        (
            "application/pdf", "application/zip", "application/xml", "text/csv", "text/xml", "text/plain", "text/html",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        "application/octet-stream",
    ),
    "post_hooks": [],
}  # fmt: skip
with_node = pytest.mark.skipif(
    NODE is None or not MODULES.is_dir(), reason="Node.js and tests/tools/node_modules are not here: scripts/install"
)


def run(folder: Path, *command: str, **environment: str) -> str:
    """What a program prints; fails with all it said when it does."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False, env=os.environ | environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def node(folder: Path, *arguments: str) -> str:
    """What a script of Node.js prints."""
    assert NODE is not None
    return run(folder, NODE, *arguments)


@pytest.fixture
def served(engine: Engine, ground: Caller, tmp_path: Path) -> Iterator[Served]:
    """The server on the ground network."""
    if engine.dialect.name != "sqlite":
        pytest.skip("once is enough: who makes clients of the document does not see the database")
    documents = f"file:{tmp_path / 'documents'}"
    environment = {"DATABASE_URL": engine.url.render_as_string(hide_password=False), "DOCUMENTS_URL": documents}
    with serving(environment, tmp_path) as running:
        (tmp_path / "openapi.json").write_text(json.dumps(running.open("/openapi.json")[1]), encoding="utf-8")
        yield running


@with_node
def test_redocly_and_spectral_find_nothing_in_the_document(served: Served, tmp_path: Path) -> None:
    assert json.loads(node(tmp_path, str(TOOLS / "lint.mjs"), "openapi.json")) == []


def test_a_client_generated_in_python_runs_the_month(served: Served, ground: Caller, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    generator = str(Path(sys.executable).with_name("openapi-python-client"))
    said = run(
        tmp_path, generator, "generate", "--path", "openapi.json", "--output-path", "technopark_client",
        "--meta", "none", "--config", "config.json",
    )  # fmt: skip
    assert "WARNING" not in said, said
    printed = run(
        tmp_path, sys.executable, str(TOOLS / "month.py"), served.address, ground.secrets["admin"], "2026-06", "PY",
        PYTHONPATH=str(tmp_path),
    )  # fmt: skip
    assert_month(json.loads(printed), ground, "2026-06", "PY")


@with_node
def test_a_client_generated_in_typescript_runs_the_month(served: Served, ground: Caller, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    shutil.copy(TOOLS / "month.ts", tmp_path)
    generator = str(MODULES / "openapi-typescript" / "bin" / "cli.js")
    # A field with a default may be left out of a request.
    node(tmp_path, generator, "openapi.json", "--output", "schema.ts", "--default-non-nullable", "false")
    options = ("--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom")
    (tmp_path / "globals.d.ts").write_text("declare const process: { argv: string[] };", encoding="utf-8")
    node(tmp_path, str(MODULES / "typescript" / "bin" / "tsc"), *options, "month.ts", "globals.d.ts")
    printed = node(tmp_path, "month.js", served.address, ground.secrets["admin"], "2026-06", "TS")
    assert_month(json.loads(printed), ground, "2026-06", "TS")


def assert_month(seen: dict[str, object], ground: Caller, period: str, tenant: str) -> None:
    """20 m² at Tanger's price, 150.00, and two times two meals: what the client saw is what the service holds."""
    (invoice,) = ground.get(f"/v1/documents?period={period}&tenant={tenant}")["items"]
    totals = ground.get("/v1/ledger/trial-balance")["totals"]["general"]
    (receipt,) = ground.get(f"/v1/receipts?tenant={tenant}")["items"]
    assert seen == {
        "period": period, "invoices": 2, "number": invoice["number"], "gross": invoice["gross"],
        "receipt": receipt["number"], "pdf": "%PDF-", "debit": totals["debit"], "credit": totals["credit"],
        "state": "closed",
    }  # fmt: skip
    assert (receipt["amount"], invoice["state"]) == (invoice["gross"], "paid")
