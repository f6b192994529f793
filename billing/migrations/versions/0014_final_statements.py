"""Deposits set against unpaid invoices, and the statements that close leases."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Create the tables and their guards."""
    execute_script(op.get_bind(), __file__)
