"""Composes the mail that carries a document or another paper: its texts, headers, attachments, as the bytes sent.

The standard library writes all but the headers that hold a name (`_Header`): whatever the name holds (line ends,
encoded words, marks that reorder text) must stay within its own header. All of it is ASCII in short lines, so that any
relay passes it on unchanged.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, quote
from functools import cache, lru_cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from invoices import formats
from invoices.document import CREDIT_NOTE, SERIES, Document, Party
from invoices.domains import in_ascii
from invoices.errors import UnusableAddress
from invoices.logo import png_of
from invoices.wording import Wording, language_of, wording

# Neither quoted-printable nor base64 can hold `=_`: these never occur within a part.
_MIXED, _ALTERNATIVE, _RELATED = "=_mixed", "=_alternative", "=_related"
_TEXT_ENCODING = "quoted-printable"
# The characters of a line of a header or of text at most (RFC 2045, RFC 2047).
_LINE_MAX = 76
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
# One address in ASCII, as nearly all are: whatever it matches, `parse_mailbox` reads.
_PLAIN_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){_LOCAL_PART.pattern}@{_DOMAIN.pattern}", re.ASCII)
_NOT_IN_LOCAL_PART = frozenset('()<>[]:;@\\,"')


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address that can be written in an SMTP dialogue; its domain is in ASCII (IDNA)."""

    local_part: str
    domain: str

    @property
    def is_international(self) -> bool:
        """Return whether the server must offer SMTPUTF8 (RFC 6531): only for a local part beyond ASCII."""
        return not self.local_part.isascii()

    def __str__(self) -> str:
        return f"{self.local_part}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Mail:
    """A message ready to be sent; `message_id` is the same at every attempt for the same document."""

    number: str
    message_id: str
    sender: Mailbox
    recipients: tuple[Mailbox, ...]
    content: bytes

    @property
    def international(self) -> tuple[Mailbox, ...]:
        """Return the addresses for which the server must offer SMTPUTF8."""
        return tuple(mailbox for mailbox in (self.sender, *self.recipients) if mailbox.is_international)


@dataclass(frozen=True, slots=True)
class MailText:
    """The text of a mail, in one language: sentences, then figures by name, then the rest; no markup."""

    language: str
    subject: str
    before: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    after: tuple[str, ...]
    # A button: its words and the address that it opens; empty: none.
    action: tuple[str, ...] = ()


class Attached(NamedTuple):
    """A PDF, or another file of `subtype`, and the name it is saved under, in ASCII."""

    file_name: str
    pdf: bytes
    subtype: str = "pdf"


class Envelope(NamedTuple):
    """The sender, the recipients (one or more, of one name) and the time (an aware instant) of a mail."""

    sender: Mailbox
    sender_name: str
    recipients: tuple[Mailbox, ...]
    recipient_name: str
    now: datetime
    # The domain of its Message-ID; blank: the sender's.
    id_domain: str = ""
    # The number of the sender's declaration to the CNDP (loi 09-08), said at the end of the mail; blank: none is.
    cndp_number: str = ""
    # Whether the e-invoice in UBL goes with a document.
    attaches_ubl: bool = False
    # The sender as its papers print it, for the head and the foot of the mail; None: neither.
    operator: Party | None = None


def parse_mailbox(text: str) -> Mailbox:
    """Read one plain address, `name@domain`; raises UnusableAddress with the reason in words."""
    address = text.strip()
    if not address:
        raise UnusableAddress("no e-mail address: give one, then retry")
    local_part, at, domain = address.rpartition("@")
    if not at or not local_part or not domain:
        raise UnusableAddress(f"{shown(address)!r} is not an e-mail address such as name@domain.ma")
    try:
        ascii_domain = in_ascii(domain)
    except UnicodeError:
        raise UnusableAddress(f"{shown(address)!r}: its domain can't be written in a mail address") from None
    if not _DOMAIN.fullmatch(ascii_domain):
        raise UnusableAddress(f"{shown(address)!r}: its domain is not one")
    if not _is_local_part(local_part):
        raise UnusableAddress(f"{shown(address)!r} is not one e-mail address such as name@domain.ma")
    return Mailbox(local_part, ascii_domain)


def parse_mailboxes(text: str) -> tuple[tuple[Mailbox, ...], tuple[str, ...]]:
    """Read one address or several, parted by `;` or `,`; return them, each once, and the reason against each bad one.

    Raises UnusableAddress if there is none that mail can be sent to.
    """
    parts = [part for part in re.split(r"[;,]", text) if part.strip()]
    mailboxes, problems = [], []
    for part in parts:
        try:
            mailboxes.append(parse_mailbox(part))
        except UnusableAddress as error:
            problems.append(str(error))
    if not mailboxes:
        raise UnusableAddress("; ".join(problems) or "no e-mail address: give one, then retry")
    return tuple(dict.fromkeys(mailboxes)), tuple(problems)


def reaches_somebody(text: str) -> bool:
    """Return whether a mail to one address or several can be sent to at least one of them."""
    if _PLAIN_ADDRESS.fullmatch(text):
        return True
    try:
        parse_mailboxes(text)
    except UnusableAddress:
        return False
    return True


def _is_local_part(text: str) -> bool:
    if len(text.encode("utf-8", "replace")) > 64:
        return False
    if text.isascii():
        return _LOCAL_PART.fullmatch(text) is not None
    return text.isprintable() and not any(c.isspace() or c in _NOT_IN_LOCAL_PART for c in text)


def shown(text: str) -> str:
    """Return text fit for one line of a header or log: no line ends, control characters or marks that reorder text."""
    visible = ("" if unicodedata.category(c) == "Cf" else c if c.isprintable() else " " for c in text)
    return " ".join("".join(visible).split())


def message_id(number: str, domain: str) -> str:
    """Return the Message-ID of a document's mail: the same at every attempt, so that a double is recognised."""
    return f"<{number}@{domain}>"


def document_text(document: Document, operator: str) -> tuple[MailText, str]:
    """Return the text of a document's mail, in the buyer's language, and the name of the file it carries."""
    t = wording(language_of(document.buyer.language))
    subject, before, facts = _credit_note(document, t) if document.kind == CREDIT_NOTE else _invoice(document, t)
    text = MailText(
        t.language,
        t("{subject} – {operator}", subject=subject, operator=t.isolated(shown(operator))),
        (t("Bonjour,"), *before),
        facts,
        closing(t, operator),
        (t("Voir ce document en ligne"), document.link) if document.link else (),
    )
    return text, document_file_name(document.number, t.language)


def closing(t: Wording, operator: str) -> tuple[str, ...]:
    """Return the end of a mail that may be answered."""
    question = t("Pour toute question, il suffit de répondre à ce message.")
    return question, t("Cordialement,"), t.isolated(shown(operator))


def _invoice(document: Document, t: Wording) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the subject of the mail that brings an invoice, its sentences and figures."""
    number, buyer, due = document.number, t.isolated(shown(document.buyer.legal_name)), t.day(document.due_on)
    gross, month = t.dirhams(document.gross), t.month(document.period or document.issued_on)
    if document.is_one_off:
        subject = t("Facture {number}", number=number)
        attached = t(
            "Vous trouverez en pièce jointe la facture {number}, établie au nom de {buyer}.", number=number, buyer=buyer
        )
        about = t("Objet"), t.isolated(shown(document.reason))
    else:
        subject = t("Facture {number} – {month}", number=number, month=month)
        attached = t(
            "Vous trouverez en pièce jointe la facture {number} pour {month}, établie au nom de {buyer}.",
            number=number, month=month, buyer=buyer,
        )  # fmt: skip
        about = t("Mois"), month
    figures = (t("Numéro"), number), about, (t("Montant TTC"), gross)
    if not document.gross:
        return subject, (attached, t("Rien à régler.")), figures
    to_pay = t(
        "Son montant est de {gross} TTC. Il est à régler au plus tard le {due}, par virement au compte ci-dessous, en "
        "rappelant la référence de paiement.",
        gross=gross, due=due,
    )  # fmt: skip
    by = (t("À régler au plus tard le"), due), (t("Référence de paiement"), document.printed_reference)
    return subject, (attached, to_pay), (*figures, *by, *bank_facts(document.seller, t))


def bank_facts(seller: Party, t: Wording) -> tuple[tuple[str, str], ...]:
    """Return where a seller is paid, as its papers print it: its bank and RIB, where they are known."""
    rib = formats.rib(seller.rib)
    known = (t("Banque"), t.isolated(shown(seller.bank))), (t("RIB"), rib)
    return tuple((label, value) for label, value in known if value)


def _credit_note(document: Document, t: Wording) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the subject of the mail that brings a credit note, its sentences and figures."""
    number, corrected, gross = document.number, t.listed(document.corrects), t.dirhams(document.gross)
    attached = t(
        "Vous trouverez en pièce jointe l’avoir {number}, établi au nom de {buyer}. Il corrige : {corrects}.",
        number=number, buyer=t.isolated(shown(document.buyer.legal_name)), corrects=corrected,
    )  # fmt: skip
    credited = t("Son montant, {gross} TTC, est porté au crédit de votre compte.", gross=gross)
    month = t.month(document.period or document.issued_on)
    subject = t("Avoir {number} – {month}", number=number, month=month)
    return subject, (attached, credited), ((t("Numéro"), number), (t("Corrige"), corrected), (t("Montant TTC"), gross))


def copy_text(document: Document, operator: str) -> MailText:
    """Return the text of a mail that brings a document once more, in the buyer's language: it says so."""
    text, _ = document_text(document, operator)
    t = wording(text.language)
    note = t(
        "Ce document a été émis le {issued}. Nous vous en envoyons un duplicata, sans autre changement.",
        issued=t.day(document.issued_on),
    )
    return replace(text, subject=t("Copie : {subject}", subject=text.subject), before=(*text.before, note))


def document_file_name(number: str, language: str) -> str:
    """Return the name under which a document is attached to a mail: `Facture-FA-2026-000012.pdf`."""
    t = wording(language)
    if number.startswith(SERIES[CREDIT_NOTE]):
        return t("Avoir-{number}.pdf", number=number)
    return t("Facture-{number}.pdf", number=number)


def compose_mail(number: str, text: MailText, attached: Sequence[Attached], envelope: Envelope) -> Mail:
    """Compose the mail about the paper of that number; its Message-ID is the same at every attempt."""
    identity, subject = message_id(number, envelope.id_domain or envelope.sender.domain), shown(text.subject)
    mail = Mail(number, identity, envelope.sender, envelope.recipients, b"")
    message = EmailMessage(policy=SMTP.clone(utf8=bool(mail.international), max_line_length=_LINE_MAX))
    for header in (
        _address_header("From", envelope.sender_name, envelope.sender),
        _address_header("Reply-To", envelope.sender_name, envelope.sender),
        _address_header("To", envelope.recipient_name, *envelope.recipients),
        _Header("Subject", _encoded("Subject", subject)),
        _Header("Date", format_datetime(envelope.now)),
        _Header("Message-ID", identity),
        _Header("Auto-Submitted", "auto-generated"),
    ):
        message[header.name] = header
    logo = png_of("" if envelope.operator is None else envelope.operator.logo)
    cid = f"logo.{identity[1:-1]}" if logo else ""
    plain, html = _plain_and_html(text, subject, envelope, cid)
    message.set_content(plain, cte=_TEXT_ENCODING)
    message.add_alternative(html, subtype="html", cte=_TEXT_ENCODING)
    message.set_boundary(_ALTERNATIVE)
    if logo:
        _, page = message.iter_parts()
        page.add_related(logo, "image", "png", cid=f"<{cid}>", disposition="inline")
        page.set_boundary(_RELATED)
    for paper in attached:
        message.add_attachment(paper.pdf, maintype="application", subtype=paper.subtype, filename=paper.file_name)
    message.set_boundary(_MIXED)
    message["Content-Language"] = text.language
    return replace(mail, content=message.as_bytes())


def _plain_and_html(text: MailText, subject: str, envelope: Envelope, cid: str) -> tuple[str, str]:
    """Return the mail as text and as HTML, which say the same; `cid` is what the logo is attached as."""
    t = wording(text.language)
    table = "\n".join(t("{label} : {value}", label=label, value=value) for label, value in text.facts)
    action = t("{label} : {value}", label=text.action[0], value=text.action[1]) if text.action else ""
    foot = _foot(envelope, t)
    html = _page().render(
        language=text.language, direction=t.direction, subject=subject, text=text, foot=foot, cid=cid,
        head="" if envelope.operator is None else shown(envelope.operator.legal_name),
    )  # fmt: skip
    return "\n\n".join(part for part in (*text.before, table, action, *text.after, "\n".join(foot)) if part), html


def _foot(envelope: Envelope, t: Wording) -> tuple[str, ...]:
    """Return who writes, by line, and what the law on personal data wants said."""
    lines = []
    if envelope.operator is not None:
        who = envelope.operator
        place = ", ".join(shown(part) for part in (who.address, who.city) if part)
        phone = shown(who.phone).replace(" ", formats.SPACE)
        lines += [
            t.paired(shown(who.legal_name), shown(who.legal_form)) if who.legal_form else shown(who.legal_name),
            *(t.isolated(part) for part in (place, phone, shown(who.email)) if part),
            t("{label} : {value}", label=t("ICE"), value=who.ice) if who.ice else "",
        ]
    if envelope.cndp_number:
        lines.append(
            t(
                "Données personnelles (loi 09-08) : traitement déclaré à la CNDP sous le n° {number}. Pour y accéder, "
                "les rectifier ou vous y opposer, répondez à ce message.",
                number=t.isolated(shown(envelope.cndp_number)),
            )
        )
    return tuple(line for line in lines if line)


@cache
def _page() -> Template:
    environment = Environment(
        loader=PackageLoader("invoices", "mail_templates"), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    return environment.get_template("mail.html")


class _Header(NamedTuple):
    """A header that goes out as it is written here (`email.policy.EmailPolicy` asks it to fold itself).

    Python 3.11 would parse and fold it anew: it decodes what looks like an encoded word, line ends within it too, and
    spoils long names and names with quotes or commas.
    """

    name: str
    text: str

    def fold(self, *, policy: Policy) -> str:
        """Return the whole header."""
        return f"{self.name}: {self.text}{policy.linesep}"


def _address_header(header: str, name: str, *mailboxes: Mailbox) -> _Header:
    """Return a header that holds `name <address>`, folded between the two, then further addresses, each on a line."""
    phrase, (first, *others) = shown(name), mailboxes
    further = "".join(f",\r\n {mailbox}" for mailbox in others)
    if not phrase:
        return _Header(header, f"{first}{further}")
    encoded = f'"{quote(phrase)}"' if _is_plain(phrase) else _encoded(header, phrase)
    return _Header(header, f"{encoded}\r\n <{first}>{further}")


def _is_plain(text: str) -> bool:
    # A text that looks like an encoded word must be encoded itself, or readers would decode it.
    return text.isascii() and "=?" not in text and len(text) <= 60


# Every mail of a month bears the operator's name twice.
@lru_cache(maxsize=256)
def _encoded(header: str, text: str) -> str:
    """Return text as RFC 2047 encoded words, folded; plain ASCII as it is."""
    return (
        text
        if _is_plain(text)
        else Header(text, "utf-8", header_name=header, maxlinelen=_LINE_MAX - 2).encode(linesep="\r\n")
    )
