"""Names people know: tables of the audit log and of announced tier changes; and an account that came after 0004."""

from alembic import op
from sqlalchemy import text

from billing.migrations.script import execute_script

revision = "0019"
down_revision = "0018"

# The one account that came into the chart after version 0004. Databases made since have it: 0001 and 0004 read the
# chart of the day until their rows were written out.
_ACCOUNTS = (("6167", "Impôts, taxes et droits assimilés"),)


def upgrade() -> None:
    """Rename the tables with all that bears their names, and add the account where it is missing."""
    connection = op.get_bind()
    execute_script(connection, __file__)
    add = text("INSERT INTO account (code, label) VALUES (:code, :label) ON CONFLICT DO NOTHING")
    connection.execute(add, [{"code": code, "label": label} for code, label in _ACCOUNTS])
