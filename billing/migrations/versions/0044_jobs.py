"""Requests that are done later, by processes beside the API."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    """Create the table."""
    execute_script(op.get_bind(), __file__)
