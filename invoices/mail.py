"""The mail that carries a document: its texts, its headers, its attachment, as the bytes that are sent.

Headers and parts are written here and not by `email`: whatever a name holds (line ends, encoded words,
marks that reorder text) stays within its own header, and a mail costs a fifth of the time. All of it is
ASCII in lines of at most 78 characters, so that any relay passes it on unchanged.
"""

import re
import tomllib
import unicodedata
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from email.utils import format_datetime, quote
from functools import cache
from importlib.resources import files
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from invoices import formats
from invoices.document import INVOICE, Document
from invoices.errors import UnusableAddress
from pricing.money import format_amount

LANGUAGES = ("fr", "en", "ar")
# Neither quoted-printable nor base64 can hold `=_`: these never occur within a part.
_MIXED, _ALTERNATIVE = b"=_mixed", b"=_alternative"
_BASE64_LINE = 76
_LOCALES = {"en": "en", "ar": "ar_MA"}
_CURRENCY = {"en": "MAD", "ar": "درهم"}
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_NOT_IN_LOCAL_PART = frozenset('()<>[]:;@\\,"')


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address that can be written in an SMTP dialogue; its domain is in ASCII (IDNA)."""

    local_part: str
    domain: str

    @property
    def is_international(self) -> bool:
        """Whether the server must offer SMTPUTF8 (RFC 6531): only for a local part beyond ASCII."""
        return not self.local_part.isascii()

    def __str__(self) -> str:
        return f"{self.local_part}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Mail:
    """A message ready to be sent; `message_id` is the same at every attempt for the same document."""

    number: str
    message_id: str
    sender: Mailbox
    recipient: Mailbox
    content: bytes

    @property
    def is_international(self) -> bool:
        """Whether the server must offer SMTPUTF8."""
        return self.sender.is_international or self.recipient.is_international


def parse_mailbox(text: str) -> Mailbox:
    """One plain address, `name@domain`; raises UnusableAddress with the reason in words."""
    address = text.strip()
    if not address:
        raise UnusableAddress("no e-mail address: give one, then retry")
    local_part, at, domain = address.rpartition("@")
    if not at or not local_part or not domain:
        raise UnusableAddress(f"{shown(address)!r} is not an e-mail address such as name@domain.ma")
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise UnusableAddress(f"{shown(address)!r}: its domain can't be written in a mail address") from None
    if not _DOMAIN.fullmatch(ascii_domain):
        raise UnusableAddress(f"{shown(address)!r}: its domain is not one")
    if not _is_local_part(local_part):
        raise UnusableAddress(f"{shown(address)!r} is not one e-mail address such as name@domain.ma")
    return Mailbox(local_part, ascii_domain)


def _is_local_part(text: str) -> bool:
    if len(text.encode("utf-8", "replace")) > 64:
        return False
    if text.isascii():
        return _LOCAL_PART.fullmatch(text) is not None
    return text.isprintable() and not any(c.isspace() or c in _NOT_IN_LOCAL_PART for c in text)


def shown(text: str) -> str:
    """Text for one line of a header or a log: no line ends, control characters or marks that reorder text."""
    kept = ("" if unicodedata.category(c) == "Cf" else c if c.isprintable() else " " for c in text)
    return " ".join("".join(kept).split())


def message_id(number: str, sender: Mailbox) -> str:
    """The Message-ID of a document's mail: the same at every attempt, so that a double would be recognised."""
    return f"<{number}@{sender.domain}>"


def build_mail(
    document: Document, pdf: bytes, *, sender: Mailbox, sender_name: str, recipient: Mailbox, now: datetime
) -> Mail:
    """The mail that carries `pdf` to the buyer, in the buyer's language, dated `now` (an aware instant)."""
    language = document.buyer.language if document.buyer.language in LANGUAGES else LANGUAGES[0]
    texts = _texts(language)
    kind = texts[document.kind]
    words = _words(document, language, sender_name)
    subject = shown(kind["subject"].format_map(words))
    identity = message_id(document.number, sender)
    headers = (
        ("From", _named(sender_name, sender)),
        ("Reply-To", _named(sender_name, sender)),
        ("To", _named(document.buyer.legal_name, recipient)),
        ("Subject", _encoded(subject)),
        ("Date", format_datetime(now)),
        ("Message-ID", identity),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", language),
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    plain, html = _plain_and_html(document, texts, words, subject, language)
    parts = _multipart(plain, html, pdf, kind["file"].format_map(words))
    return Mail(document.number, identity, sender, recipient, head.encode("utf-8") + parts)


def _plain_and_html(
    document: Document, texts: dict[str, Any], words: dict[str, str], subject: str, language: str
) -> tuple[str, str]:
    paragraphs = [paragraph.format_map(words) for paragraph in texts[document.kind]["paragraphs"]]
    facts = [(texts[name], words[name]) for name in _facts(document)]
    table = "\n".join(f"{label} : {value}" if language == "fr" else f"{label}: {value}" for label, value in facts)
    # The figures follow the sentence that announces them, in both parts.
    before, after = paragraphs[:-3], paragraphs[-3:]
    html = _page().render(
        language=language, direction=texts["direction"], subject=subject, before=before, facts=facts, after=after
    )
    return "\n\n".join([*before, table, *after]), html


def _multipart(plain: str, html: str, pdf: bytes, file_name: str) -> bytes:
    """The MIME parts (RFC 2046): text and HTML as alternatives, and the PDF attached under an ASCII name."""
    attached = b64encode(pdf)
    return b"\r\n".join(
        [
            b"MIME-Version: 1.0",
            b'Content-Type: multipart/mixed; boundary="%b"' % _MIXED,
            b"",
            b"--" + _MIXED,
            b'Content-Type: multipart/alternative; boundary="%b"' % _ALTERNATIVE,
            b"",
            *_text_part("plain", plain),
            *_text_part("html", html),
            b"--%b--" % _ALTERNATIVE,
            b"--" + _MIXED,
            b"Content-Type: application/pdf",
            b"Content-Transfer-Encoding: base64",
            b'Content-Disposition: attachment; filename="%b"' % file_name.encode("ascii"),
            b"",
            *(attached[start : start + _BASE64_LINE] for start in range(0, len(attached), _BASE64_LINE)),
            b"--%b--" % _MIXED,
            b"",
        ]
    )


def _text_part(subtype: str, text: str) -> tuple[bytes, ...]:
    return (
        b"--" + _ALTERNATIVE,
        b'Content-Type: text/%b; charset="utf-8"' % subtype.encode("ascii"),
        b"Content-Transfer-Encoding: quoted-printable",
        b"",
        b2a_qp(text.encode("utf-8")).replace(b"\n", b"\r\n"),
    )


def _facts(document: Document) -> tuple[str, ...]:
    return ("number", "month", "gross", "due") if document.kind == INVOICE else ("number", "corrects", "gross")


def _words(document: Document, language: str, operator: str) -> dict[str, str]:
    return {
        "number": document.number,
        "month": _month(document.period or document.issued_on, language),
        "gross": _amount(document.gross, language),
        "due": _day(document.due_on, language),
        "operator": shown(operator),
        "buyer": shown(document.buyer.legal_name),
        "corrects": ", ".join(document.corrects),
    }


def _amount(centimes: int, language: str) -> str:
    if language == "fr":
        return formats.dirhams(centimes)
    figure = format_decimal(Decimal(format_amount(centimes)), "#,##0.00", _LOCALES[language])
    return f"{figure}\u00a0{_CURRENCY[language]}"


def _day(day: date, language: str) -> str:
    return formats.day(day) if language == "fr" else format_date(day, "d MMMM y", _LOCALES[language])


def _month(first: date, language: str) -> str:
    return formats.month(first) if language == "fr" else format_date(first, "MMMM y", _LOCALES[language])


@cache
def _texts(language: str) -> dict[str, Any]:
    return tomllib.loads((files("invoices") / "mail_templates" / f"{language}.toml").read_text(encoding="utf-8"))


@cache
def _page() -> Template:
    environment = Environment(
        loader=PackageLoader("invoices", "mail_templates"), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    return environment.get_template("mail.html")


def _named(name: str, mailbox: Mailbox) -> str:
    """`name <address>`, folded."""
    phrase = shown(name)
    if not phrase:
        return str(mailbox)
    encoded = f'"{quote(phrase)}"' if _is_plain(phrase) else _encoded(phrase)
    return f"{encoded}\r\n <{mailbox}>"


def _is_plain(text: str) -> bool:
    # What looks like an encoded word must be encoded itself, or readers would decode it.
    return text.isascii() and "=?" not in text and len(text) <= 60


def _encoded(text: str) -> str:
    """Text as RFC 2047 encoded words, folded; plain ASCII as it is."""
    return text if _is_plain(text) else "\r\n ".join(_encoded_words(text))


def _encoded_words(text: str) -> Iterator[str]:
    # 45 bytes make an encoded word of 72 characters, of the 75 allowed; no character is cut in two.
    room, word = 45, b""
    for character in text:
        encoded = character.encode()
        if len(word) + len(encoded) > room:
            yield f"=?utf-8?b?{b64encode(word).decode('ascii')}?="
            word = b""
        word += encoded
    yield f"=?utf-8?b?{b64encode(word).decode('ascii')}?="
