"""Manual entries, their reversals and voucher files; the accounts that an accountant books charges and income to."""

from alembic import op
from sqlalchemy import text

from billing.migrations.script import execute_script

revision = "0033"
down_revision = "0032"

_ACCOUNTS = (
    ("1161", "Report à nouveau (solde créditeur)"),
    ("1169", "Report à nouveau (solde débiteur)"),
    ("4453", "État - Impôts sur les résultats"),
)
# Groups of classes 6 and 7: what stands below one so far stands below an account of the chart that is nearer.
_GROUPS = (
    ("611", "Achats revendus de marchandises"),
    ("612", "Achats consommés de matières et fournitures"),
    ("613", "Autres charges externes"),
    ("614", "Autres charges externes"),
    ("616", "Impôts et taxes"),
    ("617", "Charges de personnel"),
    ("618", "Autres charges d'exploitation"),
    ("619", "Dotations d'exploitation"),
    ("631", "Charges d'intérêts"),
    ("633", "Pertes de change"),
    ("638", "Autres charges financières"),
    ("639", "Dotations financières"),
    ("651", "Valeurs nettes d'amortissements des immobilisations cédées"),
    ("656", "Subventions accordées"),
    ("658", "Autres charges non courantes"),
    ("659", "Dotations non courantes"),
    ("670", "Impôts sur les résultats"),
    ("711", "Ventes de marchandises"),
    ("712", "Ventes de biens et services produits"),
    ("713", "Variation des stocks de produits"),
    ("714", "Immobilisations produites par l'entreprise pour elle-même"),
    ("716", "Subventions d'exploitation"),
    ("718", "Autres produits d'exploitation"),
    ("719", "Reprises d'exploitation ; transferts de charges"),
    ("732", "Produits des titres de participation et des autres titres immobilisés"),
    ("733", "Gains de change"),
    ("738", "Intérêts et autres produits financiers"),
    ("739", "Reprises financières ; transferts de charges"),
    ("751", "Produits des cessions d'immobilisations"),
    ("756", "Subventions d'équilibre"),
    ("757", "Reprises sur subventions d'investissement"),
    ("758", "Autres produits non courants"),
    ("759", "Reprises non courantes ; transferts de charges"),
)


def upgrade() -> None:
    """Create the tables and their triggers; add the accounts, whose labels those below them take."""
    connection = op.get_bind()
    execute_script(connection, __file__)
    for code, label in _ACCOUNTS:
        values = {"label": label, "below": f"{code}%"}
        connection.execute(text("UPDATE account SET label = :label WHERE code LIKE :below"), values)
    for code, label in (*_ACCOUNTS, *_GROUPS):
        connection.execute(
            text("INSERT INTO account (code, label) VALUES (:code, :label) ON CONFLICT DO NOTHING"),
            {"code": code, "label": label},
        )
