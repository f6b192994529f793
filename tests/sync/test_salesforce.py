"""Salesforce against a stand-in: read from its bookmark by the import's rules, told what is owed, patiently."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, func, select

from billing.check import check
from billing.cli import main
from billing.frame.audit_log import CLI, Act, on_behalf
from billing.frame.database import reading
from billing.frame.errors import BadConfiguration, Refused
from billing.frame.jobs import JobContext, say_for
from billing.frame.salesforce import Salesforce, load_salesforce
from billing.frame.settings import load_settings
from billing.frame.tables import audit_event
from billing.register import tables as models
from billing.register.network_import import ImportReport
from billing.register.tables import import_log, lease, tenant
from billing.sync import client
from billing.sync.client import PAUSES_S, Client, SalesforceFault
from billing.sync.jobs import JOBS
from billing.sync.taking_in import OPERATION, bookmark_of, take_in
from billing.sync.writing_back import Written, write_back
from tests.support.park import Park
from tests.support.queued import environment
from tests.support.salesforce import CONSUMER, DOWN, LIMIT, USER, StandIn, standing_in
from tests.support.tenants import change_tenant

SHIPPED = Path(__file__).parents[2] / "billing" / "sync" / "salesforce.toml"
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def stamped(minutes: int) -> str:
    """A SystemModstamp so many minutes after noon of the day, as Salesforce writes it."""
    return (NOW + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def account(code: str, minutes: int = -60, **values: Any) -> dict[str, Any]:
    """An Account of a tenant."""
    return {
        "Id": f"001-{code}", "SystemModstamp": stamped(minutes), "Technopark_Code__c": code, "Name": f"Société {code}",
        "Legal_Form__c": "SARL", "Firm_Kind__c": "Start-up", "Incorporated_On__c": "2025-10-15",
        "Admitted_On__c": None, "ICE__c": "001561191000066", "Tax_Id__c": "12345678", "Trade_Register__c": "1 Tanger",
        "BillingStreet": "1 rue Ibn Sina", "BillingCity": "Tanger", "Invoice_Email__c": "a@a.example",
        "Language__c": "fr", "Billing_Balance__c": None, "Billing_Overdue__c": None, "Billing_State__c": None,
        "Subsidised_Until__c": None, **values,
    }  # fmt: skip


def rented(code: str, of: str, **values: Any) -> dict[str, Any]:
    """A Lease__c of an Account."""
    return {
        "Id": f"a01-{code}", "SystemModstamp": stamped(-60), "Name": code, "Account__r": {"Technopark_Code__c": of},
        "Site_Code__c": "TNG", "Unit__c": code, "Area_m2__c": 22.5, "Starts_On__c": "2026-01-10", "Ends_On__c": None,
        **values,
    }  # fmt: skip


@dataclass
class Sync:
    """The park, the stand-in, and how both are brought together."""

    engine: Engine
    stand_in: StandIn
    mapping: Salesforce
    waited: list[int] = field(default_factory=list)

    def client(self) -> Client:
        return Client(self.mapping.access, self.waited.append, self.stand_in.session())

    def takes_in(self, at: datetime = NOW, **options: bool) -> ImportReport | None:
        engine = on_behalf(self.engine, Act("clock", CLI, OPERATION, "r"), lambda: at)
        return take_in(engine, self.client(), self.mapping, now=at, **options)

    def tells(self, **options: bool) -> Written:
        assert self.mapping.write_back is not None
        return write_back(
            self.engine, self.client(), self.mapping.write_back, today=NOW.date(), wait=self.waited.append, **options
        )

    def column(self, name: str) -> dict[str, Any]:
        with reading(self.engine) as connection:
            return {row.code: getattr(row, name) for row in connection.execute(select(tenant))}

    def bookmark(self) -> datetime | None:
        with reading(self.engine) as connection:
            return bookmark_of(connection)


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    park = Park(engine, tmp_path / "network")
    park.opens()
    return park


@pytest.fixture
def sync(park: Park, tmp_path: Path) -> Iterator[Sync]:
    """The shipped mapping, with a key of the stand-in's."""
    with standing_in() as stand_in:
        stand_in.objects = {
            "Account": [account("T1"), account("T2", Firm_Kind__c="PME"), account("T3"), account("T4", 5)],
            "Lease__c": [rented("L1", "T1"), rented("L2", "T2", Area_m2__c=40)],
        }
        key, file = tmp_path / "salesforce.pem", tmp_path / "salesforce.toml"
        key.write_bytes(stand_in.private_key)
        text = SHIPPED.read_text().replace("3MVG9…", CONSUMER)
        file.write_text(text.replace("/etc/technopark-billing/salesforce.pem", str(key)))
        assert load_salesforce(file).access.username == USER
        yield Sync(park.engine, stand_in, load_salesforce(file))


def test_what_has_changed_is_taken_in_from_the_bookmark_on(sync: Sync) -> None:
    sync.stand_in.expires_after = 2
    sync.stand_in.objects["Application__c"] = [
        {
            "Id": "a02-1", "SystemModstamp": stamped(-60), "Name": "C-1", "Account__r": None, "Firm_Name__c": "Zellij",
            "Firm_Kind__c": "PME", "Site_Code__c": "TNG", "Area_m2__c": 18, "Received_On__c": "2026-05-02",
            "State__c": "Acceptée", "Decided_On__c": "2026-05-20T23:30:00.000+0000",
        }
    ]  # fmt: skip
    report = sync.takes_in()
    assert report is not None
    # T4 was changed after noon: it waits.
    assert [(file, counts.new) for file, counts in report.files.items()] == [
        ("tenants", 3), ("leases", 2), ("applications", 1)
    ]  # fmt: skip
    assert sync.column("kind") == {"T1": "startup", "T2": "sme", "T3": "startup"}
    with reading(sync.engine) as connection:
        assert connection.scalars(select(lease.c.area).order_by(lease.c.code)).all() == [22_500_000, 40_000_000]
        application = connection.execute(select(models.application)).one()
    # The instant of its decision is the next day in Casablanca.
    assert (application.kind, application.state, application.decided_on) == ("sme", "accepted", date(2026, 5, 21))
    assert sync.bookmark() == NOW - timedelta(minutes=2)
    assert sync.takes_in() is None
    sync.stand_in.objects["Account"][0] |= {"Name": "Atlas", "SystemModstamp": stamped(10)}
    later = sync.takes_in(NOW + timedelta(hours=1))
    assert later is not None
    assert [tuple(change) for change in later.changes] == [("tenants", "T1", "legal_name", "Société T1", "Atlas")]
    assert later.files["tenants"].new_keys == ("T4",)
    assert "SystemModstamp > 2026-06-01T11:58:00Z AND SystemModstamp <= 2026-06-01T12:58:00Z" in sync.stand_in.asked[-3]
    assert check(sync.engine) == []


def test_a_column_that_is_not_read_keeps_its_value(sync: Sync) -> None:
    sync.takes_in()
    change_tenant(sync.engine, "T1", address="9 avenue Hassan II")
    del sync.mapping.read["tenants"].columns["address"]
    sync.stand_in.objects["Account"][0] |= {"Name": "Atlas", "SystemModstamp": stamped(10)}
    sync.takes_in(NOW + timedelta(hours=1))
    assert (sync.column("legal_name")["T1"], sync.column("address")["T1"]) == ("Atlas", "9 avenue Hassan II")


def test_a_dry_run_shows_and_writes_nothing(sync: Sync) -> None:
    report = sync.takes_in(dry_run=True)
    assert report is not None
    assert [*report.lines()][-1] == "dry run, nothing written: 5 new, 0 changed, 0 unchanged"
    assert (sync.column("code"), sync.bookmark()) == ({}, None)


def test_one_bad_record_refuses_all_and_is_named(sync: Sync) -> None:
    sync.stand_in.objects["Account"][1] |= {"ICE__c": "12"}
    sync.stand_in.objects["Lease__c"][0] |= {"Site_Code__c": "RABAT"}
    with pytest.raises(Refused) as refused:
        sync.takes_in()
    assert [(fault.file, fault.column, fault.value) for fault in refused.value.faults] == [
        ("Account 001-T2", "ice", "12"),
        ("Lease__c a01-L1", "site", "RABAT"),
    ]
    assert (sync.column("code"), sync.bookmark()) == ({}, None)


def test_a_field_that_was_changed_on_both_sides_is_a_conflict(sync: Sync) -> None:
    sync.takes_in()
    later = NOW + timedelta(hours=1)
    mine = on_behalf(sync.engine, Act("amina", CLI, "import", "r"), lambda: NOW + timedelta(minutes=1))
    change_tenant(mine, "T1", city="Rabat", email="b@b.example")
    sync.stand_in.objects["Account"][0] |= {"SystemModstamp": stamped(10), "Name": "Atlas", "BillingCity": "Salé"}
    with pytest.raises(Refused) as refused:
        sync.takes_in(later)
    assert [(fault.file, fault.column, fault.value) for fault in refused.value.faults] == [
        ("tenants T1", "city", "Salé"),
        ("tenants T1", "email", "a@a.example"),
    ]
    assert "amina entered 'Rabat' here on 2026-06-01 12:01 UTC" in str(refused.value)
    assert sync.column("legal_name")["T1"] == "Société T1"
    sync.takes_in(later, overwrite=True)
    assert (sync.column("legal_name")["T1"], sync.column("city")["T1"]) == ("Atlas", "Salé")


def test_salesforce_is_told_what_is_owed_once(sync: Sync, park: Park) -> None:
    sync.takes_in()
    park.bills("2026-01")
    accounts = sync.stand_in.objects["Account"]
    assert sync.tells(dry_run=True).told == 3
    written = sync.tells()
    assert (written.told, written.known, written.failures) == (3, 1, [])
    # 22.5 m² from 10 January on: 22.5 × 50 × 22 / 31, and VAT.
    assert {name: accounts[0][name] for name in ("Billing_Balance__c", "Billing_Overdue__c", "Billing_State__c")} == {
        "Billing_Balance__c": 958.07, "Billing_Overdue__c": 958.07, "Billing_State__c": "overdue",
    }  # fmt: skip
    assert accounts[0]["Subsidised_Until__c"] == "2027-07-09"
    assert (accounts[2]["Billing_State__c"], accounts[3]["Billing_State__c"]) == ("paid", None)
    again = sync.tells()
    assert (again.told, again.known) == (0, 4)


def test_updates_go_in_batches_and_a_record_that_is_refused_hinders_no_other(sync: Sync, park: Park) -> None:
    codes = [f"N{number:03}" for number in range(250)]
    park.enters(tenants=[{"code": code} for code in codes])
    sync.stand_in.objects = {"Account": [account(code) for code in codes]}
    sync.stand_in.page = 150
    sync.stand_in.refusals = {
        "001-N001": ["UNABLE_TO_LOCK_ROW"],
        "001-N002": ["FIELD_CUSTOM_VALIDATION_EXCEPTION"],
        "001-N003": ["UNABLE_TO_LOCK_ROW"] * 9,
    }
    written = sync.tells()
    assert [len(batch) for batch in sync.stand_in.batches] == [200, 2, 1, 1, 50]
    assert written.told == 248
    assert written.failures == [
        "Account 001-N002: FIELD_CUSTOM_VALIDATION_EXCEPTION: said FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "Account 001-N003: UNABLE_TO_LOCK_ROW: said UNABLE_TO_LOCK_ROW",
    ]
    assert sync.waited == [*PAUSES_S]


def test_what_passes_is_waited_for_and_what_does_not_is_a_sentence_without_secrets(
    sync: Sync, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sync.stand_in.failures = [DOWN]
    connected = sync.client()
    assert sync.waited.pop() == 2
    sync.stand_in.failures = [DOWN, LIMIT]
    assert take_in(sync.engine, connected, sync.mapping, now=NOW, dry_run=True) is not None
    assert sync.waited == [2, 8]
    for failure, said in (
        (LIMIT, "Salesforce's limit of requests is reached"),
        ((429, "too many"), "Salesforce's limit of requests is reached"),
        (DOWN, r"Salesforce can't be reached, or does not answer as it should \(HTTP 503\)"),
        ((403, [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]), "Salesforce refuses: INSUFFICIENT_ACCESS: no"),
    ):
        sync.stand_in.failures = [failure] * 4
        with pytest.raises(SalesforceFault, match=said) as fault:
            take_in(sync.engine, connected, sync.mapping, now=NOW)
        sync.stand_in.failures = []
        assert "secret" not in str(fault.value)
    sync.mapping.read["tenants"].columns["city"] = "Town__c"
    with pytest.raises(SalesforceFault, match="INVALID_FIELD: No such column 'Town__c' on entity 'Account'"):
        sync.takes_in()
    assert "secret" not in caplog.text
    assert "assertion" not in caplog.text


def test_the_command_and_the_clock_do_it(
    sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client, "_session", sync.stand_in.session)
    variables = {**environment(sync.engine, tmp_path), "SALESFORCE_FILE": str(tmp_path / "salesforce.toml")}
    done = CliRunner().invoke(main, ["sync", "salesforce"], env=variables)
    assert done.exit_code == 0, done.output
    assert "imported: 6 new, 0 changed, 0 unchanged" in done.stdout
    assert done.stdout.endswith("Salesforce: 4 records told what is owed, 0 knew\n")
    sync.stand_in.objects["Account"][0] |= {"Name": "Atlas", "SystemModstamp": "2027-01-01T00:00:00.000+0000"}
    later = datetime(2027, 1, 2, tzinfo=UTC)
    with caplog.at_level(logging.INFO, "billing.scheduler"):
        job = JobContext(load_settings(variables), sync.engine, lambda: later, Event(), say_for("salesforce"))
        JOBS[0].work(job)
    assert [getattr(record, "outcome", "") for record in caplog.records if hasattr(record, "job")] == [
        "taken in",
        "told",
    ]
    assert sync.column("legal_name")["T1"] == "Atlas"
    with reading(sync.engine) as connection:
        last = connection.execute(select(audit_event).order_by(audit_event.c.id.desc()).limit(1)).one()
    assert (last.actor, last.operation) == ("scheduler", "sync salesforce")


def test_whoever_may_not_come_in_is_told_what_to_check(sync: Sync, tmp_path: Path) -> None:
    with standing_in() as other, pytest.raises(SalesforceFault, match=r"lets nobody in .*check username, consumer_key"):
        # Its app has another certificate.
        Client(sync.mapping.access, sync.waited.append, other.session())
    (tmp_path / "salesforce.pem").unlink()
    with pytest.raises(SalesforceFault, match="cannot be read"):
        sync.client()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('object = "Lease__c"', 'object = "Lease; DROP"', "no name of an object or field"),
        ("state = ", "stat = ", "stat can't be written back; known: balance"),
        ('domain = "login"', 'domaine = "login"', "unknown field `domaine`"),
        ("[access]", "[access", "line"),
    ],
)
def test_a_mapping_that_can_t_be_used_stops_at_the_start(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text(SHIPPED.read_text().replace(old, new))
    with pytest.raises(BadConfiguration, match=said):
        load_salesforce(file)


def test_a_column_that_no_file_has_is_refused(sync: Sync) -> None:
    sync.mapping.read["leases"].columns["rent"] = "Rent__c"
    with pytest.raises(BadConfiguration, match="no column rent"):
        sync.takes_in()
    with reading(sync.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(import_log)) == 1
