"""Credit notes by hand: documents that no run issued, and what ties them to the invoices they credit."""

from alembic import op

from billing.migrations.script import execute_script, redeclare_table

revision = "0003"
down_revision = "0002"

_RUNLESS = "CONSTRAINT ck_document_runless CHECK (period IS NOT NULL OR kind = 'credit_note')"


def upgrade() -> None:
    """Let a document stand without a run, if it is a credit note; create the tables and their guards."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE document ALTER COLUMN period DROP NOT NULL")
        op.execute(f"ALTER TABLE document ADD {_RUNLESS}")
    else:
        kind = "CONSTRAINT ck_document_kind"
        wording = {"period DATE NOT NULL": "period DATE", kind: f"{_RUNLESS},\n    {kind}"}
        redeclare_table(connection, "document", wording)
    execute_script(connection, __file__)
