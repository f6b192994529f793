"""How many requests a token and an address may send, and whose address it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from billing.frame.errors import BadConfiguration
from billing.frame.http.proxies import behind_proxies
from billing.frame.http.rate_limits import Counts
from billing.frame.settings import Rate, load_settings
from tests.support.api import Caller, CallerOf

RATE = Rate(3, 60)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000 * 10**9

    def __call__(self) -> int:
        return self.now


def test_a_rate_is_let_through_and_no_more_and_wears_off() -> None:
    clock = Clock()
    counts = Counts(None, clock)
    standings = [counts.count("token", "erp", RATE) for _ in range(5)]
    assert [standing.is_allowed for standing in standings] == [True, True, True, False, False]
    assert [standing.left for standing in standings] == [2, 1, 0, 0, 0]
    assert (standings[2].reset_s, standings[3].retry_s) == (60, 20)
    assert counts.count("token", "other", RATE).is_allowed
    clock.now += 20 * 10**9
    assert [counts.count("token", "erp", RATE).is_allowed for _ in range(2)] == [True, False]
    clock.now += 1000 * 10**9
    assert counts.count("token", "erp", RATE).left == 2


def test_processes_count_together_in_a_file_of_fixed_size(tmp_path: Path) -> None:
    clock = Clock()
    one, other = Counts(tmp_path / "counts", clock), Counts(tmp_path / "counts", clock)
    assert [of.count("address", "192.0.2.1", RATE).left for of in (one, other, one)] == [2, 1, 0]
    assert not other.count("address", "192.0.2.1", RATE).is_allowed
    size = (tmp_path / "counts").stat().st_size
    for number in range(20_000):
        one.count("address", f"2001:db8:{number:x}::", RATE)
    assert (tmp_path / "counts").stat().st_size == size


def asked(caller: Caller, scope: str | None, peer: str, **headers: str) -> Any:
    """Ask for the sites, from an address."""
    return caller("GET", "/v1/sites", scope, environ_base={"REMOTE_ADDR": peer}, headers=headers)


def test_who_asks_too_often_is_told_when_to_come_again(engine: Engine, caller_of: CallerOf) -> None:
    caller = caller_of(engine, RATE_LIMIT_TOKEN="2/hour", RATE_LIMIT_ADDRESS="4/hour", TRUSTED_PROXIES="127.0.0.1")
    first = asked(caller, "finance", "192.0.2.1")
    assert (first.headers["RateLimit-Limit"], first.headers["RateLimit-Remaining"]) == ("2", "1")
    asked(caller, "finance", "192.0.2.2")
    refused = asked(caller, "finance", "192.0.2.3")
    assert (refused.status_code, refused.json["type"]) == (429, "/problems/too-many-requests")
    assert refused.headers["RateLimit-Remaining"] == "0"
    assert 0 < int(refused.headers["Retry-After"]) <= 1800
    # Another token from there; then guessing tokens wears the address off.
    assert asked(caller, "auditor", "192.0.2.3").status_code == 200
    assert [asked(caller, None, "192.0.2.3").status_code for _ in range(3)] == [401, 401, 429]
    # A proxy's clients are told apart; one network of IPv6 is one; health is asked freely.
    through = [asked(caller, None, "127.0.0.1", **{"X-Forwarded-For": f"198.51.100.{n}"}).status_code for n in range(6)]
    assert through == [401] * 6
    network = [asked(caller, None, f"2001:db8::{n}").status_code for n in range(1, 6)]
    assert network == [401] * 4 + [429]
    assert {caller("GET", "/healthz", None).status_code for _ in range(9)} == {200}


def client(trusted: str, peer: str, forwarded: str) -> str:
    """The address that the application behind is told."""
    told: list[str] = []

    def application(environ: dict[str, Any], _start: Callable[..., Any]) -> list[bytes]:
        told.append(environ["REMOTE_ADDR"])
        return []

    networks = load_settings({"TRUSTED_PROXIES": trusted}).http.trusted_proxies
    list(behind_proxies(application, networks)({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}, print))
    return told[0]


def test_a_clients_address_is_taken_from_trusted_proxies_alone() -> None:
    assert client("", "10.0.0.1", "192.0.2.9") == "10.0.0.1"
    assert client("10.0.0.0/8", "192.0.2.1", "192.0.2.9") == "192.0.2.1"
    assert client("10.0.0.0/8", "10.0.0.1", "192.0.2.9") == "192.0.2.9"
    # What a client claims stands before what the proxy saw.
    assert client("10.0.0.0/8", "10.0.0.1", "203.0.113.5, 192.0.2.9") == "192.0.2.9"
    assert client("10.0.0.0/8", "10.0.0.1", "192.0.2.9, 10.0.0.7") == "192.0.2.9"
    assert client("10.0.0.0/8", "10.0.0.1", "garbage, 10.0.0.7") == "10.0.0.7"
    assert client("10.0.0.0/8", "::ffff:10.0.0.1", "192.0.2.9") == "192.0.2.9"


def test_a_rate_that_is_none_is_refused() -> None:
    assert load_settings({"RATE_LIMIT_TOKEN": "none"}).http.rate_by_token is None
    for bad in ("0/minute", "5", "5/day", "-1/second"):
        with pytest.raises(BadConfiguration, match="RATE_LIMIT_ADDRESS"):
            load_settings({"RATE_LIMIT_ADDRESS": bad})
