"""One bit flipped in any column of any row under proof is found and named, by `check` and by the offline verifier.

The columns are read off the tables' own declarations, so that none can be forgotten; the SQL is straight, past every
trigger, and past every constraint that would refuse it.
"""

import random
import re
import shutil
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Column, Date, DateTime, Engine, Integer, Table, select, text

import billing.frame.tables
import invoices.models
import ledger.models
from billing.check import check
from billing.frame.database import maintenance_transaction, reading
from billing.proof.export import export_files, write_folder
from billing.proof.forms import NEWEST, Form
from billing.proof.verify_books import main
from billing.register.tables import usage_event
from tests.support.proofs import Proved
from tests.support.spoiling import behind_its_back


class Owner(NamedTuple):
    """Of which record a table's rows are, and by which column."""

    kind: str
    column: str


OWNERS = {
    ledger.models.entry: Owner("entry", "id"),
    ledger.models.posting: Owner("entry", "entry_id"),
    ledger.models.period_act: Owner("closing", "id"),
    ledger.models.period_balance: Owner("closing", "closing"),
    invoices.models.document: Owner("document", "id"),
    invoices.models.document_line: Owner("document", "document_id"),
    invoices.models.document_vat: Owner("document", "document_id"),
    invoices.models.credit_reason: Owner("document", "document_id"),
    invoices.models.credited_part: Owner("document", "document_id"),
    invoices.models.credit_withdrawal: Owner("document", "document_id"),
    invoices.models.party: Owner("document", "digest"),
    invoices.models.document_file: Owner("file", "document_id"),
    usage_event: Owner("usage", "id"),
    billing.frame.tables.audit_event: Owner("act", "id"),
    billing.frame.tables.audit_change: Owner("act", "act_id"),
}
COLUMNS = [(table, column) for table in OWNERS for column in table.columns]


def names(form: Form) -> dict[str, set[str]]:
    """The columns of a form, by table; what names the record is in every part."""
    found = {form.table: set(form.columns)}
    for part in form.parts:
        found[part.table] = {*part.columns, part.owner} - {"owner", "role"}
    return found


def test_the_newest_forms_hold_every_column_of_every_table_under_proof() -> None:
    """A column added to one of these tables needs a new version of the form, for the records written from then on."""
    held: dict[str, set[str]] = {}
    for form in NEWEST.values():
        held.update(names(form))
    assert held == {table.name: set(table.columns.keys()) for table in OWNERS}


class Flip(NamedTuple):
    """SQL that flips a bit, and SQL that flips it back."""

    there: str
    back: str


def _literal(dialect: str, value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str | bytes):
        raw = value.encode() if isinstance(value, str) else value
        return f"convert_from('\\x{raw.hex()}', 'UTF8')" if dialect == "postgresql" else f"CAST(x'{raw.hex()}' AS TEXT)"
    return f"'{value}'"


def _where(dialect: str, key: dict[str, Any]) -> str:
    return " AND ".join(f'"{name}" = {_literal(dialect, value)}' for name, value in key.items())


def flip(
    engine: Engine,
    table: Table,
    column: Column[Any],
    key: dict[str, Any],
    value: Any,
    chance: random.Random,
    taken: Collection[Any] = (),
) -> Flip:
    """Flip a bit of one cell, to none of the values that are taken; fill a blank cell."""
    dialect = engine.dialect.name
    name, where = f'"{column.name}"', _where(dialect, key)

    def update(to: str, at: str) -> str:
        return f"UPDATE {table.name} SET {name} = {to} WHERE {at}"

    if value is None or value == "":
        blank = "NULL" if value is None else "''"
        filled = "1" if isinstance(column.type, Integer) else "'2026-01-01'" if isinstance(column.type, Date) else "'x'"
        return Flip(update(filled, where), update(blank, where))
    if isinstance(column.type, Integer):
        bits = 31 if dialect == "postgresql" and column.type.__visit_name__ == "integer" else 52
        other: Any = value ^ (1 << chance.randrange(bits))
        while other in taken:
            other = value ^ (1 << chance.randrange(bits))
        to, back = str(other), str(value)
    elif dialect == "postgresql" and isinstance(column.type, Date):
        other = value.fromordinal(value.toordinal() ^ (1 << chance.randrange(16)))
        to, back = f"'{other}'", f"'{value}'"
    elif dialect == "postgresql" and isinstance(column.type, DateTime):
        to = f"{name} + interval '1 microsecond' * {1 << chance.randrange(40)}"
        back = to.replace("+ interval", "- interval")
        other = value
    else:
        raw = bytearray(value.encode() if isinstance(value, str) else str(value).encode())
        while True:
            spoilt = bytearray(raw)
            spoilt[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
            if dialect == "sqlite" or (0 not in spoilt and _is_utf8(bytes(spoilt))):
                break
        other = bytes(spoilt)
        to, back = _literal(dialect, other), _literal(dialect, bytes(raw))
    after = key | ({column.name: other} if column.name in key else {})
    return Flip(update(to, where), update(back, _where(dialect, after)))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def without_constraints(engine: Engine) -> None:
    """Drop what PostgreSQL would refuse a spoilt row by; SQLite is told to ignore its own."""
    if engine.dialect.name == "sqlite":
        return
    with maintenance_transaction(engine) as connection:
        found = connection.execute(
            text(
                "SELECT conrelid::regclass, conname FROM pg_constraint "
                "WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f')".replace("::", "\\:\\:")
            )
        ).all()
        for table, name in found:
            connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name} CASCADE"))


def cells(engine: Engine, table: Table, column: Column[Any]) -> Sequence[tuple[dict[str, Any], Any, Any]]:
    """Of each row: its key, the cell as it is stored, and what names its record."""
    keys = list(table.primary_key.columns)
    owner = table.c[OWNERS[table].column]
    stored: Any = column
    if engine.dialect.name == "sqlite" and isinstance(column.type, Date | DateTime):
        stored = text(f'"{column.name}"')
    with reading(engine) as connection:
        rows = connection.execute(select(*keys, stored, owner).select_from(table).order_by(*keys)).all()
    return [({k.name: v for k, v in zip(keys, row, strict=False)}, row[len(keys)], row[len(keys) + 1]) for row in rows]


def told_of(proved: Proved, table: Table, owner: Any) -> list[str]:
    """How the record of a row may be named."""
    if table is not invoices.models.party:
        return [f"{OWNERS[table].kind} {owner}"]
    with reading(proved.engine) as connection:
        d = invoices.models.document.c
        found = connection.scalars(select(d.id).where((d.seller == owner) | (d.buyer == owner)))
        return [f"document {number}" for number in found]


@pytest.mark.parametrize("table", OWNERS, ids=lambda table: table.name)
def test_a_bit_flipped_in_any_column_is_found_and_named(
    proved: Proved, capsys: pytest.CaptureFixture[str], table: Table
) -> None:
    without_constraints(proved.engine)
    chance = random.Random(table.name)
    for column in table.columns:
        rows = cells(proved.engine, table, column)
        assert rows, f"no row of {table.name} is under proof: the park is too small"
        key, value, owner = chance.choice(rows)
        names = told_of(proved, table, owner)
        # A row can't get the key of another one.
        taken = {cell for _, cell, _ in rows} if [*table.primary_key.columns] == [column] else set()
        flipped = flip(proved.engine, table, column, key, value, chance, taken)
        behind_its_back(proved.engine, flipped.there)
        what = f"{flipped.there}: {names}"
        problems = check(proved.engine)
        assert any(_names(problem, name) for problem in problems for name in names), (what, problems)
        code, told = verified(proved, capsys)
        assert (code, any(_names(told, name) for name in names)) == (1, True), (what, told)
        behind_its_back(proved.engine, flipped.back)
    assert check(proved.engine) == []
    assert verified(proved, capsys)[0] == 0


def _names(told: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", told) is not None


def verified(proved: Proved, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """What the verifier says of an export made now."""
    folder = proved.folder / "export"
    shutil.rmtree(folder, ignore_errors=True)
    with reading(proved.engine) as connection:
        write_folder(export_files(connection), folder)
    code = main([str(folder)])
    out, err = capsys.readouterr()
    return code, out + err
