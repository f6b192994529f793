"""Checkpoints published where we can't take them back: a file others copy, an address, a mail.

PROOF_PUBLISH says where. A checkpoint is signed and kept before it is published, so nothing is lost when that fails:
the next one covers it. What is published bears the lines of the witnesses who have cosigned it.
"""

import os
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

from sqlalchemy import Engine

from billing.frame.civil_time import today
from billing.frame.database import reading, writing
from billing.frame.messages import queue_messages
from billing.frame.proof_errors import NotPublished
from billing.frame.settings import Settings
from billing.proof.checkpoints import Checkpoint
from billing.proof.witnesses import with_witnesses
from invoices import formats
from invoices.mail import MailText
from invoices.messages.message import Message, number_of

# The kind of message; its key is the address and the day.
KIND: Final = "checkpoint"
_WAIT_S = 20


def publish(settings: Settings, engine: Engine, checkpoint: Checkpoint, now: datetime) -> list[str]:
    """Publish a checkpoint wherever PROOF_PUBLISH says, and return a sentence for each place.

    Every place is tried. Raises NotPublished, which names those that failed, or that there is none.
    """
    if not settings.proof_publish:
        raise NotPublished("PROOF_PUBLISH names no place: write file:/FOLDER/FILE, https://HOST/PATH or mailto:ADDRESS")
    with reading(engine) as connection:
        note = with_witnesses(connection, checkpoint)
    done, failed = [], []
    for place in settings.proof_publish:
        parts = urlsplit(place)
        try:
            if parts.scheme == "mailto":
                done.append(_mail(settings, engine, unquote(parts.path), checkpoint, note, now))
            elif parts.scheme == "file":
                done.append(_write(Path(unquote(parts.path)), note))
            else:
                done.append(_put(place, note))
        except (OSError, HTTPException, ValueError) as error:
            # What stands behind a question mark may be a secret.
            failed.append(f"not published to {place.partition('?')[0]}: {error}")
    if failed:
        raise NotPublished(f"checkpoint {checkpoint.id} is signed and kept, but {'; '.join(failed + done)}")
    return done


def _write(path: Path, note: str) -> str:
    """Write a file that is there whole or not at all, for others to read."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with draft.open("xb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(note.encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return f"published to {path}"


def _put(address: str, note: str) -> str:
    """Put a note at an address; a redirection is an error (HTTPError is an OSError)."""
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    request = Request(address, data=note.encode(), headers=headers, method="PUT")  # noqa: S310 - settings allow only https, and http to this host
    with urlopen(request, timeout=_WAIT_S) as answer:  # noqa: S310 - settings allow only https, and http to this host
        status = answer.status
    return f"published to {address.partition('?')[0]} (HTTP {status})"


def _mail(settings: Settings, engine: Engine, recipient: str, checkpoint: Checkpoint, note: str, now: datetime) -> str:
    """Queue a mail with a note, the first of the day alone: an hourly one would be read by nobody."""
    day = today(now)
    operator = settings.operator.party.legal_name
    size = f"{formats.count(checkpoint.size)} enregistrement{'s' if checkpoint.size > 1 else ''}"
    text = MailText(
        "fr",
        f"Point de contrôle des livres de {operator} : {size}",
        (
            "Bonjour,",
            "Voici la tête signée du journal des livres (checkpoint). Gardez ce message : il montrera que rien de ce "
            "qui précède n'a été changé ni retiré depuis.",
        ),
        (("Enregistrements", formats.count(checkpoint.size)), ("Racine", checkpoint.root)),
        (
            "Pour le vérifier plus tard, enregistrez les lignes suivantes, telles quelles, dans un fichier que "
            "verify_books.py prend par --checkpoint :",
            note,
        ),
    )
    message = Message(f"{recipient} {day}", "", recipient, "", text, ())
    with writing(engine) as connection:
        queued = queue_messages(connection, KIND, [message], written_on=day, queued_at=now)
    if not queued:
        return f"{recipient} has the mail of {day} already: one is sent a day"
    return f"{number_of(queued[message.key])} to {recipient} is queued"
