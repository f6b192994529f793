"""Mails that are no documents: what is told, and whether it arrived."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the tables and their guards."""
    connection = op.get_bind()
    file = Path(__file__).with_name(f"0008_messages.{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split("\n-- next\n"):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
