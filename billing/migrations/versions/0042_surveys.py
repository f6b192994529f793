"""What firms answer once a year, and what became of them (R36)."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    """Create the table; on PostgreSQL its guards as well."""
    execute_script(op.get_bind(), __file__)
