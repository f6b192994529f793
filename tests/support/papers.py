"""The papers of a year's bundle, read as tables, and held against the postings."""

import csv
import io
from collections import defaultdict

from sqlalchemy import Connection, func, select

from billing.audit.bundle.papers import papers
from billing.audit.bundle.read_back.reader import centimes
from ledger.balances import last_day
from ledger.models import posting


def papers_of(connection: Connection, year: int) -> dict[str, list[dict[str, str]]]:
    """The rows of every paper of a year, as its CSV has them, by path without ending."""
    return {
        paper.path: list(csv.DictReader(io.StringIO(b"".join(paper.pieces("csv")).decode(), newline="")))
        for paper in papers(connection, year)
    }


def total(rows: list[dict[str, str]], column: str) -> int:
    return sum(centimes(row[column]) for row in rows)


def require_papers_agree(connection: Connection) -> None:
    """What is open, held, not due or nobody's by the papers is what the accounts hold on the last day booked."""
    newest = last_day(connection)
    assert newest is not None
    p = posting.c
    sums = select(p.account, func.sum(p.amount)).where(p.effective_on <= newest).group_by(p.account)
    held: dict[str, int] = defaultdict(int, {code: int(amount) for code, amount in connection.execute(sums)})
    of_year = papers_of(connection, newest.year)
    opened = of_year["clients/pieces-ouvertes"]
    assert total(opened, "Reste dû - 3421") == held["3421"]
    assert total(opened, "Reste dû - 3424") == held["3424"]
    aged = of_year["clients/balance-agee"]
    assert total(aged, "Solde") == sum(held[code] for code in ("3421", "3424", "4421", "4428"))
    assert total(of_year["clients/tva-non-exigible"], "TVA non exigible") == -held["44551"]
    assert total(of_year["clients/encaissements-a-identifier"], "À identifier") == -held["4497"]
    assert total(of_year["clients/depots-de-garantie"], "Détenu") == -held["1487"]
    lettered: dict[tuple[str, str], int] = defaultdict(int)
    for row in of_year["clients/lettrage"]:
        lettered[row["Lettre"], row["Compte"]] += centimes(row["Débit"]) - centimes(row["Crédit"])
    assert not any(lettered.values())
