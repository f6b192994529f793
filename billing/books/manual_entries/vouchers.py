"""Voucher files are kept as they came, by their SHA-256."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import PurePath

from sqlalchemy import Connection, select

from billing.books.manual_entries.tables import voucher_file
from billing.frame.audit_log import record_change
from billing.frame.database import insert_rows
from billing.frame.errors import Fault, Refused, Unknown

SIZE_MAX = 10_000_000
_NAME_LENGTH_MAX = 200


def keep_voucher(connection: Connection, name: str, content: bytes, *, recorded_at: datetime) -> str:
    """Keep a voucher file and return its SHA-256; the same bytes are kept once. Raises Refused."""
    named = PurePath(name.replace("\\", "/")).name
    problem = (
        ("has no name that can be printed", "give it one of at most 200 characters")
        if not 0 < len(named) <= _NAME_LENGTH_MAX or not named.isprintable()
        else ("is empty", "give the file itself")
        if not content
        else (f"is larger than {SIZE_MAX // 1_000_000} MB", "give it in less detail")
        if len(content) > SIZE_MAX
        else None
    )
    if problem is not None:
        raise Refused([Fault("voucher-file", None, "voucher_file", named, *problem)])
    digest = sha256(content).hexdigest()
    if connection.scalar(select(voucher_file.c.sha256).where(voucher_file.c.sha256 == digest)) is None:
        insert_rows(connection, voucher_file, tuple(voucher_file.c.keys()), [(digest, named, content, recorded_at)])
        record_change(connection, "voucher-files", digest, None, {"name": named, "bytes": len(content)})
    return digest


def find_voucher(connection: Connection, digest: str) -> bytes:
    """Return the bytes of the voucher file of a SHA-256; raises Unknown."""
    content: bytes | None = connection.scalar(select(voucher_file.c.content).where(voucher_file.c.sha256 == digest))
    if content is None:
        raise Unknown(f"no voucher file of SHA-256 {digest} is kept: `entries list` shows those there are")
    return content


def file_faults(connection: Connection) -> Iterator[str]:
    """Say which voucher files are no longer the bytes that came."""
    for digest in connection.scalars(select(voucher_file.c.sha256).order_by(voucher_file.c.sha256)):
        kept = connection.execute(select(voucher_file).where(voucher_file.c.sha256 == digest)).one()
        if sha256(kept.content).hexdigest() != digest:
            yield f"the voucher file {kept.name} is not the file of SHA-256 {digest} that was kept"
