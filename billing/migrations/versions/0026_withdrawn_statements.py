"""Bank statements withdrawn that were imported wrongly."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Create the table of withdrawals."""
    execute_script(op.get_bind(), __file__)
