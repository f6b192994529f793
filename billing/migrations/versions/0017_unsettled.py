"""What may be open is named, so that whoever settles need not read what is settled; nothing was looked at yet."""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Create the tables; the first look after it goes over everything once."""
    connection = op.get_bind()
    file = Path(__file__).with_name(f"0017_unsettled.{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split("\n-- next\n"):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
