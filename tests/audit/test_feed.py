"""The feed: every event once and in order, whoever writes meanwhile."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import count, pairwise
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine

from billing.audit.feed.queries import BEGINNING, events
from billing.frame.database import reading, writing
from billing.frame.settings import load_settings
from billing.receivables.receipts.orders import Leg, ReceiptOrder
from billing.receivables.receipts.receiving import receive
from billing.users.administering import set_password
from tests.support.api import NOW, Caller
from tests.support.people import add
from tests.support.tenants import add_tenant

WRITERS, ACTS_EACH, READERS = 8, 12, 4


def followed(caller: Caller, limit: int, after: str | None = None) -> Iterator[dict[str, Any]]:
    """All events there are after a cursor, page by page."""
    cursor = "" if after is None else f"&after={after}"
    while True:
        answer = caller.get(f"/v1/events?limit={limit}{cursor}", "auditor")
        if not answer["items"]:
            return
        yield from answer["items"]
        cursor = f"&after={answer['cursor']}"


def test_pages_of_any_size_tell_the_same_events_once_and_in_order(park: Caller) -> None:
    whole = list(followed(park, 500))
    assert list(followed(park, 7)) == whole
    places = [tuple(map(int, told["id"].split("."))) for told in whole]
    assert places == sorted(set(places))
    assert {"site.created", "tenant.created", "lease.created", "rate.created"} <= {told["type"] for told in whole}
    issued = {told["subject"]["id"]: told["data"]["gross"] for told in whole if told["type"] == "document.issued"}
    assert issued == {listed["number"]: listed["gross"] for listed in park.get("/v1/documents?limit=500")["items"]}
    runs = [told["subject"]["id"] for told in whole if told["type"] == "run.complete"]
    assert set(runs) == {listed["period"] for listed in park.get("/v1/billing-runs?limit=500")["items"]}
    used = [told["subject"]["id"] for told in whole if told["type"] == "usage.recorded"]
    assert len(used) == len(park.get("/v1/usage-events?limit=500")["items"])


def test_an_answer_without_events_gives_the_cursor_that_what_comes_next_stands_behind(park: Caller) -> None:
    *_, last = followed(park, 500)
    answer = park.get(f"/v1/events?after={last['id']}")
    assert answer == {"items": [], "cursor": last["id"]}
    invoice = park.get("/v1/documents?kind=invoice&limit=1")["items"][0]
    paid = {"means": "transfer", "reference": "VIR-1", "value_date": "2026-09-01", "tenant": invoice["tenant"]}
    made = park.post("/v1/receipts", paid | {"amount": "10.00"})
    assert made.status_code == 201, made.text
    came = list(followed(park, 1, last["id"]))
    assert [told["type"] for told in came] == ["receipt.recorded", "allocation.made"]
    assert came[0]["subject"] == {"kind": "receipt", "id": "RG-000001"}
    assert came[0]["data"]["amount"] == "10.00"
    assert came[1]["data"]["document"] == invoice["number"]


@pytest.mark.parametrize("wrong", ["9999.9.1", "1.1.99999999", "1.8.1", "1.9.0", "abc", "-1.0.0", "1.9", ""])
def test_a_cursor_that_is_none_is_refused(park: Caller, wrong: str) -> None:
    answer = park("GET", f"/v1/events?after={wrong}")
    assert answer.status_code == 422
    assert "is no cursor of this feed" in answer.text


def test_events_of_users_and_tokens_tell_no_digest_of_a_secret(park: Caller, engine: Engine) -> None:
    add(engine, "nadia", "admin")
    with writing(engine) as connection:
        set_password(connection, "nadia", "un mot de passe assez long")
    told = list(followed(park, 500))
    of_people = [(x["type"], x["subject"]["id"]) for x in told if x["subject"]["kind"] in ("user", "token")]
    assert of_people == [
        ("token.created", "the-auditor"), ("token.created", "the-finance"), ("token.created", "the-admin"),
        ("user.created", "nadia"), ("user.changed", "nadia"),
    ]  # fmt: skip
    assert told[-1]["data"] == {"before": {}, "after": {}}
    assert "_sha256" not in str(told)


def test_a_deposits_movement_and_a_certificate_are_told(ground: Caller) -> None:
    assert ground.post("/v1/deposits", {"lease": "L1"}).status_code == 201
    moved = {"kind": "received", "amount": "100.00", "moved_on": "2026-09-01", "means": "transfer", "reference": "V1"}
    assert ground.post("/v1/deposits/L1/movements", moved).status_code in (200, 201)
    withheld = {"means": "transfer", "reference": "V2", "value_date": "2026-09-01", "tenant": "T1", "amount": "10.00"}
    assert ground.post("/v1/receipts", withheld | {"rent_withholding": "1.00"}).status_code == 201
    certified = {"kind": "rent_withholding", "number": "A-1", "certified_on": "2026-09-01"}
    assert ground.post("/v1/receipts/RG-000001/certificates", certified).status_code in (200, 201)
    told = {x["type"]: (x["subject"]["id"], x["data"]) for x in followed(ground, 500)}
    after = {"kind": "received", "amount": "100.00", "moved_on": "2026-09-01"}
    assert told["deposit_movement.created"] == ("DG-000001/1", {"before": None, "after": after})
    certificate = {"number": "A-1", "certified_on": "2026-09-01"}
    named = ("RG-000001/rent_withholding", {"before": None, "after": certificate})
    assert told["certificate.created"] == named


def test_readers_that_are_killed_and_resumed_see_each_event_of_eight_writers_once_and_in_order(engine: Engine) -> None:
    for n in range(WRITERS):
        add_tenant(engine, f"P{n}")
    with reading(engine) as connection:
        begun = events(connection, BEGINNING, 500).cursor
    stopped, terms = Event(), load_settings({}).terms

    def write(writer: int) -> None:
        for n in range(ACTS_EACH):
            if n % 3:
                add_tenant(engine, f"W{writer}-{n}")
                continue
            paid = ReceiptOrder("transfer", f"V{writer}-{n}", date(2026, 9, 1), f"P{writer}", (Leg("money", 100),))
            with writing(engine) as connection:
                receive(connection, [paid], recorded_at=NOW, terms=terms)

    def read(seed: int) -> list[str]:
        chance, kept, cursor = random.Random(seed), [], begun
        for _ in count():
            over = stopped.is_set()
            with reading(engine) as connection:
                answer = events(connection, cursor, chance.choice((1, 3, 50)))
            # Killed before it kept what it was told, it is told the same again.
            if chance.random() < 0.3:
                continue
            kept += [told.id for told in answer.items]
            cursor = answer.cursor
            if over and not answer.items:
                break
        return kept

    with ThreadPoolExecutor(READERS) as readers, ThreadPoolExecutor(WRITERS) as writers:
        told = [readers.submit(read, seed) for seed in range(READERS)]
        try:
            list(writers.map(write, range(WRITERS)))
        finally:
            stopped.set()
        seen = [reader.result() for reader in told]
    with reading(engine) as connection:
        whole = [event.id for event in events(connection, begun, 500).items]
    assert seen == [whole] * READERS
    assert all(one < other for one, other in pairwise([tuple(map(int, name.split("."))) for name in whole]))
    assert len(whole) == WRITERS * ACTS_EACH
