"""The endpoints of webhooks, how far each was told, and the log of attempts."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    """Create the tables."""
    execute_script(op.get_bind(), __file__)
