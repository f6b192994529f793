"""The shape of an import's report: what is new, what changes from what to what, what stays, what is unlikely."""

from typing import Annotated

from billing.frame.errors import Fault
from billing.frame.shapes import Count, Shape, Text, about
from billing.register.network_import.report import ImportReport


class ImportedFile(Shape, frozen=True):
    """The rows of one file."""

    file: Annotated[str, about("The file, with its sheet where it is a workbook")]
    new: Annotated[Count, about("Rows that are new")]
    changed: Annotated[Count, about("Rows that get other values")]
    unchanged: Annotated[Count, about("Rows that stand already, just so")]
    new_keys: Annotated[list[str], about("The keys of the new rows; of usage only their number is told")]


class ImportedChange(Shape, frozen=True):
    """One column of one row that gets another value; both as written in files."""

    file: Annotated[str, about("The file")]
    key: Annotated[str, about("The key of the row")]
    column: Annotated[str, about("The column")]
    old: Annotated[str, about("What it was; blank for none")]
    new: Annotated[str, about("What it becomes; blank for none")]


class ImportedWarning(Shape, frozen=True):
    """What is taken and yet should be looked at."""

    file: Annotated[str, about("The file")]
    line: Annotated[int | None, about("The line, from 1 with the header; null: the file as a whole")]
    column: Annotated[str | None, about("The column; null: the row as a whole")]
    value: Annotated[str | None, about("What is written there")]
    problem: Annotated[Text, about("Why it should be looked at")]
    remedy: Annotated[Text | None, about("What to do")]

    @classmethod
    def of(cls, fault: Fault) -> "ImportedWarning":
        """Return the shape of a warning."""
        return cls(fault.file, fault.line, fault.column, fault.value, fault.problem, fault.remedy or None)


class Imported(Shape, frozen=True):
    """The outcome of an import; of a dry run, what it would be."""

    dry_run: Annotated[bool, about("Whether nothing was written")]
    new: Annotated[Count, about("Rows that are new, in all files")]
    changed: Annotated[Count, about("Rows that get other values")]
    unchanged: Annotated[Count, about("Rows that stand already, just so")]
    files: Annotated[list[ImportedFile], about("Each file that was read")]
    changes: Annotated[list[ImportedChange], about("Each cell that changes")]
    warnings: Annotated[list[ImportedWarning], about("What is unlikely, by file and line")]

    @classmethod
    def of(cls, report: ImportReport) -> "Imported":
        """Return the shape of a report."""
        return cls(
            dry_run=report.dry_run,
            new=report.new,
            changed=report.changed,
            unchanged=report.unchanged,
            files=[
                ImportedFile(file, x.new, x.changed, x.unchanged, list(x.new_keys)) for file, x in report.files.items()
            ],
            changes=[ImportedChange(*change) for change in report.changes],
            warnings=[ImportedWarning.of(fault) for fault in report.warnings],
        )
