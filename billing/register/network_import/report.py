"""The report of an import, done or only tried: counts, new keys, changes old to new, warnings."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

from billing.frame.errors import Fault

_NEW_KEYS_SHOWN = 20


class Change(NamedTuple):
    """One column of one row that got another value; both as written in the file, blank for none."""

    file: str
    key: str
    column: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class FileCounts:
    """The numbers of a file's rows that were new, changed, unchanged; the new keys (of usage only the count).

    `warnings` are those of loading it.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    new_keys: tuple[str, ...] = ()
    warnings: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The outcome of an import; of a dry run, what it would have been.

    `files` holds each file read, in order; `warnings` say what was taken but should be looked at.
    """

    files: Mapping[str, FileCounts]
    changes: tuple[Change, ...]
    warnings: tuple[Fault, ...]
    dry_run: bool = False

    @property
    def new(self) -> int:
        """Rows that were new."""
        return sum(counts.new for counts in self.files.values())

    @property
    def changed(self) -> int:
        """Rows that got another value."""
        return sum(counts.changed for counts in self.files.values())

    @property
    def unchanged(self) -> int:
        """Rows that were there already, just so."""
        return sum(counts.unchanged for counts in self.files.values())

    def lines(self) -> Iterator[str]:
        """Yield the report for people, line by line."""
        for file, counts in self.files.items():
            yield f"{file}: {counts.new} new, {counts.changed} changed, {counts.unchanged} unchanged"
            if counts.new_keys:
                more = len(counts.new_keys) - _NEW_KEYS_SHOWN
                yield f"  new: {', '.join(counts.new_keys[:_NEW_KEYS_SHOWN])}{f' and {more} more' if more > 0 else ''}"
            for change in self.changes:
                if change.file == file:
                    yield f"  {change.key} {change.column}: {_quoted(change.old)} → {_quoted(change.new)}"
        for warning in self.warnings:
            yield f"warning: {warning}"
        total = f"{self.new} new, {self.changed} changed, {self.unchanged} unchanged"
        yield f"dry run, nothing written: {total}" if self.dry_run else f"imported: {total}"

    def as_json(self) -> str:
        """Return the report for the import log."""
        files = {file: asdict(counts) for file, counts in self.files.items()}
        for counts in files.values():
            del counts["warnings"]
        return json.dumps(
            {
                "files": files,
                "changes": [change._asdict() for change in self.changes],
                "warnings": [str(warning) for warning in self.warnings],
            },
            ensure_ascii=False,
        )


def _quoted(cell: str) -> str:
    return cell if cell and cell.isprintable() else repr(cell) if cell else "(blank)"
