"""The secret that links of papers are made with, drawn once for this database."""

from hashlib import sha256
from secrets import token_hex

from alembic import op
from sqlalchemy import text

from billing.migrations.script import execute_script

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    """Create the table, its triggers and its one row."""
    execute_script(op.get_bind(), __file__)
    secret = token_hex(32)
    row = {"secret": secret, "sha256": sha256(secret.encode()).hexdigest()}
    op.get_bind().execute(text("INSERT INTO link_secret (id, secret, sha256) VALUES (1, :secret, :sha256)"), row)
