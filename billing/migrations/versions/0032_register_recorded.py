"""PostgreSQL refuses changes to the register, users and tokens that no act names; usage comes under proof.

One act puts the usage that stands already into the log of hashes, behind it.
"""

from alembic import op
from sqlalchemy import text

from billing.migrations.script import execute_script

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Create the guards; record the act that the log finds the usage by, where there is any."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        execute_script(connection, __file__)
    if connection.scalar(text("SELECT max(last_usage_event) FROM audit_event")) is not None:
        connection.execute(text("UPDATE audit_counter SET last = last + 1 WHERE id = 1"))
        connection.execute(
            text(
                "INSERT INTO audit_event (id, recorded_at, actor, origin, operation, request_id, reason) "
                "SELECT last, CURRENT_TIMESTAMP, 'migrate', 'program', 'put usage under proof', '0032', "
                "'usage recorded before it was under proof' FROM audit_counter WHERE id = 1"
            )
        )
