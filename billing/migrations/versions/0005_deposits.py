"""Deposits: what was asked when a lease began, what came and went."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables and their guards."""
    execute_script(op.get_bind(), __file__)
