"""Prints letters, such as a call for a deposit or an account statement: one page for all, in the style of documents.

The caller gives every text, ready to print; the template escapes it.
"""

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import NamedTuple

from invoices.document import Party
from invoices.formats import FRENCH
from invoices.rendering.pdf import print_page, render_template
from invoices.rendering.sheet import (
    Fact,
    InWords,
    LinkText,
    Note,
    PartyText,
    continued,
    legal_lines,
    link_text,
    party_text,
)
from invoices.wording import Wording, wording_of

TEMPLATE = "letter.html"


class Column(NamedTuple):
    """A column of a letter's table: its title and width (`30mm`); figures stand on the right, texts on the left."""

    title: str
    width: str
    is_text: bool


@dataclass(frozen=True, slots=True)
class Letter:
    """A paper as text. `sums` are labels and amounts under the table, the last of them the one that counts."""

    issued_on: date
    seller: Party
    buyer: Party
    subject: str
    title: str
    number: str
    addressee: str
    facts: tuple[Fact, ...]
    paragraphs: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    sums: tuple[tuple[str, str], ...]
    in_words: InWords | None
    notes: tuple[Note, ...]
    # For each row, the texts at the foot of a page that ends after it, and at the head of one that begins with it.
    carried: tuple[tuple[str, str], ...] = ()
    # At the head of each further page; blank: its title and number.
    continued: str = ""
    # Set close, so that a long table takes few pages.
    is_compact: bool = False
    # The language it is written in.
    language: str = FRENCH
    # The address under which whoever holds it can verify it (`invoices.links`); blank: none is printed.
    link: str = ""


class LetterPage(NamedTuple):
    """All that the template prints: the letter, and the parties and legal lines of every paper."""

    letter: Letter
    t: Wording
    continued: str
    seller: PartyText
    buyer: PartyText
    legal: tuple[str, ...]
    link: LinkText | None


def render_letter(letter: Letter) -> bytes:
    """Return the letter's PDF/A-3: a pure function of its texts, the same bytes every time. Raises RenderingFailed."""
    t = wording_of(letter.seller, letter.language)
    page = LetterPage(
        letter,
        t,
        letter.continued or continued(letter.title, letter.number, t),
        party_text(letter.seller, t),
        party_text(letter.buyer, t),
        legal_lines(letter.seller, t),
        link_text(letter.link, t),
    )
    html = render_template(TEMPLATE, page=page)
    return print_page(html, letter.number, identifier=sha256(html.encode()).digest()[:16], direction=t.direction)
