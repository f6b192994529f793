"""The first schema: register, runs, documents, books, with the guards of R22.

The statements are written out, one file a database, so that what this version was never changes with the
models. Statements are parted by lines that say `-- next`.
"""

from pathlib import Path

from alembic import op

import ledger.models
from ledger.accounts import chart

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables and the guards, fill the chart of accounts."""
    connection = op.get_bind()
    file = Path(__file__).with_name(f"0001_first_schema.{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split("\n-- next\n"):
        # As it is: a per cent sign in it is no parameter.
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    op.bulk_insert(ledger.models.account, [{"code": code, "label": label} for code, label in chart().items()])
    op.bulk_insert(ledger.models.entry_counter, [{"id": 1, "last": 0}])
