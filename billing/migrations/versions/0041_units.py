"""The units of sites: offices, desks, shops, rooms (R34)."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    """Create the table; on PostgreSQL its guards as well."""
    execute_script(op.get_bind(), __file__)
