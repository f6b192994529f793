"""Each endpoint is told every event it wants, in order, again until it takes it, whatever others do."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from billing.audit.feed.queries import BEGINNING, events
from billing.audit.webhooks.delivering import LEASE
from billing.audit.webhooks.endpoints import replay
from billing.audit.webhooks.jobs import HOUSEWORK, LOG_KEPT
from billing.audit.webhooks.tables import webhook_attempt
from billing.check import check
from billing.frame.audit_log import Act, on_behalf
from billing.frame.database import maintenance_transaction, reading, writing
from tests.audit.webhooks.conftest import Webhooks
from tests.support.tenants import add_tenant, change_tenant
from tests.support.webhook_sink import Received, webhook_sink


def feed(webhooks: Webhooks, kind: str) -> list[str]:
    """The ids of the feed's events of a type."""
    with reading(webhooks.engine) as connection:
        return [told.id for told in events(connection, BEGINNING, 500).items if told.type == kind]


def test_each_endpoint_is_told_what_it_wants_in_order_once_and_signed_with_its_own_secret(webhooks: Webhooks) -> None:
    add_tenant(webhooks.engine, "T0")
    with webhook_sink() as all_of_it, webhook_sink() as some:
        for_all, for_some = webhooks.add(all_of_it.url), webhooks.add(some.url, "tenant.changed", "lease.*")
        for n in range(1, 4):
            add_tenant(webhooks.engine, f"T{n}")
        change_tenant(webhooks.engine, "T2", legal_name="Nouveau nom")
        report = webhooks.deliver()
        assert (report.sent, report.failures) == (7, ())
        # From the moment it was added on, its own adding included.
        first_of_all, *others = feed(webhooks, "webhook_endpoint.created")
        assert all_of_it.ids == [first_of_all, *others, *feed(webhooks, "tenant.created")[1:], *some.ids]
        assert some.ids == feed(webhooks, "tenant.changed")
        Webhook(for_all.secret).verify(all_of_it.received[0].body, all_of_it.received[0].headers)
        Webhook(for_some.secret).verify(some.received[0].body, some.received[0].headers)
        assert webhooks.deliver().sent == 0
    assert [(event, status) for event, status, _ in webhooks.tried(for_some.key)] == [(some.ids[0], 204)]
    assert check(webhooks.engine) == []


def test_what_failed_is_sent_again_later_and_later_and_what_follows_waits_for_it(webhooks: Webhooks) -> None:
    with webhook_sink() as sink:
        made = webhooks.add(sink.url, "tenant.created")
        for n in range(3):
            add_tenant(webhooks.engine, f"T{n}")
        told = feed(webhooks, "tenant.created")
        sink.answer = lambda received: 500 if received.event["id"] == told[1] else 200
        assert webhooks.deliver().failures == (f"WH-000001 at event {told[1]}: answered 500 (1 attempt)",)
        assert sink.ids == told[:2]
        for minutes in (1, 5, 30, 120):
            webhooks.passes(minutes=minutes, seconds=-1)
            assert webhooks.deliver().failures == ()
            webhooks.passes(seconds=1)
            assert len(webhooks.deliver().failures) == 1
        stands = webhooks.stands(made.key)
        assert (stands.state, stands.attempts) == ("failing", 5)
        assert sink.ids == [told[0], *[told[1]] * 5]
        assert len({each.headers["webhook-id"] for each in sink.received}) == 2
        sink.answer = lambda _: 200
        webhooks.passes(minutes=300)
        assert webhooks.deliver().sent == 2
        assert sink.ids[-2:] == told[1:]
    stands = webhooks.stands(made.key)
    assert (stands.state, stands.attempts, stands.failing_since, stands.next_attempt_at) == ("enabled", 0, None, None)


def test_a_receiver_that_asks_for_time_is_given_it(webhooks: Webhooks) -> None:
    with webhook_sink() as sink:
        made = webhooks.add(sink.url)
        sink.answer, sink.headers = lambda _: 503, {"Retry-After": "600"}
        webhooks.deliver()
        webhooks.passes(seconds=599)
        assert webhooks.deliver().failures == ()
        webhooks.passes(seconds=1)
        assert len(webhooks.deliver().failures) == 1
    assert webhooks.stands(made.key).attempts == 2


def test_an_endpoint_that_takes_nothing_for_days_is_disabled_by_an_act_and_enabled_is_told_what_it_missed(
    webhooks: Webhooks,
) -> None:
    with webhook_sink() as sink, webhook_sink() as other:
        made, beside = webhooks.add(sink.url, "tenant.*"), webhooks.add(other.url, "webhook_endpoint.changed")
        add_tenant(webhooks.engine, "T1")
        sink.answer = lambda _: 500
        began = webhooks.now
        while not (disabled := webhooks.deliver().disabled):
            webhooks.passes(hours=1)
        assert disabled == ("WH-000001",)
        assert timedelta(days=5) <= webhooks.now - began < timedelta(days=6)
        stands = webhooks.stands(made.key)
        assert stands.state == "disabled"
        assert stands.disabled_for is not None
        assert stands.disabled_for.startswith(
            f"has taken nothing since {began:%Y-%m-%d %H:%M} UTC; WH-000001 at event "
        )
        add_tenant(webhooks.engine, "T2")
        tried = len(sink.received)
        webhooks.passes(days=1)
        webhooks.deliver()
        assert len(sink.received) == tried
        # The notice: whoever is told of endpoints is told of this one.
        (notice,) = other.received
        assert notice.event["subject"] == {"kind": "webhook_endpoint", "id": "WH-000001"}
        assert notice.event["data"]["after"]["disabled_for"] == stands.disabled_for
        sink.answer = lambda _: 200
        webhooks.change(made.key, enabled=True)
        assert webhooks.deliver().sent == 2 + 1
        assert sink.ids[tried:] == feed(webhooks, "tenant.created")
    assert webhooks.stands(beside.key).state == "enabled"
    assert check(webhooks.engine) == []


def test_an_endpoint_that_says_that_it_is_gone_is_disabled_at_once(webhooks: Webhooks) -> None:
    with webhook_sink() as sink:
        made = webhooks.add(sink.url)
        sink.answer = lambda _: 410
        assert webhooks.deliver().disabled == ("WH-000001",)
    assert webhooks.stands(made.key).state == "disabled"


def test_a_slow_endpoint_keeps_no_other_waiting(webhooks: Webhooks) -> None:
    ended: dict[int, float] = {}
    with ExitStack() as stack:
        sinks = [stack.enter_context(webhook_sink()) for _ in range(6)]
        for number, sink in enumerate(sinks):
            webhooks.add(sink.url, "tenant.created")

            def answer(_: Received, number: int = number) -> int:
                time.sleep(0.15 if number == 0 else 0)
                ended[number] = time.monotonic()
                return 204

            sink.answer = answer
        for n in range(8):
            add_tenant(webhooks.engine, f"T{n}")
        began = time.monotonic()
        webhooks.deliver(turn_s=0.5)
        # Its turn ends, and the next one goes on from there.
        assert 3 <= len(sinks[0].received) < 8
        assert [len(sink.received) for sink in sinks[1:]] == [8] * 5
        assert max(ended[number] for number in range(1, 6)) < ended[0]
        assert ended[0] - began < 1
        webhooks.deliver()
        assert sinks[0].ids == sinks[1].ids


def slowly(_: Received) -> int:
    """An answer that takes its time."""
    time.sleep(0.01)
    return 204


def test_several_who_deliver_at_once_send_each_webhook_once_and_in_order(webhooks: Webhooks) -> None:
    with ExitStack() as stack:
        sinks = [stack.enter_context(webhook_sink()) for _ in range(3)]
        for sink in sinks:
            webhooks.add(sink.url, "tenant.created")
            sink.answer = slowly
        for n in range(10):
            add_tenant(webhooks.engine, f"T{n}")
        with ThreadPoolExecutor(4) as deliverers:
            reports = list(deliverers.map(lambda _: webhooks.deliver(), range(4)))
        assert sum(report.sent for report in reports) == 30
        assert [sink.ids for sink in sinks] == [feed(webhooks, "tenant.created")] * 3


def held_at(number: int, sink_answers: threading.Event, reached: threading.Event) -> Callable[[Received], int]:
    """An answer that waits at the event of that number."""
    seen: list[str] = []

    def answer(received: Received) -> int:
        seen.append(received.event["id"])
        if len(seen) == number:
            reached.set()
            sink_answers.wait(10)
        return 204

    return answer


def test_what_a_dead_process_sent_and_did_not_write_down_is_sent_again_by_the_same_name(webhooks: Webhooks) -> None:
    goes_on, reached = threading.Event(), threading.Event()
    with webhook_sink() as sink, ThreadPoolExecutor(1) as first:
        made = webhooks.add(sink.url, "tenant.created")
        for n in range(4):
            add_tenant(webhooks.engine, f"T{n}")
        sink.answer = held_at(3, goes_on, reached)
        dead = first.submit(webhooks.deliver)
        assert reached.wait(10)
        assert webhooks.deliver().sent == 0
        webhooks.passes(seconds=LEASE.total_seconds())
        assert webhooks.deliver().sent == 4
        goes_on.set()
        # It finds within a second that another has taken over, and writes down its attempts alone.
        assert dead.result().sent == 4
        told = feed(webhooks, "tenant.created")
        assert sink.ids == [*told[:2], *told, *told[2:]]
        names = [each.headers["webhook-id"] for each in sink.received]
        assert (len(names), len(set(names))) == (8, 4)
        assert webhooks.deliver().sent == 0
    assert len(webhooks.tried(made.key)) == 8


def test_an_endpoint_disabled_meanwhile_is_sent_nothing_more_and_a_replay_begins_where_it_says(
    webhooks: Webhooks,
) -> None:
    goes_on, reached = threading.Event(), threading.Event()
    with webhook_sink() as sink, ThreadPoolExecutor(1) as first:
        made = webhooks.add(sink.url, "tenant.created")
        for n in range(3):
            add_tenant(webhooks.engine, f"T{n}")
        sink.answer = held_at(1, goes_on, reached)
        under_way = first.submit(webhooks.deliver)
        assert reached.wait(10)
        webhooks.change(made.key, enabled=False)
        # Its turn writes down how far it came once a second, and sees then that it is over.
        time.sleep(1)
        goes_on.set()
        assert under_way.result().sent == 1
        webhooks.change(made.key, enabled=True)
        assert webhooks.deliver().sent == 3
    told = feed(webhooks, "tenant.created")
    assert sink.ids == [told[0], *told]


def test_a_replay_sends_again_what_happened_from_a_day_on_in_casablanca(webhooks: Webhooks) -> None:
    def at(instant: datetime, code: str) -> None:
        act = Act("amina", "cli", "test", "r")
        add_tenant(on_behalf(webhooks.engine, act, lambda: instant), code)

    webhooks.now = datetime(2026, 8, 31, 12, 0, tzinfo=UTC)
    with webhook_sink() as sink:
        made = webhooks.add(sink.url, "tenant.created")
        # Casablanca is an hour ahead of UTC.
        at(datetime(2026, 9, 1, 22, 59, 59, tzinfo=UTC), "T1")
        at(datetime(2026, 9, 1, 23, 0, tzinfo=UTC), "T2")
        at(datetime(2026, 9, 2, 12, 0, tzinfo=UTC), "T3")
        assert webhooks.deliver().sent == 3
        with writing(webhooks.engine) as connection:
            replay(connection, made.key, date(2026, 9, 2))
        assert webhooks.deliver().sent == 2
        told = feed(webhooks, "tenant.created")
        assert sink.ids == [*told, *told[1:]]
        assert sink.received[1].headers["webhook-id"] == sink.received[3].headers["webhook-id"]
        assert sink.received[1].body == sink.received[3].body


def test_the_log_of_attempts_is_forgotten_after_ninety_days(webhooks: Webhooks) -> None:
    with webhook_sink() as sink:
        made = webhooks.add(sink.url)
        webhooks.deliver()
        webhooks.passes(days=LOG_KEPT.days - 1)
        add_tenant(webhooks.engine, "T1")
        webhooks.deliver()
    webhooks.passes(days=2)
    with maintenance_transaction(webhooks.engine) as connection:
        for housework in HOUSEWORK:
            housework(connection, webhooks.now)
    with reading(webhooks.engine) as connection:
        kinds = connection.scalars(
            select(webhook_attempt.c.type).where(webhook_attempt.c.endpoint_id == made.key)
        ).all()
    assert kinds == ["tenant.created"]
    assert check(webhooks.engine) == []
