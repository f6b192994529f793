"""Doubtful and lost debts: what was decided about them."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table and its guards."""
    connection = op.get_bind()
    file = Path(__file__).with_name(f"0006_debts.{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split("\n-- next\n"):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
