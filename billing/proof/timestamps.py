"""Time stamps of checkpoints (RFC 3161): an authority confirms that one existed at an instant, whoever has our key.

Optional: TSA_URL names the authority, TSA_CA_FILE the certificates its answers must lead to. It is never asked within
a transaction.
"""

from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

from cryptography.x509 import load_pem_x509_certificates
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerifierBuilder, decode_timestamp_response
from rfc3161_client.errors import VerificationError
from sqlalchemy import Connection, Engine, select

from billing.frame.civil_time import utc
from billing.frame.database import append_log, maintenance_transaction, reading
from billing.frame.proof_errors import NoTimestamp
from billing.frame.settings import Settings
from billing.proof.checkpoints import Checkpoint
from billing.proof.tables import proof_timestamp

_MEDIA_TYPE = "application/timestamp-query"
_WAIT_S = 20
# An answer is a signature and a few certificates.
_ANSWER_BYTES_MAX = 1 << 20


class Timestamp(NamedTuple):
    """An authority's whole answer about a checkpoint, and the UTC instant it states."""

    checkpoint_id: int
    authority: str
    response: bytes
    stamped_at: datetime


def timestamp_of(connection: Connection, checkpoint_id: int) -> Timestamp | None:
    """Return the time stamp of a checkpoint; None if it has none."""
    row = connection.execute(
        select(proof_timestamp).where(proof_timestamp.c.checkpoint_id == checkpoint_id)
    ).one_or_none()
    return None if row is None else Timestamp(row.checkpoint_id, row.authority, bytes(row.response), row.stamped_at)


def stamp(settings: Settings, engine: Engine, checkpoint: Checkpoint) -> Timestamp | None:
    """Have a checkpoint stamped and keep the answer; one that is stamped stays as it is. None without TSA_URL.

    Raises NoTimestamp when the authority does not answer, or with something that does not hold.
    """
    if settings.tsa_url is None or settings.tsa_ca_file is None:
        return None
    with reading(engine) as connection:
        standing = timestamp_of(connection, checkpoint.id)
    if standing is not None:
        return standing
    ask = TimestampRequestBuilder().data(checkpoint.note.encode()).hash_algorithm(HashAlgorithm.SHA256)
    request = ask.nonce(nonce=True).cert_request(cert_request=True).build()
    answer = _asked(settings.tsa_url, request.as_bytes())
    stamped_at = verify_timestamp(answer, checkpoint.note, settings.tsa_ca_file, nonce=request.nonce)
    timestamp = Timestamp(checkpoint.id, settings.tsa_url, answer, stamped_at)
    with maintenance_transaction(engine) as connection:
        append_log(connection)
        standing = timestamp_of(connection, checkpoint.id)
        if standing is None:
            connection.execute(proof_timestamp.insert().values(timestamp._asdict()))
    return standing or timestamp


def verify_timestamp(answer: bytes, note: str, ca_file: Path, *, nonce: int | None = None) -> datetime:
    """Return the instant an answer states of a checkpoint; raises NoTimestamp unless a trusted key has signed it."""
    try:
        roots = load_pem_x509_certificates(ca_file.read_bytes())
    except (OSError, ValueError) as error:
        raise NoTimestamp(f"TSA_CA_FILE: {ca_file} holds no certificates that can be read: {error}") from None
    try:
        response = decode_timestamp_response(answer)
        verifier = VerifierBuilder(roots=list(roots), nonce=nonce).build()
        verifier.verify_message(response, note.encode())
    except (VerificationError, ValueError) as error:
        raise NoTimestamp(f"the authority's answer does not hold: {error}") from None
    return utc(response.tst_info.gen_time)


def stated(answer: bytes) -> tuple[bytes, datetime]:
    """Return the digest an answer is about, and the UTC instant it states, whoever signed it; raises NoTimestamp."""
    try:
        info = decode_timestamp_response(answer).tst_info
    except ValueError as error:
        raise NoTimestamp(f"the authority's answer does not hold: {error}") from None
    return info.message_imprint.message, utc(info.gen_time)


def _asked(url: str, query: bytes) -> bytes:
    request = Request(url, data=query, headers={"Content-Type": _MEDIA_TYPE}, method="POST")  # noqa: S310 - settings allow only http and https
    try:
        with urlopen(request, timeout=_WAIT_S) as answer:  # noqa: S310 - settings allow only http and https
            content: bytes = answer.read(_ANSWER_BYTES_MAX + 1)
    except (OSError, HTTPException, ValueError) as error:
        raise NoTimestamp(f"the authority at {url} does not answer: {error}") from None
    if len(content) > _ANSWER_BYTES_MAX:
        raise NoTimestamp(f"the authority at {url} answers with more than {_ANSWER_BYTES_MAX} bytes")
    return content
