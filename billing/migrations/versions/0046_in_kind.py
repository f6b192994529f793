"""What is given in kind: rates that are free of charge in every tier, and have a value (R37)."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    """Add the column; what stands is charged."""
    execute_script(op.get_bind(), __file__)
