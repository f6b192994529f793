"""Search for a text that people typed: anywhere in a column, small or capital letters alike."""

from sqlalchemy import ColumnElement, or_

_ESCAPE = "\\"


def found_in(text: str, *columns: ColumnElement[str]) -> ColumnElement[bool]:
    """Select what holds `text` in one of these columns; `%` and `_` stand for themselves."""
    plain = text.strip()
    # SQLite knows small and capital letters of ASCII only.
    spellings = {plain, plain.lower(), plain.upper(), plain.title()}
    patterns = [f"%{_escaped(spelling)}%" for spelling in sorted(spellings)]
    return or_(*(column.ilike(pattern, escape=_ESCAPE) for column in columns for pattern in patterns))


def _escaped(text: str) -> str:
    return text.replace(_ESCAPE, _ESCAPE * 2).replace("%", f"{_ESCAPE}%").replace("_", f"{_ESCAPE}_")
