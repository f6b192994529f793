"""Tenants held from the run of a month, with a reason; an outcome that says so."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Create the table and its triggers; on SQLite build that of outcomes anew, since its CHECK cannot be changed."""
    execute_script(op.get_bind(), __file__)
