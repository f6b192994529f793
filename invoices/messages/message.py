"""A message: its texts and papers as they are made, and as they are stored (JSON)."""

import json
import re
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Row

from invoices.document import Party
from invoices.errors import IllFormedDocument
from invoices.mail import MailText
from invoices.rendering.figures import KeptPage
from invoices.rendering.letter import Column, Letter
from invoices.rendering.sheet import Fact, InWords, Note

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}\.pdf", re.ASCII)


@dataclass(frozen=True, slots=True)
class Paper:
    """A letter, or a page in charts, that a message carries; the name it is saved under: `Releve-2026-09-15.pdf`."""

    file_name: str
    letter: Letter | KeptPage

    def __post_init__(self) -> None:
        if _FILE_NAME.fullmatch(self.file_name) is None:
            raise IllFormedDocument(f"{self.file_name!r} is no name for a file: use letters, digits, dots and dashes")


@dataclass(frozen=True, slots=True)
class Message:
    """A mail to a tenant about something (`key`), at an address; ready to be printed and sent.

    An unusable address is no fault here: the delivery fails with its reason until a person mends it.
    """

    key: str
    tenant: str
    recipient: str
    recipient_name: str
    text: MailText
    papers: tuple[Paper, ...]
    # The documents, by number, of which it carries a copy each, after its papers.
    copies: tuple[str, ...] = ()


class StoredMessage(NamedTuple):
    """A message that stands: the number people call it by, the day its papers bear, the message itself."""

    number: str
    written_on: date
    message: Message


def number_of(key: int) -> str:
    """Return the number by which people call a message: `ME-000012`."""
    return f"ME-{key:06d}"


def content_of(message: Message) -> str:
    """Return the texts and papers of a message as JSON, to be stored."""
    content: dict[str, Any] = {"text": asdict(message.text), "papers": list(map(_paper_json, message.papers))}
    if message.copies:
        content["copies"] = message.copies
    return json.dumps(content)


def _paper_json(paper: Paper) -> dict[str, Any]:
    if isinstance(paper.letter, KeptPage):
        return {"file_name": paper.file_name, "page": asdict(paper.letter)}
    letter = asdict(paper.letter)
    letter["issued_on"] = paper.letter.issued_on.isoformat()
    return {"file_name": paper.file_name, "letter": letter}


def _paper(content: dict[str, Any]) -> Paper:
    if "page" in content:
        return Paper(content["file_name"], KeptPage(**content["page"]))
    stored = content["letter"]
    words = stored["in_words"]
    letter = Letter(
        **stored
        | {
            "issued_on": date.fromisoformat(stored["issued_on"]),
            "seller": Party(**stored["seller"]),
            "buyer": Party(**stored["buyer"]),
            "facts": tuple(Fact(*fact) for fact in stored["facts"]),
            "paragraphs": tuple(stored["paragraphs"]),
            "columns": tuple(Column(*column) for column in stored["columns"]),
            "rows": tuple(tuple(row) for row in stored["rows"]),
            "sums": tuple((label, amount) for label, amount in stored["sums"]),
            "in_words": None if words is None else InWords(words[0], tuple(words[1]), words[2]),
            "notes": tuple(Note(title, tuple(lines)) for title, lines in stored["notes"]),
            "carried": tuple((forward, brought) for forward, brought in stored.get("carried", ())),
        }
    )
    return Paper(content["file_name"], letter)


def stored_message(row: Row[Any]) -> StoredMessage:
    """Read a row of `message`; raises KeyError, TypeError, ValueError if it can't be read."""
    content = json.loads(row.content)
    stored = content["text"]
    text = MailText(
        stored["language"],
        stored["subject"],
        tuple(stored["before"]),
        tuple((label, value) for label, value in stored["facts"]),
        tuple(stored["after"]),
        tuple(stored.get("action", ())),
    )
    papers = tuple(_paper(paper) for paper in content["papers"])
    copies = tuple(content.get("copies", ()))
    message = Message(row.key, row.tenant, row.recipient, row.recipient_name, text, papers, copies)
    return StoredMessage(number_of(row.id), row.written_on, message)
