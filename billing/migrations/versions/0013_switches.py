"""Announcements of switches to the market price."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create the table and its guards."""
    execute_script(op.get_bind(), __file__)
