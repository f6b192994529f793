"""The cut-off entries of years, with the sums they book."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Create the tables and their triggers."""
    execute_script(op.get_bind(), __file__)
