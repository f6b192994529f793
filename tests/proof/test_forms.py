"""The canonical forms: frozen vectors, the same on both databases, and RFC 8785 as its own library writes it."""

import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine

from billing.frame.database import reading
from billing.proof.forms import FORMS
from billing.proof.records import canonical, records
from ledger.proof.merkle import leaf_hash
from tests.support.spoiling import behind_its_back

VECTORS = json.loads((Path(__file__).parent.parent / "golden" / "proof" / "records.json").read_text(encoding="utf-8"))
# What a record may hold: any Unicode, whole numbers JSON can say exactly, blank; lists and objects of these.
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_VALUES: st.SearchStrategy[Any] = st.none() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXTS
_NAMES = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=8)
_OBJECTS = st.dictionaries(_NAMES, _VALUES, max_size=6).map(lambda found: dict(sorted(found.items())))


def _literal(value: Any) -> str:
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    quoted = str(value).replace("'", "''")
    # A colon would be taken for the name of a parameter.
    return f"'{quoted}'".replace(":", "\\:")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['kind']}-{vector['version']}-{vector['key']}")
def test_a_record_has_the_form_and_the_hash_it_always_had(engine: Engine, vector: dict[str, Any]) -> None:
    """These vectors are frozen: what was hashed once must hash the same for ever."""
    statements = [
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(map(_literal, row.values()))})"
        for table, rows in vector["rows"].items()
        for row in rows
    ]
    if engine.dialect.name == "sqlite":
        statements = [statement.replace("\\:", ":") for statement in statements]
    behind_its_back(engine, *statements)
    with reading(engine) as connection:
        found = records(connection, FORMS[vector["kind"], vector["version"]], [vector["key"]])
    assert found[vector["key"]].decode() == vector["record"]
    assert leaf_hash(found[vector["key"]]).hex() == vector["leaf"]
    assert rfc8785.dumps(json.loads(vector["record"])) == found[vector["key"]]


@given(st.dictionaries(_NAMES, _OBJECTS | st.lists(_OBJECTS, max_size=3) | _VALUES, max_size=5))
def test_the_fast_writer_and_the_librarys_agree(record: dict[str, Any]) -> None:
    in_order = dict(sorted(record.items()))
    assert canonical(in_order) == rfc8785.dumps(record)


@given(st.binary(min_size=1, max_size=12))
def test_bytes_that_are_no_text_have_a_form_that_no_text_has(raw: bytes) -> None:
    spoilt = raw.decode("utf-8", "surrogateescape")
    found = canonical({"label": spoilt})
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        assert found != canonical({"label": raw.decode("utf-8", "replace")})
        assert json.loads(found)["label"].startswith("?")
    else:
        assert found == canonical({"label": text})


# Cells of the books as they should be, and as a spoilt SQLite file may hold them: bytes (texts that are none if so
# stored), numbers of another kind, keys of 64 bits.
_CELLS = st.none() | st.integers(-(2**63), 2**63 - 1) | _TEXTS
_SPOILT = _CELLS | st.binary(max_size=8) | st.floats(allow_nan=False)
_ENTRIES = st.lists(
    st.tuples(st.lists(_CELLS, min_size=6, max_size=6), st.lists(st.lists(_CELLS, min_size=4, max_size=4), max_size=4)),
    min_size=1,
    max_size=4,
)


@given(_ENTRIES, _SPOILT, st.booleans())
def test_records_put_together_from_texts_are_those_of_the_plain_objects(
    entries: list[tuple[list[Any], list[list[Any]]]], spoilt: Any, is_text: bool
) -> None:
    """Whatever a file holds: a spoilt cell anywhere makes no other bytes of its record or of those beside it."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        # No types: SQLite keeps each cell as it is given.
        connection.exec_driver_sql(
            "CREATE TABLE entry (id, effective_on, journal, label, piece, posting_count, recorded_at, reference)"
        )
        connection.exec_driver_sql(
            "CREATE TABLE posting (entry_id, line_no, account, amount, auxiliary, effective_on, site)"
        )
        entries[-1][0][2] = spoilt
        for number, (head, postings) in enumerate(entries, 1):
            connection.exec_driver_sql(
                f"INSERT INTO entry VALUES (?, ?, ?, {'CAST(? AS TEXT)' if is_text else '?'}, ?, ?, ?, ?)",
                (number, *head[:5], "2026-09-01 06:00:00", head[5]),
            )
            for line_no, (account, auxiliary, effective_on, site) in enumerate(postings, 1):
                connection.exec_driver_sql(
                    "INSERT INTO posting VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (number, line_no, account, -line_no, auxiliary, effective_on, site),
                )
        driver: Any = connection.connection.driver_connection
        driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        labels = [label for (label,) in driver.execute("SELECT label FROM entry ORDER BY id")]
        driver.text_factory = str
        found = records(connection, FORMS["entry", 1], range(1, len(entries) + 1))
    engine.dispose()
    for number, (head, postings) in enumerate(entries, 1):
        plain = {
            "entry": {
                "effective_on": head[0], "id": number, "journal": head[1], "label": labels[number - 1],
                "piece": head[3], "posting_count": head[4], "recorded_at": "2026-09-01T06:00:00.000000Z",
                "reference": head[5],
            },
            "form": "technopark-entry/1",
            "postings": [
                {
                    "account": account, "amount": f"-0.0{line_no}", "auxiliary": auxiliary,
                    "effective_on": effective_on, "line_no": line_no, "site": site,
                }
                for line_no, (account, auxiliary, effective_on, site) in enumerate(postings, 1)
            ],
        }  # fmt: skip
        assert found[number] == canonical(plain)


def test_what_is_asked_for_and_does_not_exist_is_left_out(engine: Engine) -> None:
    with reading(engine) as connection:
        assert records(connection, FORMS["entry", 1], [1, 2, 9]) == {}
        assert records(connection, FORMS["document", 1], []) == {}
