"""Editions: documents issued so far stay printed as they were, those to come say how they are."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; what stands is of the first edition."""
    connection = op.get_bind()
    file = Path(__file__).with_name(f"0007_editions.{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split("\n-- next\n"):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
