"""The first schema: register, runs, documents, books, with the guards of R22."""

from alembic import op
from sqlalchemy import text

from billing.migrations.script import execute_script

revision = "0001"
down_revision = None

_ACCOUNTS = (
    ("1117", "Capital personnel"),
    ("1191", "Résultat net de l'exercice (solde créditeur)"),
    ("1199", "Résultat net de l'exercice (solde débiteur)"),
    ("1311", "Subventions d'investissement reçues"),
    ("1319", "Subventions d'investissement inscrites au CPC"),
    ("1487", "Dépôts et cautionnements reçus"),
    ("1601", "Comptes de liaison du siège"),
    ("1605", "Comptes de liaison des établissements"),
    ("3421", "Clients"),
    ("3424", "Clients douteux ou litigieux"),
    ("3425", "Clients - Effets à recevoir"),
    ("3427", "Clients - Factures à établir"),
    ("3451", "Subventions à recevoir"),
    ("3453", "Acomptes sur impôts sur les résultats"),
    ("3455", "État - TVA récupérable"),
    ("3458", "État - Autres comptes débiteurs"),
    ("3491", "Charges constatées d'avance"),
    ("3497", "Comptes transitoires ou d'attente - débiteurs"),
    ("3942", "Provisions pour dépréciation des clients et comptes rattachés"),
    ("4421", "Clients - Avances et acomptes reçus sur commandes en cours"),
    ("4427", "Rabais, remises et ristournes à accorder - Avoirs à établir"),
    ("4428", "Autres clients créditeurs"),
    ("4455", "État - TVA facturée"),
    ("44551", "État - TVA facturée (transitoire)"),
    ("4456", "État - TVA due (suivant déclarations)"),
    ("4457", "État - Impôts et taxes à payer"),
    ("4491", "Produits constatés d'avance"),
    ("4497", "Comptes transitoires ou d'attente - créditeurs"),
    ("5111", "Chèques à encaisser ou à l'encaissement"),
    ("5115", "Virements de fonds"),
    ("5141", "Banques (soldes débiteurs)"),
    ("5161", "Caisses"),
    ("6147", "Services bancaires"),
    ("6182", "Pertes sur créances irrécouvrables"),
    ("6196", "Dotations d'exploitation aux provisions pour dépréciation de l'actif circulant"),
    ("6386", "Différences de trésorerie"),
    ("6585", "Créances devenues irrécouvrables"),
    ("7111", "Ventes de marchandises au Maroc"),
    ("7119", "Rabais, remises et ristournes accordés par l'entreprise"),
    ("7121", "Ventes de biens produits au Maroc"),
    ("7124", "Ventes de services produits au Maroc"),
    ("71243", "Prestations de services"),
    ("7127", "Ventes et produits accessoires"),
    ("71271", "Locations diverses reçues"),
    ("71276", "Ports et frais accessoires facturés"),
    ("71278", "Autres ventes et produits accessoires"),
    ("7129", "Rabais, remises et ristournes accordés sur ventes au Maroc"),
    ("7161", "Subventions d'exploitation reçues de l'exercice"),
    ("7168", "Subventions d'exploitation reçues des exercices antérieurs"),
    ("7196", "Reprises sur provisions pour dépréciation de l'actif circulant"),
    ("7386", "Différences de trésorerie"),
    ("7561", "Subventions d'équilibre reçues"),
    ("7581", "Pénalités et dédits reçus"),
    ("7585", "Rentrées sur créances soldées"),
    ("9201", "Péréquation - Contributions des locataires"),
    ("9202", "Péréquation - Soutien reçu par les locataires"),
    ("9205", "Péréquation - Fonds du site"),
    ("9206", "Péréquation - Fonds du réseau"),
    ("9207", "Péréquation - Réserve"),
    ("9208", "Péréquation - Subventions affectées"),
    ("9209", "Péréquation - Pris en charge par l'opérateur"),
    ("9210", "Péréquation - Contrepartie des subventions"),
    ("9301", "Avantage accordé (remise pépinière)"),
    ("9309", "Avantage accordé - contrepartie"),
)


def upgrade() -> None:
    """Create the tables and the guards, fill the chart of accounts."""
    connection = op.get_bind()
    execute_script(connection, __file__)
    add = text("INSERT INTO account (code, label) VALUES (:code, :label)")
    connection.execute(add, [{"code": code, "label": label} for code, label in _ACCOUNTS])
    connection.execute(text("INSERT INTO entry_counter (id, last) VALUES (1, 0)"))
