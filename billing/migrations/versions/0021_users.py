"""Users, tokens that belong to them, several scopes and sites a token; audit events name the user; approvals.

Decisions about debts name who approved only where somebody had to.
"""

from alembic import op

from billing.migrations.script import execute_script, redeclare_table

revision = "0021"
down_revision = "0020"

_NAMES = {"approved_by TEXT NOT NULL": "approved_by TEXT"}


def upgrade() -> None:
    """Add users and what refers to them; the tokens there are stay valid, and nobody's, and names typed so far stay."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE debt_act ALTER COLUMN approved_by DROP NOT NULL")
    else:
        redeclare_table(connection, "debt_act", _NAMES)
    execute_script(connection, __file__)
