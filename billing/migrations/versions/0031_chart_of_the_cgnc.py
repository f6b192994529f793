"""Accounts and labels as the printed CGNC has them: 6386, 7386, 5113, and the results that await appropriation."""

from alembic import op
from sqlalchemy import text

revision = "0031"
down_revision = "0030"

_ACCOUNTS = (
    ("1181", "Résultats nets en instance d'affectation (solde créditeur)"),
    ("1189", "Résultats nets en instance d'affectation (solde débiteur)"),
    ("5113", "Effets à encaisser ou à l'encaissement"),
    ("6386", "Escomptes accordés"),
    ("7386", "Escomptes obtenus"),
)


def upgrade() -> None:
    """Add the accounts that are missing; those that stand, and the ones below them, take the label."""
    connection = op.get_bind()
    for code, label in _ACCOUNTS:
        values = {"code": code, "label": label, "below": f"{code}%"}
        connection.execute(text("UPDATE account SET label = :label WHERE code LIKE :below"), values)
        connection.execute(
            text("INSERT INTO account (code, label) VALUES (:code, :label) ON CONFLICT DO NOTHING"), values
        )
