"""Search for a text that people typed: anywhere in a column, without accents, capital and small letters alike.

Neither database folds as the other does (SQLite knows the letters of ASCII, PostgreSQL those of its locale), so one
table of letters stands here for both: SQLite calls `fold`, PostgreSQL translates by the same table.
"""

import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, String, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_ESCAPE = "\\"
# From À to the end of the Arabic letters, and the Latin letters that came later.
_LETTERS = (*range(0xC0, 0x700), *range(0x1E00, 0x1F00))
# Letters that are no other letter with a mark, and what keyboards and word processors write in place of each other.
_PLAIN = {
    "ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "đ": "d", "Đ": "d", "ı": "i", "Œ": "œ", "Æ": "æ", "ẞ": "ß",
    "’": "'", "ʼ": "'", "‘": "'", "\N{EN DASH}": "-", "\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ",
}  # fmt: skip
# Written as two letters, once capitals are small.
_TWO = {"œ": "oe", "æ": "ae", "ß": "ss"}


def _folded(letter: str) -> str:
    """Return the small letter without its marks; a mark alone is nothing."""
    parts = unicodedata.normalize("NFKD", letter).lower()
    return "".join(part for part in parts if not unicodedata.combining(part))


def _table() -> dict[str, str]:
    # Letters that stay come first: PostgreSQL looks a letter up from the beginning, and most are of these.
    letters = "etaoinsrhldcumfpgwybvkxjqz"
    ascii_letters = {letter: letter.lower() for letter in f" {letters}{letters.upper()}0123456789"}
    folded = {chr(code): _folded(chr(code)) for code in _LETTERS}
    folded = {letter: plain for letter, plain in folded.items() if plain != letter and len(plain) <= 1}
    # What becomes nothing comes last.
    return ascii_letters | dict(sorted((folded | _PLAIN).items(), key=lambda pair: not pair[1]))


_FOLDED = _table()
_BY_CODE = {ord(letter): plain or None for letter, plain in _FOLDED.items()}


def fold(text: str | None) -> str | None:
    """Return a text as it is searched and sorted: without accents, in small letters."""
    if text is None or text.isascii():
        return text and text.lower()
    plain = text.translate(_BY_CODE)
    for letter, two in _TWO.items():
        plain = plain.replace(letter, two)
    return plain


class Folded(FunctionElement[str]):
    """A column's text as `fold` folds it, in the database; ordered by bytes."""

    type = String()
    inherit_cache = True


@compiles(Folded, "sqlite")
def _of_sqlite(element: Folded, compiler: Any, **options: Any) -> str:
    return f"folded({compiler.process(element.clauses, **options)})"


@compiles(Folded, "postgresql")
def _of_postgresql(element: Folded, compiler: Any, **options: Any) -> str:
    text = f"({compiler.process(element.clauses, **options)})"
    plain = f"translate({text}, {_quoted(''.join(_FOLDED))}, {_quoted(''.join(_FOLDED.values()))})"
    for letter, two in _TWO.items():
        plain = f"replace({plain}, '{letter}', '{two}')"
    # Most texts are ASCII, and their letters are made small much faster.
    small = f'lower({text} COLLATE "C")'
    return f'(CASE WHEN octet_length({text}) = char_length({text}) THEN {small} ELSE {plain} END COLLATE "C")'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def found_in(text: str, *columns: ColumnElement[str]) -> ColumnElement[bool]:
    """Select what holds `text` in one of these columns; `%` and `_` stand for themselves."""
    pattern = f"%{_escaped(fold(text.strip()) or '')}%"
    return or_(*(Folded(column).like(pattern, escape=_ESCAPE) for column in columns))


def _escaped(text: str) -> str:
    return text.replace(_ESCAPE, _ESCAPE * 2).replace("%", f"{_ESCAPE}%").replace("_", f"{_ESCAPE}_")
