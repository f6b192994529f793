"""The contents of the bundle: each file with a sentence about it, how it is written, how it is read back."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import lru_cache, partial

from sqlalchemy import Connection, select

from billing.audit.bundle import register
from billing.audit.bundle.bundled import Bundled, Openings, Part
from billing.audit.bundle.papers import papers
from billing.audit.bundle.papers.manual_entries import vouchers
from billing.audit.bundle.read_back import books, entries
from billing.audit.bundle.read_back.reader import Reader
from billing.audit.bundle.sample import Sample, sample_files
from billing.books.reports.writing import Asked, report_pieces
from billing.books.subledgers import subledgers
from billing.books.vat_return.files import paper_pieces
from billing.books.vat_return.paper import VatReturn, vat_return
from billing.frame.terms import Terms
from billing.proof.export import VERIFIER, export_files
from billing.register.tables import billing_run
from billing.run import matrix_export as funding_matrix
from billing.run import waterfall_export as cross_subsidy
from invoices.document import Party
from ledger.balances import last_day
from ledger.exports import beancount, fec, hledger, journal_pieces
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table
from ledger.periods import closings
from ledger.proof.notes import VerifierKey
from pricing.period import format_month


def files_of(
    connection: Connection,
    year: int,
    operator: Party,
    terms: Terms,
    sample: Sample | None,
    witnesses: Sequence[VerifierKey] = (),
) -> Iterator[Bundled]:
    """Yield the files of a year's bundle, in order."""
    yield from _fec_files(connection, year, operator)
    yield from _journal_files(connection, year)
    yield from _book_files(connection, year, operator)
    yield from _registers(connection, year)
    yield from _papers(connection, year)
    yield from _vat_returns(connection, year, operator, terms)
    yield from _cross_subsidy(connection, year)
    yield from _engines(connection, year)
    if sample is not None:
        yield from sample_files(connection, year, sample)
    yield from _proof(connection, witnesses)


def _days(year: int) -> tuple[date, date]:
    return date(year, 1, 1), date(year, 12, 31)


def _fec_files(connection: Connection, year: int, operator: Party) -> Iterator[Bundled]:
    name = f"fec/{_digits(operator.tax_id)}FEC{year}1231"
    known = subledgers(connection)
    for suffix, part, says in (
        ("", Part.GENERAL, "fichier des écritures comptables, 18 colonnes : comptabilité générale, à-nouveaux en tête"),
        (
            "-analytique",
            Part.ANALYTIC,
            "le même pour la classe 9 (péréquation), qui ne se mêle jamais à la générale, à-nouveaux en tête",
        ),
    ):
        pieces = partial(fec.journal, connection, *_days(year), known, analytic=part == Part.ANALYTIC)
        yield Bundled(f"{name}{suffix}.txt", says, pieces, entries.FecReader(year), part, Openings.FEC)
    yield Bundled(
        "fec/concordance.csv",
        "numéro d'écriture (EcritureNum) de ces deux fichiers, numéro et référence de l'écriture dans les livres",
        partial(_concordance, connection, year),
    )


def _digits(identifier: str) -> str:
    """Keep of an identifier what can stand in a file's name."""
    return "".join(character for character in identifier if character.isascii() and character.isalnum())


def _concordance(connection: Connection, year: int) -> Iterator[bytes]:
    columns = (
        Column("Comptabilité", Kind.TEXT),
        Column("EcritureNum", Kind.COUNT),
        Column("N°", Kind.COUNT),
        Column("Référence", Kind.TEXT),
    )
    rows = (
        (name, *row)
        for name, analytic in (("générale", False), ("analytique", True))
        for row in fec.concordance(connection, *_days(year), analytic=analytic)
    )
    return table("csv", "Concordance", columns, rows)


def _journal_files(connection: Connection, year: int) -> Iterator[Bundled]:
    start, until = _days(year)
    readers: tuple[tuple[str, Reader], ...] = (
        ("csv", entries.JournalReader()),
        ("xlsx", entries.JournalWorkbookReader()),
    )
    for file_format, reader in readers:
        yield Bundled(
            f"journal/journal.{file_format}",
            "livre-journal : toutes les écritures de l'exercice, une ligne par imputation, avec l'instant de saisie",
            partial(journal_pieces, connection, file_format, start=start, until=until),
            reader,
        )


_BOOKS = (
    ("ledger", "grand-livre", "grand-livre : soldes reportés, écritures, solde après chacune", ("csv", "xlsx")),
    ("trial-balance", "balance-generale", "balance générale : ouverture, mouvements, clôture", ("csv", "xlsx", "pdf")),
    ("auxiliary-balance", "balance-auxiliaire", "balance par locataire et par subvention", ("csv", "xlsx")),
    ("centralised-journal", "journal-centralisateur", "sommes par mois, journal et compte", ("csv", "xlsx")),
)
_READ = {
    "ledger": (books.LedgerReader, Part.ALL, Openings.OPENED),
    "trial-balance": (books.BalanceReader, Part.ALL, Openings.OPENED),
    "auxiliary-balance": (books.BalanceReader, Part.AUXILIARIES, Openings.OPENED),
    "centralised-journal": (books.CentralisedReader, Part.ALL, Openings.NONE),
}


def _book_files(connection: Connection, year: int, operator: Party) -> Iterator[Bundled]:
    asked = Asked(*_days(year))
    for report, name, says, file_formats in _BOOKS:
        for file_format in file_formats:
            pieces = partial(report_pieces, connection, report, asked, file_format, operator=operator)
            path = f"livres/{name}.{file_format}"
            if file_format != "csv":
                yield Bundled(path, says, pieces)
                continue
            reader, part, openings = _READ[report]
            yield Bundled(path, says, pieces, reader(), part, openings, is_of_the_year=report == "trial-balance")


def _registers(connection: Connection, year: int) -> Iterator[Bundled]:
    says = "registre des factures et avoirs de l'année : totaux, SHA-256 de chaque PDF"
    for file_format in ("csv", "xlsx"):
        yield Bundled(
            f"documents/registre.{file_format}",
            says,
            partial(register.pieces, connection, year, file_format),
            books.RegisterReader() if file_format == "csv" else None,
        )
        yield Bundled(
            f"documents/registre-tva.{file_format}",
            "base et TVA de chaque facture et avoir de l'année, taux par taux",
            partial(register.vat_pieces, connection, year, file_format),
        )
    yield Bundled(
        "controle/clotures.csv",
        "clôtures et réouvertures des mois, avec leur empreinte",
        partial(_closings, connection),
    )


def _papers(connection: Connection, year: int) -> Iterator[Bundled]:
    for paper in papers(connection, year):
        for file_format in paper.formats:
            yield Bundled(f"{paper.path}.{file_format}", paper.says, partial(paper.pieces, file_format))
    for voucher in vouchers(connection, *_days(year)):
        says = "pièce d'une écriture manuelle, telle qu'elle fut déposée ; son nom est son SHA-256"
        yield Bundled(voucher.path, says, partial(voucher.pieces, connection))


def _closings(connection: Connection) -> Iterator[bytes]:
    columns = (
        Column("N°", Kind.COUNT),
        Column("Mois", Kind.MONTH),
        Column("Acte", Kind.TEXT),
        Column("Enregistré le (UTC)", Kind.INSTANT),
        Column("Motif", Kind.TEXT),
        Column("Empreinte de la balance", Kind.TEXT),
    )
    names = {"close": "clôture", "reopen": "réouverture"}
    rows = ((c.number, c.month, names[c.action], c.recorded_at, c.reason, c.digest) for c in closings(connection))
    return table("csv", "Clôtures", columns, rows)


def _vat_returns(connection: Connection, year: int, operator: Party, terms: Terms) -> Iterator[Bundled]:
    """Yield the working papers of the months up to the last one booked."""
    newest = last_day(connection)
    # A month's files follow one another: its paper is made once.
    paper_of = lru_cache(1)(partial(vat_return, connection, terms=terms))
    for month in range(1, 13):
        period = date(year, month, 1)
        if newest is None or period > newest:
            return
        for file_format in ("csv", "xlsx"):
            yield Bundled(
                f"tva/{format_month(period)}.{file_format}",
                "TVA exigible du mois, par ligne de la déclaration et par taux, encaissement par encaissement",
                partial(_vat_return, connection, paper_of, period, file_format, operator),
            )


def _vat_return(
    connection: Connection, paper_of: Callable[[date], VatReturn], period: date, file_format: str, operator: Party
) -> Iterator[bytes]:
    return paper_pieces(connection, paper_of(period), file_format, operator)


def _cross_subsidy(connection: Connection, year: int) -> Iterator[Bundled]:
    c = billing_run.c
    start, until = _days(year)
    runs = connection.scalars(
        select(c.period).where(c.period.between(start, until), c.cross_subsidy.is_not(None)).order_by(c.period)
    ).all()
    for period in runs:
        month = format_month(period)
        for file_format in ("json", "csv"):
            yield Bundled(
                f"perequation/{month}-cascade.{file_format}",
                "péréquation du mois : contributions, besoins, et comment ils ont été couverts",
                partial(cross_subsidy.pieces, connection, period, file_format),
            )
        yield Bundled(
            f"perequation/{month}-matrice.csv",
            "qui finance qui, locataire par locataire",
            partial(funding_matrix.pieces, connection, period, "csv"),
        )


def _engines(connection: Connection, year: int) -> Iterator[Bundled]:
    start, until = _days(year)
    yield Bundled(
        "moteurs/livres.journal",
        "les mêmes livres pour hledger : `hledger -f livres.journal check --strict`",
        partial(hledger.period, connection, start, until),
        entries.HledgerReader(),
        openings=Openings.EVE,
    )
    yield Bundled(
        "moteurs/livres.beancount",
        "les mêmes livres pour beancount : `bean-check livres.beancount`",
        partial(beancount.period, connection, start, until),
        entries.BeancountReader(),
        openings=Openings.EVE,
    )


_PROOF = {
    "records.jsonl": "la forme canonique de chaque enregistrement depuis l'origine, un par ligne",
    "leaves.txt": "l'empreinte de chaque enregistrement, dans l'ordre du journal de Merkle",
    "checkpoint.txt": "la dernière signature de tout ce qui précède",
    "checkpoints.jsonl": "toutes les signatures, de la plus ancienne à la dernière",
    "keys.txt": "les clés publiques qui les vérifient",
    "witnesses.txt": "les clés publiques des témoins qui contresignent",
    VERIFIER: "le vérificateur, un seul fichier, sans rien du nôtre",
}
_PROOF_FOLDERS = {
    "timestamps": "horodatage d'une signature par une autorité de temps (RFC 3161)",
    "cosigned": "une signature contresignée par un témoin",
}


def _proof(connection: Connection, witnesses: Sequence[VerifierKey]) -> Iterator[Bundled]:
    """Yield the whole history under proof, not the year's alone: a part of a log proves nothing of what is left out."""
    for path, pieces in export_files(connection, witnesses):
        says = _PROOF.get(path) or _PROOF_FOLDERS[path.partition("/")[0]]
        yield Bundled(f"preuve/{path}", says, partial(_given, pieces))


def _given(pieces: Iterator[bytes]) -> Iterator[bytes]:
    return pieces
