"""What a park brings from before this service: invoices in numbers of any style, credit, balances, used grants."""

from alembic import op

from billing.migrations.script import execute_script, redeclare_table

revision = "0028"
down_revision = "0027"

_RUNLESS = "CONSTRAINT ck_document_runless CHECK (period IS NOT NULL OR kind = 'credit_note')"
_MEANS = "CHECK (means IN ('transfer', 'cheque', 'cash', 'bill', 'card', 'deposit'{}))"
_ACTS = "CHECK (act IN ('allocated', 'undone', 'cleared', 'issued', 'refunded', 'written_off', 'recovered'{}))"
_BROUGHT = ", 'brought'"


def upgrade() -> None:
    """Allow a brought invoice, a brought credit and what was paid before; create the tables of a take-on."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE document ALTER COLUMN number TYPE VARCHAR(64)")
        op.execute("ALTER TABLE document DROP CONSTRAINT ck_document_runless")
        for table, name, wording in (("receipt", "means", _MEANS), ("settlement", "act", _ACTS)):
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{name}")
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} {wording.format(_BROUGHT)}")
    else:
        numbers = {"number VARCHAR(20) NOT NULL": "number VARCHAR(64) NOT NULL", f"{_RUNLESS},\n    ": ""}
        redeclare_table(connection, "document", numbers)
        redeclare_table(connection, "receipt", {_MEANS.format(""): _MEANS.format(_BROUGHT)})
        redeclare_table(connection, "settlement", {_ACTS.format(""): _ACTS.format(_BROUGHT)})
    execute_script(connection, __file__)
