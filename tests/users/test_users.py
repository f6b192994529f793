"""Users: one person is one user, what they may do ends when they are disabled, and passwords are kept as hashes."""

import base64
from hashlib import scrypt
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from billing.check import check
from billing.frame.database import reading, writing
from billing.frame.errors import Conflict, Refused, Unknown
from billing.frame.tables import app_user, audit_change
from billing.frame.tokens import find_token
from billing.users.administering import UserOrder, add_user, set_password
from billing.users.checks import tokens, users
from tests.support.api import NOW
from tests.support.people import add, change, token
from tests.support.spoiling import behind_its_back


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        (UserOrder("a b", "a@x.ma", "finance"), ["name"]), (UserOrder("", "a@x.ma", "finance"), ["name"]),
        (UserOrder("é", "a@x.ma", "finance"), ["name"]), (UserOrder("x" * 65, "a@x.ma", "finance"), ["name"]),
        (UserOrder("amina", "nobody", "finance"), ["email"]), (UserOrder("amina", "a@x.ma", "root"), ["role"]),
        (UserOrder("amina", "a@x.ma", "finance", "a b"), ["os_user"]),
        (UserOrder("amina", "a@x.ma", "finance", ""), ["os_user"]),
        (UserOrder("?", "?", "?", "?\n"), ["name", "email", "role", "os_user"]),
    ],
)  # fmt: skip
def test_a_user_that_can_not_be_is_refused_with_every_fault(
    engine: Engine, order: UserOrder, fields: list[str]
) -> None:
    with pytest.raises(Refused) as refused, writing(engine) as connection:
        add_user(connection, order, now=NOW)
    assert [fault.column for fault in refused.value.faults] == fields


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (UserOrder("AMINA", "other@x.ma", "approver"), "choose another name"),
        (UserOrder("amina2", " Amina@Park.example ", "approver"), "amina's: one person is one user"),
        (UserOrder("amina2", "other@x.ma", "approver", "amina-login"), "is linked to amina: one person is one user"),
    ],
)  # fmt: skip
def test_one_person_is_one_user(engine: Engine, order: UserOrder, why: str) -> None:
    """Under two names a person could approve what that person ordered."""
    add(engine, "amina", "finance", "amina-login")
    change(engine, "amina", enabled=False)
    with pytest.raises(Conflict, match=why), writing(engine) as connection:
        add_user(connection, order, now=NOW)


def test_a_change_may_not_take_what_is_another_persons(engine: Engine) -> None:
    add(engine, "amina", "finance", "amina-login")
    add(engine, "karim", "approver")
    for values in ({"email": "AMINA@park.example"}, {"os_user": "amina-login"}):
        with pytest.raises(Conflict, match="one person is one user"):
            change(engine, "karim", **values)
    with pytest.raises(Unknown, match="no user is named nobody"):
        change(engine, "nobody", role="admin")


def test_a_disabled_users_tokens_open_nothing_until_the_user_is_enabled_again(engine: Engine) -> None:
    add(engine, "amina", "finance")
    secret = token(engine, "amina-1", "finance", "amina")

    def valid() -> bool:
        with reading(engine) as connection:
            found = find_token(connection, secret)
        assert found is not None
        return found.is_valid(NOW)

    assert valid()
    change(engine, "amina", enabled=False)
    assert not valid()
    change(engine, "amina", enabled=True)
    assert valid()


def test_a_token_opens_no_more_than_its_users_role_does_today(engine: Engine) -> None:
    add(engine, "amina", "admin")
    secret = token(engine, "amina-1", "admin audit", "amina")

    def scopes() -> set[str]:
        with reading(engine) as connection:
            found = find_token(connection, secret)
        assert found is not None
        return set(found.scopes)

    assert scopes() == {"admin", "audit"}
    change(engine, "amina", role="auditor")
    assert scopes() == {"audit"}


@pytest.mark.parametrize(
    ("user", "scope", "sites", "field"),
    [
        ("amina", "admin", (), "scope"), ("amina", "usage admin", (), "scope"), ("nobody", "finance", (), "user"),
        ("gone", "finance", (), "user"), ("aud", "usage", (), "scope"), (None, "", (), "scope"),
        (None, "usage nothing", (), "scope"), (None, "finance", ("TNG",), "sites"),
        (None, "usage receipts", ("TNG",), "sites"),
    ],
)  # fmt: skip
def test_a_token_wider_than_its_user_or_its_sites_is_refused(
    engine: Engine, user: str | None, scope: str, sites: tuple[str, ...], field: str
) -> None:
    add(engine, "amina", "finance")
    add(engine, "aud", "auditor")
    add(engine, "gone", "finance")
    change(engine, "gone", enabled=False)
    with pytest.raises(Refused) as refused:
        token(engine, "t", scope, user, sites)
    assert [fault.column for fault in refused.value.faults] == [field]


def test_of_a_password_only_a_slow_salted_hash_is_kept(engine: Engine) -> None:
    add(engine, "amina", "finance")
    password = "quatre mots bien choisis é"
    kept: list[str] = []
    for _ in range(2):
        with writing(engine) as connection:
            set_password(connection, "amina", password)
        with reading(engine) as connection:
            kept.append(str(connection.scalar(select(app_user.c.password_hash))))
            told = str(connection.execute(select(audit_change)).all())
        assert password not in kept[-1] + told
        assert kept[-1] not in told
    assert kept[0] != kept[1]
    kind, n, r, p, salt, key = kept[1].split("$")
    assert (kind, int(n) >= 1 << 16) == ("scrypt", True)
    again = scrypt(
        password.encode(), salt=base64.b64decode(salt), n=int(n), r=int(r), p=int(p), maxmem=1 << 27, dklen=32
    )
    assert base64.b64decode(key) == again
    for wrong in ("", "short", "x" * 1025):
        with pytest.raises(Refused), writing(engine) as connection:
            set_password(connection, "amina", wrong)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("UPDATE app_user SET role = 'admin' WHERE name = 'amina'",
         "user amina: role is 'admin', the acts made it 'finance'"),
        ("UPDATE app_user SET email = 'x@x.ma' WHERE name = 'amina'", "user amina: email is 'x@x.ma'"),
        ("UPDATE app_user SET disabled_at = '2026-01-01' WHERE name = 'amina'", "user amina: enabled is False"),
        ("UPDATE app_user SET os_user = 'root' WHERE name = 'amina'", "user amina: os_user is 'root'"),
        ("UPDATE app_user SET password_hash = 'x' WHERE name = 'amina'", "user amina: password_sha256 is "),
        ("DELETE FROM app_user WHERE name = 'karim'", "user karim was added by an act and is missing"),
        ("INSERT INTO app_user (name, email, role, created_at) VALUES ('eve', 'e@x.ma', 'admin', '2026-09-02')",
         "user eve stands, and no act made it"),
        ("UPDATE api_token SET scope = 'admin'", "token badge: scope is 'admin', the acts made it 'usage'"),
        ("UPDATE api_token SET sites = NULL", "token badge: sites is [], the acts made it ['TNG']"),
        ("UPDATE api_token SET user_name = 'karim'", "token badge: user is 'karim', the acts made it 'amina'"),
        ("UPDATE api_token SET revoked_at = '2026-01-01'", "token badge: revoked is True"),
        ("UPDATE api_token SET expires_at = '2030-01-01'", "token badge: expires_on is '2029-12-31'"),
        ("UPDATE api_token SET token_sha256 = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'",
         "token badge: token_sha256 is '0123"),
        ("INSERT INTO api_token (name, token_sha256, scope, created_at) VALUES ('eve', 'ab', 'admin', '2001-01-01')",
         "token eve stands, and no act made it"),
        ("DELETE FROM api_token", "token badge was made and is missing"),
    ],
)  # fmt: skip
def test_check_names_a_user_or_token_that_is_not_what_the_acts_made_it_r32(
    engine: Engine, spoil: str, told: str
) -> None:
    add(engine, "amina", "approver")
    add(engine, "karim", "finance")
    change(engine, "amina", role="finance")
    with writing(engine) as connection:
        set_password(connection, "amina", "quatre mots bien choisis")
    token(engine, "badge", "usage", "amina", ["TNG"])
    assert faults(engine) == []
    assert list(check(engine)) == []
    behind_its_back(engine, spoil)
    found = faults(engine)
    assert [fault for fault in found if fault.startswith(told)], found


def faults(engine: Engine) -> list[str]:
    def step(_done: int) -> None:
        """Nobody watches."""

    with reading(engine) as connection:
        return [*users(connection, step), *tokens(connection, step)]


def test_tokens_made_before_there_were_users_stay_valid_and_nobodys(engine: Engine) -> None:
    secret = token(engine, "erp", "finance")
    with reading(engine) as connection:
        found = find_token(connection, secret)
        columns: Any = connection.execute(text("SELECT user_name, sites FROM api_token")).one()
    assert found is not None
    assert (found.user, set(found.scopes), found.is_valid(NOW)) == (None, {"finance"}, True)
    assert tuple(columns) == (None, None)
