"""The entries ordered by hand, with the files they rest on (pièces justificatives, R30)."""

import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import PurePath
from typing import NamedTuple

from sqlalchemy import Connection, Select, select

from billing.audit.bundle.papers.paper import Paper, paper
from billing.books.manual_entries.tables import manual_entry, manual_reversal, voucher_file
from billing.books.manual_entries.vouchers import find_voucher
from billing.frame.codes import MANUAL_ENTRY
from ledger.exports.columns import Column, Kind, Rows

_COLUMNS = (
    Column("N°", Kind.TEXT),
    Column("Date", Kind.DAY),
    Column("Libellé", Kind.TEXT),
    Column("Pièce", Kind.TEXT),
    Column("Motif", Kind.TEXT),
    Column("Enregistrée le (UTC)", Kind.INSTANT),
    Column("Extournée le", Kind.DAY),
    Column("Motif de l'extourne", Kind.TEXT),
    Column("Fichier", Kind.TEXT),
    Column("Nom d'origine", Kind.TEXT),
    Column("SHA-256", Kind.TEXT),
)
# The ending of a name that may stand in an archive; whoever sent a file may have called it anything.
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}")


class Voucher(NamedTuple):
    """A voucher file: the SHA-256 of its bytes, and what it was called."""

    digest: str
    name: str

    @property
    def path(self) -> str:
        """Return its path in the bundle: its digest, so that the file itself says whether it is the one."""
        ending = PurePath(self.name).suffix
        return f"pieces/{self.digest}{ending if _ENDING.fullmatch(ending) else ''}"

    def pieces(self, connection: Connection) -> Iterator[bytes]:
        """Yield its bytes, as they came."""
        yield find_voucher(connection, self.digest)


def papers(connection: Connection, start: date, until: date) -> Iterator[Paper]:
    """Yield the entries of the days from `start` to `until`, both included."""
    yield paper(
        "pieces/ecritures-manuelles",
        "écritures manuelles de l'année (journal OD) : pièce, motif, extourne, fichier de la pièce et son SHA-256",
        _COLUMNS,
        partial(_entries, connection, start, until),
        ("csv", "xlsx"),
    )


def vouchers(connection: Connection, start: date, until: date) -> list[Voucher]:
    """Return the voucher files of those entries, each once."""
    v = voucher_file.c
    of_days = select(manual_entry.c.voucher_sha256).where(manual_entry.c.effective_on.between(start, until))
    rows = connection.execute(select(v.sha256, v.name).where(v.sha256.in_(of_days)).order_by(v.sha256))
    return [Voucher(*row) for row in rows]


def _entries(connection: Connection, start: date, until: date) -> Rows:
    m, r, v = manual_entry.c, manual_reversal.c, voucher_file.c
    statement: Select[tuple[object, ...]] = (
        select(manual_entry, r.reversed_on, r.reason.label("why"), v.sha256, v.name)
        .outerjoin(manual_reversal, r.manual_entry_id == m.id)
        .outerjoin(voucher_file, v.sha256 == m.voucher_sha256)
        .where(m.effective_on.between(start, until))
        .order_by(m.id)
    )
    for x in connection.execute(statement):
        path = None if x.sha256 is None else Voucher(x.sha256, x.name).path
        yield (
            MANUAL_ENTRY.format(x.id), x.effective_on, x.label, x.voucher, x.reason, x.recorded_at, x.reversed_on,
            x.why, path, x.name, x.sha256,
        )  # fmt: skip
