"""The rows of the register, as the API looks them up and lists them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from billing.register.network_import.layout import Layout


def key_value(layout: Layout, column: str, text: str) -> Any:
    """Return a text as a column of the key holds it: a `date` where it is a day."""
    return date.fromisoformat(text) if layout.table.c[column].type.python_type is date else text


def find_row(connection: Connection, layout: Layout, key: Sequence[Any]) -> Row[Any] | None:
    """Return the row of that key, or None."""
    return connection.execute(rows_with(layout, dict(zip(layout.key, key, strict=True)))).one_or_none()


def rows_with(layout: Layout, values: Mapping[str, Any]) -> Select[Any]:
    """Return the statement of all rows with these values in their columns."""
    table = layout.table
    return select(table).where(*(table.c[name] == value for name, value in values.items()))
