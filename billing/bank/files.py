"""Bank lines that wait and the reconciliation, as files for accountants: tables in French, or JSON."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Connection

from billing.bank import shapes
from billing.bank.facts import propose
from billing.bank.matching.values import LineKind, Proposal
from billing.bank.naming import line_name
from billing.bank.queries import line_row, lines
from billing.bank.reconciling import LABELS, reconcile
from billing.entries.accounts import BANK_ACCOUNT
from billing.frame.codes import RECEIPT
from billing.frame.reports.formats import require_format
from billing.frame.shapes import indented
from billing.frame.terms import Terms
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table
from pricing.money import format_amount

_LINE_COLUMNS = (
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
_RECONCILIATION_COLUMNS = (
    Column("Nature", Kind.TEXT),
    Column("Référence", Kind.TEXT),
    Column("Date", Kind.DAY),
    Column("Libellé", Kind.TEXT),
    Column("Montant", Kind.AMOUNT),
)
_KINDS = {
    LineKind.RECEIVED: "Encaissement",
    LineKind.CLEARED: "Chèque ou effet encaissé",
    LineKind.BOUNCED: "Chèque ou effet impayé",
    LineKind.BOOKED: "Mouvement propre à la banque",
    LineKind.RECORDED: "Déjà comptabilisé",
}
_NO_PROPOSAL = (None,) * 5


def waiting_file(connection: Connection, terms: Terms, file_format: str) -> Iterator[bytes]:
    """Yield the pieces of a CSV or XLSX file of the lines that wait, each with the best proposal. Raises Unknown."""
    require_format(file_format)
    rows = [line_row(row) for row in connection.execute(lines(waiting=True))]
    proposed = propose(connection, [row.line for row in rows], terms)
    cells = [
        (
            line_name(*key), line.booked_on, line.amount, line.counterparty, line.text, line.bank_reference,
            *(_proposal_cells(proposals[0]) if proposals else _NO_PROPOSAL),
        )
        for (key, line), proposals in zip(rows, proposed, strict=True)
    ]  # fmt: skip
    return table(file_format, "Lignes en attente", _LINE_COLUMNS, cells)


def _proposal_cells(proposal: Proposal) -> tuple[Any, ...]:
    invoices = ", ".join(f"{part.invoice} {format_amount(part.amount)}" for part in proposal.parts)
    settled = invoices or proposal.account or ", ".join(proposal.entries)
    if proposal.receipt is not None:
        settled = RECEIPT.format(proposal.receipt)
    return _KINDS[proposal.kind], proposal.tenant, settled, proposal.confidence, proposal.why.text


def reconciliation_file(connection: Connection, own_account: str, on: date | None, file_format: str) -> Iterator[bytes]:
    """Yield the pieces of a JSON, CSV or XLSX file of the reconciliation. Raises Unknown."""
    require_format(file_format)
    reconciliation = reconcile(connection, own_account, on)
    if file_format == "json":
        return iter([indented(shapes.Reconciliation.of(reconciliation))])
    day = reconciliation.on
    rows = [
        ("Solde de la banque", reconciliation.statement, day, "Solde au relevé", reconciliation.bank),
        *(
            (LABELS[parting.kind], parting.reference, parting.on, parting.text, -parting.amount)
            for parting in reconciliation.partings
        ),
        ("Écart inexpliqué", "", day, "", -reconciliation.unexplained),
        ("Solde en comptabilité", BANK_ACCOUNT, day, "Solde du compte", reconciliation.books),
    ]
    return table(file_format, "Rapprochement", _RECONCILIATION_COLUMNS, rows)
