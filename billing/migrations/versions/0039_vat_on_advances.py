"""The VAT that closings booked on tenants' credit, and the account where it stands."""

from alembic import op
from sqlalchemy import text

from billing.migrations.script import execute_script

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Create the table and its triggers; the account and those below it take the label."""
    connection = op.get_bind()
    execute_script(connection, __file__)
    values = {"code": "34587", "label": "État - TVA sur avances et acomptes reçus", "below": "34587%"}
    connection.execute(text("UPDATE account SET label = :label WHERE code LIKE :below"), values)
    connection.execute(text("INSERT INTO account (code, label) VALUES (:code, :label) ON CONFLICT DO NOTHING"), values)
