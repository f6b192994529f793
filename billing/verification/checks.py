"""Proof of links: the secret that links of papers are made with is the one they were printed with."""

from collections.abc import Iterator
from hashlib import sha256

from sqlalchemy import Connection, select

from billing.frame.checking import Proof, Step
from invoices.models import link_secret


def secret(connection: Connection, _step: Step) -> Iterator[str]:
    """There is one secret, which has its digest; with another one, links that were printed would lead nowhere."""
    rows = connection.execute(select(link_secret)).all()
    if len(rows) != 1:
        yield "the secret of links is missing: links on papers lead nowhere; restore `link_secret` from a backup"
    for row in rows:
        if sha256(row.secret.encode()).hexdigest() != row.sha256:
            yield "the secret of links was changed: links on papers lead nowhere; restore `link_secret` from a backup"


CHECKS: tuple[Proof, ...] = (secret,)
