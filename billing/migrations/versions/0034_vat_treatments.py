"""Why no VAT is charged where none is: on VAT rates, and on the lines of documents as issued."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Add the columns; what stands says nothing of it, and stays printed as it was."""
    execute_script(op.get_bind(), __file__)
