"""Orders that wait for a second person; decisions about debts name who approved only where somebody had to."""

from alembic import op

from billing.migrations.script import execute_script, redeclare_table

revision = "0021"
down_revision = "0020"

_NAMES = {"approved_by TEXT NOT NULL": "approved_by TEXT"}


def upgrade() -> None:
    """Add the tables; names typed as approvers so far stay. Orders wait at once where two users may approve."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE debt_act ALTER COLUMN approved_by DROP NOT NULL")
    else:
        redeclare_table(connection, "debt_act", _NAMES)
    execute_script(connection, __file__)
