"""Exact running shares: what an act settles, and lets fall due, may be no whole centimes; what stands is (R26)."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the columns; what was settled and declared before keeps its whole centimes."""
    execute_script(op.get_bind(), __file__)
