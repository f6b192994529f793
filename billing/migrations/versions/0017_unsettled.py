"""What may be open is named, so that whoever settles need not read what is settled; nothing was looked at yet."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Create the tables; the first look after it goes over everything once."""
    execute_script(op.get_bind(), __file__)
