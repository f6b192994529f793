"""The names of bank statements and their lines: `RE-000012`, `RE-000012/3`; and the keys behind them."""

from typing import TypeAlias

from billing.frame.codes import BANK_STATEMENT
from billing.frame.errors import Unknown

# The key of a line: its statement's, and its number within it.
LineKey: TypeAlias = tuple[int, int]


def statement_name(key: int) -> str:
    """Return the name of a bank statement: `RE-000012`."""
    return BANK_STATEMENT.format(key)


def line_name(key: int, line_no: int) -> str:
    """Return the name of a bank line: `RE-000012/3`."""
    return f"{statement_name(key)}/{line_no}"


def parse_line_name(name: str) -> LineKey:
    """Return the key of a line; raises Unknown for a text that is no line's name."""
    statement, _, line_no = name.partition("/")
    if not (line_no.isascii() and line_no.isdecimal() and len(line_no) <= 9) or line_no.startswith("0"):
        raise Unknown(f"there is no bank line {name}: they are called {line_name(12, 3)}")
    return BANK_STATEMENT.parse(statement), int(line_no)
