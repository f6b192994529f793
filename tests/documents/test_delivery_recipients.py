"""A tenant has one address or several: one mail, to all that the server takes (B5)."""

from email import message_from_bytes
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from billing.documents.delivery.delivering import Which, deliver
from billing.documents.delivery.queue_pass import DeliveryReport
from billing.frame.database import reading
from billing.frame.executors import open_executor
from billing.frame.settings import Settings
from invoices.models import delivery, delivery_attempt
from tests.support.queued import MovedClock, queue, settings
from tests.support.smtp_script import answering
from tests.support.smtp_sink import Sink, listening

BOTH = "a@x.example; b@x.example"
either_way = pytest.mark.parametrize("extensions", [(), ("PIPELINING",)], ids=["in-turn", "at-once"])


def deliver_to(engine: Engine, tmp_path: Path, server: Any, **options: Any) -> DeliveryReport:
    chosen: Settings = settings(engine, tmp_path, f"smtp://127.0.0.1:{server.port}?security=none")
    return deliver(chosen, engine, clock=MovedClock(), open_pool=partial(open_executor, chosen, 1), **options)


def state_of(engine: Engine, key: int) -> Any:
    with reading(engine) as connection:
        return connection.execute(select(delivery).where(delivery.c.document_id == key)).one()


def test_one_mail_goes_to_all_addresses_of_a_tenant(engine: Engine, tmp_path: Path) -> None:
    (key,) = queue(engine, [BOTH])
    with answering({}) as script:
        report = deliver_to(engine, tmp_path, script)
    assert (report.sent, report.missed, len(script.ended)) == (1, (), 1)
    assert [line for line in script.heard if line.startswith(b"RCPT")] == [
        b"RCPT TO:<a@x.example>\r\n", b"RCPT TO:<b@x.example>\r\n",
    ]  # fmt: skip
    assert message_from_bytes(script.ended[0], policy=default)["To"].endswith("<a@x.example>, b@x.example")
    assert (state_of(engine, key).recipient, state_of(engine, key).last_error) == (BOTH, None)


@either_way
def test_a_mail_leaves_for_those_the_server_takes_and_says_who_missed_it(
    engine: Engine, tmp_path: Path, extensions: tuple[str, ...]
) -> None:
    (key,) = queue(engine, [BOTH])
    with listening(extensions=extensions) as sink:
        sink.at_recipient["b@x.example"] = ["550 no such user"]
        report = deliver_to(engine, tmp_path, sink)
        assert deliver_to(engine, tmp_path, sink, which=Which.UNSENT).sent == 0
        assert [recipient for _, recipient, _ in sink.taken] == ["a@x.example"]
    missed = "not sent to all: b@x.example: 550 no such user"
    assert (report.sent, report.failures, report.missed) == (1, (), (f"FA-2026-000001: {missed}",))
    assert (state_of(engine, key).state, state_of(engine, key).last_error) == ("sent", missed)
    with reading(engine) as connection:
        assert connection.execute(select(delivery_attempt.c.detail)).scalars().all() == [f"250 taken; {missed}"]


@either_way
@pytest.mark.parametrize(
    ("first", "second", "state"),
    [("550 gone", "551 gone", "failed"), ("550 gone", "450 busy", "queued"), ("451 busy", "550 gone", "queued")],
)
def test_a_mail_that_no_recipient_gets_is_tried_again_if_one_is_refused_for_now(
    engine: Engine, tmp_path: Path, first: str, second: str, state: str, extensions: tuple[str, ...]
) -> None:
    (key,) = queue(engine, [BOTH])
    with listening(extensions=extensions) as sink:
        sink.at_recipient = {"a@x.example": [first], "b@x.example": [second]}
        report = deliver_to(engine, tmp_path, sink)
        assert (report.sent, len(report.failures), sink.taken) == (0, 1, [])
    assert state_of(engine, key).state == state


def test_a_bad_address_keeps_no_mail_from_the_good_ones(engine: Engine, tmp_path: Path) -> None:
    queue(engine, ["a@x.example; compta", "compta; rien"])
    with listening() as sink:
        report = deliver_to(engine, tmp_path, sink)
        assert [recipient for _, recipient, _ in sink.taken] == ["a@x.example"]
    assert report.missed == (
        "FA-2026-000001: not sent to all: 'compta' is not an e-mail address such as name@domain.ma",
    )
    [failure] = report.failures
    assert "'compta' is not an e-mail address" in failure.reason
    assert "'rien' is not an e-mail address" in failure.reason


def test_a_trial_database_has_message_ids_of_its_own(engine: Engine, tmp_path: Path, monkeypatch: Any) -> None:
    from tests.support import queued

    queue(engine, ["a@x.example"])
    real = queued.environment

    def trial(*arguments: Any) -> dict[str, str]:
        return real(*arguments) | {"MESSAGE_ID_DOMAIN": "trial.parcs.example"}

    monkeypatch.setattr(queued, "environment", trial)
    with listening() as sink:
        deliver_to(engine, tmp_path, sink)
        assert list(Sink.count(sink)) == ["<FA-2026-000001@trial.parcs.example>"]
