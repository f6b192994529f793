"""The mail that carries a document: in the tenant's language, its PDF attached, no header from data (pitfalls)."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32, default
from email.utils import parseaddr
from html import unescape
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.document import Document
from invoices.errors import UnusableAddress
from invoices.mail import Mailbox, parse_mailbox, parse_mailboxes, shown
from invoices.wording import LANGUAGES
from pricing.vat import VatSubtotal
from tests.support.documents import STARTUP, credit_note, hostile, one_off, w1
from tests.support.mails import build_mail, with_face

NOW = datetime(2026, 9, 1, 6, 30, tzinfo=UTC)
OPERATOR = Mailbox("facturation", "parcs.example")
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
HEADERS = [
    "From", "Reply-To", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
    "Content-Language",
]  # fmt: skip


def mail_of(
    document: Document, operator: str = "Société de Gestion des Parcs", to: str = "a@b.example"
) -> EmailMessage:
    mail = build_mail(document, PDF, sender=OPERATOR, sender_name=operator, recipient=parse_mailbox(to), now=NOW)
    assert mail.content.split(b"\r\n\r\n")[0].isascii()
    assert all(len(line) < 200 for line in mail.content.split(b"\r\n"))
    assert b"\n" not in mail.content.replace(b"\r\n", b"")
    return message_from_bytes(mail.content, policy=default)


def texts(message: EmailMessage) -> tuple[str, str]:
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    return cast(EmailMessage, plain).get_content(), cast(EmailMessage, html).get_content()


def test_a_french_tenant_reads_what_it_owes_and_until_when_and_finds_the_pdf() -> None:
    message = mail_of(w1())
    assert message["Subject"] == "Facture FA-2026-000012 – septembre 2026 – Société de Gestion des Parcs"
    assert message["From"] == "Société de Gestion des Parcs <facturation@parcs.example>"
    assert message["Reply-To"] == message["From"]
    assert message["To"] == "Noor Santé <a@b.example>"
    assert message["Date"] == "Tue, 01 Sep 2026 06:30:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    for text in texts(message):
        assert "3\u202f240,00\u00a0DH TTC" in text
        assert "31 octobre 2026" in text.replace("\u00a0", " ")
        assert "Noor Santé" in text
    (pdf,) = message.iter_attachments()
    assert pdf.get_filename() == "Facture-FA-2026-000012.pdf"
    assert pdf.get_content_type() == "application/pdf"
    assert pdf.get_content() == PDF


def test_a_credit_note_names_what_it_corrects_and_asks_for_no_payment() -> None:
    message = mail_of(credit_note())
    assert message["Subject"].startswith("Avoir AV-2026-000003 – juillet 2026")
    for text in texts(message):
        assert "FA-2026-000004, FA-2026-000009" in text
        assert "régler" not in text
    (pdf,) = message.iter_attachments()
    assert pdf.get_filename() == "Avoir-AV-2026-000003.pdf"


@pytest.mark.parametrize(
    ("language", "subject", "about"),
    [
        ("fr", "Facture FA-2026-000013 – Société", "Objet"),
        ("en", "Invoice FA-2026-000013 – Société", "Subject"),
        ("ar", "الفاتورة رقم FA-2026-000013 – Société", "الموضوع"),
    ],
)
def test_a_one_off_invoice_names_its_subject_and_no_month(language: str, subject: str, about: str) -> None:
    message = mail_of(one_off(language))
    assert message["Subject"].startswith(subject)
    for text in texts(message):
        assert about in text
        assert "Badge perdu, salle prolongée le 2 juillet" in text
        assert not any(month in text for month in ("juillet 2026", "July 2026", "يوليوز 2026"))
    (pdf,) = message.iter_attachments()
    assert "FA-2026-000013.pdf" in str(pdf.get_filename())


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["invoice FA-2026-000012 for September 2026", "3,240.00\u00a0MAD including VAT", "31 October 2026"]),
        ("ar", ["الفاتورة رقم FA-2026-000012 عن شهر شتنبر 2026", "3.240,00\u00a0درهم", "31 أكتوبر 2026"]),
    ],
)
def test_a_tenant_is_written_to_in_its_own_language(language: str, expected: list[str]) -> None:
    message = mail_of(replace(w1(), buyer=replace(STARTUP, language=language)))
    assert message["Content-Language"] == language
    plain, html = texts(message)
    for text in expected:
        assert text in plain
        assert text in html
    assert f'lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in html
    assert mail_of(replace(credit_note(), buyer=replace(STARTUP, language=language)))["Subject"]


def test_every_attempt_bears_the_same_message_id() -> None:
    first = build_mail(w1(), PDF, sender=OPERATOR, sender_name="A", recipient=parse_mailbox("a@b.example"), now=NOW)
    later = NOW.replace(day=2)
    again = build_mail(w1(), b"", sender=OPERATOR, sender_name="A", recipient=parse_mailbox("c@d.example"), now=later)
    assert first.message_id == again.message_id == "<FA-2026-000012@parcs.example>"


def test_a_tenant_named_with_line_ends_adds_no_header() -> None:
    name = "Evil\r\nBcc: victim@example.com\r\n\r\n<script>"
    message = mail_of(replace(w1(), buyer=replace(STARTUP, legal_name=name)), operator="Op\nX-Evil: 1")
    assert message.keys() == HEADERS
    assert message["To"].addresses[0].display_name == "Evil Bcc: victim@example.com <script>"
    assert [address.addr_spec for address in message["To"].addresses] == ["a@b.example"]
    assert "<script>" not in texts(message)[1]


def test_a_name_that_looks_like_an_encoded_word_is_not_decoded_into_a_header() -> None:
    for name in ("=?utf-8?q?=0d=0aX-Evil:_1?=", "é =?utf-8?b?DQpYLUV2aWw6IDE=?="):
        message = mail_of(replace(w1(), buyer=replace(STARTUP, legal_name=name)), operator=name)
        assert message.keys() == HEADERS


def test_names_in_the_html_part_are_text_not_markup() -> None:
    _, html = texts(mail_of(hostile()))
    assert "<img" not in html
    assert "&lt;img src=&#34;file:///etc/passwd&#34;&gt;" in html


@given(name=st.text(max_size=200), operator=st.text(max_size=200), language=st.sampled_from(LANGUAGES))
def test_whatever_the_names_the_headers_are_ours_and_say_what_can_be_shown(
    name: str, operator: str, language: str
) -> None:
    document = replace(w1(), buyer=replace(STARTUP, legal_name=name, language=language))
    message = mail_of(document, operator=operator)
    assert message.keys() == HEADERS
    assert [address.addr_spec for address in message["To"].addresses] == ["a@b.example"]
    assert [address.addr_spec for address in message["From"].addresses] == ["facturation@parcs.example"]
    assert "FA-2026-000012" in message["Subject"]
    assert len(list(message.iter_attachments())) == 1


def read_back(name: str) -> tuple[str, str]:
    """The name and the address that a reader finds in the To of a mail to that name."""
    mail = build_mail(
        replace(w1(), buyer=replace(STARTUP, legal_name=name)),
        PDF,
        sender=OPERATOR,
        sender_name="Op",
        recipient=parse_mailbox("a@société.example"),
        now=NOW,
    )
    # The older parser: the newer one parts adjacent encoded words of a name by a space (RFC 2047 6.2 forbids it).
    to = message_from_bytes(mail.content, policy=compat32)["To"]
    read, address = parseaddr(to.replace("\r\n", ""))
    return str(make_header(decode_header(read))), address


@given(name=st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"]), max_size=120))
def test_a_name_beyond_ascii_reads_back_as_it_was(name: str) -> None:
    assert read_back(name) == (shown(name), "a@xn--socit-esab.example")


@pytest.mark.parametrize(
    "name",
    [
        'Société "Noor", Santé & Fils', 'Noor "Santé" \\ <a@evil.example>, b@evil.example', "Noor, Santé; (Casablanca)",
        "Entreprise générale, " * 12, "x" * 300, "é" * 300, "شركة الحدائق التكنولوجية، الدار البيضاء " * 6,
        "=?utf-8?q?Noor?=", "é =?utf-8?q?=0d=0aBcc:_v=40evil.example?= é", "Noor\r\nBcc: v@evil.example",
        "Noor\u2028\x85é",
    ],
)  # fmt: skip
def test_names_that_email_of_python_3_11_spoils_read_back_as_they_are_shown(name: str) -> None:
    assert read_back(name) == (shown(name), "a@xn--socit-esab.example")


@pytest.mark.parametrize(
    ("text", "local_part", "domain"),
    [
        (" facturation@t0042.example ", "facturation", "t0042.example"),
        ("a.b+c@xn--nxasmq6b.example", "a.b+c", "xn--nxasmq6b.example"),
        ("contact@société.example", "contact", "xn--socit-esab.example"),
        ("contact@بريد.example", "contact", "xn--ngbof4h.example"),
        ("عنوان@t0042.example", "عنوان", "t0042.example"),
        ("root@localhost", "root", "localhost"),
        # IDNA 2008: by the rules of 2003 these would be other domains.
        ("compta@faß.example", "compta", "xn--fa-hia.example"),
        ("a@βόλος.example", "a", "xn--nxasmm1c.example"),
        ("a@نامه\u200cای.example", "a", "xn--mgba3gch31f060k.example"),
        ("Compta@SOCIÉTÉ.Example", "Compta", "xn--socit-esab.example"),
    ],
)
def test_an_address_is_written_as_smtp_can_carry_it(text: str, local_part: str, domain: str) -> None:
    assert parse_mailbox(text) == Mailbox(local_part, domain)


def test_only_a_local_part_beyond_ascii_asks_the_server_for_more() -> None:
    assert parse_mailbox("عنوان@t0042.example").is_international
    assert not parse_mailbox("contact@société.example").is_international


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "nobody", "@b.example", "a@", "a b@c.example", "a@b.example, c@d.example",
        "a@b.example\r\nBcc: x@y.z",
        "a\r\n@b.example", "a@b.example>\nRCPT TO:<c@d.example", "<a@b.example>", "é\u2028@b.example", "a@b..example",
        "a@-b.example", "a@" + "b" * 70 + ".example", "a" * 65 + "@b.example", "a@é" + "\u2028.example",
        "a..b@c.example",
        '"a b"@c.example', "a@[127.0.0.1]", "a@b_c.example", "a@💶.example", "a@-é.example",
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_refused_in_words(text: str) -> None:
    with pytest.raises(UnusableAddress, match=r"e-mail address|domain"):
        parse_mailbox(text)


def test_a_missing_address_says_so() -> None:
    for parse in (parse_mailbox, parse_mailboxes):
        with pytest.raises(UnusableAddress, match="no e-mail address"):
            parse("")


@pytest.mark.parametrize(
    ("text", "addresses", "bad"),
    [
        ("a@x.example; b@x.example", ["a@x.example", "b@x.example"], 0),
        ("a@x.example,b@x.example;c@faß.example", ["a@x.example", "b@x.example", "c@xn--fa-hia.example"], 0),
        (" ; a@x.example ;; ", ["a@x.example"], 0),
        ("a@x.example, a@x.example", ["a@x.example"], 0),
        ("a@x.example; compta; b@x..example", ["a@x.example"], 2),
    ],
)
def test_several_addresses_are_read_each_once_and_the_bad_ones_told(text: str, addresses: list[str], bad: int) -> None:
    mailboxes, problems = parse_mailboxes(text)
    assert list(map(str, mailboxes)) == addresses
    assert len(problems) == bad


def test_none_of_several_addresses_is_usable() -> None:
    with pytest.raises(UnusableAddress, match=r"'x' is not an e-mail address.*; 'y' is not"):
        parse_mailboxes("x; y")


def test_one_mail_names_all_its_recipients() -> None:
    both = parse_mailboxes("a@x.example; b@x.example")[0]
    mail = build_mail(w1(), PDF, sender=OPERATOR, sender_name="A", recipient=both, now=NOW)
    assert mail.recipients == both
    to = message_from_bytes(mail.content, policy=default)["To"]
    assert [address.addr_spec for address in to.addresses] == ["a@x.example", "b@x.example"]
    assert to.addresses[0].display_name == w1().buyer.legal_name
    assert max(map(len, mail.content.split(b"\r\n"))) <= 100


def _words(text: str) -> list[str]:
    return sorted(set(re.sub("[\u2066-\u2069:]", " ", text).split()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_html_say_the_same_and_a_mail_has_a_face(language: str) -> None:
    document = with_face(w1(), language)
    message = mail_of(document)
    plain, html = texts(message)
    page = unescape(re.sub("<[^>]+>", " ", re.sub("<head>.*?</head>", "", html, flags=re.DOTALL)))
    assert _words(page) == _words(plain)
    for words in (
        "RF21\u00a0FA20\u00a02600\u00a00012", "011\u00a0780\u00a00000123456789012\u00a034", document.link,
        "001234567000062", "Route de Nouaceur", "D-GC-123/2026", "+212\u00a05\u00a022\u00a000\u00a000\u00a000",
    ):  # fmt: skip
        assert words in plain, words
    (logo,) = (part for part in message.walk() if part.get_content_type() == "image/png")
    assert f'src="cid:{logo["Content-ID"][1:-1]}"' in html
    assert logo.get_content_disposition() == "inline"
    assert not re.search(r'src="(?!cid:)', html)


def test_no_line_of_a_mail_is_longer_than_mail_programs_take() -> None:
    names = "Société de Gestion des Parcs Technologiques du Grand Casablanca, SA", "شركة تدبير الحدائق", "P" * 60
    for operator in names:
        for document in (w1(), credit_note(), one_off()):
            face = with_face(document, "ar")
            mail = build_mail(face, PDF, sender=OPERATOR, sender_name=operator, recipient=OPERATOR, now=NOW)
            assert max(map(len, mail.content.split(b"\r\n"))) <= 76


def test_an_invoice_of_nothing_says_so_and_asks_for_nothing() -> None:
    line = w1().lines[0]
    free = line._replace(priced=line.priced._replace(amount=0, unit_price=0))
    nothing = replace(w1(), lines=(free,), vat=(VatSubtotal(2000, 0, 0),), net=0, tax=0, gross=0, contribution=0)
    for text in texts(mail_of(nothing)):
        assert "Rien à régler." in text
        assert not [words for words in ("virement", "RIB", "au plus tard") if words in text]
