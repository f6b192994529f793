"""A year's books for an auditor, as one archive that proves itself: every file is read back while it is written.

The sums read back are compared, account by account and month by month, with those of the database; the archive
says the difference, which is zero. It is written as a stream: memory does not grow with the year.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from billing.audit.bundle.archive import Archive
from billing.audit.bundle.bundled import Bundled
from billing.audit.bundle.contents import files_of
from billing.audit.bundle.control import Control, balances_of
from billing.audit.bundle.read_back.reader import Reader
from billing.audit.bundle.readme import readme
from billing.audit.bundle.sample import Sample
from billing.frame.errors import Unknown
from billing.frame.terms import Terms
from billing.proof.checkpoints import newest_checkpoint, seal
from billing.proof.witnesses import standings
from invoices.document import Party
from ledger.balances import last_day
from ledger.proof.notes import SignerKey, VerifierKey

MANIFEST = "SHA256SUMS"
SEAL = "SHA256SUMS.note"
README = "LISEZ-MOI.md"
CONTROL = "controle/controle.txt"
BALANCES = "controle/soldes-par-mois.csv"
MEDIA_TYPE = "application/zip"

__all__ = ["MEDIA_TYPE", "AuditBundle", "audit_bundle"]


@dataclass
class AuditBundle:
    """An archive being written; `control` is complete once the last piece was taken."""

    year: int
    pieces: Iterator[bytes]
    control: Control
    files: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the file's name."""
        return f"audit-{self.year}.zip"


def audit_bundle(
    connection: Connection,
    year: int,
    operator: Party,
    terms: Terms,
    signers: Sequence[SignerKey] = (),
    sample: Sample | None = None,
    witnesses: Sequence[VerifierKey] = (),
) -> AuditBundle:
    """Write the books of a year as a ZIP archive, and a sample of its invoices if one is asked for.

    The keys sign its manifest together with the newest checkpoint; it says where each witness stands. The connection's
    transaction must stay open until the last piece is taken. Raises Unknown when nothing is booked in that year.
    """
    control = balances_of(connection, year)
    if control.is_empty:
        newest = last_day(connection)
        booked = "nothing is booked yet" if newest is None else f"the books end on {newest}"
        raise Unknown(f"nothing is booked in {year}: {booked}")
    bundle = AuditBundle(year, iter(()), control)
    bundled_files = list(files_of(connection, year, operator, terms, sample, witnesses))
    page = partial(readme, connection, year, operator, bundled_files, witnessed=standings(connection, witnesses))
    bundle.pieces = _pieces(connection, bundle, bundled_files, page, signers)
    return bundle


def _pieces(
    connection: Connection,
    bundle: AuditBundle,
    bundled_files: Sequence[Bundled],
    page: Callable[..., bytes],
    signers: Sequence[SignerKey],
) -> Iterator[bytes]:
    control = bundle.control
    archive = Archive(bundle.year)
    newest = newest_checkpoint(connection)
    # Only keys that have signed the checkpoint are known to whoever verifies it.
    keys = [] if newest is None else [key for key in signers if str(key.verifier) in newest.verifier_keys]
    yield from archive.add(README, [page(is_sealed=bool(keys))])
    for bundled in bundled_files:
        yield from archive.add(bundled.path, _read_back(bundled, control))
    yield from archive.add(BALANCES, control.table())
    yield from archive.add(CONTROL, [control.text().encode()])
    bundle.files.update(archive.sums)
    manifest = b"".join(archive.manifest())
    yield from archive.add(MANIFEST, [manifest])
    if newest is not None and keys:
        yield from archive.add(SEAL, [seal(newest, keys, MANIFEST, manifest).encode()])
    yield from archive.close()


def _read_back(bundled: Bundled, control: Control) -> Iterator[bytes]:
    """Yield the pieces of a file, each read by the file's reader as it is written."""
    reader: Reader | None = bundled.reader
    for piece in bundled.pieces():
        if reader is not None:
            reader.read(piece)
        yield piece
    if reader is not None:
        control.compare(bundled, reader)
