"""Mails that are no documents: what is told, and whether it arrived."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the tables and their guards."""
    execute_script(op.get_bind(), __file__)
