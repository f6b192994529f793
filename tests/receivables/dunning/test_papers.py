"""What reminders say: letters and statements to the word, mails in three languages, nothing that is not so."""

import re
from dataclasses import replace

import pytest

from billing.receivables.dunning.wording import letter_of, mail_of, message_of
from invoices.mail import Envelope, MailText, compose_mail, parse_mailbox
from invoices.messages.papers import print_paper
from invoices.rendering.letter import render_letter
from pricing.dunning.ladder import Claimed
from tests.support.documents import STARTUP
from tests.support.letter_pages import KEPT, claimed, dunned, golden_text, statement
from tests.support.pages import GOLDEN, text_of
from tests.support.queued import NOON


@pytest.mark.parametrize("name", KEPT)
def test_a_paper_reads_as_the_golden_page(name: str) -> None:
    assert golden_text(KEPT[name]()) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_a_paper_is_the_same_bytes_again() -> None:
    for make in KEPT.values():
        assert render_letter(make()) == render_letter(make())


def test_a_statement_carries_its_balance_from_page_to_page() -> None:
    first, second, third = text_of(render_letter(statement())).removesuffix("\f").split("\f")
    for before, after in ((first, second), (second, third)):
        [carried] = re.findall(r"À reporter +([0-9 ]+,[0-9]{2})", " ".join(before.split()))
        assert f"Report {carried}" in " ".join(after.split())
    assert "À reporter" not in third
    assert "Relevé de compte T0042 au 24 novembre 2026, suite" in second


def test_a_statement_that_is_no_longer_than_a_page_carries_nothing() -> None:
    short = replace(statement(), rows=statement().rows[:3], carried=statement().carried[:3])
    [page] = text_of(render_letter(short)).removesuffix("\f").split("\f")
    assert "eporter" not in page


@pytest.mark.parametrize(
    ("language", "subject", "amount"),
    [
        ("fr", "Nouvelle relance : facture échue – ", "3\u202f240,00\u00a0DH"),
        ("en", "Further reminder: invoice past due – ", "3,240.00\u00a0MAD"),
        ("ar", "تذكير جديد: فاتورة حل أجل أدائها – ", "3.240,00\u00a0درهم"),
        ("de", "Nouvelle relance : facture échue – ", "3\u202f240,00\u00a0DH"),
    ],
)
def test_a_mail_speaks_the_tenants_language_and_french_where_there_is_none(
    language: str, subject: str, amount: str
) -> None:
    text = mail_of(dunned(claimed(101, 15, sent=3))._replace(buyer=replace(STARTUP, language=language)))
    assert text.subject.startswith(subject)
    assert text.facts[-1][1] == amount
    assert "FA-2026-000101" in text.facts[0][1]
    envelope = Envelope(parse_mailbox("a@b.example"), "Op", (parse_mailbox("c@d.example"),), "C", NOON)
    assert compose_mail("ME-000001", text, [], envelope).content.isascii()


@pytest.mark.parametrize("language", ["fr", "en", "ar"])
def test_every_tone_is_worded_in_every_language(language: str) -> None:
    subjects = set()
    for one in (claimed(1, -2), claimed(1, 3), claimed(1, 15, sent=3), claimed(1, 30, sent=15)):
        told = dunned(one)._replace(buyer=replace(STARTUP, language=language))
        text = mail_of(told)
        subjects.add(text.subject)
        assert all("{" not in part for part in (text.subject, *text.before, *text.after))
    assert len(subjects) == 4


@pytest.mark.parametrize(
    ("language", "one", "several"),
    [
        ("fr", "la facture FA-2026-000001, établie au nom de", "les factures suivantes, établies au nom de"),
        ("en", "invoice FA-2026-000001, made out to", "the following invoices, made out to"),
        ("ar", "الفاتورة FA-2026-000001، المحررة باسم", "الفواتير التالية، المحررة باسم"),
    ],
)
def test_one_invoice_is_spoken_of_in_the_singular_and_several_in_the_plural(
    language: str, one: str, several: str
) -> None:
    for late, sent in ((-2, None), (3, None), (15, 3), (30, 15)):
        for count, expected, other in ((1, one, several), (3, several, one)):
            about = dunned(*(claimed(number, late, sent=sent) for number in range(1, count + 1)))
            text = mail_of(about._replace(buyer=replace(STARTUP, language=language)))
            said = text.before[1].replace("\u2068", "").replace("\u2069", "")
            assert expected in said
            assert other not in said
            assert all(f"FA-2026-{number:06d}" in text.before[1] for number in range(1, count + 1))


def test_two_invoices_have_the_dual_in_arabic() -> None:
    text = mail_of(dunned(claimed(1, 3), claimed(2, 3))._replace(buyer=replace(STARTUP, language="ar")))
    assert text.subject.startswith("تذكير: فاتورتان حل أجل أدائهما – ")
    # Each number apart: as one text from left to right the first would stand last.
    assert "الفاتورتين \u2068FA-2026-000001\u2069، \u2068FA-2026-000002\u2069، المحررتين باسم" in text.before[1]


def test_every_tone_reads_so_in_french() -> None:
    """G2: correct French, to the word."""
    said = [
        mail_of(dunned(*claims)).before[1]
        for claims in (
            (claimed(1, -2),),
            (claimed(1, 3),),
            (claimed(1, 3), claimed(2, 4)),
            (claimed(1, 15, sent=3),),
            (claimed(1, 30, sent=15), claimed(2, 31, sent=15)),
        )
    ]
    assert said == [
        "Nous vous rappelons que la facture FA-2026-000001, établie au nom de Noor Santé, arrive à échéance le 26 "
        "novembre 2026.",
        "Sauf erreur de notre part, la facture FA-2026-000001, établie au nom de Noor Santé, demeure impayée à ce "
        "jour. Nous vous prions de bien vouloir en effectuer le règlement.",
        "Sauf erreur de notre part, les factures suivantes, établies au nom de Noor Santé, demeurent impayées à ce "
        "jour : FA-2026-000002, FA-2026-000001. Nous vous prions de bien vouloir en effectuer le règlement.",
        "Malgré notre précédente relance, la facture FA-2026-000001, établie au nom de Noor Santé, demeure impayée à "
        "ce jour. Nous vous prions d’en effectuer le règlement sans délai.",
        "Malgré notre précédente relance, les factures suivantes, établies au nom de Noor Santé, demeurent impayées à "
        "ce jour : FA-2026-000002, FA-2026-000001. À défaut de règlement sous huit jours, ou d’un accord sur un "
        "échéancier, nous serons contraints de vous mettre en demeure.",
    ]


@pytest.mark.parametrize(
    ("language", "amount"),
    [("fr", "1\u202f000,00\u00a0DH"), ("en", "1,000.00\u00a0MAD"), ("ar", "1.000,00\u00a0درهم")],
)
def test_each_invoice_is_spoken_of_in_its_own_tone_and_what_is_not_due_apart(language: str, amount: str) -> None:
    """G1: the case of the findings, an invoice 30 days late, one 3 days late, one that falls due that day."""

    def mail_about(*claims: Claimed) -> MailText:
        return mail_of(dunned(*claims)._replace(buyer=replace(STARTUP, language=language)))

    text = mail_about(claimed(1, 30, sent=15), claimed(2, 3), claimed(3, 0, open_=1_000_00))
    # The gravest first.
    assert text.before[1:] == (
        mail_about(claimed(1, 30, sent=15)).before[1],
        mail_about(claimed(2, 3)).before[1],
    )
    # Subject and total hold of all that is overdue, and of nothing else.
    both = mail_about(claimed(1, 3), claimed(2, 3))
    assert (text.subject, text.facts[-1]) == (both.subject, both.facts[-1])
    assert all("FA-2026-000003" not in part for part in (text.subject, *text.before, *text.facts[0]))
    assert "FA-2026-000003" in text.after[0]
    assert amount in text.after[0]


def test_the_letter_asks_for_what_is_overdue_alone() -> None:
    letter = letter_of(dunned(claimed(1, 30, sent=15), claimed(2, 3), claimed(3, 0, open_=1_000_00)))
    assert letter.title == "Relance"
    assert [row[0] for row in letter.rows] == ["FA-2026-000001", "FA-2026-000002"]
    assert [row[3] for row in letter.rows] == ["30 jours", "3 jours"]
    assert letter.sums == (("Reste dû", "6 480,00 DH"),)
    assert [fact.value for fact in letter.facts] == ["T0042", "2", "6 480,00 DH"]
    [_, to_come, *_] = letter.notes
    assert to_come.lines == ("FA-2026-000003 : 1 000,00 DH, échéance du 24/11/2026",)
    assert "mettre en demeure" in letter.paragraphs[1]
    assert "FA-2026-000002" not in letter.paragraphs[1]


def test_a_reminder_of_what_is_not_due_yet_asks_for_nothing() -> None:
    text = mail_of(dunned(claimed(1, -2)))
    assert [label for label, _ in text.facts] == ["Facture à échoir", "Échéance", "Montant à échoir"]
    assert "régl" not in " ".join((text.subject, *text.before, *text.after[:1]))


def test_an_invoice_that_was_only_announced_before_gets_a_first_reminder() -> None:
    for sent in (None, -3, 0):
        assert mail_of(dunned(claimed(1, 3, sent=sent))).subject.startswith("Relance : facture échue")


def test_a_reminder_of_what_is_not_due_yet_carries_the_statement_alone() -> None:
    assert [paper.file_name for paper in message_of(dunned(claimed(1, -2))).papers] == [
        "Releve-de-compte-2026-11-24.pdf"
    ]
    assert [paper.file_name for paper in message_of(dunned(claimed(1, 3))).papers] == [
        "Relance-2026-11-24.pdf", "Releve-de-compte-2026-11-24.pdf",
    ]  # fmt: skip


def test_interest_stands_in_a_letter_only_where_it_is_owed_and_the_fine_only_as_information() -> None:
    plain = golden_text(KEPT["dunning_first"]())
    assert "Intérêts" not in plain
    assert "Elle n’est pas due à notre société." in " ".join(plain.split())
    assert "26,63" in golden_text(KEPT["dunning_last"]())


def test_a_name_that_is_markup_is_text() -> None:
    hostile = dunned(claimed(1, 3))._replace(
        buyer=replace(STARTUP, legal_name='<img src="file:///etc/passwd">{total}{operator}')
    )
    message = message_of(hostile)
    assert "file:///etc/passwd" in text_of(print_paper(message.papers[0]))
    assert '<img src="file:///etc/passwd">{total}{operator}' in message.text.before[1]
