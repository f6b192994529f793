"""Messages as they are queued, read back, printed and kept; what `billing.messages` promises."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects import postgresql, sqlite

from billing.frame.audit_log import record_change
from billing.frame.errors import Unknown
from billing.messages.tables import message, message_attempt, message_delivery, message_file
from invoices.delivery import QUEUED, Queue
from invoices.document import Party
from invoices.errors import IllFormedDocument
from invoices.mail import Attached, Envelope, Mail, MailText, compose_mail
from invoices.rendering.figures import KeptPage, print_figures
from invoices.rendering.letter import Column, Letter, render_letter
from invoices.rendering.sheet import Fact, InWords, Note
from invoices.storage import StoredFile, keep

# So many are looked up and written by one statement.
_BLOCK = 500
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}\.pdf", re.ASCII)
_NUMBER = re.compile(r"ME-([0-9]{6,18})", re.ASCII)


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
    """What is told to a tenant, about what (`key`), at which address; ready to be printed and sent.

    An unusable address is no fault here: the delivery fails with its reason until a person mends it.
    """

    key: str
    tenant: str
    recipient: str
    recipient_name: str
    text: MailText
    papers: tuple[Paper, ...]


class Told(NamedTuple):
    """A message that stands: how people call it, the day its papers bear, what it says."""

    number: str
    written_on: date
    message: Message


def number_of(key: int) -> str:
    """How people call a message: `ME-000012`."""
    return f"ME-{key:06d}"


def key_of(number: str) -> int:
    """The key of the message that people call so; raises Unknown for what is no such number."""
    match = _NUMBER.fullmatch(number)
    if match is None or number != number_of(int(match[1])):
        raise Unknown(f"there is no message {number}: they are called ME-000012")
    return int(match[1])


MESSAGES = Queue(message, message_delivery, message_attempt, "message_id", message.c.id, number_of)


def queue_messages(
    connection: Connection, kind: str, messages: Iterable[Message], *, written_on: date, queued_at: datetime
) -> dict[str, int]:
    """Keep messages of a kind and queue them; gives the keys queued now, each with the `message.id` it has got.

    What was queued before under the same kind and key is left as it stands, and is not among them.
    """
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert
    told: dict[str, int] = {}
    for block in _blocks({one.key: one for one in messages}.values()):
        keys = [one.key for one in block]
        standing = set(connection.scalars(select(message.c.key).where(message.c.kind == kind, message.c.key.in_(keys))))
        rows = [_row(kind, one, written_on, queued_at) for one in block if one.key not in standing]
        if not rows:
            continue
        # Another process may queue the same at this moment: whoever comes first has it.
        made = insert(message).on_conflict_do_nothing(index_elements=["kind", "key"])
        added = connection.execute(made.returning(message.c.key, message.c.id), rows).all()
        told |= {key: number for key, number in added}  # noqa: C416 (rows are no pairs to dict's type)
        _queue(connection, {one.key: one for one in block}, dict(added), queued_at)
    return told


def _row(kind: str, one: Message, written_on: date, queued_at: datetime) -> dict[str, Any]:
    return {
        "kind": kind,
        "key": one.key,
        "tenant": one.tenant,
        "written_on": written_on,
        "recipient": one.recipient,
        "recipient_name": one.recipient_name,
        "content": json.dumps({"text": asdict(one.text), "papers": [_paper_json(p) for p in one.papers]}),
        "queued_at": queued_at,
    }


def _queue(connection: Connection, block: dict[str, Message], added: dict[str, int], queued_at: datetime) -> None:
    rows = [
        {
            "message_id": number,
            "state": QUEUED,
            "attempts": 0,
            "next_attempt_at": queued_at,
            "recipient": block[key].recipient,
        }
        for key, number in added.items()
    ]
    if rows:
        connection.execute(message_delivery.insert(), rows)
    for key, number in sorted(added.items(), key=lambda pair: pair[1]):
        after = {"tenant": block[key].tenant, "recipient": block[key].recipient, "subject": block[key].text.subject}
        record_change(connection, "messages", number_of(number), None, after)


def _blocks(messages: Iterable[Message]) -> Iterator[list[Message]]:
    listed = list(messages)
    return (listed[start : start + _BLOCK] for start in range(0, len(listed), _BLOCK))


def _paper_json(paper: Paper) -> dict[str, Any]:
    if isinstance(paper.letter, KeptPage):
        return {"file_name": paper.file_name, "page": asdict(paper.letter)}
    letter = asdict(paper.letter)
    letter["issued_on"] = paper.letter.issued_on.isoformat()
    return {"file_name": paper.file_name, "letter": letter}


def _paper(content: dict[str, Any]) -> Paper:
    if "page" in content:
        return Paper(content["file_name"], KeptPage(**content["page"]))
    told = content["letter"]
    words = told["in_words"]
    letter = Letter(
        **told
        | {
            "issued_on": date.fromisoformat(told["issued_on"]),
            "seller": Party(**told["seller"]),
            "buyer": Party(**told["buyer"]),
            "facts": tuple(Fact(*fact) for fact in told["facts"]),
            "paragraphs": tuple(told["paragraphs"]),
            "columns": tuple(Column(*column) for column in told["columns"]),
            "rows": tuple(tuple(row) for row in told["rows"]),
            "sums": tuple((label, amount) for label, amount in told["sums"]),
            "in_words": None if words is None else InWords(words[0], tuple(words[1]), words[2]),
            "notes": tuple(Note(title, tuple(lines)) for title, lines in told["notes"]),
            "carried": tuple((forward, brought) for forward, brought in told.get("carried", ())),
        }
    )
    return Paper(content["file_name"], letter)


def told_of(row: Row[Any]) -> Told:
    """The message that a row of `message` tells; raises KeyError, TypeError, ValueError if it tells none."""
    content = json.loads(row.content)
    said = content["text"]
    text = MailText(
        said["language"],
        said["subject"],
        tuple(said["before"]),
        tuple((label, value) for label, value in said["facts"]),
        tuple(said["after"]),
    )
    papers = tuple(_paper(one) for one in content["papers"])
    one = Message(row.key, row.tenant, row.recipient, row.recipient_name, text, papers)
    return Told(number_of(row.id), row.written_on, one)


def load_messages(connection: Connection, ids: Sequence[int]) -> list[tuple[int, Told]]:
    """The messages of these keys, in the order of their numbers."""
    rows = connection.execute(select(message).where(message.c.id.in_(ids)).order_by(message.c.id))
    return [(row.id, told_of(row)) for row in rows]


def load_message(connection: Connection, key: int) -> Told:
    """One message; raises Unknown."""
    found = load_messages(connection, [key])
    if not found:
        raise Unknown(f"there is no message {number_of(key)}")
    return found[0][1]


def printed(paper: Paper) -> bytes:
    """A paper as PDF: the same bytes every time. Raises RenderingFailed."""
    if isinstance(paper.letter, KeptPage):
        return print_figures(paper.letter.html, paper.letter.number)
    return render_letter(paper.letter)


def print_papers(told: Told, documents_url: str) -> tuple[StoredFile, ...]:
    """Print and keep the papers of a message, in order; doing it again gives the same files. Raises RenderingFailed."""
    folder = str(told.written_on.year)
    return tuple(
        keep(documents_url, folder, f"{told.number}-{paper_no}", printed(paper))
        for paper_no, paper in enumerate(told.message.papers, 1)
    )


def kept_papers(connection: Connection, told: Mapping[int, Told]) -> dict[int, tuple[StoredFile, ...]]:
    """The papers of messages as recorded, in order, of those that have them all."""
    recorded = _papers_of(connection, told)
    return {key: files for key, files in recorded.items() if len(files) == len(told[key].message.papers)}


def record_papers(
    connection: Connection,
    _told: Mapping[int, Told],
    printed: Mapping[int, Sequence[StoredFile]],
    rendered_at: datetime,
) -> dict[int, tuple[StoredFile, ...]]:
    """Record which files are the papers of messages, unless some stand already: gives those that count."""
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert
    rows = [
        {"message_id": key, "paper_no": paper_no, "rendered_at": rendered_at, **asdict(one)}
        for key, files in printed.items()
        for paper_no, one in enumerate(files, 1)
    ]
    if rows:
        connection.execute(insert(message_file).on_conflict_do_nothing(), rows)
    return _papers_of(connection, printed)


def _papers_of(connection: Connection, keys: Collection[int]) -> dict[int, tuple[StoredFile, ...]]:
    """The files of each message as recorded, in order; some messages have none."""
    found: dict[int, list[StoredFile]] = {key: [] for key in keys}
    f = message_file.c
    rows = connection.execute(
        select(f.message_id, f.path, f.sha256, f.size_bytes)
        .where(f.message_id.in_(list(keys)))
        .order_by(f.message_id, f.paper_no)
    )
    for key, *file in rows:
        found[key].append(StoredFile(*file))
    return {key: tuple(files) for key, files in found.items()}


def compose(told: Told, pdfs: Sequence[bytes], envelope: Envelope) -> Mail:
    """The mail of a message with its papers attached."""
    attached = [Attached(paper.file_name, pdf) for paper, pdf in zip(told.message.papers, pdfs, strict=True)]
    return compose_mail(told.number, told.message.text, attached, envelope)
