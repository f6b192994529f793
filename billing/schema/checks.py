"""Proof that the database still refuses what R22 forbids: every trigger is there, as the migrations set it."""

import re
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, text

from billing.frame.checking import Proof, Step, is_postgresql
from billing.schema.triggers import trigger_statements

_TRIGGER = re.compile(r"\s*CREATE (?:CONSTRAINT )?TRIGGER (\w+)")
_FUNCTION = re.compile(r"\s*CREATE FUNCTION (\w+)\(\).*?\$\$(.*)\$\$", re.DOTALL)
_SQLITE_TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
# A trigger counts only where it is enabled for ordinary sessions: O (origin) or A (always).
_POSTGRES_TRIGGERS = """
    SELECT t.tgname, c.relname, t.tgenabled IN ('O', 'A')
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND n.nspname = current_schema()
"""
_POSTGRES_FUNCTIONS = """
    SELECT p.proname, p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = current_schema()
"""


def triggers(connection: Connection, _step: Step) -> Iterator[str]:
    """The triggers by which entries, documents and counters never change are there, as the migrations create them."""
    statements = trigger_statements(connection.dialect.name)
    named = {match[1]: statement for statement in statements if (match := _TRIGGER.match(statement))}
    if is_postgresql(connection):
        yield from _postgres_faults(connection, statements, named)
        return
    declared: dict[str, str] = dict(connection.execute(text(_SQLITE_TRIGGERS)).all())
    for name, statement in named.items():
        if name not in declared:
            yield f"the trigger {name} is missing: the database no longer refuses what it guards"
        elif declared[name].split() != statement.split():
            yield f"the trigger {name} is not as the migrations set it"


def _postgres_faults(connection: Connection, statements: Sequence[str], named: dict[str, str]) -> Iterator[str]:
    rows = connection.execute(text(_POSTGRES_TRIGGERS)).all()
    declared = {name: (table, enabled) for name, table, enabled in rows}
    for name, statement in named.items():
        table, enabled = declared.get(name, (None, False))
        if table is None or re.search(rf"\bON {table}\b", statement) is None:
            yield f"the trigger {name} is missing: the database no longer refuses what it guards"
        elif not enabled:
            yield f"the trigger {name} of table {table} is disabled"
    bodies = {match[1]: match[2] for statement in statements if (match := _FUNCTION.match(statement))}
    sources: dict[str, str] = dict(connection.execute(text(_POSTGRES_FUNCTIONS)).all())
    for name, body in bodies.items():
        if sources.get(name, "").split() != body.split():
            yield f"the function {name}, which triggers call, is not as the migrations set it"


CHECKS: tuple[Proof, ...] = (triggers,)
