"""Whatever single statement is run against any table by plain SQL, the database refuses it or `check` names the row.

On SQLite by somebody who drops a table's triggers and puts them back; on PostgreSQL as the service's own role, which
can drop nothing. The statements are made from the catalogue (`tests.support.attacks`), against a park in which all
happened once. A seeded sample is drawn; `EXPLORE=1` tries a thousand of a seed that it tells (`ATTACK_SEED` tries them
again).
"""

import os
import random
import re
import secrets
import shutil
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, select, text
from sqlalchemy.exc import DBAPIError

from billing.check import check
from billing.frame.database import reading
from billing.schema.migrating import migrate
from billing.schema.tables import all_tables
from tests.conftest import opened, postgres_database
from tests.support.attacked_story import tell_the_whole_story
from tests.support.attacks import Attack, Target, attack, targets
from tests.support.examples import EXPLORES

# The row is named within so many lines.
FIRST_LINES = 5
# Attacks that are taken, after each of which a sample checks the database; those that are tried in exploring.
CHECKED, TRIED = 30, 1_000
SEED = int(os.environ.get("ATTACK_SEED") or (secrets.randbelow(1_000_000) if EXPLORES else 2026))
# Counters are called by what they count.
CALLED_OTHERWISE = ("audit_counter", "entry_counter", "looked_through", "number_series")
# No story has rows in these, and why.
UNFILLED = {
    "idempotency_key": "answers to requests, kept a day: no fact",
    "job": "requests that are done later, kept a month: no fact",
}
_AT_THIS_MOMENT = "what is under way at this moment: claims, the next attempt, what hindered the last one"
_COSTS_TIME = "an index that may name too much: what is looked at once more costs time"
# What need not be found, and why: columns, rows lost (DELETE), or the whole table (blank).
LEFT_ALONE = {
    "delivery": dict.fromkeys(
        ("claimed_by", "claimed_until", "next_attempt_at", "handed_over_at", "last_error", "recipient"), _AT_THIS_MOMENT
    ),
    "message_delivery": dict.fromkeys(
        ("claimed_by", "claimed_until", "next_attempt_at", "handed_over_at", "last_error", "recipient"), _AT_THIS_MOMENT
    ),
    "unsettled_document": {"": _COSTS_TIME},
    "unsettled_placement": {"": _COSTS_TIME},
    "looked_through": {"document_id": _COSTS_TIME, "placement_id": _COSTS_TIME},
    "account": {"": "an account nobody posted to says nothing; the chart's are all there, by their labels"},
    "webhook_progress": {"": "how far an endpoint was told: set back, it is told again"},
    "webhook_attempt": {"": "a log that is forgotten after ninety days"},
    "proof_checkpoint": {"signed_at": "our own clock: a time-stamping authority's word is in its answer"},
    "proof_timestamp": {
        "authority": "the address that was asked: who answered has signed the answer",
        "DELETE": "a word from outside: without it the checkpoint stands by its own signature",
    },
}
TARGETS = [target for target in targets(all_tables()) if target.table.name not in UNFILLED]


def drawn() -> Iterator[Target]:
    """Every attack, in the order they are tried: each table once, then each once more."""
    mixed = random.Random(SEED).sample(TARGETS, len(TARGETS))
    met: Counter[str] = Counter()
    by_turn = []
    for target in mixed:
        by_turn.append((met[target.table.name], target))
        met[target.table.name] += 1
    return (target for _, target in sorted(by_turn, key=itemgetter(0)))


def is_enough(checked: int, tried: int) -> bool:
    """Whether a run has done its sample."""
    return tried >= TRIED if EXPLORES else checked >= CHECKED


def is_left_alone(made: Attack) -> bool:
    """Whether nothing that an attack does need be found."""
    left = LEFT_ALONE.get(made.table, {}).keys()
    return bool({"", made.sql.split()[0]} & left) or (bool(made.columns) and made.columns <= left)


def names_the_row(problems: list[str], made: Attack) -> bool:
    """Whether the first lines name the row by a part of its key, as `receipt 4`, `RG-000004`, `U4`."""
    told = "\n".join(problems[:FIRST_LINES])
    called = (rf"(?<!\d)0*{part}(?!\d)" if part.isdecimal() else rf"(?<!\w){re.escape(part)}" for part in made.called)
    return made.table in CALLED_OTHERWISE or any(re.search(name, told) for name in called)


@pytest.fixture(scope="module")
def sqlite_story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the story in an SQLite file."""
    folder = tmp_path_factory.mktemp("story")
    with opened(make_url(f"sqlite:///{folder / 'park.sqlite'}")) as engine:
        migrate(engine)
        tell_the_whole_story(engine, folder)
        assert check(engine, documents_url=(folder / "documents").as_uri()) == []
        with reading(engine) as connection:
            empty = {table.name for table in all_tables() if connection.execute(select(table).limit(1)).first() is None}
    assert empty == UNFILLED.keys()
    raw = sqlite3.connect(folder / "park.sqlite")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    return folder


def run_unguarded(database: Path, statement: str) -> None:
    """Run a statement with the triggers of its table out of the way, and put them back; raises what refuses it."""
    raw = sqlite3.connect(database)
    raw.execute("PRAGMA foreign_keys = ON")
    table = re.match(r"(?:UPDATE|DELETE FROM|INSERT INTO) (\w+)", statement)
    assert table is not None
    guards = raw.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table[1],)
    ).fetchall()
    try:
        for name, _ in guards:
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute(statement)
        for _, declared in guards:
            raw.execute(declared)
        raw.commit()
    finally:
        raw.close()


@pytest.mark.timeout(1200)
def test_any_statement_past_the_triggers_of_sqlite_is_found(sqlite_story: Path, tmp_path: Path) -> None:
    database, documents = tmp_path / "park.sqlite", (sqlite_story / "documents").as_uri()
    survived, unnamed, done, tried = [], [], 0, 0
    for target in drawn():
        if is_enough(done, tried):
            break
        for file in tmp_path.glob("park.sqlite*"):
            file.unlink()
        shutil.copyfile(sqlite_story / "park.sqlite", database)
        with opened(make_url(f"sqlite:///{database}")) as engine:
            with reading(engine) as connection:
                made = attack(connection, target, SEED)
            if made is None or is_left_alone(made):
                continue
            tried += 1
            try:
                run_unguarded(database, made.sql)
            except sqlite3.DatabaseError:
                continue
            problems = check(engine, documents_url=documents)
        done += 1
        if not problems:
            survived.append(made.sql)
        elif not names_the_row(problems, made):
            unnamed.append((made.sql, problems[:FIRST_LINES]))
    assert (survived, unnamed) == ([], []), f"ATTACK_SEED={SEED}"
    assert done >= CHECKED


@pytest.fixture(scope="module")
def postgres_story(
    postgres: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, tuple[str, str]]]:
    """The name of a PostgreSQL database with the story, its files' folder, and the service's role with its password."""
    name, folder = f"story_{uuid.uuid4().hex}", tmp_path_factory.mktemp("story")
    role, password = f"service_{secrets.token_hex(4)}", secrets.token_hex(8)
    with postgres.connect() as server:
        server.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        server.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    with opened(postgres.url.set(database=name)) as engine:
        migrate(engine, service_role=role)
        tell_the_whole_story(engine, folder)
        assert check(engine, documents_url=(folder / "documents").as_uri()) == []
    with postgres.connect() as server:
        others = text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name")
        server.execute(others, {"name": name}).all()
    yield name, folder, (role, password)
    with postgres.connect() as server:
        server.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.exec_driver_sql(f"DROP ROLE {role}")


@pytest.mark.timeout(1200)
def test_any_statement_of_the_service_s_role_is_refused_or_found(
    postgres: Engine, postgres_story: tuple[str, Path, tuple[str, str]]
) -> None:
    template, folder, (role, password) = postgres_story
    documents = (folder / "documents").as_uri()
    survived, unnamed, refused, found = [], [], 0, 0
    left = drawn()
    target = next(left, None)
    while target is not None and not is_enough(found, refused + found):
        # A database serves until a statement is taken.
        with (
            postgres_database(postgres, template) as url,
            opened(url.set(username=role, password=password)) as engine,
        ):
            taken = None
            while target is not None and taken is None:
                with reading(engine) as connection:
                    made = attack(connection, target, SEED)
                target = next(left, None)
                if made is None or is_left_alone(made):
                    continue
                try:
                    with engine.begin() as connection:
                        connection.exec_driver_sql(made.sql, execution_options={"no_parameters": True})
                except DBAPIError:
                    refused += 1
                else:
                    taken = made
            if taken is None:
                break
            problems = check(engine, documents_url=documents)
            found += 1
            if not problems:
                survived.append(taken.sql)
            elif not names_the_row(problems, taken):
                unnamed.append((taken.sql, problems[:FIRST_LINES]))
    assert (survived, unnamed) == ([], []), f"ATTACK_SEED={SEED}"
    assert found >= CHECKED
    assert refused > found
