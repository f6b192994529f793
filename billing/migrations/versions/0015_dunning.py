"""Dunning: reminders sent, disputes and promises, interest clauses."""

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the tables and their guards."""
    connection = op.get_bind()
    file = Path(__file__).with_name(f"0015_dunning.{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split("\n-- next\n"):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
