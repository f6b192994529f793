"""The files that sum entries up: grand-livre, balances, journal centralisateur, and the register of documents."""

from billing.audit.bundle.read_back.reader import OPENING, WHOLE_YEAR, centimes
from billing.audit.bundle.read_back.tables import CsvReader


class LedgerReader(CsvReader):
    """The grand-livre's CSV: balances brought forward, and lines."""

    def row(self, row: dict[str, str]) -> None:
        """Count one row; sums are made of lines alone."""
        if row["Nature"] == "report à nouveau":
            amount = centimes(row["Solde débiteur"]) - centimes(row["Solde créditeur"])
            self.result.sums[row["Compte"], OPENING] += amount
        elif row["Nature"] == "ligne":
            self.result.sums[row["Compte"], row["Date"][:7]] += centimes(row["Débit"]) - centimes(row["Crédit"])


class BalanceReader(CsvReader):
    """A balance's CSV: openings and the year's movements, of accounts or of auxiliaries."""

    def row(self, row: dict[str, str]) -> None:
        """Count one row; a closing balance must follow from the others."""
        if row["Nature"] != "ligne":
            return
        opening, moved, closing = (
            centimes(row[f"{title} - {debit}"]) - centimes(row[f"{title} - {credit}"])
            for title, debit, credit in (
                ("Solde à l'ouverture", "débiteur", "créditeur"),
                ("Mouvements", "débit", "crédit"),
                ("Solde à la clôture", "débiteur", "créditeur"),
            )
        )
        if opening + moved != closing:
            raise ValueError(f"the closing balance of {row['Compte']} does not follow")
        self.result.sums[row["Compte"], OPENING] += opening
        self.result.sums[row["Compte"], WHOLE_YEAR] += moved


class CentralisedReader(CsvReader):
    """The journal centralisateur's CSV."""

    def row(self, row: dict[str, str]) -> None:
        """Count one row."""
        if row["Nature"] == "ligne":
            self.result.sums[row["Compte"], row["Mois"]] += centimes(row["Débit"]) - centimes(row["Crédit"])


class RegisterReader(CsvReader):
    """The register of documents: what journal VTE must have booked on 3421."""

    HAS_ACCOUNTS, HAS_SALES = False, True

    def row(self, row: dict[str, str]) -> None:
        """Count one document."""
        net, tax, gross = (centimes(row[name]) for name in ("HT", "TVA", "TTC"))
        if net + tax != gross:
            raise ValueError(f"{row['Numéro']}: HT and TVA are not TTC")
        self.result.sales[row["Date"][:7]] += -gross if row["Nature"] == "avoir" else gross
