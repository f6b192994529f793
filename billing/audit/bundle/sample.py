"""Invoices drawn by monetary-unit sampling, each with its whole trail; by its seed an auditor draws the same again.

Every dirham billed has the same chance: the year's invoices stand in the order of days and numbers, their totals are
added up, and every point r + k x (sum / n), k from 0 to n - 1, falls into one of them. r lies below sum / n and follows
from the seed alone, so that the draw can be done again by hand.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from billing.audit.bundle.bundled import SEED, Bundled
from billing.audit.bundle.register import of_year
from billing.audit.trail.following import follow
from billing.frame.errors import Fault, Refused
from billing.frame.shapes import indented
from invoices.document import INVOICE
from invoices.formats import amount as shown
from invoices.models import document
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table

_BATCH = 1_000
_FOLDER = "echantillon"
_COLUMNS = (
    Column("Tirage", Kind.COUNT),
    Column("Point", Kind.AMOUNT),
    Column("Numéro", Kind.TEXT),
    Column("Date", Kind.DAY),
    Column("Locataire", Kind.TEXT),
    Column("TTC", Kind.AMOUNT),
    Column("Cumul avant", Kind.AMOUNT),
    Column("Cumul après", Kind.AMOUNT),
)


class Sample(NamedTuple):
    """A sample that is asked for: how many points, and the seed that says where they begin."""

    size: int
    seed: int = SEED


def sample_asked(size: int | None, seed: int | None) -> Sample | None:
    """Return the sample that is asked for, None for none; raises Refused for a seed without a sample."""
    if size is None and seed is not None:
        problem = "draws nothing without a sample"
        raise Refused([Fault("audit-bundle", None, "seed", str(seed), problem, "say how many draws, as --sample 60")])
    return None if size is None else Sample(size, SEED if seed is None else seed)


class Drawn(NamedTuple):
    """A point and the invoice it falls into; amounts in centimes, `before` is the sum of all invoices ahead of it."""

    place: int
    point: int
    number: str
    issued_on: date
    tenant: str
    gross: int
    before: int


def first_point(total: int, sample: Sample) -> int:
    """Return r: the SHA-256 of the seed's decimal digits, read as a number, modulo the sum in centimes."""
    return int.from_bytes(sha256(str(sample.seed).encode()).digest(), "big") % total


def points(total: int, sample: Sample) -> list[int]:
    """Return the points of a sum in centimes, in order: (r + k x sum) / n, rounded down; none of nothing."""
    if not total:
        return []
    return [(first_point(total, sample) + place * total) // sample.size for place in range(sample.size)]


def draw(connection: Connection, year: int, sample: Sample) -> tuple[int, list[Drawn]]:
    """Draw among the invoices of a year; return their sum and the draws, as many as points.

    An invoice that holds several points is drawn as often.
    """
    d = document.c
    population = of_year(year), d.kind == INVOICE
    total = int(connection.scalar(select(func.coalesce(func.sum(d.gross), 0)).where(*population)) or 0)
    left = points(total, sample)[::-1]
    drawn: list[Drawn] = []
    before = 0
    rows = select(d.number, d.issued_on, d.tenant, d.gross).where(*population).order_by(d.issued_on, d.number)
    for number, issued_on, tenant, gross in connection.execute(rows, execution_options={"yield_per": _BATCH}):
        while left and left[-1] < before + gross:
            drawn.append(Drawn(len(drawn) + 1, left.pop(), number, issued_on, tenant, gross, before))
        before += gross
    return total, drawn


def sample_files(connection: Connection, year: int, sample: Sample) -> Iterator[Bundled]:
    """Yield the list of what is drawn, how, and a file with the trail of each invoice drawn."""
    total, drawn = draw(connection, year, sample)
    yield Bundled(
        f"{_FOLDER}/{_FOLDER}.csv",
        f"{len(drawn)} factures de l'année tirées par unités monétaires, graine {sample.seed} : chaque point et la "
        "facture où il tombe",
        partial(_list, drawn),
    )
    yield Bundled(
        f"{_FOLDER}/methode.txt", "comment elles sont tirées, pour refaire le tirage à la main",
        partial(_method, year, total, sample),
    )  # fmt: skip
    for number in dict.fromkeys(one.number for one in drawn):
        yield Bundled(
            f"{_FOLDER}/{number}.json",
            "sa piste d'audit : lignes, tarifs, palier, écritures, règlements, relances, actes et personnes",
            partial(_trail, connection, number),
        )


def _list(drawn: Sequence[Drawn]) -> Iterator[bytes]:
    return table("csv", "Échantillon", _COLUMNS, ((*one, one.before + one.gross) for one in drawn))


def _method(year: int, total: int, sample: Sample) -> Iterator[bytes]:
    begun = first_point(total, sample) if total else 0
    yield f"""\
Sondage par unités monétaires, exercice {year}

Population : les factures de l'année (documents/registre.csv, nature « facture »), dans l'ordre des dates puis des
numéros. Leur total TTC est S = {total} centimes. Nombre de tirages : n = {sample.size}. Intervalle : S / n, soit
{shown(total // sample.size)} DH. Graine : {sample.seed}.

r = SHA-256 de « {sample.seed} » (en chiffres, UTF-8), lu comme un nombre, modulo S = {begun}.
Le tirage k (de 0 à n - 1) tombe au point (r + k x S) / n, arrondi au centime inférieur. La facture tirée est celle dont
le cumul TTC passe ce point : cumul avant <= point < cumul après. Une facture plus grande que l'intervalle est toujours
tirée, et peut l'être plusieurs fois ; une facture de 0,00 ne l'est jamais.
""".encode()


def _trail(connection: Connection, number: str) -> Iterator[bytes]:
    yield indented(follow(connection, number, "document"))
