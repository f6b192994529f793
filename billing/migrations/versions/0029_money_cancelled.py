"""Deposits, recovered debts and certificates cancelled; deposits and debts booked late; a recovery's bank reference."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Create the tables of cancellations; what stands was booked on its own day, and counts.

    On SQLite two tables are built anew, since their constraints cannot be changed; what refers to them is checked again
    at the end of the transaction.
    """
    execute_script(op.get_bind(), __file__)
