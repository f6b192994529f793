"""Acts: who wrote what, when, why. One act answers for everything that stood before they were kept."""

from alembic import op
from sqlalchemy import text

from billing.migrations.script import execute_script

revision = "0002"
down_revision = "0001"

# What an act named by number in this version, and the newest number given.
_RANGES = {
    "entry": "SELECT last FROM entry_counter WHERE id = 1",
    "document": "SELECT last FROM number_series WHERE series = 'DOCUMENT' AND year = 0",
    "usage_event": "SELECT max(id) FROM usage_event",
    "import": "SELECT max(id) FROM import_log",
}


def upgrade() -> None:
    """Create the tables and their guards; name what stands already."""
    connection = op.get_bind()
    execute_script(connection, __file__)
    newest = {name: int(connection.scalar(text(query)) or 0) for name, query in _RANGES.items()}
    stood = any(newest.values())
    connection.execute(text("INSERT INTO act_counter (id, last) VALUES (1, :last)"), {"last": int(stood)})
    if stood:
        columns = [f"{end}_{name}" for name in newest for end in ("first", "last")]
        numbers = [number for last in newest.values() for number in ((1, last) if last else (None, None))]
        connection.execute(
            text(
                "INSERT INTO act (id, recorded_at, actor, origin, operation, request_id, reason, "  # noqa: S608 - our own names, values are bound
                f"{', '.join(columns)}) VALUES (1, CURRENT_TIMESTAMP, 'migrate', 'program', 'migrate', '0002', "
                f"'written before acts were kept', {', '.join(f':{column}' for column in columns)})"
            ),
            dict(zip(columns, numbers, strict=True)),
        )
