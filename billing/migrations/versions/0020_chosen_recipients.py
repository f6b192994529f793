"""Addresses that people chose for a mail are told apart: all others follow the tenant's present one."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the column; of what has not left, an address that is neither the first nor the present one was chosen."""
    execute_script(op.get_bind(), __file__)
