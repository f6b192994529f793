"""A year's cut-off as a file: JSON, or a row a document, service and month (`csv`, `xlsx`)."""

from collections.abc import Iterator

from billing.books.cut_off.proposing import CutOffLine, Proposal
from billing.books.cut_off.shapes import CutOff
from billing.frame.shapes import indented
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table

_KINDS = {"month": Kind.MONTH, "amount": Kind.AMOUNT}
_COLUMNS = tuple(Column(name, _KINDS.get(name, Kind.TEXT)) for name in CutOffLine._fields)


def cut_off_file(proposal: Proposal, file_format: str) -> Iterator[bytes]:
    """Return a proposal as pieces of a file."""
    if file_format == "json":
        return iter([indented(CutOff.of(proposal))])
    return table(file_format, "Régularisations", _COLUMNS, proposal.lines)
