"""Doubtful and lost debts: what was decided about them."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table and its guards."""
    execute_script(op.get_bind(), __file__)
