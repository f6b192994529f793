"""The proof of the books: the log of hashes, its checkpoints and timestamps."""

from alembic import context, op
from sqlalchemy import Connection, text

from billing.migrations.script import execute_script

revision = "0016"
down_revision = "0015"

_STANDING = (
    "SELECT 'closings' AS subject, CAST(id AS TEXT) AS key, "
    """'{"digest": "' || digest || '"}' AS after, id AS number FROM period_act """
    """UNION ALL SELECT 'files', d.number, '{"sha256": "' || f.sha256 || '"}', d.id """
    "FROM document_file f JOIN document d ON d.id = f.document_id"
)


def upgrade() -> None:
    """Create the tables and their guards, and name what acts did not name before: closings and files."""
    connection = op.get_bind()
    execute_script(connection, __file__)
    _name_what_stands(connection)


def _name_what_stands(connection: Connection) -> None:
    """One act names every closing and file there is: the log holds them from now on, as they stand."""
    if connection.scalar(text(f"SELECT count(*) FROM ({_STANDING}) AS standing")) == 0:  # noqa: S608 - our own names, values are bound
        return
    connection.execute(text("UPDATE act_counter SET last = last + 1 WHERE id = 1"))
    connection.execute(
        text(
            "INSERT INTO act (id, recorded_at, actor, origin, operation, request_id) "
            "SELECT last, CURRENT_TIMESTAMP, :actor, 'cli', 'migrate', 'migration 0016' FROM act_counter WHERE id = 1"
        ),
        {"actor": context.config.attributes["actor"]},
    )
    connection.execute(
        text(
            "INSERT INTO act_change (act_id, seq, subject, key, after) "  # noqa: S608 - our own names, values are bound
            "SELECT last, row_number() OVER (ORDER BY subject, number), subject, key, after "
            f"FROM act_counter, ({_STANDING}) AS standing WHERE act_counter.id = 1"
        )
    )
