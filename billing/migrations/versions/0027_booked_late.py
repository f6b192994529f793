"""Receipts and refunds of a closed month keep their day and are booked on the first open one."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add the column; what stands was booked on its own day."""
    execute_script(op.get_bind(), __file__)
