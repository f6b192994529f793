"""The run that counts a credit note by hand which cancels lines (R28)."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Create the table and its triggers."""
    execute_script(op.get_bind(), __file__)
