"""Users, tokens that belong to them, several scopes and sites a token; audit events name the user."""

from alembic import op

from billing.migrations.script import execute_script

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the table of users and what refers to it; the tokens there are stay valid, and nobody's."""
    execute_script(op.get_bind(), __file__)
