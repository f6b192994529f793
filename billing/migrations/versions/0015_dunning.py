"""Dunning: reminders sent, disputes and promises, interest clauses."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the tables and their guards."""
    execute_script(op.get_bind(), __file__)
