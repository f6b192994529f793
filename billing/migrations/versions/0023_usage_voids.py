"""Usage events that are void, with the reason; and the lines that bill again what is left of those taken back."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Create the tables and their triggers."""
    execute_script(op.get_bind(), __file__)
