"""Messages that are not sent any more, since what they say is no longer so: a fourth state of their deliveries."""

from pathlib import Path

from alembic import op
from sqlalchemy import Connection, text

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
        _reword_deliveries(connection)
    file = Path(__file__).with_name(f"0018_stopped_messages.{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split("\n-- next\n"):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _reword_deliveries(connection: Connection) -> None:
    """Change the declaration of `message_delivery` in place, as version 0003 does that of `document`."""
    declared = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'message_delivery'"
    before = str(connection.scalar(text(declared)))
    if before.count(_BEFORE) != 1:
        raise RuntimeError("message_delivery is not as version 0008 declared it: restore a backup and migrate that")
    after = before.replace(_BEFORE, _AFTER)
    version = int(connection.scalar(text("PRAGMA schema_version")) or 0)
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.execute(
        text("UPDATE sqlite_schema SET sql = :after WHERE type = 'table' AND name = 'message_delivery'"),
        {"after": after},
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
    if connection.scalar(text(declared)) != after or connection.scalar(text("PRAGMA integrity_check")) != "ok":
        raise RuntimeError("message_delivery could not be declared anew: nothing was changed")
