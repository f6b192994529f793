"""Changes of acts are stored as they are on PostgreSQL: digests hardly shrink, and trying took most of a seal."""

from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Leave out the compression of long values; what stands stays as it is stored."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE audit_change ALTER COLUMN after SET STORAGE EXTERNAL")
