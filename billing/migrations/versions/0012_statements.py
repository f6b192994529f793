"""Bank statements, their lines, and what was decided about each; money accounts found by day."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the tables with their guards, and the index."""
    execute_script(op.get_bind(), __file__)
