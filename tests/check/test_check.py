"""`check` proves R22: a billed park is clean, and whatever is changed behind its back is named."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Engine, Table
from sqlalchemy.exc import IntegrityError

from billing.check import NAMED_MAX, check
from billing.frame.audit_log import record_change
from billing.frame.database import reading, writing
from billing.frame.settings import load_settings
from billing.register.tables import usage_event
from billing.run import month
from billing.run.month import run_month
from billing.run.tables import run_outcome, run_position, usage_billing
from invoices.models import document, document_file, document_line, document_vat, number_series, party
from ledger.models import account, account_day, entry, entry_counter, posting
from tests.support.billed_park import NOW
from tests.support.spoiling import OpenPark, behind_its_back, literal, other_value


@pytest.fixture
def park(open_park: OpenPark) -> Iterator[Engine]:
    """A copy of the billed park, to be spoilt."""
    with open_park() as engine:
        yield engine


def test_a_billed_park_proves_r22(park: Engine) -> None:
    seen: list[tuple[int, int]] = []
    assert check(park, progress=lambda done, total: seen.append((done, total))) == []
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]


def test_an_empty_database_proves_r22(engine: Engine) -> None:
    assert check(engine) == []


def test_a_run_under_way_is_no_problem(park: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches done, waterfall not yet posted: 9205 is not nil, and needn't be."""

    def dies(*_: object) -> bool:
        raise InterruptedError

    monkeypatch.setattr(month, "_finish", dies)
    with pytest.raises(InterruptedError):
        run_month(load_settings({}), park, date(2026, 9, 1), issued_on=date(2026, 9, 1), clock=lambda: NOW, workers=1)
    assert check(park) == []


@dataclass(frozen=True)
class Corruption:
    """SQL that spoils the park, and what `check` must say of it."""

    name: str
    statements: tuple[str, ...]
    named: str


def spoil(name: str, named: str, *statements: str) -> Corruption:
    return Corruption(name, statements, named)


def of_document(number: str) -> str:
    return f"(SELECT id FROM document WHERE number = '{number}')"


CORRUPTIONS = (
    # The books by themselves.
    spoil(
        "a posting changed",
        r"entry 3 \(VTE/FA-2026-000001\): it does not balance: debits less credits are 0\.01",
        "UPDATE posting SET amount = amount + 1 WHERE entry_id = 3 AND line_no = 1",
    ),
    spoil("postings lost", r"entry 34 .*it has no postings", "DELETE FROM posting WHERE entry_id = 34"),
    spoil("an entry lost", r"postings stand for entry 5, which does not exist", "DELETE FROM entry WHERE id = 5"),
    spoil(
        "an entry with its postings lost",
        r"entry 5 is missing: entry numbers have a gap",
        "DELETE FROM posting WHERE entry_id = 5",
        "DELETE FROM entry WHERE id = 5",
    ),
    spoil(
        "the first entry lost",
        r"entry 1 is missing",
        "DELETE FROM posting WHERE entry_id = 1",
        "DELETE FROM entry WHERE id = 1",
    ),
    spoil(
        "the last entries lost",
        r"the entry counter stands at 34, the last entry is 32",
        "DELETE FROM posting WHERE entry_id > 32",
        "DELETE FROM entry WHERE id > 32",
    ),
    spoil(
        "a posting count changed",
        r"entry 3 .*says it has 4 postings, 3 stand",
        "UPDATE entry SET posting_count = 4 WHERE id = 3",
    ),
    spoil(
        "a class 9 account in a sale",
        r"entry 3 .*class 9 accounts stand beside others",
        "UPDATE posting SET account = '9301' WHERE entry_id = 3 AND line_no = 3",
    ),
    spoil(
        "an entry in the other journal",
        r"entry 3 .*its accounts don't belong in journal PER",
        "UPDATE entry SET journal = 'PER' WHERE id = 3",
    ),
    spoil(
        "a journal that is none", r"entry 3 .*stands in journal XYZ", "UPDATE entry SET journal = 'XYZ' WHERE id = 3"
    ),
    spoil(
        "an entry dated otherwise than its postings",
        r"entry 3 .*it is dated 2026-06-02, its postings 2026-06-01",
        "UPDATE entry SET effective_on = '2026-06-02' WHERE id = 3",
    ),
    spoil(
        "an account's day changed",
        r"account 3421 on 2026-06-01: account_day exceeds the postings by 1\.00 in debit and 0\.00 in credit",
        "UPDATE account_day SET debit = debit + 100 WHERE account = '3421' AND day = '2026-06-01'",
    ),
    spoil(
        "an account's day lost",
        r"account 44551 on 2026-07-01",
        "DELETE FROM account_day WHERE account = '44551' AND day = '2026-07-01'",
    ),
    spoil(
        "an account outside the chart",
        r"account 3421X .*not in the chart",
        "UPDATE posting SET account = '3421X' WHERE entry_id = 3 AND line_no = 1",
        "INSERT INTO account_day VALUES ('3421X', '2026-06-01', 163875, 0)",
    ),
    spoil(
        "an account of the chart lost",
        r"account 6167 of the chart is not in the table of accounts: no entry can be posted to it",
        "DELETE FROM account WHERE code = '6167'",
    ),
    spoil(
        "an account with another label",
        r"account 5161 is labelled 'Caisse', in the chart 'Caisses'",
        "UPDATE account SET label = 'Caisse' WHERE code = '5161'",
    ),
    spoil(
        "an account opened below none of the chart",
        r"account 2990 \(Matériel\) is not an account of the chart, nor below one",
        "INSERT INTO account VALUES ('2990', 'Matériel')",
    ),
    spoil(
        "a site's pool not emptied",
        r"account 9205 at site CAS is left with -?\d+\.\d\d by the entries of PER/2026-06",
        "UPDATE posting SET site = 'CAS' WHERE entry_id = 4 AND account = '9205'",
    ),
    spoil(
        "the network's pool not emptied",
        r"account 9206 is left with .* by the entries of PER/2026-07",
        "UPDATE posting SET account = '9205' WHERE entry_id = 21 AND account = '9206' AND amount > 0",
    ),
    spoil(
        "a run's entry among another's",
        r"of PER/2026-07 was posted before the last entry of PER/2026-06",
        "UPDATE entry SET reference = 'X' WHERE id = 4",
        "UPDATE entry SET reference = 'PER/2026-06/A1' WHERE id = 13",
        "UPDATE entry SET reference = 'PER/2026-07/A1' WHERE id = 4",
    ),
    # Documents and the sales journal.
    spoil(
        "a sale without its document",
        r"entry 3 \(VTE/FA-2026-900000\) stands in journal VTE without its document",
        "UPDATE entry SET reference = 'VTE/FA-2026-900000' WHERE id = 3",
    ),
    spoil(
        "a document without its sale",
        r"FA-2026-000001 has no entry VTE/FA-2026-000001",
        "UPDATE entry SET reference = 'VTE/FA-2026-900000' WHERE id = 3",
    ),
    spoil(
        "a sale on another account",
        r"FA-2026-000001: in its entry .*account 71243 .*instead of -\d",
        "UPDATE posting SET account = '71271' WHERE entry_id = 3 AND account = '71243'",
    ),
    spoil(
        "a sale of another tenant",
        r"account 3421 of tenant A1 stands at .*, its documents have",
        "UPDATE posting SET auxiliary = 'B1' WHERE entry_id = 3 AND account = '3421'",
    ),
    spoil(
        "a sale of nobody",
        r"entry 3, posting 1: account 3421 without the tenant",
        "UPDATE posting SET auxiliary = NULL WHERE entry_id = 3 AND account = '3421'",
    ),
    spoil(
        "a sale dated otherwise than its document",
        r"FA-2026-000001, issued on 2026-06-01, is booked on 2026-06-02",
        "UPDATE entry SET effective_on = '2026-06-02' WHERE id = 3",
        "UPDATE posting SET effective_on = '2026-06-02' WHERE entry_id = 3",
    ),
    spoil(
        "a péréquation entry without its run",
        r"entry 4 \(PER/2026-06/Z9\) stands in journal PER without its run",
        "UPDATE entry SET reference = 'PER/2026-06/Z9' WHERE id = 4",
    ),
    spoil(
        "a document lost",
        r"FA-2026-000003 of 2026-06-01 stands where FA-2026-000002 should",
        f"DELETE FROM document_line WHERE document_id = {of_document('FA-2026-000002')}",
        f"DELETE FROM document_vat WHERE document_id = {of_document('FA-2026-000002')}",
        "DELETE FROM document WHERE number = 'FA-2026-000002'",
    ),
    spoil("the last document lost", r"13 documents were issued, 12 stand", "DELETE FROM document WHERE id = 13"),
    spoil(
        "a number changed",
        r"FA-2026-000009 .*stands where",
        "UPDATE document SET number = 'FA-2026-000090' WHERE id = 8",
    ),
    spoil(
        "an issue date that goes back",
        r"FA-2026-000009 is dated 2026-05-31, FA-2026-000008 before it 2026-07-01",
        "UPDATE document SET issued_on = '2026-05-31' WHERE number = 'FA-2026-000009'",
    ),
    spoil(
        "a series counted on",
        r"series FA-2026 has given 13 numbers, the last document bears 12",
        "UPDATE number_series SET last = 13 WHERE series = 'FA'",
    ),
    spoil(
        "a series lost",
        r"documents AV-2026 stand without their number series",
        "DELETE FROM number_series WHERE series = 'AV'",
    ),
    spoil(
        "a series' date changed",
        r"series FA-2026: the newest document is of 2026-08-03, the series says 2026-08-09",
        "UPDATE number_series SET latest_issued_on = '2026-08-09' WHERE series = 'FA'",
    ),
    *(
        spoil(
            f"a line's {column} changed",
            rf"FA-2026-000001 line 1: {named}",
            f"UPDATE document_line SET {column} = {column} + 100 WHERE document_id = 1 AND line_no = 1",
        )
        for column, named in {
            "amount": r"amount 1126\.00 is not 50\.00 × 22\.5 × 30/30 = 1125\.00",
            "full_amount": r"amount at full price .* is not",
            "cost_amount": r"amount at full cost .* is not",
            "days": r"2026-06-01 to 2026-06-30 are 30 days, not 130",
            "days_in_month": r"2026-06 has 30 days, not 130",
        }.items()
    ),
    spoil(
        "a tier changed",
        r"FA-2026-000001 line 1: tier market does not pay 50\.00 where the full price is 150\.00",
        "UPDATE document_line SET tier = 'market' WHERE document_id = 1 AND line_no = 1",
    ),
    spoil(
        "an office line of days of another month",
        r"FA-2026-000001 line 1: its days 2026-05-31 to 2026-06-30 are not days of 2026-06",
        "UPDATE document_line SET first_day = '2026-05-31' WHERE document_id = 1 AND line_no = 1",
    ),
    spoil(
        "usage billed in advance",
        r"FA-2026-000001 line 2: usage of 2026-06 is billed in arrears",
        "UPDATE document_line SET month = '2026-06-01' WHERE document_id = 1 AND line_no = 2",
    ),
    spoil(
        "a VAT subtotal changed",
        r"FA-2026-000001: VAT .* is not that of its lines",
        "UPDATE document_vat SET amount = amount + 1 WHERE document_id = 1 AND rate = 2000",
    ),
    spoil(
        "a VAT subtotal lost",
        r"FA-2026-000001: VAT .* is not that of its lines",
        "DELETE FROM document_vat WHERE document_id = 1 AND rate = 1000",
    ),
    spoil(
        "totals changed",
        r"FA-2026-000001: net 1388\.50 is not that of its lines, 1387\.50",
        "UPDATE document SET net = net + 100, gross = gross + 100 WHERE id = 1",
    ),
    spoil(
        "an advantage changed",
        r"FA-2026-000001: advantage",
        "UPDATE document SET advantage = advantage + 1 WHERE id = 1",
    ),
    spoil(
        "a contribution changed",
        r"FA-2026-000002: contribution",
        "UPDATE document SET contribution = contribution + 1 WHERE id = 2",
    ),
    spoil(
        "a line lost",
        r"FA-2026-000001: its lines are not numbered 1 to 1",
        "DELETE FROM document_line WHERE document_id = 1 AND line_no = 1",
    ),
    spoil("lines lost", r"FA-2026-000003 has no line", "DELETE FROM document_line WHERE document_id = 3"),
    spoil("lines of no document", r"rows of document_line stand for document 3", "DELETE FROM document WHERE id = 3"),
    spoil(
        "a credited line that is not the one taken back",
        r"AV-2026-000001 line 1 differs from the line it takes back in site_name",
        f"UPDATE document_line SET site_name = 'X' WHERE document_id = {of_document('AV-2026-000001')}",
    ),
    spoil(
        "another tenant's line taken back",
        r"AV-2026-000001 line 1 takes back no line of an invoice of tenant D1",
        f"UPDATE document_line SET corrects_document_id = 1 WHERE document_id = {of_document('AV-2026-000001')}",
    ),
    spoil(
        "an invoice that takes back",
        r"FA-2026-000005 line 1: an invoice takes nothing back",
        "UPDATE document_line SET corrects_document_id = 1, corrects_line_no = 1 "
        f"WHERE document_id = {of_document('FA-2026-000005')} AND line_no = 1",
    ),
    spoil(
        "an office day billed twice",
        r"FA-2026-000003 line 2 bills lease L3 from 2026-06-10, which .* already bill until 2026-06-30",
        "UPDATE document_line SET lease = 'L3' WHERE document_id = 3 AND line_no = 2",
    ),
    spoil("a party rewritten", r"the party \w+ is not as it was kept", "UPDATE party SET content = content || ' '"),
    spoil(
        "a party on nothing",
        r"the party 0{32} is on no document",
        "INSERT INTO party (digest, content) SELECT '00000000000000000000000000000000', max(content) FROM party",
    ),
    spoil("a party lost", r"FA-2026-000001 names party \w+, which does not exist", "DELETE FROM party"),
    # Usage.
    spoil(
        "an event unbilled",
        r"FA-2026-000001 line 2: the usage events it bills sum to 3, not 15",
        "DELETE FROM usage_billing WHERE usage_event_id = 1",
    ),
    spoil(
        "an event left behind",
        r"usage event U1 of tenant A1 was left behind",
        "DELETE FROM usage_billing WHERE usage_event_id = 1",
    ),
    spoil(
        "a watermark above an unbilled event",
        r"usage event U8 of tenant A1 was left behind",
        "UPDATE run_outcome SET usage_watermark = 9 WHERE tenant = 'A1' AND period = '2026-08-01'",
    ),
    spoil(
        "an event's quantity changed",
        r"FA-2026-000001 line 2: the usage events it bills sum to 15\.000001, not 15",
        "UPDATE usage_event SET quantity = quantity + 1 WHERE id = 1",
    ),
    spoil(
        "an event of another month",
        r"FA-2026-000001 line 2 bills MEAL at TNG in 2026-05, usage event U1 is MEAL at TNG on 2026-06-01",
        "UPDATE usage_event SET occurred_on = '2026-06-01' WHERE id = 1",
    ),
    spoil(
        "an event of another site", r"usage event U1 is MEAL at CAS", "UPDATE usage_event SET site = 'CAS' WHERE id = 1"
    ),
    spoil(
        "an event of another service",
        r"usage event U1 is MEETING at TNG",
        "UPDATE usage_event SET service = 'MEETING' WHERE id = 1",
    ),
    spoil(
        "an event of another tenant",
        r"usage event U1 is billed by a line that is not its tenant's usage",
        "UPDATE usage_event SET tenant = 'B1' WHERE id = 1",
    ),
    spoil(
        "an event billed by an office line",
        r"usage event U1 is billed by a line that is not its tenant's usage",
        "UPDATE usage_billing SET line_no = 1 WHERE usage_event_id = 1",
    ),
    spoil(
        "an event billed by no line",
        r"usage event key 1 is billed by document key 1, line 9: one of them is missing",
        "UPDATE usage_billing SET line_no = 9 WHERE usage_event_id = 1",
    ),
    spoil(
        "an event lost",
        r"usage event key 1 is billed by document key 1, line 2: one of them is missing",
        "DELETE FROM usage_event WHERE id = 1",
    ),
    # Runs, positions, who funds whom.
    spoil(
        "a position changed",
        r"the run of 2026-06, tenant A1: the position at TNG is contribution 0\.00, draw 2101\.00",
        "UPDATE run_position SET draw = draw + 100 WHERE tenant = 'A1' AND period = '2026-06-01'",
    ),
    spoil(
        "a position lost",
        r"the run of 2026-06, tenant B1: the position at CAS is contribution 0\.00",
        "DELETE FROM run_position WHERE tenant = 'B1' AND period = '2026-06-01'",
    ),
    spoil(
        "a position booked otherwise",
        r"the run of 2026-06, tenant A1: in its entry PER/2026-06/A1, account 9301 A1 TNG moves by",
        "UPDATE posting SET amount = amount + 1 WHERE entry_id = 4 AND account = '9301'",
        "UPDATE posting SET amount = amount - 1 WHERE entry_id = 4 AND account = '9309'",
    ),
    spoil(
        "an outcome lost",
        r"the run of 2026-06, tenant A1: documents or positions stand without an outcome",
        "DELETE FROM run_outcome WHERE tenant = 'A1' AND period = '2026-06-01'",
    ),
    spoil(
        "an outcome of another document",
        r"the run of 2026-06, tenant A1: the outcome names another invoice, FA-2026-000001 stands",
        "UPDATE run_outcome SET invoice_id = 2 WHERE tenant = 'A1' AND period = '2026-06-01'",
    ),
    spoil(
        "an outcome that denies its documents",
        r"the run of 2026-06, tenant A1: the outcome says 'nothing', 1 documents stand",
        "UPDATE run_outcome SET status = 'nothing' WHERE tenant = 'A1' AND period = '2026-06-01'",
    ),
    spoil(
        "a batch of a complete run open",
        r"the run of 2026-06 is complete and its batch 1 is open",
        "UPDATE run_batch SET status = 'open' WHERE period = '2026-06-01'",
    ),
    spoil(
        "a reserve rewritten",
        r"the run of 2026-07: its cross-subsidy says reserve_after 8.*, the positions give",
        """UPDATE billing_run SET cross_subsidy = replace(cross_subsidy, '"reserve_after": "', '"reserve_after": "8')
        WHERE period = '2026-07-01'""",
    ),
    spoil(
        "a site's funding rewritten",
        r"the run of 2026-06: its cross-subsidy says sites\.CAS\.unfunded 1.*, the positions give",
        """UPDATE billing_run SET cross_subsidy = replace(cross_subsidy, '"unfunded": "', '"unfunded": "1')
        WHERE period = '2026-06-01'""",
    ),
    spoil(
        "a cross-subsidy lost",
        r"the run of 2026-06 is complete and its cross-subsidy can't be read",
        "UPDATE billing_run SET cross_subsidy = NULL WHERE period = '2026-06-01'",
    ),
    spoil(
        "a waterfall booked otherwise",
        r"entry 21 \(PER/2026-07:cascade/1\): account 9207 moves by",
        "UPDATE posting SET amount = amount - 1 WHERE entry_id = 21 AND account = '9207'",
        "UPDATE posting SET amount = amount + 1 WHERE entry_id = 21 AND account = '9206' AND site IS NULL",
    ),
    spoil(
        "a waterfall lost",
        r"the run of 2026-07 has no entry PER/2026-07:cascade/1",
        "UPDATE entry SET reference = 'PER/2026-07:cascade/9' WHERE id = 21",
    ),
    spoil(
        "a grant changed without its entry",
        r"grant GN of 2000\.01 is booked as 2000\.00",
        "UPDATE subsidy_grant SET amount = amount + 1 WHERE code = 'GN'",
    ),
    spoil(
        "a grant moved without its entry",
        r"grant GS is for CAS from 2026-06-01 in the register",
        "UPDATE subsidy_grant SET site = 'CAS' WHERE code = 'GS'",
    ),
    spoil(
        "a grant lost",
        r"account 9208 has postings for grant GS, which is not in the register",
        "DELETE FROM subsidy_grant WHERE code = 'GS'",
    ),
    spoil(
        "a grant without its entry",
        r"grant GX has no entry PER/grant/GX/1",
        "INSERT INTO subsidy_grant VALUES ('GX', 'X', NULL, 5, '2026-01-01', 1)",
    ),
    spoil(
        "a grant overdrawn",
        r"account 9208, grant GS, is overdrawn by 1\.00",
        "UPDATE posting SET amount = amount + 100 WHERE entry_id = 2 AND account = '9208'",
        "UPDATE posting SET amount = amount - 100 WHERE entry_id = 2 AND account = '9210'",
    ),
    spoil(
        "a tenant lost",
        r"FA-2026-000001 is of tenant A1, who is not in the register",
        "DELETE FROM tenant WHERE code = 'A1'",
    ),
)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.name)
def test_what_is_spoilt_is_named(park: Engine, corruption: Corruption) -> None:
    behind_its_back(park, *corruption.statements)
    problems = check(park)
    assert any(re.search(corruption.named, problem) for problem in problems), "\n".join(problems) or "clean"


# Columns that nothing else says, in records that the log of hashes finds changed: here nothing was logged.
UNPROVED = {
    entry: {"recorded_at", "label", "piece"},
    document: {"due_on", "discount_ends_on"},
    document_line: {"service_label", "unit_of_measure", "site_name", "office"},
    usage_event: {"event_id"},
}
PROVED: tuple[Table, ...] = (
    account, entry, posting, entry_counter, account_day, document, document_line, document_vat, number_series, party,
    usage_billing, usage_event, run_position, run_outcome,
)  # fmt: skip


@pytest.mark.parametrize("table", PROVED, ids=lambda table: table.name)
def test_every_column_of_a_row_is_proved_but_for_free_texts(park: Engine, table: Table) -> None:
    """Another value in one column of one row, column by column: named, or refused by the database itself."""
    keys = [column.name for column in table.primary_key]
    missed = set()
    for column in table.columns:
        if column.computed is not None:
            continue
        with reading(park) as connection:
            found = table.select().where(column.is_not(None)).order_by(*table.primary_key).limit(1)
            row = connection.execute(found).mappings().one_or_none()
        if row is None:
            continue
        where = " AND ".join(f"{key} = {literal(row[key])}" for key in keys)
        other = other_value(column, row[column.name])
        there = " AND ".join(f"{key} = {literal(other if key == column.name else row[key])}" for key in keys)
        try:
            behind_its_back(park, f"UPDATE {table.name} SET {column.name} = {literal(other)} WHERE {where}")
        except (IntegrityError, sqlite3.IntegrityError):
            continue
        if not check(park):
            missed.add(column.name)
        behind_its_back(park, f"UPDATE {table.name} SET {column.name} = {literal(row[column.name])} WHERE {there}")
    assert check(park) == []
    assert missed == UNPROVED.get(table, set())


def test_a_line_taken_back_twice_is_named(park: Engine) -> None:
    if park.dialect.name == "sqlite":
        pytest.skip("SQLite can't drop the unique constraint that keeps it from happening")
    behind_its_back(
        park,
        "ALTER TABLE document_line DROP CONSTRAINT uq_document_line_corrects_document_id_corrects_line_no",
        f"""INSERT INTO document_line SELECT (jsonb_populate_record(l, '{{"line_no": 2}}')).*
        FROM document_line l WHERE document_id = {of_document("AV-2026-000001")}""",
    )
    assert "FA-2026-000004 line 1 is taken back 2 times" in check(park)


def test_a_missing_trigger_is_named(park: Engine) -> None:
    with writing(park) as connection:
        suffix = " ON posting" if park.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER posting_unsealed{suffix}")
    assert check(park) == ["the trigger posting_unsealed is missing: the database no longer refuses what it guards"]


def test_a_trigger_made_harmless_is_named(park: Engine) -> None:
    with writing(park) as connection:
        if park.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE document DISABLE TRIGGER document_append_only")
            connection.exec_driver_sql(
                "CREATE OR REPLACE FUNCTION check_entries() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RETURN NULL; END $$"
            )
        else:
            connection.exec_driver_sql("DROP TRIGGER document_no_update")
            connection.exec_driver_sql(
                "CREATE TRIGGER document_no_update BEFORE UPDATE ON document WHEN 1 = 0 BEGIN SELECT 1; END"
            )
    expected = {
        "postgresql": [
            "the trigger document_append_only of table document is disabled",
            "the function check_entries, which triggers call, is not as the migrations set it",
        ],
        "sqlite": ["the trigger document_no_update is not as the migrations set it"],
    }
    assert check(park) == expected[park.dialect.name]


def test_a_stored_pdf_must_be_there_as_it_was_rendered(park: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    contents = {1: b"%PDF one", 2: b"%PDF two", 3: b"%PDF three"}
    rows = [
        {
            "document_id": key,
            "path": f"{key}.pdf",
            "sha256": sha256(content).hexdigest(),
            "size_bytes": len(content),
            "rendered_at": NOW,
        }
        for key, content in contents.items()
    ]
    with writing(park) as connection:
        connection.execute(document_file.insert(), rows)
        for key in contents:
            record_change(connection, "files", f"FA-2026-{key:06d}", None, {})
    for key, content in contents.items():
        (folder / f"{key}.pdf").write_bytes(content)
    assert check(park, documents_url=folder.as_uri()) == []
    (folder / "2.pdf").write_bytes(b"%PDF tvo")
    (folder / "3.pdf").unlink()
    wrong, missing = check(park, documents_url=folder.as_uri())
    assert wrong.startswith("FA-2026-000002: its PDF: 2.pdf is not the file that was kept")
    assert missing.startswith("FA-2026-000003: its PDF: 3.pdf is missing")
    assert check(park) == []


def test_problems_without_end_are_counted_not_listed(park: Engine) -> None:
    rows = ", ".join(f"({number}, 9, 9)" for number in range(1000, 1000 + NAMED_MAX + 50))
    behind_its_back(park, f"INSERT INTO usage_billing VALUES {rows}")
    problems = check(park)
    assert len(problems) == NAMED_MAX + 1
    assert problems[-1] == "… and 50 more of the same kind: mend what is named first, then check again"
