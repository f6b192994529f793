"""Cosignatures of checkpoints by witnesses (C2SP tlog-cosignature)."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Create the table and its triggers."""
    execute_script(op.get_bind(), __file__)
