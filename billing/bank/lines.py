"""Statements and their lines as people and programs see them: what each was found to be, or what is proposed for it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, not_, select, tuple_

from billing.bank.deciding import UNDONE, LineKey, line_row, propose
from billing.bank.formats.statement import BankLine
from billing.bank.importing import line_name, name_of
from billing.bank.matching import BOOKED, BOUNCED, CLEARED, RECEIVED, RECORDED, Proposal
from billing.bank.pool import is_latest
from billing.bank.tables import bank_line, line_decision, line_entry
from billing.frame.codes import RECEIPT
from billing.frame.reports.formats import require_format
from billing.frame.terms import Terms
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table
from pricing.money import format_amount


def _is_decided() -> ColumnElement[bool]:
    d, x = line_decision.c, bank_line.c
    return exists(
        select(d.line_no).where(d.statement_id == x.statement_id, d.line_no == x.line_no, d.kind != UNDONE, is_latest())
    )


def lines_of(statement: int | None, *, waiting: bool | None = None) -> Select[Any]:
    """The lines of a statement (None: of all), those that wait or are decided, in order."""
    x = bank_line.c
    found = select(bank_line).order_by(x.statement_id, x.line_no)
    if statement is not None:
        found = found.where(x.statement_id == statement)
    if waiting is not None:
        found = found.where(not_(_is_decided()) if waiting else _is_decided())
    return found


def waiting_lines() -> Select[Any]:
    """The lines that wait for a person, in no order."""
    return select(bank_line).where(not_(_is_decided()))


def statement_json(row: Row[Any]) -> dict[str, Any]:
    """A statement as JSON."""
    return {
        "name": name_of(row.id),
        "account": row.account,
        "reference": row.reference,
        "file": row.file,
        "opening": format_amount(row.opening),
        "closed_on": row.closed_on.isoformat(),
        "closing": format_amount(row.closing),
        "lines": row.line_count,
        "recorded_at": _instant(row.recorded_at),
    }


def lines_json(connection: Connection, rows: Sequence[Row[Any]], terms: Terms) -> list[dict[str, Any]]:
    """Lines as JSON, in their order: each with its decision, or else with what is proposed as things stand."""
    lines = [line_row(row) for row in rows]
    decided = _decisions(connection, [line.key for line in lines])
    waiting = [line for line in lines if line.key not in decided or decided[line.key][-1]["kind"] == UNDONE]
    found = propose(connection, [line.line for line in waiting], terms)
    proposals = {line.key: said for line, said in zip(waiting, found, strict=True)}
    return [_line_json(line.key, line.line, decided, proposals) for line in lines]


def _line_json(
    key: LineKey,
    line: BankLine,
    decided: Mapping[LineKey, list[dict[str, Any]]],
    proposals: Mapping[LineKey, tuple[Proposal, ...]],
) -> dict[str, Any]:
    return {
        "name": line_name(*key),
        "statement": name_of(key[0]),
        "line": key[1],
        "booked_on": line.booked_on.isoformat(),
        "value_on": line.value_on.isoformat(),
        "amount": format_amount(line.amount),
        "bank_reference": line.bank_reference,
        "end_to_end_id": line.end_to_end_id,
        "structured_reference": line.structured_reference,
        "counterparty": line.counterparty,
        "counterparty_account": line.counterparty_account,
        "text": line.text,
        "code": line.code,
        "is_reversal": line.is_reversal,
        "decisions": decided.get(key, []),
        "proposals": [proposal_json(proposal) for proposal in proposals.get(key, ())],
    }


def _decisions(connection: Connection, keys: Sequence[LineKey]) -> dict[LineKey, list[dict[str, Any]]]:
    """Every decision about lines, in order, with the entries it names."""
    if not keys:
        return {}
    d, x = line_decision.c, line_entry.c
    entries: dict[tuple[int, int, int], list[str]] = {}
    named = select(line_entry).where(tuple_(x.statement_id, x.line_no).in_(keys)).order_by(x.entry)
    for row in connection.execute(named):
        entries.setdefault((row.statement_id, row.line_no, row.decision_no), []).append(row.entry)
    found: dict[LineKey, list[dict[str, Any]]] = {}
    taken = select(line_decision).where(tuple_(d.statement_id, d.line_no).in_(keys)).order_by(d.decision_no)
    for row in connection.execute(taken):
        key = row.statement_id, row.line_no
        found.setdefault(key, []).append(
            {
                "number": row.decision_no,
                "kind": row.kind,
                "confidence": row.confidence,
                "why": row.why,
                "decided_on": row.decided_on.isoformat(),
                "tenant": row.tenant,
                "entries": entries.get((*key, row.decision_no), []),
                "recorded_at": _instant(row.recorded_at),
            }
        )
    return found


def _instant(at: datetime) -> str:
    # SQLite keeps instants in UTC, without saying so.
    utc = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return utc.isoformat(timespec="seconds").replace("+00:00", "Z")


def proposal_json(proposal: Proposal) -> dict[str, Any]:
    """A proposal as JSON."""
    return {
        "kind": proposal.kind,
        "confidence": proposal.confidence,
        "why": proposal.why.text,
        "reason": proposal.why.code,
        "tenant": proposal.tenant,
        "allocations": [{"invoice": part.invoice, "amount": format_amount(part.amount)} for part in proposal.parts],
        "rent_withheld": format_amount(proposal.rent_withheld),
        "vat_withheld": format_amount(proposal.vat_withheld),
        "receipt": None if proposal.receipt is None else RECEIPT.format(proposal.receipt),
        "entry": proposal.entry,
        "account": proposal.account,
    }


COLUMNS = (
    Column("Ligne", Kind.TEXT),
    Column("Date", Kind.DAY),
    Column("Montant", Kind.AMOUNT),
    Column("Contrepartie", Kind.TEXT),
    Column("Libellé", Kind.TEXT),
    Column("Référence banque", Kind.TEXT),
    Column("Proposition", Kind.TEXT),
    Column("Locataire", Kind.TEXT),
    Column("Factures", Kind.TEXT),
    Column("Certitude (%)", Kind.COUNT),
    Column("Motif", Kind.TEXT),
)
# What proposals are called where accountants read them.
_KINDS = {
    RECEIVED: "Encaissement",
    CLEARED: "Chèque ou effet encaissé",
    BOUNCED: "Chèque ou effet impayé",
    BOOKED: "Mouvement propre à la banque",
    RECORDED: "Déjà comptabilisé",
}


def waiting_pieces(connection: Connection, terms: Terms, file_format: str) -> Iterator[bytes]:
    """The lines that wait for a person, each with the best proposal, as pieces of a file: CSV, XLSX. Raises Unknown."""
    require_format(file_format)
    lines = [line_row(row) for row in connection.execute(lines_of(None, waiting=True))]
    found = propose(connection, [line.line for line in lines], terms)
    rows = [
        (
            line_name(*key), line.booked_on, line.amount, line.counterparty, line.text, line.bank_reference,
            *(_best(proposals[0]) if proposals else (None,) * 5),
        )
        for (key, line), proposals in zip(lines, found, strict=True)
    ]  # fmt: skip
    return table(file_format, "Lignes en attente", COLUMNS, rows)


def _best(proposal: Proposal) -> tuple[Any, ...]:
    invoices = ", ".join(f"{part.invoice} {format_amount(part.amount)}" for part in proposal.parts)
    what = invoices or proposal.account or proposal.entry
    if proposal.receipt is not None:
        what = RECEIPT.format(proposal.receipt)
    return _KINDS[proposal.kind], proposal.tenant, what, proposal.confidence, proposal.why.text
