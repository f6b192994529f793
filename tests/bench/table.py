"""One measured ratio, its bound, and how a table of them is printed."""

import os
import platform
import sqlite3
from collections.abc import Iterable
from importlib.metadata import version
from typing import NamedTuple

AT_MOST = "≤"
AT_LEAST = "≥"
_LIBRARIES = ("sqlalchemy", "psycopg", "weasyprint", "flask", "marshmallow", "orjson", "granian")


class Row(NamedTuple):
    """A ratio measured in one run against its reference. `note` gives what was measured, e.g. the medians.

    A row without a bound is for information.
    """

    what: str
    ratio: float
    relation: str = ""
    bound: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the bound is met."""
        if self.bound is None:
            return True
        return self.ratio <= self.bound if self.relation == AT_MOST else self.ratio >= self.bound


def machine() -> str:
    """Processor, cores, Python, databases and libraries, in one paragraph."""
    model = platform.processor() or platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"{os.cpu_count()} × {model}; {platform.system()}; Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {libraries}"
    )


def markdown(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | measured | bound | holds | detail |", "|---|---:|---:|---|---|"]
    for row in rows:
        bound = "" if row.bound is None else f"{row.relation} {row.bound:g}"
        holds = "" if row.bound is None else "yes" if row.holds else "**no**"
        lines.append(f"| {row.what} | {row.ratio:.3g} | {bound} | {holds} | {row.note} |")
    return "\n".join(lines)
