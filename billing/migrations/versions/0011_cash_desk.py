"""The cash desk: numbered receipts for cash."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the table and its guards."""
    execute_script(op.get_bind(), __file__)
