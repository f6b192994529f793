"""The first digit of an SMTP answer decides (RFC 5321 4.2.1, 4.3.2); what is no answer leaves an outcome unknown."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from invoices.errors import MessageDeferred, MessageRefused, NotDelivered, OutcomeUnknown, ServerUnavailable
from invoices.mail import Mail, Mailbox, parse_mailbox
from invoices.transport import Outcome, SmtpServer, SmtpTransport
from tests.support.documents import w1
from tests.support.mails import build_mail
from tests.support.smtp_script import END, Script, answering
from tests.support.smtp_sink import make_certificate

NOW = datetime(2026, 9, 1, 6, 30, tzinfo=UTC)


def mail(sequence: int = 12) -> Mail:
    document = replace(w1(), number=f"FA-2026-{sequence:06d}")
    sender = Mailbox("facturation", "parcs.example")
    return build_mail(
        document, b"%PDF-1.7\n", sender=sender, sender_name="Op", recipient=parse_mailbox("a@b.example"), now=NOW
    )


def outcome_of(script: Script, security: str = "none", login: tuple[str, str] = ("", "")) -> Outcome:
    """What becomes of one mail."""
    outcomes: dict[str, Outcome] = {}

    def all_of_them(numbers: Collection[str]) -> Collection[str]:
        return numbers

    def answered(became: Mapping[str, Outcome]) -> None:
        outcomes.update(became)

    with SmtpTransport(SmtpServer("127.0.0.1", script.port, security, *login)) as transport:
        transport.send([mail()], all_of_them, answered)
    (outcome,) = outcomes.values()
    return outcome


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"250 taken\r\n", "250 taken"),
        (b"251 user not local, forwarded\r\n", "251 user not local, forwarded"),
        (b"200 OK\r\n", "200 OK"),
        (b"299 2.0.0 queued as 4711\r\n", "299 2.0.0 queued as 4711"),
        (b"250\r\n", "250"),
        (b"250 \r\n", "250"),
        (b"250\tOK\r\n", "250 OK"),
        (b"250 OK\n", "250 OK"),
        (b"250-2.0.0 taken\r\n250-as 4711\r\n250 thank you\r\n", "250 2.0.0 taken as 4711 thank you"),
        (b"252-\r\n252 will try\r\n", "252 will try"),
    ],
)
def test_any_2yz_after_the_final_dot_means_taken(answer: bytes, said: str) -> None:
    with answering({END: answer}) as script:
        assert outcome_of(script) == said
        assert len(script.ended) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"451 later\r\n", MessageDeferred),
        (b"499 later\r\n", MessageDeferred),
        (b"450-not\r\n450 now\r\n", MessageDeferred),
        (b"554 spam\r\n", MessageRefused),
        (b"599 no\r\n", MessageRefused),
        (b"550-no\r\n550 never\r\n", MessageRefused),
    ],
)
def test_4yz_puts_off_and_5yz_refuses(answer: bytes, kind: type[NotDelivered]) -> None:
    with answering({END: answer}) as script:
        assert isinstance(outcome_of(script), kind)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"OK\r\n",
        b"\r\n",
        b"25\r\n",
        b"2x0 OK\r\n",
        b"2500 OK\r\n",
        b" 250 OK\r\n",
        b"+25 OK\r\n",
        b"020 OK\r\n",
        b"150 wait\r\n",
        b"354 go on\r\n",
        b"650 OK\r\n",
        b"\xff\xfe2\x005\x000\x00\r\n",
        b"250-taken\r\nand more\r\n",
        b"250-taken\r\n550 not taken\r\n",
        b"550-not taken\r\n250 taken\r\n",
        b"2" * 100_000,
    ],
)
def test_what_is_no_answer_after_the_final_dot_leaves_the_outcome_unknown(answer: bytes) -> None:
    with answering({END: answer}) as script:
        outcome = outcome_of(script)
        assert isinstance(outcome, OutcomeUnknown)
        assert "look for it in that server's log, retry only if it isn't there" in str(outcome)
        assert len(script.ended) == 1


def test_any_code_of_the_right_class_leads_on_through_the_whole_dialogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    odd = {
        "": b"221-hello\r\n221 you\r\n",
        "EHLO": b"251-scripted\r\n251-STARTTLS\r\n251-PIPELINING\r\n251 AUTH LOGIN\r\n",
        "STARTTLS": b"250 begin\r\n",
        "AUTH": b"300 VXNlcm5hbWU6\r\n",
        "LOGIN": b"200 welcome\r\n",
        "MAIL": b"299 OK\r\n",
        "RCPT": b"252-cannot verify\r\n252 but will try\r\n",
        "DATA": b"300 go on\r\n",
        END: b"201 taken\r\n",
    }
    with answering(odd, certificate) as script:
        assert outcome_of(script, "starttls", ("user", "password")) == "201 taken"
        assert script.ended[0].startswith(b"From: ")


@pytest.mark.parametrize("verb", ["", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", [b"gibberish\r\n", b"25\r\n", b"110 wait\r\n", b"900 OK\r\n"])
def test_what_is_no_answer_before_the_end_is_known_not_to_have_delivered(verb: str, answer: bytes) -> None:
    with answering({verb: answer}) as script:
        assert isinstance(outcome_of(script), ServerUnavailable)
        assert script.ended == []


@pytest.mark.parametrize(("verb", "answer"), [("MAIL", b"354 go on\r\n"), ("DATA", b"250 OK\r\n")])
def test_an_answer_out_of_place_ends_no_message(verb: str, answer: bytes) -> None:
    with answering({verb: answer}) as script:
        outcome = outcome_of(script)
        assert isinstance(outcome, ServerUnavailable)
        assert "makes no sense here" in str(outcome)
        assert script.ended == []
