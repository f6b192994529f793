"""Editions: documents issued so far stay printed as they were, those to come say how they are."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; what stands is of the first edition."""
    execute_script(op.get_bind(), __file__)
