"""A month spread over Dask workers, one of which is killed: the database stays the only truth."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from billing.check import check
from billing.frame.settings import load_settings
from billing.register.network_import import import_folder
from billing.run import plan
from billing.run.month import run_month
from pricing.period import parse_month
from tests.oracle.sample import SAMPLE, golden
from tests.oracle.service import NOW
from tests.support.dask_cluster import Cluster
from tests.support.expected import require_expected, run_json


def test_a_month_whose_dask_worker_is_killed_is_issued_once_and_as_expected(
    engine: Engine,
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer, on one host: its batches never leave this process")
    monkeypatch.setattr(plan, "BATCH_TENANTS", 20)
    import_folder(engine, SAMPLE, now=NOW)
    address, workers = cluster
    settings = replace(load_settings({}), executor=address)
    month = golden("months.json")[0]
    period = parse_month(month["period"])

    def kill_one(done: int, _batches: int) -> None:
        if done == 3:
            workers[0].kill()

    report = run_month(settings, engine, period, issued_on=period, clock=lambda: NOW, progress=kill_one)
    require_expected(run_json(report), month)
    assert workers[0].poll() is not None
    assert check(engine) == []
