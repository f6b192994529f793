"""The first schema: register, runs, documents, books, with the guards of R22."""

from alembic import op

import billing.models
import invoices.models
import ledger.models
from billing.migrations.guards import (
    append_only,
    balanced_entries,
    counted_entries,
    forward_only,
    irreplaceable,
    set_wise_references,
)
from billing.schema import METADATA
from ledger.accounts import chart

revision = "0001"
down_revision = None

KEYS = (
    ("document", "seller", "party", "digest"),
    ("document", "buyer", "party", "digest"),
    ("document_line", "document_id", "document", "id"),
    ("document_line", "corrects_document_id,corrects_line_no", "document_line", "document_id,line_no"),
    ("document_vat", "document_id", "document", "id"),
    ("delivery", "document_id", "document", "id"),
    ("run_outcome", "period", "billing_run", "period"),
    ("run_position", "period", "billing_run", "period"),
)


def guard_statements(dialect: str) -> tuple[str, ...]:
    """What makes the database itself refuse what R22 forbids; `check` proves that it still stands."""
    guarded = [table.name for m in (ledger.models, invoices.models, billing.models) for table in m.APPEND_ONLY]
    return (
        *append_only(dialect, guarded),
        *irreplaceable(dialect, (*invoices.models.APPEND_ONLY, *billing.models.APPEND_ONLY)),
        *balanced_entries(dialect),
        *counted_entries(dialect),
        *forward_only(dialect),
        *set_wise_references(dialect, KEYS),
    )


def upgrade() -> None:
    """Create the tables, fill the chart of accounts, set the guards."""
    connection = op.get_bind()
    for metadata in METADATA:
        metadata.create_all(connection)
    op.bulk_insert(ledger.models.account, [{"code": code, "label": label} for code, label in chart().items()])
    op.bulk_insert(ledger.models.entry_counter, [{"id": 1, "last": 0}])
    for statement in guard_statements(connection.dialect.name):
        op.execute(statement)
