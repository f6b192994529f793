"""Who funded whom: the matrix of each run, as its closing found it."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table and its guards; `migrate` then fills it for runs completed before."""
    connection = op.get_bind()
    file = Path(__file__).with_name(f"0009_funding_matrix.{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split("\n-- next\n"):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
