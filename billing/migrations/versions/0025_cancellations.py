"""Receipts and refunds cancelled; the same means, reference and day may name several of either."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Count what bears the same name, and create the tables of cancellations.

    On SQLite the two tables are built anew, since a UNIQUE constraint cannot be taken off; what refers to them is
    checked again at the end of the transaction.
    """
    execute_script(op.get_bind(), __file__)
