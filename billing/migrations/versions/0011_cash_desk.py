"""The cash desk: numbered receipts for cash."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the table and its guards."""
    connection = op.get_bind()
    file = Path(__file__).with_name(f"0011_cash_desk.{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split("\n-- next\n"):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
