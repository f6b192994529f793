"""Reads what has changed in Salesforce since the last time, as rows of the files of a network folder."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from billing.frame.civil_time import today
from billing.frame.errors import BadConfiguration
from billing.frame.salesforce import ReadObject, Salesforce
from billing.register.network_import.layout import LAYOUTS, Column, Form, Layout
from billing.sync.client import Client

_STAMP = "SystemModstamp"


class Read(NamedTuple):
    """The records of an object in order: their rows as cells by column, and what people find each by."""

    rows: list[dict[str, str]]
    names: list[str]


def require_known(mapping: Salesforce) -> None:
    """Raise BadConfiguration for a file or column that a network folder has not, or a key that is not read."""
    for stem, each in mapping.read.items():
        layout = LAYOUTS.get(stem)
        if layout is None:
            raise BadConfiguration(f"SALESFORCE_FILE: read.{stem}: the network's files are {', '.join(LAYOUTS)}")
        if unknown := sorted(set(each.columns) - set(layout.names)):
            names = ", ".join(layout.names)
            raise BadConfiguration(f"SALESFORCE_FILE: read.{stem}: no column {', '.join(unknown)}; columns are {names}")
        if missing := sorted(set(layout.key) - set(each.columns)):
            raise BadConfiguration(f"SALESFORCE_FILE: read.{stem}: {', '.join(missing)} must be read: it is the key")


def read_changed(client: Client, mapping: Salesforce, *, after: datetime | None, until: datetime) -> dict[str, Read]:
    """Read each object's records that were changed after an instant (None: ever), up to another."""
    return {
        stem: _read(client, LAYOUTS[stem], mapping.read[stem], after, until) for stem in LAYOUTS if stem in mapping.read
    }


def _read(client: Client, layout: Layout, wanted: ReadObject, after: datetime | None, until: datetime) -> Read:
    found = Read([], [])
    for record in client.records(_query(wanted, after, until)):
        found.rows.append(
            {name: _cell(layout.column(name), wanted, _value(record, path)) for name, path in wanted.columns.items()}
        )
        found.names.append(f"{wanted.object} {record['Id']}")
    return found


def _query(wanted: ReadObject, after: datetime | None, until: datetime) -> str:
    fields = dict.fromkeys(["Id", *wanted.columns.values()])
    conditions = [f"({wanted.where})"] if wanted.where else []
    conditions += [f"{_STAMP} > {soql_instant(after)}"] if after is not None else []
    conditions.append(f"{_STAMP} <= {soql_instant(until)}")
    # The names are the operator's own, judged when they were loaded.
    return f"SELECT {', '.join(fields)} FROM {wanted.object} WHERE {' AND '.join(conditions)} ORDER BY {_STAMP}, Id"  # noqa: S608


def soql_instant(at: datetime) -> str:
    """Return an instant as SOQL writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _value(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    for name in path.split("."):
        value = None if value is None else value[name]
    return value


def _cell(column: Column, wanted: ReadObject, value: Any) -> str:
    """Return a value as a file's cell: blank for none, yes and no, days in Casablanca."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if column.form is Form.DAY and "T" in text:
        return today(datetime.fromisoformat(text)).isoformat()
    return wanted.values.get(column.name, {}).get(text, text)
