"""Bearer tokens: only their hash is kept, and a revoked one opens nothing within seconds."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from billing.frame.database import reading, writing
from billing.frame.errors import Conflict, Refused, Unknown
from billing.frame.http.authentication import CACHE_S, Door
from billing.frame.http.problems import Unauthenticated
from billing.frame.tables import api_token
from billing.frame.tokens import create_token, find_token, list_tokens, revoke_token
from tests.support.api import NOW, Caller


class Hands:
    """A clock of the door's own, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def made(engine: Engine, name: str = "erp", scope: str = "finance", expires_on: date | None = None) -> str:
    with writing(engine) as connection:
        return create_token(connection, name, scope, now=NOW, expires_on=expires_on)


def revoked(engine: Engine, name: str = "erp") -> None:
    with writing(engine) as connection:
        revoke_token(connection, name, now=NOW)


def test_the_secret_is_256_random_bits_of_which_only_the_hash_is_kept(engine: Engine) -> None:
    secrets = {made(engine, f"t{n}") for n in range(20)}
    assert len(secrets) == 20
    assert all(secret.startswith("tpb_") and len(secret) == 47 for secret in secrets)
    with reading(engine) as connection:
        kept = repr(connection.execute(select(api_token)).all())
        assert {found.name for secret in secrets if (found := find_token(connection, secret))} == {
            f"t{n}" for n in range(20)
        }
    assert not any(secret[4:] in kept for secret in secrets)


def test_a_name_stands_for_one_token_for_ever(engine: Engine) -> None:
    made(engine)
    revoked(engine)
    with pytest.raises(Conflict, match="choose another name"):
        made(engine)


@pytest.mark.parametrize(
    ("name", "scope", "expires_on", "field"),
    [("", "finance", None, "name"), ("a b", "finance", None, "name"), ("x" * 65, "finance", None, "name"),
     ("é", "finance", None, "name"), ("erp", "root", None, "scope"), ("erp", "finance", date(2026, 9, 1), "expires_on"),
     ("erp", "finance", date.max, "expires_on")],
)  # fmt: skip
def test_a_token_that_can_not_be_made_is_refused(
    engine: Engine, name: str, scope: str, expires_on: date | None, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        made(engine, name, scope, expires_on)
    assert [fault.column for fault in refused.value.faults] == [field]


def test_a_token_can_be_used_up_to_the_end_of_its_last_day_in_casablanca(engine: Engine) -> None:
    secret = made(engine, expires_on=date(2026, 9, 30))
    with reading(engine) as connection:
        token = find_token(connection, secret)
    assert token is not None
    # UTC+1 at that time of the year.
    end = datetime(2026, 9, 30, 23, 0, tzinfo=UTC)
    assert token.is_valid(end - timedelta(seconds=1))
    assert not token.is_valid(end)


def test_a_revoked_token_opens_nothing_once_the_door_has_forgotten_it(engine: Engine) -> None:
    secret, hands = made(engine), Hands()
    door = Door(engine, lambda: NOW, hands)
    assert door.holder(f"Bearer {secret}").name == "erp"
    revoked(engine)
    hands.seconds = CACHE_S + 0.1
    with pytest.raises(Unauthenticated, match="revoked"):
        door.holder(f"Bearer {secret}")
    assert CACHE_S <= 5


def test_a_token_expires_at_once_however_well_the_door_knows_it(engine: Engine) -> None:
    secret, now = made(engine, expires_on=date(2026, 9, 30)), [NOW]
    door = Door(engine, lambda: now[0], Hands())
    door.holder(f"bearer {secret}")
    now[0] = datetime(2026, 9, 30, 23, 0, tzinfo=UTC)
    with pytest.raises(Unauthenticated, match="expired"):
        door.holder(f"bearer {secret}")


def test_tokens_are_listed_and_revoked_by_administrators(ground: Caller, engine: Engine) -> None:
    listed = ground.get("/v1/tokens", "admin")["items"]
    assert [(token["name"], token["scope"]) for token in listed] == [
        ("the-admin", "admin"), ("the-auditor", "auditor"), ("the-finance", "finance"),
    ]  # fmt: skip
    assert not any(secret[4:] in str(listed) for secret in ground.secrets.values())
    for _ in range(2):
        answer = ground("POST", "/v1/tokens/the-auditor/revoke", "admin")
        assert (answer.status_code, answer.json["revoked_at"]) == (200, "2026-09-02T08:00:00Z")
    assert ground("POST", "/v1/tokens/nobody/revoke", "admin").status_code == 404
    with reading(engine) as connection:
        assert [token.name for token in list_tokens(connection) if token.revoked_at] == ["the-auditor"]


def test_revoking_what_is_none_is_unknown(engine: Engine) -> None:
    with pytest.raises(Unknown):
        revoked(engine, "nobody")
