"""Credit notes by hand: documents that no run issued, and what ties them to the invoices they credit."""

from pathlib import Path

from alembic import op
from sqlalchemy import Connection, text

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
        _reword_document(connection)
    file = Path(__file__).with_name(f"0003_credit_notes_by_hand.{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split("\n-- next\n"):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _reword_document(connection: Connection) -> None:
    """Change the declaration of `document` in place, as SQLite's manual has it (ALTER TABLE, section 7).

    What a column or CHECK allows is said in the declaration alone: no row is written differently. Building the
    table anew would drop the one that every guard and foreign key refers to.
    """
    declared = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'document'"
    before = str(connection.scalar(text(declared)))
    period, kind = "period DATE NOT NULL", "CONSTRAINT ck_document_kind"
    if before.count(period) != 1 or before.count(kind) != 1:
        raise RuntimeError("the table document is not as version 0001 declared it: restore a backup and migrate that")
    after = before.replace(period, "period DATE").replace(kind, f"{_RUNLESS},\n    {kind}")
    version = int(connection.scalar(text("PRAGMA schema_version")) or 0)
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.execute(
        text("UPDATE sqlite_schema SET sql = :after WHERE type = 'table' AND name = 'document'"), {"after": after}
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
    if connection.scalar(text(declared)) != after or connection.scalar(text("PRAGMA integrity_check")) != "ok":
        raise RuntimeError("the table document could not be declared anew: nothing was changed")
