"""All that is held about a tenant: its own rows, those that hang on them, what names it as others wrote it, its acts.

Which rows these are follows from the schema: those that name the tenant, then whatever refers to a row found. So a new
table is handed out without being listed here.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Table, select, tuple_

from billing.audit.trail.shapes import AuditChange, AuditEvent
from billing.bank.tables import bank_line, line_decision, line_entry
from billing.frame.codes import DEBT_ACT, DEPOSIT, DUNNING_BLOCK, FINAL_STATEMENT, MESSAGE, RECEIPT, REFUND
from billing.frame.errors import Unknown
from billing.frame.shapes import instant
from billing.frame.tables import audit_change, audit_event
from billing.privacy.shapes import PersonalData
from billing.receivables.tables.receipts import placement, receipt
from billing.register.tables import tenant as tenant_table
from invoices.models import document, party
from ledger.models import posting

# The columns that hold a tenant's code, where they are not called `tenant`.
_NAMED_BY = {tenant_table.name: "code", posting.name: "auxiliary"}
# Rows are asked for by so many keys at a time.
_KEYS = 500
# The keys under which the audit log knows rows: a column's values, or numbers made of their keys.
_CODES = {
    tenant_table.name: "code",
    "lease": "code",
    "application": "code",
    document.name: "number",
    "usage_event": "event_id",
}
_NUMBERS = {
    "receipt": RECEIPT, "refund": REFUND, "message": MESSAGE, "deposit": DEPOSIT, "final_statement": FINAL_STATEMENT,
    "debt_act": DEBT_ACT, "dunning_hold": DUNNING_BLOCK,
}  # fmt: skip
_Rows = dict[str, list[Row[Any]]]


def personal_data(connection: Connection, tables: Sequence[Table], code: str, now: datetime) -> PersonalData:
    """Return all that is held about a tenant; raises Unknown. `tables` are all of the service, parents first."""
    if connection.scalar(select(tenant_table.c.code).where(tenant_table.c.code == code)) is None:
        raise Unknown(f"there is no tenant {code}: `technopark-billing tenants list` shows them")
    held: _Rows = {}
    for table in tables:
        held[table.name] = _selected(connection, table, _conditions(table, code, held), code)
    buyers = {(row.buyer,) for row in held[document.name]}
    held[party.name] = _selected(connection, party, _keyed([party.c.digest], buyers))
    lines = {(row.statement_id, row.line_no) for name in (line_decision.name, line_entry.name) for row in held[name]}
    held[bank_line.name] = _selected(
        connection, bank_line, _keyed([bank_line.c.statement_id, bank_line.c.line_no], lines)
    )
    changes = _selected(connection, audit_change, _keyed([audit_change.c.key], {(key,) for key in _audited(held)}))
    acts = _keyed([audit_event.c.id], {(change.act_id,) for change in changes})
    return PersonalData(
        tenant=code,
        exported_at=instant(now),
        tables={name: [_shown(row) for row in rows] for name, rows in held.items() if rows},
        changes=[AuditChange.of(row) for row in changes],
        acts=[AuditEvent.of(row) for row in _selected(connection, audit_event, acts)],
    )


def _conditions(table: Table, code: str, held: _Rows) -> Iterator[ColumnElement[bool]]:
    """Yield what selects the rows of a table that name the tenant, or refer to a row held."""
    named = _naming(table)
    if named is not None:
        yield named == code
    if table is receipt:
        # Money that others paid, or that nobody could place at first, of which a part is the tenant's.
        yield receipt.c.id.in_(select(placement.c.receipt_id).where(placement.c.tenant == code))
    for reference in table.foreign_key_constraints:
        parents = held.get(reference.referred_table.name, ())
        names = [element.column.name for element in reference.elements]
        keys = {tuple(getattr(row, name) for name in names) for row in parents}
        yield from _keyed([element.parent for element in reference.elements], keys)


def _naming(table: Table) -> Column[Any] | None:
    named: Column[Any] | None = table.c.get(_NAMED_BY.get(table.name, "tenant"))
    return named


def _keyed(columns: Sequence[Any], keys: Collection[tuple[Any, ...]]) -> Iterator[ColumnElement[bool]]:
    """Yield what selects the rows whose columns hold these keys, some hundreds at a time."""
    listed = sorted(keys)
    for start in range(0, len(listed), _KEYS):
        chunk = listed[start : start + _KEYS]
        yield columns[0].in_([key for (key,) in chunk]) if len(columns) == 1 else tuple_(*columns).in_(chunk)


def _selected(
    connection: Connection, table: Table, conditions: Iterator[ColumnElement[bool]], code: str | None = None
) -> list[Row[Any]]:
    """Return the rows that meet any of the conditions, each once, by key; none that names another tenant than `code`.

    A receipt that another tenant paid is not: its text may be about this one.
    """
    named = None if code is None or table is receipt else _naming(table)
    rows = {
        tuple(getattr(row, column.name) for column in table.primary_key): row
        for condition in conditions
        for row in connection.execute(select(table).where(condition))
        if named is None or getattr(row, named.name) in (None, code)
    }
    return [rows[key] for key in sorted(rows)]


def _audited(held: _Rows) -> Iterator[str]:
    for name, column in _CODES.items():
        yield from (getattr(row, column) for row in held.get(name, ()))
    yield from (f"{row.tenant}/{row.year}" for row in held.get("survey", ()))
    for name, number in _NUMBERS.items():
        yield from (number.format(row.id) for row in held.get(name, ()))


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in row._mapping.items()}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value
