"""What reminders say: letters and statements to the word, mails in three languages, nothing that is not so."""

import re
from dataclasses import replace

import pytest

from billing.receivables.dunning.wording import mail_of, message_of
from invoices.mail import Envelope, compose_mail, parse_mailbox
from invoices.messages.papers import print_paper
from invoices.rendering.letter import render_letter
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
        ("fr", "Nouvelle relance : factures échues – ", "3\u202f240,00\u00a0DH"),
        ("en", "Second reminder: invoices past due – ", "3,240.00\u00a0MAD"),
        ("ar", "تذكير ثان: فواتير حل أجل أدائها – ", "3.240,00\u00a0درهم"),
        ("de", "Nouvelle relance : factures échues – ", "3\u202f240,00\u00a0DH"),
    ],
)
def test_a_mail_speaks_the_tenants_language_and_french_where_there_is_none(
    language: str, subject: str, amount: str
) -> None:
    text = mail_of(dunned(claimed(101, 15, sent=3))._replace(buyer=replace(STARTUP, language=language)))
    assert text.subject.startswith(subject)
    assert text.facts[-1][1] == amount
    assert "FA-2026-000101" in text.facts[0][1]
    envelope = Envelope(parse_mailbox("a@b.example"), "Op", parse_mailbox("c@d.example"), "C", NOON)
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
