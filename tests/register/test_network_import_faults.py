"""What an import refuses, and how it says so: file, line, column, value; and nothing is written."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from billing.frame.database import reading
from billing.frame.errors import Refused
from billing.register import tables as models
from billing.register.network_import import import_folder
from tests.support.examples import examples
from tests.support.networks import COLUMNS, Row, write_network

NOW = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)
TABLES = (
    models.site, models.service, models.vat_rate, models.rate, models.tenant, models.lease, models.usage_event,
    models.subsidy_grant, models.import_log,
)  # fmt: skip

SITE = ("RAB", "Technopark Rabat", "Rabat", "40", "2012-09-01")
SERVICE = ("DESK", "Poste de travail", "each", "arrears", "71243", "")
VAT = ("MEAL", "2020-01-01", "0.10")
RATE = ("TNG", "OFFICE", "sme", "2020-01-01", "150.00", "50.00", "134.00", "test")
TENANT = ("T2", "Rif Énergie", "SARL", "sme", "2024-01-15", "2024-06-01", "001561191000066", "1", "2", "3", "Fès",
          "a@b.example", "ar")  # fmt: skip
LEASE = ("L1", "T1", "TNG", "U1", "22.5", "2025-03-10", "2026-03-09")
USAGE = ("E1", "T1", "TNG", "MEAL", "4", "2026-05-01")
GRANT = ("G1", "Région", "TNG", "1000.00", "2026-01-01")
SOUND: dict[str, tuple[str, ...]] = {
    "sites": SITE, "services": SERVICE, "vat_rates": VAT, "rates": RATE, "tenants": TENANT, "leases": LEASE,
    "usage": USAGE, "grants": GRANT,
}  # fmt: skip


def refusal(engine: Engine, folder: Path) -> list[Any]:
    """The faults for which a folder is refused, after making sure that nothing was written."""
    with pytest.raises(Refused) as refused:
        import_folder(engine, folder, now=NOW)
    with reading(engine) as connection:
        written = {table.name: connection.scalar(select(func.count()).select_from(table)) for table in TABLES}
    assert not any(written.values()), written
    return list(refused.value.faults)


def ground(stem: str, *rows: Row) -> tuple[Row, ...]:
    """The ground network's rows of a file, and these."""
    from tests.support.networks import GROUND

    base: tuple[Row, ...] = ({"code": "T1"},) if stem == "tenants" else GROUND[stem]
    return (*base, *rows)


# File, column, the cell put there, what the message says.
BAD_CELLS = [
    ("sites", "code", "", "is blank"),
    ("sites", "code", " RAB", "blanks before or after"),
    ("sites", "code", "R" * 65, "longer than 64"),
    ("sites", "code", "R\x07B", "control character U+0007"),
    ("sites", "code", "R\nB", "control character U+000A"),
    ("sites", "name", "", "is blank"),
    ("sites", "name", "a\x00b", "control character U+0000"),
    ("sites", "city", "a\x9fb", "control character U+009F"),
    ("sites", "city", "x" * 1001, "longer than 1000"),
    ("sites", "capacity", "4.5", "not a whole number"),
    ("sites", "capacity", "-1", "not a whole number"),
    ("sites", "capacity", "9999999", "is above"),
    ("sites", "opened_on", "1/9/2012", "is not a day"),
    ("services", "label", " ", "is blank"),
    ("services", "unit", "m2", "is not known"),
    ("services", "unit", "", "is blank"),
    ("services", "billing", "Arrears", "is not known"),
    ("services", "revenue_account", "", "not a revenue account"),
    ("services", "revenue_account", "61243", "not a revenue account"),
    ("services", "revenue_account", "7124x", "not a revenue account"),
    ("services", "revenue_account", "7999", "not in the chart"),
    ("services", "price_ceiling_incl_vat", "0", "is zero"),
    ("services", "price_ceiling_incl_vat", "20.001", "more than 2 decimals"),
    ("vat_rates", "service", "LUNCH", "no known service"),
    ("vat_rates", "effective_from", "", "is blank"),
    ("vat_rates", "rate", "", "is blank"),
    ("vat_rates", "rate", "20", "not between 0 and 1"),
    ("vat_rates", "rate", "-0.1", "not between 0 and 1"),
    ("vat_rates", "rate", "20 %", "not a decimal number"),
    ("vat_rates", "rate", "0.12345", "more than 4 decimals"),
    ("rates", "site", "XXX", "no known site"),
    ("rates", "site", "", "is blank"),
    ("rates", "service", "LUNCH", "no known service"),
    ("rates", "tenant_kind", "giant", "is not known"),
    ("rates", "effective_from", "2026-02-29", "not a day of the calendar"),
    ("rates", "effective_from", "2026-2-01", "is not a day"),
    ("rates", "effective_from", "20260201", "is not a day"),
    ("rates", "effective_from", "2026-01-01 ", "is not a day"),
    ("rates", "effective_from", "２０２６-01-01", "is not a day"),
    ("rates", "effective_from", "1899-12-31", "out of range"),
    ("rates", "effective_from", "2201-01-01", "out of range"),
    ("rates", "market", "", "is blank"),
    ("rates", "market", "-150", "below zero"),
    ("rates", "market", "150.00001", "more than 4 decimals"),
    ("rates", "market", "150,00", "not a decimal number"),
    ("rates", "market", "1e3", "not a decimal number"),
    ("rates", "market", "NaN", "not a decimal number"),
    ("rates", "market", "1000000.01", "is above 1000000.00"),
    ("rates", "subsidised", "150.01", "above the full price 150.00"),
    ("rates", "subsidised", "4/3", "makes 200.00, above the full price"),
    ("rates", "subsidised", "1/0", "nothing below the line"),
    ("rates", "subsidised", "1/x", "nor a fraction"),
    ("rates", "subsidised", "-1", "below zero"),
    ("rates", "subsidised", "", "is blank"),
    ("rates", "full_cost", "-0.01", "below zero"),
    ("tenants", "code", "", "is blank"),
    ("tenants", "legal_name", "", "is blank"),
    ("tenants", "kind", "", "is blank"),
    ("tenants", "kind", "Startup", "is not known"),
    ("tenants", "incorporated_on", "0000-00-00", "not a day of the calendar"),
    ("tenants", "admitted_on", "demain", "is not a day"),
    ("tenants", "ice", "00156119100006", "not an ICE of 15 digits"),
    ("tenants", "ice", "0015611910000660", "not an ICE of 15 digits"),
    ("tenants", "ice", "00156119100006A", "not an ICE of 15 digits"),
    ("tenants", "ice", "٠٠١٥٦١١٩١٠٠٠٠٦٦", "not an ICE of 15 digits"),
    ("tenants", "ice", "- / -", "not an ICE of 15 digits"),
    ("tenants", "address", "1 rue\x1b[31m", "control character U+001B"),
    ("tenants", "language", "de", "is not known"),
    ("leases", "tenant", "T9", "no known tenant"),
    ("leases", "tenant", "t1", "no known tenant"),
    ("leases", "site", "XXX", "no known site"),
    ("leases", "unit", "", "is blank"),
    ("leases", "area_m2", "0", "is zero"),
    ("leases", "area_m2", "-3", "below zero"),
    ("leases", "area_m2", "22.1234567", "more than 6 decimals"),
    ("leases", "area_m2", "1000001", "is above 1000000"),
    ("leases", "starts_on", "", "is blank"),
    ("leases", "ends_on", "2025-03-09", "before the lease's start 2025-03-10"),
    ("leases", "ends_on", "2026-06-31", "not a day of the calendar"),
    ("usage", "event_id", "", "is blank"),
    ("usage", "event_id", "E1 ", "blanks before or after"),
    ("usage", "event_id", "E" * 65, "longer than 64"),
    ("usage", "event_id", "E\t1", "control character U+0009"),
    ("usage", "tenant", "T9", "no known tenant"),
    ("usage", "site", "XXX", "no known site"),
    ("usage", "service", "LUNCH", "no known service"),
    ("usage", "service", "OFFICE", "is billed in advance"),
    ("usage", "quantity", "0", "is zero"),
    ("usage", "quantity", "-1", "below zero"),
    ("usage", "quantity", "deux", "not a decimal number"),
    ("usage", "occurred_on", "2026-05-32", "not a day of the calendar"),
    ("usage", "occurred_on", "", "is blank"),
    ("grants", "code", "", "is blank"),
    ("grants", "site", "XXX", "no known site"),
    ("grants", "amount", "0.00", "is zero"),
    ("grants", "amount", "-5", "below zero"),
    ("grants", "amount", "1000.001", "more than 2 decimals"),
    ("grants", "amount", "1000000000000.01", "is above"),
    ("grants", "granted_on", "hier", "is not a day"),
]


@pytest.mark.parametrize("stem", SOUND)
def test_a_bad_cell_is_refused_where_it_stands(engine: Engine, tmp_path: Path, stem: str) -> None:
    # One database for all cells of a file: a refused import leaves it as empty as it was.
    for column, cell, problem in [case[1:] for case in BAD_CELLS if case[0] == stem]:
        row = list(SOUND[stem])
        row[COLUMNS[stem].index(column)] = cell
        rows = ground(stem, row)
        others: dict[str, Any] = {"tenants": ground("tenants")} | {stem: rows}
        (fault,) = refusal(engine, write_network(tmp_path, **others))
        assert (fault.file, fault.line, fault.column) == (f"{stem}.csv", len(rows) + 1, column)
        assert fault.value == (cell if len(cell) <= 200 else cell[:200] + "…")
        assert problem in fault.problem, (column, cell)
        assert fault.remedy


def test_the_sound_rows_these_tests_spoil_are_accepted(engine: Engine, tmp_path: Path) -> None:
    rows: dict[str, Any] = {stem: ground(stem, row) for stem, row in SOUND.items()}
    assert import_folder(engine, write_network(tmp_path, **rows), now=NOW).new == 23


@pytest.mark.parametrize("stem", [stem for stem in SOUND if stem != "usage"])
def test_a_key_that_stands_twice_in_a_file_is_refused(engine: Engine, tmp_path: Path, stem: str) -> None:
    rows = ground(stem, SOUND[stem], SOUND[stem])
    faults = refusal(engine, write_network(tmp_path, **({"tenants": ground("tenants")} | {stem: rows})))
    assert [(fault.file, fault.line) for fault in faults] == [(f"{stem}.csv", len(rows) + 1)]
    assert f"stands on line {len(rows)} already" in faults[0].problem


SITES_HEADER = "code,name,city,capacity,opened_on\n"
BROKEN_FILES: list[tuple[str, str | bytes, list[tuple[int | None, str | None, str | None, str]]]] = [
    ("empty", "", [(1, None, None, "has no header line")]),
    ("blank first line", "\n" + SITES_HEADER, [(1, None, None, "has no header line")]),
    (
        "unknown and missing column",
        "code,name,town,capacity,opened_on\nRAB,R,R,1,\n",
        [(1, "town", "town", "is an unknown column"), (1, "city", None, "is a missing column")],
    ),
    ("column twice", "code,name,city,capacity,opened_on,name\n", [(1, "name", "name", "is there twice")]),
    (
        "several separators",
        "code;name,city;capacity;opened_on\n",
        [
            (1, "name,city", "name,city", "is an unknown column"),
            (1, "name", None, "is a missing column"),
            (1, "city", None, "is a missing column"),
        ],
    ),
    (
        "too few and too many cells",
        SITES_HEADER + "RAB,Rabat\nOUJ,Oujda,Oujda,1,2020-01-01,x\n",
        [
            (2, None, "RAB,Rabat", "is a row of 2 cells, where the header has 5"),
            (3, None, "OUJ,Oujda,Oujda,1,2020-01-01,x", "is a row of 6 cells, where the header has 5"),
        ],
    ),
    ("blank cells", SITES_HEADER + "RAB,R,R,1,\n,,,,\n", [(3, None, None, "is a row of blank cells")]),
    (
        "stray quote",
        SITES_HEADER + 'RAB,"Parc "Nord"",R,1,\nOUJ,,O,1,\n',
        [(2, None, None, "is a row with a stray quote"), (3, "name", "", "is blank")],
    ),
    (
        "quote never closed",
        SITES_HEADER + 'RAB,"Rabat,R,1,\nOUJ,O,O,1,\n',
        [(2, None, None, "has a quote that is never closed")],
    ),
    (
        "a cell without end",
        SITES_HEADER + 'RAB,"' + "x" * 140_000 + "\n",
        [(2, None, None, "has a quote that is never closed or a cell of more than 131072 characters")],
    ),
    (
        "Latin-1",
        (SITES_HEADER + "RAB,Rabat,Rabat,1,\nFES,Parc de Fès,Fès,1,\nSEF,Séfrou,S,1,\n").encode("latin-1"),
        [(3, "name", "Parc de Fès", "is not UTF-8 (byte 0xE8), on 2 lines in all")],
    ),
    (
        "Latin-1 with another fault",
        (SITES_HEADER + "FES,Parc de Fès,F,beaucoup,\n").encode("latin-1"),
        [
            (2, "name", "Parc de Fès", "is not UTF-8 (byte 0xE8)"),
            (2, "capacity", "beaucoup", "is not a whole number"),
        ],
    ),
    ("UTF-16", SITES_HEADER.encode("utf-16"), [(1, None, None, "is not UTF-8 but UTF-16")]),
]


@pytest.mark.parametrize(("content", "expected"), [case[1:] for case in BROKEN_FILES], ids=[c[0] for c in BROKEN_FILES])
def test_a_file_that_is_no_sound_csv_is_refused(
    engine: Engine, tmp_path: Path, content: str | bytes, expected: list[tuple[Any, ...]]
) -> None:
    faults = refusal(engine, write_network(tmp_path, sites=content, rates=[]))
    assert [(fault.line, fault.column, fault.value, fault.problem) for fault in faults] == expected
    assert {fault.file for fault in faults} == {"sites.csv"}


def test_rows_that_refer_to_an_unreadable_file_are_not_blamed(engine: Engine, tmp_path: Path) -> None:
    folder = write_network(
        tmp_path,
        tenants="code\n".encode("utf-16"),
        leases=[{"code": "L1", "tenant": "T1"}],
        usage=[{"event_id": "E1", "tenant": "T1", "occurred_on": "2026-05-01"}],
    )
    assert [(fault.file, fault.line) for fault in refusal(engine, folder)] == [("tenants.csv", 1)]


def test_rows_that_refer_to_a_row_with_a_fault_are_not_blamed(engine: Engine, tmp_path: Path) -> None:
    folder = write_network(
        tmp_path,
        tenants=[{"code": "T1", "kind": "giant"}],
        leases=[{"code": "L1", "tenant": "T1"}],
        usage=[{"event_id": "E1", "tenant": "T1", "occurred_on": "2026-05-01"}],
    )
    assert [(fault.file, fault.column) for fault in refusal(engine, folder)] == [("tenants.csv", "kind")]


def test_every_fault_of_every_file_is_listed_in_the_order_of_files_and_lines(engine: Engine, tmp_path: Path) -> None:
    folder = write_network(
        tmp_path,
        grants=[("G1", "Région", "XXX", "nil", "hier")],
        usage=[("E1", "T9", "TNG", "MEAL", "1", "2026-05-01"), ("E2", "T1", "TNG", "OFFICE", "0", "2026-05-01")],
        leases=[
            ("L1", "T1", "TNG", "U1", "0", "2025-03-10", "2025-03-09"),
            ("L2", "T1", "TNG", "U2", "20", "2025-01-01", None),
            ("L3", "T8", "TNG", "U2", "20", "2025-01-01", None),
        ],
        tenants=[{"code": "T1", "ice": "1", "language": "xx"}],
        rates=[("TNG", "MEAL", None, "2015-01-01", "34.00", "18.18", "x", "test")],
        sites="code,name\n",
        services=[("MEAL", "Repas", "each", "arrears", "71243", "20.00"), ("OFFICE", "B", "m2", "advance", "x", "")],
    )
    assert [(fault.file, fault.line, fault.column) for fault in refusal(engine, folder)] == [
        ("sites.csv", 1, "city"),
        ("sites.csv", 1, "capacity"),
        ("sites.csv", 1, "opened_on"),
        ("services.csv", 3, "unit"),
        ("services.csv", 3, "revenue_account"),
        ("vat_rates.csv", 4, "service"),
        ("rates.csv", 2, "full_cost"),
        ("rates.csv", 2, "subsidised"),
        ("tenants.csv", 2, "ice"),
        ("tenants.csv", 2, "language"),
        ("leases.csv", 2, "area_m2"),
        ("leases.csv", 2, "ends_on"),
        ("leases.csv", 4, "tenant"),
        ("leases.csv", 4, "unit"),
        ("usage.csv", 2, "tenant"),
        ("usage.csv", 3, "quantity"),
        ("usage.csv", 3, "service"),
        ("grants.csv", 2, "amount"),
        ("grants.csv", 2, "granted_on"),
    ]


def test_the_message_says_where_what_and_what_to_do(engine: Engine, tmp_path: Path) -> None:
    folder = write_network(tmp_path, rates=[("TNG", "MEAL", None, "2015-01-01", "34.00", "18.18", "31.50", "test")])
    (fault,) = refusal(engine, folder)
    assert str(fault) == (
        "rates.csv:2: subsidised '18.18' is too high: 18.18 with VAT 0.10 is 20.00, and must stay below 20.00 (R8) "
        "(lower the subsidised price)"
    )


def test_lines_are_counted_through_cells_of_several_lines(engine: Engine, tmp_path: Path) -> None:
    tenants = [
        {"code": "T1", "address": "1 rue Ibn Sina\n2e étage\nTanger"},
        {"code": "T2", "address": "x\r\ny", "kind": "giant"},
        {"code": "T3", "kind": "giant"},
    ]
    usage = [("E1", "T1", "TNG", "MEAL", "x", "2026-05-01")]
    faults = refusal(engine, write_network(tmp_path, tenants=tenants, usage=usage))
    assert [(fault.file, fault.line) for fault in faults] == [("tenants.csv", 5), ("tenants.csv", 7), ("usage.csv", 2)]


def test_a_folder_that_is_none_is_refused(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text("code", encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "Locataires.csv").write_text("code", encoding="utf-8")
    for folder, problem in (
        (tmp_path / "nowhere", "does not exist"),
        (tmp_path / "file.csv", "is not a folder"),
        (tmp_path / "other", "holds none of the network's files"),
    ):
        (fault,) = refusal(engine, folder)
        assert (fault.file, fault.problem) == (str(folder), problem)


def test_a_file_that_cannot_be_read_is_refused(engine: Engine, tmp_path: Path) -> None:
    folder = write_network(tmp_path, grants=None)
    (folder / "grants.csv").mkdir()
    assert [(fault.file, fault.line) for fault in refusal(engine, folder)] == [("grants.csv", None)]


def test_usage_on_record_keeps_its_service_from_becoming_one_billed_in_advance(engine: Engine, tmp_path: Path) -> None:
    usage = [{"event_id": "E1", "tenant": "T1", "occurred_on": "2026-05-01"}]
    import_folder(engine, write_network(tmp_path, tenants=[{"code": "T1"}], usage=usage), now=NOW)
    services = [
        ("MEAL", "Repas", "each", "advance", "71243", "20.00"),
        ("MEETING", "Salle", "hour", "advance", "71271", None),
    ]
    with pytest.raises(Refused) as refused:
        import_folder(engine, write_network(tmp_path, services=services), now=NOW)
    assert [(fault.line, fault.column, fault.value) for fault in refused.value.faults] == [(2, "billing", "advance")]


def test_more_faults_than_anybody_reads_are_counted(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from billing.register.network_import import faults as collector

    monkeypatch.setattr(collector, "FAULTS_PER_FILE_MAX", 10)
    usage = [(f"E{n}", "T9", "TNG", "MEAL", "1", "2026-05-01") for n in range(25)]
    faults = refusal(engine, write_network(tmp_path, usage=usage))
    assert [fault.line for fault in faults] == [*range(2, 12), None]
    assert faults[-1].problem == "has 15 more faults"


# What happens to files on their way: something put in, put over, taken out, or doubled.
_SPLINTERS = [
    b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\xe9", "é".encode(), b"-", b"1/3", b"9" * 30, b"2026-02-30", b" ",
    b"\xef\xbb\xbf", b";", b"\\", b"\xed\xa0\x80", b"1e5", b"NaN", b"\x1a", b"\t",
]  # fmt: skip
_DAMAGES = st.lists(
    st.tuples(
        st.sampled_from(sorted(SOUND)), st.integers(0, 10_000), st.integers(0, 12), st.sampled_from([b"", *_SPLINTERS])
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damages=_DAMAGES)
def test_a_damaged_folder_is_taken_or_refused_with_reasons_and_nothing_is_half_written(
    engine: Engine, tmp_path: Path, damages: list[tuple[str, int, int, bytes]]
) -> None:
    folder = write_network(tmp_path, **{stem: ground(stem, row) for stem, row in SOUND.items()})
    for stem, place, removed, put in damages:
        path = folder / f"{stem}.csv"
        content = path.read_bytes()
        at = place % (len(content) + 1)
        path.write_bytes(content[:at] + put + content[at + removed :])
    try:
        said = "\n".join(import_folder(engine, folder, now=NOW, dry_run=True).lines())
    except Refused as refused:
        said = str(refused)
    assert said.encode()
    with reading(engine) as connection:
        assert not any(connection.scalar(select(func.count()).select_from(table)) for table in TABLES)
