"""Who funded whom: the matrix of each run, as its closing found it."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table and its guards; `migrate` then fills it for runs completed before."""
    execute_script(op.get_bind(), __file__)
