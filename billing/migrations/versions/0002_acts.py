"""Acts: who wrote what, when, why. One act answers for everything that stood before they were kept."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

import billing.frame.tables
from billing.frame.audit_log import RANGES

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables and their guards; name what stands already."""
    connection = op.get_bind()
    file = Path(__file__).with_name(f"0002_acts.{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split("\n-- next\n"):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    newest = {r.name: int(connection.scalar(text(r.newest)) or 0) for r in RANGES}
    stood = any(newest.values())
    op.bulk_insert(billing.frame.tables.act_counter, [{"id": 1, "last": int(stood)}])
    if stood:
        columns = [f"{end}_{name}" for name in newest for end in ("first", "last")]
        numbers = [number for last in newest.values() for number in ((1, last) if last else (None, None))]
        connection.execute(
            text(
                "INSERT INTO act (id, recorded_at, actor, origin, operation, request_id, reason, "
                f"{', '.join(columns)}) VALUES (1, CURRENT_TIMESTAMP, 'migrate', 'program', 'migrate', '0002', "
                f"'written before acts were kept', {', '.join(f':{column}' for column in columns)})"
            ),
            dict(zip(columns, numbers, strict=True)),
        )
