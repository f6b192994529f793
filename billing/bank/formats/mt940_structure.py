"""The structure of an MT940 file: its messages, their movements, and whose each text is; no value is judged here.

SWIFT orders the fields of a message: reference, account, number, opening balance, movements each with its text, closing
balance, balances for information, text on the whole statement. Banks leave out fields, repeat them, and write several
statements into one message; what begins after a closing balance is another statement.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

# The fields that there are; whatever else begins a line with a colon is text. The first may follow SWIFT's envelope.
_TAGS = r"13D?|20|21|25P?|28[CD]?|34F|60[FM]?|61|62[FM]?|64|65|86|90[CD]?|NS"
_TAG = re.compile(rf"(?:^[\x00-\x08\x0b-\x1f\ufeff]*|(?<=\{{4:)):\n?({_TAGS}):", re.MULTILINE)
# SWIFT's end of a message.
_END = re.compile(r"^-\}", re.MULTILINE)
# A text far beyond what SWIFT allows (6 lines of 65) is cut.
_FIELD_LENGTH_MAX = 10_000
_REFERENCE, _ACCOUNT, _NUMBER, _OPENING, _MOVEMENT, _CLOSING = "20", "25", "28", "60", "61", "62"
_TEXTS = ("86", "NS")
# Fields between a movement and its text that end nothing.
_ASIDE = ("13", "21", "34")


class SwiftField(NamedTuple):
    """A field of a message: its tag, the line of the file it begins on, its lines without blank ones."""

    tag: str
    line: int
    text: str

    @property
    def first_line(self) -> str:
        """Return its first line."""
        return self.text.partition("\n")[0].strip()


class Movement(NamedTuple):
    """A movement (:61:) with the texts that follow it (:86:, :NS:)."""

    head: SwiftField
    texts: list[SwiftField]


@dataclass(slots=True)
class Message:
    """A statement as the file holds it: its fields by what they say, in the order of the file."""

    line: int
    before: "Message | None" = None
    references: list[SwiftField] = field(default_factory=list)
    accounts: list[SwiftField] = field(default_factory=list)
    numbers: list[SwiftField] = field(default_factory=list)
    openings: list[SwiftField] = field(default_factory=list)
    closings: list[SwiftField] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    texts: list[SwiftField] = field(default_factory=list)
    is_over: bool = False
    _takes_text: bool = False

    @property
    def account(self) -> list[SwiftField]:
        """Return the fields that say its account: its own, or those of the statement before in the same message."""
        return self.accounts or ([] if self.before is None else self.before.account)

    def is_ended_by(self, tag: str) -> bool:
        """Return whether a field of that tag begins another statement."""
        kind = tag[:2]
        if kind == _REFERENCE:
            return bool(self.references or self.openings or self.movements or self.closings)
        return bool(self.closings) and kind in (_ACCOUNT, _NUMBER, _OPENING, _MOVEMENT)

    def add(self, of: SwiftField) -> None:
        """Put a field to what it is of. A text that follows no movement is on the whole statement: only one behind all
        movements is kept.
        """
        kind = of.tag[:2]
        if kind == _MOVEMENT:
            self.movements.append(Movement(of, []))
        elif kind in _TEXTS and self.movements:
            (self.movements[-1].texts if self._takes_text else self.texts).append(of)
        elif kind in _KEPT:
            getattr(self, _KEPT[kind]).append(of)
        if kind not in (*_TEXTS, *_ASIDE):
            self._takes_text = kind == _MOVEMENT


_KEPT = {
    _REFERENCE: "references", _ACCOUNT: "accounts", _NUMBER: "numbers", _OPENING: "openings", _CLOSING: "closings",
}  # fmt: skip


def messages(text: str) -> Iterator[Message]:
    """Yield the statements of a file, in its order; none where it holds no field of MT940.

    One that goes on in the same message is of the same account and reference, if it says no other.
    """
    message: Message | None = None
    for of, is_last in _fields(text):
        if message is None:
            message = Message(of.line)
        elif message.is_over or message.is_ended_by(of.tag):
            yield message
            goes_on = not message.is_over and of.tag != _REFERENCE
            message = Message(of.line, before=message if goes_on else None)
        message.add(of)
        message.is_over = is_last
    if message is not None:
        yield message


def _fields(text: str) -> Iterator[tuple[SwiftField, bool]]:
    """Yield the fields of a file, each with whether its message ends behind it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    line, counted = 1, 0
    tags = list(_TAG.finditer(text))
    for place, tag in enumerate(tags):
        line += text.count("\n", counted, tag.start())
        counted = tag.start()
        until = tags[place + 1].start() if place + 1 < len(tags) else len(text)
        end = _END.search(text, tag.end(), until)
        lines = text[tag.end() : min(until if end is None else end.start(), tag.end() + _FIELD_LENGTH_MAX)].split("\n")
        kept = (part.rstrip() for part in lines if part.strip() not in ("", "-"))
        yield SwiftField(tag[1], line, "\n".join(kept).strip()), end is not None
