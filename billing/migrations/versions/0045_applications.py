"""The applications of firms, and so the waiting lists of sites (R35)."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    """Create the table; on PostgreSQL its guards as well."""
    execute_script(op.get_bind(), __file__)
