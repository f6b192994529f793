"""What an import accepts, counts, writes and posts (contract, "Network folder"; R6-R8, R21)."""

import csv
import gc
import json
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from billing.frame.database import reading, writing
from billing.frame.errors import Refused, Taken
from billing.register import tables as models
from billing.register.network_import import Change, ImportReport, apply_records, import_folder, stored_record
from billing.schema.tables import all_metadata
from ledger.models import account, entry, posting
from tests.support.networks import Row, write_network

NOW = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)
SAMPLE = Path(__file__).parents[2] / "billing" / "demo" / "network"


def load(engine: Engine, folder: Path, **overrides: Any) -> ImportReport:
    """Write a small network and import it."""
    return import_folder(engine, write_network(folder, **overrides), now=NOW)


def everything(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, for comparing before and after."""
    with reading(engine) as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for metadata in all_metadata()
            for table in metadata.tables.values()
        }


def rows(engine: Engine, statement: Any) -> list[tuple[Any, ...]]:
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(statement)]


@contextmanager
def nothing_written(engine: Engine) -> Iterator[None]:
    before = everything(engine)
    yield
    assert everything(engine) == before


def test_the_sample_network_is_imported_and_a_second_time_unchanged(engine: Engine) -> None:
    # After its last usage: none of it is still to come.
    first = import_folder(engine, SAMPLE, now=NOW.replace(month=12))
    counts = {file: counts.new for file, counts in first.files.items()}
    assert counts == {
        "sites.csv": 5, "services.csv": 4, "vat_rates.csv": 4, "rates.csv": 27,
        "tenants.csv": 450, "leases.csv": 457, "usage.csv": 16239, "grants.csv": 2,
        "applications.csv": 10,
    }  # fmt: skip
    assert (first.changed, first.unchanged, first.warnings) == (0, 0, ())
    before = everything(engine)
    second = import_folder(engine, SAMPLE, now=NOW)
    assert (second.new, second.changed, second.unchanged) == (0, 0, 17198)
    after = everything(engine)
    assert len(after.pop("import_log")) == len(after.pop("audit_event")) == 2
    for grown in ("import_log", "audit_event", "audit_counter"):
        before.pop(grown)
    del after["audit_counter"]
    # The second import names its row in the log of imports.
    assert [change[2:4] for change in after["audit_change"][len(before["audit_change"]) :]] == [("rows", "import_log")]
    del after["audit_change"][len(before["audit_change"]) :]
    assert after == before


def test_what_was_imported_reads_back_as_the_file_wrote_it(engine: Engine, tmp_path: Path) -> None:
    import_folder(engine, SAMPLE, now=NOW)
    with reading(engine) as connection:
        with (SAMPLE / "tenants.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                assert stored_record(connection, "tenants", (row["code"],)) == row
        with (SAMPLE / "rates.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                day = date.fromisoformat(row["effective_from"])
                key = row["site"], row["service"], row["tenant_kind"], day
                assert stored_record(connection, "rates", key) == {**row, "in_kind": ""}
        assert stored_record(connection, "tenants", ("NOBODY",)) is None


def test_usage_keeps_the_order_of_the_file_in_its_ids(engine: Engine, tmp_path: Path) -> None:
    usage = [{"event_id": f"E{n * 7919 % 1000:04}", "tenant": "T1", "occurred_on": "2026-05-01"} for n in range(1000)]
    load(engine, tmp_path, tenants=[{"code": "T1"}], usage=usage)
    event = models.usage_event
    stored = [row[0] for row in rows(engine, select(event.c.event_id).order_by(event.c.id))]
    assert stored == [row["event_id"] for row in usage]


def test_a_change_touches_the_changed_columns_and_is_shown_old_to_new(engine: Engine, tmp_path: Path) -> None:
    lease = ("L1", "T1", "TNG", "U1", "22.5", "2025-03-10", None)
    load(engine, tmp_path, tenants=[{"code": "T1"}], leases=[lease])
    report = load(
        engine,
        tmp_path,
        tenants=[{"code": "T1", "email": "", "legal_name": "Atlas Santé"}],
        leases=[("L1", "T1", "TNG", "U1", "25", "2025-03-10", "2026-06-15")],
    )
    assert report.changes == (
        Change("tenants.csv", "T1", "legal_name", "Atlas Logiciel", "Atlas Santé"),
        Change("tenants.csv", "T1", "email", "compta@atlas.example", ""),
        Change("leases.csv", "L1", "area_m2", "22.5", "25"),
        Change("leases.csv", "L1", "ends_on", "", "2026-06-15"),
    )
    assert (report.files["tenants.csv"].changed, report.files["leases.csv"].changed, report.new) == (1, 1, 0)
    shown = list(report.lines())
    assert "  L1 ends_on: (blank) → 2026-06-15" in shown
    assert shown[-1] == "imported: 0 new, 2 changed, 14 unchanged"
    with reading(engine) as connection:
        stored = connection.execute(select(models.lease)).one()
    assert (stored.area, stored.ends_on, stored.starts_on) == (25_000_000, date(2026, 6, 15), date(2025, 3, 10))


def test_importing_never_deletes(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path, tenants=[{"code": "T1"}, {"code": "T2"}])
    report = load(engine, tmp_path, tenants=[{"code": "T2"}])
    assert report.files["tenants.csv"].unchanged == 1
    assert rows(engine, select(models.tenant.c.code).order_by("code")) == [("T1",), ("T2",)]


def test_a_changed_full_price_moves_a_subsidised_price_that_is_a_fraction_of_it(engine: Engine, tmp_path: Path) -> None:
    rate: Row = ("CAS", "OFFICE", None, "2015-01-01", "145.00", "1/3", "130.00", "test")
    load(engine, tmp_path, rates=[rate])
    report = load(engine, tmp_path, rates=[("CAS", "OFFICE", None, "2015-01-01", "160.00", "1/3", "130.00", "test")])
    assert report.changes == (Change("rates.csv", "CAS/OFFICE/*/2015-01-01", "market", "145.00", "160.00"),)
    assert rows(engine, select(models.rate.c.market, models.rate.c.subsidised_price)) == [(1_600_000, 533_300)]


def test_an_amount_written_with_other_zeros_is_no_change(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path, rates=[("TNG", "OFFICE", None, "2015-01-01", "150.00", "50.00", "134.00", "test")])
    report = load(engine, tmp_path, rates=[("TNG", "OFFICE", None, "2015-01-01", "150", "050.0", "134.0000", "test")])
    assert (report.new, report.changed) == (0, 0)


def test_a_dry_run_tells_the_same_and_writes_nothing(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path, tenants=[{"code": "T1"}])
    folder = write_network(
        tmp_path,
        tenants=[{"code": "T1", "city": "Rabat"}, {"code": "T2"}],
        usage=[{"event_id": "E1", "tenant": "T2", "occurred_on": "2026-05-01"}],
        grants=[{"code": "G1"}],
    )
    with nothing_written(engine):
        dry = import_folder(engine, folder, now=NOW, dry_run=True)
    assert list(dry.lines())[-1] == "dry run, nothing written: 3 new, 1 changed, 14 unchanged"
    wet = import_folder(engine, folder, now=NOW)
    assert (dry.files, dry.changes, dry.warnings) == (wet.files, wet.changes, wet.warnings)


def test_the_import_is_logged_with_its_changes(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path, tenants=[{"code": "T1"}])
    load(engine, tmp_path, tenants=[{"code": "T1", "city": "Rabat"}])
    log = models.import_log
    (at, source, summary) = rows(engine, select(log.c.imported_at, log.c.source, log.c.summary).order_by(log.c.id))[1]
    assert at.replace(tzinfo=UTC) == NOW
    assert source == str(tmp_path)
    content = json.loads(summary)
    assert content["files"]["tenants.csv"] == {"new": 0, "changed": 1, "unchanged": 0, "new_keys": []}
    assert content["changes"] == [
        {"file": "tenants.csv", "key": "T1", "column": "city", "old": "Tanger", "new": "Rabat"}
    ]


def test_a_revenue_account_below_one_of_the_chart_is_opened_with_its_label(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path, services=[{"code": "OFFICE", "revenue_account": "712439"}], vat_rates=[], rates=[])
    opened = rows(engine, select(account.c.label).where(account.c.code == "712439"))
    assert opened == rows(engine, select(account.c.label).where(account.c.code == "71243"))


def test_progress_is_shown_per_file_and_chunk(engine: Engine, tmp_path: Path) -> None:
    shown: list[tuple[str, int]] = []
    usage = [{"event_id": f"E{n:06}", "tenant": "T1", "occurred_on": "2026-05-01"} for n in range(45_000)]
    folder = write_network(tmp_path, tenants=[{"code": "T1"}], usage=usage)
    import_folder(engine, folder, now=NOW, progress=lambda file, count: shown.append((file, count)))
    assert ("tenants.csv", 1) in shown
    assert [count for file, count in shown if file == "usage.csv"] == [20_000, 40_000, 45_000]


def test_two_imports_at_once_load_everything_once(engine: Engine, tmp_path: Path) -> None:
    usage = [{"event_id": f"E{n}", "tenant": "T1", "occurred_on": "2026-05-01"} for n in range(3_000)]
    folder = write_network(tmp_path, tenants=[{"code": "T1"}], usage=usage, grants=[{"code": "G1"}])
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: import_folder(engine, folder, now=NOW), range(4)))
    assert sorted((report.new, report.changed, report.unchanged) for report in reports) == [
        *[(0, 0, 3_016)] * 3,
        (3_016, 0, 0),
    ]
    assert rows(engine, select(func.count()).select_from(entry)) == [(1,)]


def test_memory_does_not_grow_with_the_number_of_events(engine: Engine, tmp_path: Path) -> None:
    def peak(first: int, count: int) -> int:
        usage = ((f"E{n:08}", "T1", "TNG", "MEAL", str(1 + n % 9), "2026-05-01") for n in range(first, first + count))
        folder = write_network(tmp_path, tenants=[{"code": "T1"}], usage=usage)
        gc.collect()
        tracemalloc.start()
        try:
            import_folder(engine, folder, now=NOW)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(0, 1)
    assert peak(1, 120_000) < 1.1 * peak(120_001, 30_000)


class TestUsage:
    """Events are append-only: the same again is ignored, other values are refused (contract)."""

    EVENT = ("E1", "T1", "TNG", "MEAL", "4", "2026-05-01")

    def test_the_same_event_again_is_ignored(self, engine: Engine, tmp_path: Path) -> None:
        load(engine, tmp_path, tenants=[{"code": "T1"}], usage=[self.EVENT, self.EVENT])
        again = ("E1", "T1", "TNG", "MEAL", "4.000", "2026-05-01")
        report = load(engine, tmp_path, usage=[again, ("E2", "T1", "TNG", "MEAL", "4", "2026-05-01")])
        assert (report.files["usage.csv"].new, report.files["usage.csv"].unchanged) == (1, 1)
        assert rows(engine, select(func.count()).select_from(models.usage_event)) == [(2,)]

    def test_an_event_with_other_values_is_refused_and_the_columns_are_named(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        load(engine, tmp_path, tenants=[{"code": "T1"}], usage=[self.EVENT])
        other = ("E1", "T1", "CAS", "MEAL", "5", "2026-05-01")
        with nothing_written(engine), pytest.raises(Refused) as refused:
            load(engine, tmp_path, usage=[("E2", "T1", "TNG", "MEAL", "4", "2026-05-01"), other])
        (fault,) = refused.value.faults
        assert isinstance(fault, Taken)
        assert (fault.file, fault.line, fault.column, fault.value) == ("usage.csv", 3, "event_id", "E1")
        assert fault.problem == "exists already with site TNG, quantity 4"

    def test_two_values_for_one_event_within_a_file_are_refused(self, engine: Engine, tmp_path: Path) -> None:
        between = [{"event_id": f"F{n}", "tenant": "T1", "occurred_on": "2026-05-01"} for n in range(25_000)]
        near = ("F24999", "T1", "TNG", "MEAL", "2", "2026-05-01")
        far = ("E1", "T1", "TNG", "MEAL", "4", "2026-05-02")
        with nothing_written(engine), pytest.raises(Refused) as refused:
            load(engine, tmp_path, tenants=[{"code": "T1"}], usage=[self.EVENT, *between, near, far])
        assert [(fault.line, fault.value, fault.problem) for fault in refused.value.faults] == [
            (25_003, "F24999", "stands earlier in this file with quantity 1"),
            (25_004, "E1", "stands earlier in this file with occurred_on 2026-05-01"),
        ]

    def test_a_backslash_in_an_event_id_stays_one(self, engine: Engine, tmp_path: Path) -> None:
        ids = ["E\\1", "E\\t", "\\.", "É'\"$s"]
        usage = [(event_id, "T1", "TNG", "MEAL", "1", "2026-05-01") for event_id in ids]
        load(engine, tmp_path, tenants=[{"code": "T1"}], usage=usage)
        event = models.usage_event
        assert [row[0] for row in rows(engine, select(event.c.event_id).order_by(event.c.id))] == ids
        assert load(engine, tmp_path, usage=usage).files["usage.csv"].unchanged == 4


class TestCeiling:
    """A subsidised price that reaches its ceiling under any VAT it meets is refused (R8, W8)."""

    @staticmethod
    def meal(price: str, start: str = "2015-01-01") -> Row:
        return ("TNG", "MEAL", None, start, "34.00", price, "31.50", "test")

    def refusal(self, engine: Engine, folder: Path, **overrides: Any) -> list[tuple[Any, ...]]:
        with nothing_written(engine), pytest.raises(Refused) as refused:
            load(engine, folder, **overrides)
        return [(fault.file, fault.line, fault.column, fault.value) for fault in refused.value.faults]

    def test_w8_a_meal_at_18_17_is_accepted(self, engine: Engine, tmp_path: Path) -> None:
        assert load(engine, tmp_path, rates=[self.meal("18.17")]).files["rates.csv"].new == 1

    def test_w8_a_meal_at_18_18_is_refused(self, engine: Engine, tmp_path: Path) -> None:
        assert self.refusal(engine, tmp_path, rates=[self.meal("18.18")]) == [("rates.csv", 2, "subsidised", "18.18")]

    def test_a_fraction_that_reaches_the_ceiling_is_refused(self, engine: Engine, tmp_path: Path) -> None:
        assert self.refusal(engine, tmp_path, rates=[self.meal("2/3")]) == [("rates.csv", 2, "subsidised", "2/3")]

    def test_a_later_vat_rate_that_breaks_a_stored_price_is_refused(self, engine: Engine, tmp_path: Path) -> None:
        load(engine, tmp_path, rates=[self.meal("18.17")])
        vat = [("MEAL", "2015-01-01", "0.10"), ("MEAL", "2027-01-01", "0.14")]
        assert self.refusal(engine, tmp_path, vat_rates=vat, rates=[]) == [("vat_rates.csv", 3, "rate", "0.14")]

    def test_a_later_vat_rate_that_only_meets_a_lower_price_is_accepted(self, engine: Engine, tmp_path: Path) -> None:
        load(engine, tmp_path, rates=[self.meal("18.17")])
        vat = [("MEAL", "2015-01-01", "0.10"), ("MEAL", "2027-01-01", "0.14")]
        report = load(engine, tmp_path, vat_rates=vat, rates=[self.meal("17.00", "2027-01-01")])
        assert report.new == 2

    def test_a_ceiling_lowered_under_a_stored_price_is_refused(self, engine: Engine, tmp_path: Path) -> None:
        load(engine, tmp_path, rates=[self.meal("18.17")])
        lowered = ("MEAL", "Repas", "each", "arrears", "71243", "19.99")
        place = self.refusal(engine, tmp_path, services=[lowered], vat_rates=None, rates=None)
        assert place == [("services.csv", 2, "price_ceiling_incl_vat", "19.99")]

    def test_every_breach_of_every_site_is_listed(self, engine: Engine, tmp_path: Path) -> None:
        prices: list[Row] = [
            self.meal("18.18"),
            ("CAS", "MEAL", "sme", "2020-01-01", "36.00", "25", "33.00", "test"),
            ("CAS", "MEAL", None, "2020-01-01", "36.00", "18", "33.00", "test"),
        ]
        places = self.refusal(engine, tmp_path, rates=prices)
        assert places == [("rates.csv", 2, "subsidised", "18.18"), ("rates.csv", 3, "subsidised", "25")]


class TestUnits:
    """Two leases of one unit never have a day in common."""

    @staticmethod
    def lease(code: str, starts_on: str, ends_on: str | None = None, unit: str = "U1", site: str = "TNG") -> Row:
        return (code, "T1", site, unit, "20", starts_on, ends_on)

    @pytest.mark.parametrize(
        "later",
        [
            ("L2", "2026-07-01", None, "U1", "TNG"),
            ("L2", "2025-12-01", "2025-12-31", "U1", "TNG"),
            ("L2", "2026-06-01", None, "U2", "TNG"),
            ("L2", "2026-06-01", None, "U1", "CAS"),
        ],
        ids=["the day after", "until the day before", "another unit", "a unit of that name elsewhere"],
    )
    def test_leases_without_a_common_day_are_accepted(
        self, engine: Engine, tmp_path: Path, later: tuple[str, str, str | None, str, str]
    ) -> None:
        first = self.lease("L1", "2026-01-01", "2026-06-30")
        assert load(engine, tmp_path, tenants=[{"code": "T1"}], leases=[first, self.lease(*later)]).new == 17

    @pytest.mark.parametrize(
        ("starts_on", "ends_on"),
        [
            ("2026-06-30", None),
            ("2025-01-01", "2026-01-01"),
            ("2025-01-01", None),
            ("2026-03-01", "2026-03-01"),
            ("2026-01-01", "2026-06-30"),
        ],
    )
    @pytest.mark.parametrize("stored", [False, True], ids=["both in the folder", "one stored"])
    def test_leases_with_a_common_day_are_refused_and_both_are_named(
        self, engine: Engine, tmp_path: Path, starts_on: str, ends_on: str | None, stored: bool
    ) -> None:
        first, second = self.lease("L1", "2026-01-01", "2026-06-30"), self.lease("L2", starts_on, ends_on)
        if stored:
            load(engine, tmp_path, tenants=[{"code": "T1"}], leases=[first])
        leases = [second] if stored else [first, second]
        with nothing_written(engine), pytest.raises(Refused) as refused:
            load(engine, tmp_path, tenants=[{"code": "T1"}], leases=leases)
        (fault,) = refused.value.faults
        assert (fault.file, fault.line, fault.column, fault.value) == ("leases.csv", len(leases) + 1, "unit", "U1")
        assert "lease L2 overlaps lease L1" in fault.problem

    def test_ending_one_lease_and_starting_the_next_in_one_folder_is_accepted(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        load(engine, tmp_path, tenants=[{"code": "T1"}], leases=[self.lease("L1", "2026-01-01")])
        moved = [self.lease("L2", "2026-07-01"), self.lease("L1", "2026-01-01", "2026-06-30")]
        report = load(engine, tmp_path, leases=moved)
        assert (report.new, report.changed) == (1, 1)

    def test_prolonging_a_lease_into_the_next_is_refused_on_the_prolonged_row(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        both = [self.lease("L1", "2026-01-01", "2026-06-30"), self.lease("L2", "2026-07-01")]
        load(engine, tmp_path, tenants=[{"code": "T1"}], leases=both)
        with pytest.raises(Refused) as refused:
            load(engine, tmp_path, leases=[self.lease("L1", "2026-01-01", "2026-07-01"), both[1]])
        assert [(fault.line, fault.value) for fault in refused.value.faults] == [(2, "U1")]

    def test_each_overlap_of_three_leases_is_listed(self, engine: Engine, tmp_path: Path) -> None:
        three = [self.lease(f"L{n}", f"2026-0{n}-01") for n in (1, 2, 3)]
        with pytest.raises(Refused) as refused:
            load(engine, tmp_path, tenants=[{"code": "T1"}], leases=three)
        assert sorted((fault.line or 0, fault.problem[:26]) for fault in refused.value.faults) == [
            (3, "lease L2 overlaps lease L1"),
            (4, "lease L3 overlaps lease L1"),
            (4, "lease L3 overlaps lease L2"),
        ]


class TestTexts:
    """What people type stays as it is."""

    @pytest.mark.parametrize(
        "name",
        [
            '=HYPERLINK("http://x.example","Atlas")',
            "Atlas\nDivision Nord",
            "Atlas\r\nDivision\rNord",
            "Atlas\tNord",
            "شركة الأطلس",
            "  Atlas ",
            "<b>Atlas & fils</b>; DROP TABLE tenant",
            "Atlas 🚀 ﷼",
            "NULL",
            "\\N",
        ],
    )
    def test_a_name_is_kept_character_by_character(self, engine: Engine, tmp_path: Path, name: str) -> None:
        load(engine, tmp_path, tenants=[{"code": "T1", "legal_name": name, "trade_register": "7\n8"}])
        assert rows(engine, select(models.tenant.c.legal_name)) == [(name,)]

    def test_a_byte_order_mark_is_accepted(self, engine: Engine, tmp_path: Path) -> None:
        content = "\ufeffcode,name,city,capacity,opened_on\nRAB,Technopark Rabat,Rabat,,\n"
        report = load(engine, tmp_path, sites=content, rates=None)
        assert report.files["sites.csv"].new_keys == ("RAB",)

    def test_columns_may_stand_in_any_order_and_lines_end_in_any_way(self, engine: Engine, tmp_path: Path) -> None:
        content = 'city,opened_on,code,capacity,name\r\n"Rabat",2012-09-01,RAB,40,"Technopark, Rabat"\r\n\r\n'
        load(engine, tmp_path, sites=content, rates=None)
        assert rows(engine, select(models.site)) == [("RAB", "Technopark, Rabat", "Rabat", 40, date(2012, 9, 1))]

    @pytest.mark.parametrize(
        "written", ["001561191000066", "001 561 191 000 066", "001561191-0000-66", "001561191/000066"]
    )
    def test_an_ice_is_stored_as_its_15_digits(self, engine: Engine, tmp_path: Path, written: str) -> None:
        report = load(engine, tmp_path, tenants=[{"code": "T1", "ice": written}])
        assert report.warnings == ()
        assert rows(engine, select(models.tenant.c.ice)) == [("001561191000066",)]

    def test_a_blank_language_is_french(self, engine: Engine, tmp_path: Path) -> None:
        load(engine, tmp_path, tenants=[{"code": "T1", "language": ""}])
        assert rows(engine, select(models.tenant.c.language)) == [("fr",)]


class TestWarnings:
    """What is taken, but should be looked at."""

    @pytest.mark.parametrize(
        ("tenant", "column", "problem"),
        [
            ({"ice": "001526374000085"}, "ice", "has a check key that does not match"),
            ({"ice": ""}, "ice", "is blank"),
            ({"email": ""}, "email", "is blank"),
            ({"email": "compta"}, "email", "is not a mail address"),
            ({"email": "a@b.example\r\nBcc: x@y.example"}, "email", "is not a mail address"),
            ({"email": "a@localhost"}, "email", "is not a mail address"),
            ({"email": "a@b.example; compta"}, "email", "names a mail address that is none"),
            ({"email": "é@b.example"}, "email", "has letters beyond ASCII before the @ of é@b.example"),
            ({"email": "a@b.example, é@b.example"}, "email", "has letters beyond ASCII before the @ of é@b.example"),
            (
                {"incorporated_on": ""},
                "incorporated_on",
                "is blank: nothing shows that the tenant is under 24 months old",
            ),
        ],
    )
    def test_a_doubtful_tenant_is_taken_with_a_warning(
        self, engine: Engine, tmp_path: Path, tenant: dict[str, str], column: str, problem: str
    ) -> None:
        report = load(engine, tmp_path, tenants=[{"code": "T1"} | tenant])
        (warning,) = report.warnings
        assert (warning.file, warning.line, warning.column, warning.problem) == ("tenants.csv", 2, column, problem)
        assert report.files["tenants.csv"].new == 1
        assert f"warning: {warning}" in report.lines()

    def test_a_large_firm_needs_no_day_of_incorporation(self, engine: Engine, tmp_path: Path) -> None:
        assert load(engine, tmp_path, tenants=[{"code": "T1", "kind": "large", "incorporated_on": ""}]).warnings == ()

    def test_files_that_are_not_read_are_named(self, engine: Engine, tmp_path: Path) -> None:
        write_network(tmp_path, grants=None)
        for name in ("Tenants.tsv", "invoices.csv", "README.md", "operator.toml"):
            (tmp_path / name).write_text("whatever", encoding="utf-8")
        warnings = import_folder(engine, tmp_path, now=NOW).warnings
        assert [warning.file for warning in warnings] == ["grants.csv", "Tenants.tsv", "invoices.csv"]
        assert "save it as tenants.csv" in warnings[1].remedy


class TestGrants:
    """A grant is received by an entry; changed, it is taken back and received anew (R21)."""

    @staticmethod
    def grant(amount: str, site: str | None = "TNG", granted_on: str = "2026-06-01", funder: str = "Région") -> Row:
        return ("G1", funder, site, amount, granted_on)

    @staticmethod
    def entries(engine: Engine) -> list[tuple[Any, ...]]:
        statement = (
            select(entry.c.reference, entry.c.effective_on, posting.c.account, posting.c.amount, posting.c.site)
            .join(posting, posting.c.entry_id == entry.c.id)
            .where(posting.c.account == "9208", posting.c.auxiliary == "G1")
            .order_by(entry.c.id)
        )
        return rows(engine, statement)

    def test_a_new_grant_debits_9210_and_credits_9208(self, engine: Engine, tmp_path: Path) -> None:
        load(engine, tmp_path, grants=[self.grant("60000.00")])
        stored = rows(
            engine,
            select(posting.c.account, posting.c.auxiliary, posting.c.site, posting.c.amount, posting.c.effective_on),
        )
        assert stored == [
            ("9210", "G1", "TNG", 6_000_000, date(2026, 6, 1)),
            ("9208", "G1", "TNG", -6_000_000, date(2026, 6, 1)),
        ]

    def test_importing_it_again_posts_nothing(self, engine: Engine, tmp_path: Path) -> None:
        for _ in range(2):
            load(engine, tmp_path, grants=[self.grant("60000.00")])
        load(engine, tmp_path, grants=[self.grant("60000.00", funder="Région Nord")])
        assert len(self.entries(engine)) == 1

    def test_a_changed_grant_reverses_and_posts_the_next_revision(self, engine: Engine, tmp_path: Path) -> None:
        load(engine, tmp_path, grants=[self.grant("60000.00")])
        load(engine, tmp_path, grants=[self.grant("50000.00", site=None)])
        load(engine, tmp_path, grants=[self.grant("50000.00", site=None, granted_on="2026-07-01")])
        june, july = date(2026, 6, 1), date(2026, 7, 1)
        assert self.entries(engine) == [
            ("PER/grant/G1/1", june, "9208", -6_000_000, "TNG"),
            ("PER/grant/G1/1/reversal", june, "9208", 6_000_000, "TNG"),
            ("PER/grant/G1/2", june, "9208", -5_000_000, None),
            ("PER/grant/G1/2/reversal", june, "9208", 5_000_000, None),
            ("PER/grant/G1/3", july, "9208", -5_000_000, None),
        ]
        assert rows(engine, select(models.subsidy_grant.c.revision)) == [(3,)]

    def test_after_a_run_a_correction_is_dated_in_the_open_period(self, engine: Engine, tmp_path: Path) -> None:
        load(engine, tmp_path, grants=[self.grant("60000.00")])
        with writing(engine) as connection:
            values = {"period": date(2026, 9, 1), "issued_on": date(2026, 9, 3), "status": "complete"}
            connection.execute(
                models.billing_run.insert().values(**values, attempt=1, deliver=0, started_at=NOW, completed_at=NOW)
            )
        load(engine, tmp_path, grants=[self.grant("70000.00")])
        assert [(row[0], row[1]) for row in self.entries(engine)[1:]] == [
            ("PER/grant/G1/1/reversal", date(2026, 9, 3)),
            ("PER/grant/G1/2", date(2026, 9, 3)),
        ]

    def test_a_grant_is_not_reduced_below_what_it_has_given(self, engine: Engine, tmp_path: Path) -> None:
        from billing.frame.database import insert_rows
        from ledger.entry import Entry, Posting
        from ledger.journal import post

        load(engine, tmp_path, grants=[self.grant("1000.00")])
        used = (Posting("9208", 40_000, "G1", "TNG"), Posting("9205", -40_000, None, "TNG"))
        with writing(engine) as connection:
            entries = [Entry("PER/2026-06", "PER", date(2026, 6, 1), "Péréquation", "2026-06", used)]
            post(connection, entries, recorded_at=NOW, insert=insert_rows)
        with nothing_written(engine), pytest.raises(Refused) as refused:
            load(engine, tmp_path, grants=[self.grant("399.99")])
        (fault,) = refused.value.faults
        assert (fault.file, fault.line, fault.column, fault.value) == ("grants.csv", 2, "amount", "399.99")
        assert "400.00 this grant has already given" in fault.problem
        assert load(engine, tmp_path, grants=[self.grant("400.00")]).changed == 1
        left = select(func.sum(posting.c.amount)).where(posting.c.account == "9208", posting.c.auxiliary == "G1")
        assert [int(row[0]) for row in rows(engine, left)] == [0]


class TestRecords:
    """The same rules for rows that come by the HTTP API."""

    @pytest.fixture
    def apply(self, engine: Engine, tmp_path: Path) -> Callable[..., ImportReport]:
        load(engine, tmp_path, tenants=[{"code": "T1"}])

        def apply(records: Any, *, create_only: bool = False) -> ImportReport:
            with writing(engine) as connection:
                return apply_records(connection, records, now=NOW, source="api:finance", create_only=create_only)

        return apply

    def test_a_record_is_added_and_logged(self, engine: Engine, apply: Callable[..., ImportReport]) -> None:
        event = {
            "event_id": "E1", "tenant": "T1", "site": "TNG", "service": "MEAL",
            "quantity": "2", "occurred_on": "2026-05-01",
        }  # fmt: skip
        report = apply({"usage": [event, event], "sites": [{"code": "RAB", "name": "Technopark Rabat"}]})
        assert {file: (counts.new, counts.unchanged) for file, counts in report.files.items()} == {
            "sites": (1, 0),
            "usage": (1, 1),
        }
        assert rows(engine, select(models.import_log.c.source).order_by(models.import_log.c.id))[-1] == ("api:finance",)

    def test_every_fault_names_the_resource_and_the_record(
        self, engine: Engine, apply: Callable[..., ImportReport]
    ) -> None:
        event = {"event_id": "E1", "tenant": "T9", "site": "TNG", "service": "MEAL", "quantity": "2"}
        site = {"code": "RAB", "name": "Rabat", "colour": "blue"}
        with nothing_written(engine), pytest.raises(Refused) as refused:
            apply({"usage": [event], "sites": [{"code": "OUJ", "name": "Oujda"}, site]})
        assert [(fault.file, fault.line, fault.column, fault.value) for fault in refused.value.faults] == [
            ("sites", 2, "colour", "blue"),
            ("usage", 1, "occurred_on", ""),
            ("usage", 1, "tenant", "T9"),
        ]

    def test_creating_what_exists_with_other_values_is_a_fault_of_its_own_kind(
        self, engine: Engine, apply: Callable[..., ImportReport]
    ) -> None:
        with reading(engine) as connection:
            same = stored_record(connection, "tenants", ("T1",))
        assert same is not None
        assert apply({"tenants": [same]}, create_only=True).unchanged == 1
        with nothing_written(engine), pytest.raises(Refused) as refused:
            apply({"tenants": [same | {"city": "Rabat", "email": "x@y.example"}]}, create_only=True)
        (fault,) = refused.value.faults
        assert isinstance(fault, Taken)
        assert (fault.file, fault.line, fault.column, fault.value) == ("tenants", 1, "code", "T1")
        assert fault.problem == "exists already with another city, email"
        assert apply({"tenants": [same | {"city": "Rabat"}]}).changed == 1

    def test_half_a_character_is_refused(self, engine: Engine, apply: Callable[..., ImportReport]) -> None:
        with pytest.raises(Refused) as refused:
            apply({"sites": [{"code": "RAB", "name": "Rabat \ud83d"}]})
        assert [(fault.file, fault.line, fault.column) for fault in refused.value.faults] == [("sites", 1, "name")]


def test_the_shipped_sample_is_what_the_project_was_given() -> None:
    assert {path.name for path in SAMPLE.glob("*.csv")} == {
        f"{stem}.csv"
        for stem in ("sites", "services", "vat_rates", "rates", "tenants", "leases", "usage", "grants", "applications")
    }


def test_a_folder_may_hold_some_of_the_files_only(engine: Engine, tmp_path: Path) -> None:
    import_folder(engine, SAMPLE, now=NOW)
    shutil.copy(SAMPLE / "usage.csv", tmp_path)
    with (tmp_path / "usage.csv").open("a", encoding="utf-8") as file:
        file.write("NEW-1,T0001,CAS,MEAL,1,2026-12-01\n")
    report = import_folder(engine, tmp_path, now=NOW)
    assert (report.new, report.unchanged) == (1, 16239)
