"""Accounting periods: closings, the trial balances they found, and the refusal of entries in closed months."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

from ledger.accounts import chart

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables and their guards, and add the accounts of the year's end."""
    connection = op.get_bind()
    file = Path(__file__).with_name(f"0004_periods.{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split("\n-- next\n"):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    add = text("INSERT INTO account (code, label) VALUES (:code, :label) ON CONFLICT DO NOTHING")
    connection.execute(add, [{"code": code, "label": label} for code, label in chart().items()])
