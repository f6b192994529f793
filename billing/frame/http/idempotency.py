"""Idempotency keys: the same key and body gives the stored answer again, in the effect's own transaction.

Only what was done is remembered. A refused request did nothing: its key stays free.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from flask import g, request
from msgspec import Raw
from sqlalchemy import ColumnElement, Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from billing.frame.audit_log import has_written
from billing.frame.http.problems import InvalidRequest, KeyReused, field_error
from billing.frame.shapes import encode
from billing.frame.tables import idempotency_key

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
MULTIPART = "multipart/form-data"
PATTERN = "^[!-~]{1,255}$"
_KEY = re.compile(PATTERN, re.ASCII)


class Answer(NamedTuple):
    """The answer of a view: the body as a shape or JSON values, the status, further headers."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = {}


def made(connection: Connection, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Return the answer of a view that makes something: 201 if this transaction did, 200 if all of it stood already."""
    return Answer(body, 201 if has_written(connection) else 200, headers or {})


class Asked(NamedTuple):
    """A request that bears a key: whose, which, and a digest of what it asks."""

    token: str
    key: str
    digest: str


def asked() -> Asked | None:
    """Return the request's key; None if it bears none. Raises InvalidRequest for a key that can't be."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if _KEY.fullmatch(key) is None:
        raise InvalidRequest([field_error("header", HEADER, "must be 1 to 255 visible ASCII characters")])
    digest = sha256(b"\0".join((request.method.encode(), request.full_path.encode(), _content())))
    return Asked(g.token, key, digest.hexdigest())


def _content() -> bytes:
    """Return what is sent: JSON by what it says; files byte by byte, whatever parts them in the body."""
    if request.is_json:
        return orjson.dumps(request.get_json(silent=True), option=orjson.OPT_SORT_KEYS)
    # Read first: what parses the files then reads them from here, and so does whoever keeps the whole body.
    body = request.get_data()
    if request.mimetype != MULTIPART:
        return body
    sent = [*request.form.items(multi=True)]
    for name, file in request.files.items(multi=True):
        sent.append((name, f"{file.filename} {sha256(file.stream.read()).hexdigest()}"))
        file.stream.seek(0)
    return orjson.dumps(sent)


def _row(wanted: Asked) -> ColumnElement[bool]:
    return (idempotency_key.c.token == wanted.token) & (idempotency_key.c.key == wanted.key)


def claim(connection: Connection, wanted: Asked, now: datetime) -> Answer | None:
    """Take the key for this request, or give the answer stored under it; None means: do it.

    Two at once: the second waits here until the first has committed or given up. Raises KeyReused.
    """
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    taken = connection.execute(
        dialect.insert(idempotency_key)
        .values(token=wanted.token, key=wanted.key, request_sha256=wanted.digest, created_at=now)
        .on_conflict_do_nothing()
    )
    if taken.rowcount == 1:
        return None
    stored = connection.execute(select(idempotency_key).where(_row(wanted))).one()
    if stored.request_sha256 != wanted.digest:
        raise KeyReused(f"{HEADER} {wanted.key} was used for another request: use a new key for each")
    if stored.status is None:
        # Begun and never finished: what is done under a claim alone may be done again.
        return None
    return Answer(Raw(stored.body.encode()), stored.status, orjson.loads(stored.headers) | {REPLAYED: "true"})


def keep(connection: Connection, wanted: Asked, answer: Answer) -> None:
    """Store the answer under the key it was claimed with."""
    connection.execute(
        update(idempotency_key)
        .where(_row(wanted))
        .values(
            status=answer.status,
            headers=orjson.dumps(dict(answer.headers)).decode(),
            body=encode(answer.body).decode(),
        )
    )


def release(connection: Connection, wanted: Asked) -> None:
    """Free a claimed key whose request was refused."""
    connection.execute(delete(idempotency_key).where(_row(wanted), idempotency_key.c.status.is_(None)))


def forget_answers(connection: Connection, before: datetime) -> int:
    """Delete the keys first used before that instant; returns how many."""
    return connection.execute(delete(idempotency_key).where(idempotency_key.c.created_at < before)).rowcount
