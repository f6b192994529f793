"""Messages that are not sent any more, since what they say is no longer so: a fourth state of their deliveries."""

from alembic import op

from billing.migrations.script import execute_script, redeclare_table

revision = "0018"
down_revision = "0017"

_BEFORE = "CHECK (state IN ('queued', 'failed', 'sent'))"
_AFTER = "CHECK (state IN ('queued', 'failed', 'sent', 'stopped'))"


def upgrade() -> None:
    """Allow the state, and let it be the last as `sent` is."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE message_delivery DROP CONSTRAINT ck_message_delivery_state")
        op.execute(f"ALTER TABLE message_delivery ADD CONSTRAINT ck_message_delivery_state {_AFTER}")
    else:
        redeclare_table(connection, "message_delivery", {_BEFORE: _AFTER})
    execute_script(connection, __file__)
