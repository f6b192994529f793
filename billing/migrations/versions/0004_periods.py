"""Accounting periods: closings, the trial balances they found, and the refusal of entries in closed months."""

from alembic import op
from sqlalchemy import text

from billing.migrations.script import execute_script

revision = "0004"
down_revision = "0003"

_ACCOUNTS = (
    ("6701", "Impôts sur les bénéfices"),
    ("8100", "Résultat d'exploitation"),
    ("8300", "Résultat financier"),
    ("8400", "Résultat courant"),
    ("8500", "Résultat non courant"),
    ("8600", "Résultat avant impôts"),
    ("8800", "Résultat après impôts"),
)


def upgrade() -> None:
    """Create the tables and their guards, and add the accounts of the year's end."""
    connection = op.get_bind()
    execute_script(connection, __file__)
    # Version 0001 added them itself, for as long as it read the chart of the day.
    add = text("INSERT INTO account (code, label) VALUES (:code, :label) ON CONFLICT DO NOTHING")
    connection.execute(add, [{"code": code, "label": label} for code, label in _ACCOUNTS])
