"""Before a month is closed, what is unfinished of it is told; bank lines of it that wait hinder the closing (D8)."""

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from billing.books.periods.checklist import checklist
from billing.check import check
from billing.cli import main
from billing.frame.database import reading
from billing.run.month import run_month
from tests.oracle.service import NOW
from tests.support.api import CallerOf
from tests.support.bank import decides, says, statement, takes
from tests.support.park import Park, open_park
from tests.support.receipts_park import LEASES, TENANTS
from tests.support.till import NONE, closes, order, receives

JUNE = date(2026, 6, 1)
WAITS = "2026-06 has 1 waiting bank line: RE-000001/1: decide them"


@pytest.fixture
def waiting(engine: Engine, tmp_path: Path) -> Park:
    """June: a line of the bank waits, a cheque, a certificate, two documents; of July, another line and cheque."""
    park = open_park(engine, tmp_path)
    park.opens(tenants=TENANTS, leases=LEASES)
    run_month(park.settings, engine, JUNE, issued_on=JUNE, clock=lambda: NOW)
    takes(park, statement([says("500.00", text="VIR INCONNU")], opening="0", closing="500"))
    takes(park, statement([says("7.00", "2026-07-02", text="DIVERS")], opening="500", closing="507", on="2026-07-02"))
    receives(
        park,
        order("100.00", means="cheque", reference="7001"),
        order("100.00", means="cheque", reference="7002", on="2026-07-01"),
        order("10.00", reference="V1", pays=NONE, rent_withholding="145.00", reason="attestation"),
    )
    return park


def told(park: Park, month: date) -> list[str]:
    with reading(park.engine) as connection:
        return [str(found) for found in checklist(connection, month)]


def test_what_is_unfinished_is_told_by_kind(waiting: Park) -> None:
    assert told(waiting, JUNE) == [
        "1 waiting bank line: RE-000001/1",
        "1 cheque or bill not cleared: RG-000001",
        "1 missing certificate of a tax withheld: RG-000003 rent_withholding",
        "2 documents not sent: FA-2026-000001, FA-2026-000002",
    ]
    assert told(waiting, date(2026, 7, 1))[:2] == [
        "1 waiting bank line: RE-000002/1",
        "2 cheques or bills not cleared: RG-000001, RG-000002",
    ]


def test_waiting_lines_refuse_the_closing_without_a_reason(waiting: Park, caller_of: CallerOf) -> None:
    caller = caller_of(waiting.engine)
    address = "/v1/periods/2026-06/close"
    refused = caller.post(address, None)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/period")
    assert refused.json["detail"].startswith(WAITS)
    unfinished = caller.get("/v1/periods/2026-06/checklist", "auditor")["unfinished"]
    assert [(found["kind"], found["count"]) for found in unfinished] == [
        ("bank_lines", 1), ("cheques", 1), ("certificates", 1), ("documents", 2),
    ]  # fmt: skip
    closed = caller("POST", address, headers={"X-Reason": "la banque répondra"})
    assert (closed.status_code, closed.json["state"]) == (200, "closed")
    assert closed.json["unfinished"] == unfinished
    # It is booked on the first open day.
    decides(waiting, (1, 1), "received", tenant="T1")
    assert "2026-07-01 BQ/RG-000004" in waiting.booked("BQ")
    assert check(waiting.engine) == []


def test_decided_lines_close(waiting: Park) -> None:
    decides(waiting, (1, 1), "received", tenant="T1")
    closes(waiting, "2026-06")
    assert told(waiting, JUNE)[0] == "1 cheque or bill not cleared: RG-000001"


def test_the_command_lists_first(waiting: Park) -> None:
    environment = {"DATABASE_URL": waiting.engine.url.render_as_string(hide_password=False)}
    command = ["periods", "close", "2026-06"]
    refused = CliRunner().invoke(main, command, env=environment)
    assert refused.exit_code == 1
    assert refused.stdout.splitlines()[0] == "unfinished: 1 waiting bank line: RE-000001/1"
    assert WAITS in refused.stderr
    closed = CliRunner().invoke(main, [*command, "--reason", "la banque répondra"], env=environment)
    assert closed.exit_code == 0
    assert [line.partition(":")[0] for line in closed.stdout.splitlines()] == [*["unfinished"] * 4, "2026-06 is closed"]
    accepted = CliRunner().invoke(main, ["statements", "accept", "RE-000001/1", "--tenant", "T1"], env=environment)
    assert accepted.stdout.strip() == (
        "RE-000001/1: received, booked on 2026-07-01, since 2026-06 is closed; its own day 2026-06-20 is kept"
    )
