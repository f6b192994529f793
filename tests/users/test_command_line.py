"""Who acts at the command line: the user of BILLING_TOKEN, else the operating system's user, as a person if linked."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from billing.frame.database import reading
from billing.frame.settings import operating_user
from billing.frame.tables import audit_event
from tests.support.networks import write_network
from tests.support.people import Invoke, add, change, invoker, ok, refused, token


@pytest.fixture
def invoke(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs commands on a migrated database."""
    monkeypatch.chdir(tmp_path)
    return invoker({"DATABASE_URL": engine.url.render_as_string(hide_password=False)})


def last_act(engine: Engine) -> tuple[str, str | None, str]:
    with reading(engine) as connection:
        row = connection.execute(select(audit_event).order_by(audit_event.c.id.desc()).limit(1)).one()
    return row.actor, row.user_name, row.operation


def test_users_are_added_listed_changed_and_disabled(invoke: Invoke) -> None:
    assert "there is no user yet" in ok(invoke("users", "list"))
    ok(invoke("users", "add", "amina", "--email", "amina@park.example", "--role", "finance"))
    ok(invoke("users", "add", "karim", "--email", "karim@park.example", "--role", "approver", "--os-user", "kb"))
    assert re.search(r"karim +approver +karim@park.example +kb +enabled", ok(invoke("users", "list")))
    ok(invoke("users", "change", "karim", "--role", "admin", "--os-user", ""))
    assert re.search(r"karim +admin +karim@park.example +- +enabled", ok(invoke("users", "list")))
    ok(invoke("users", "disable", "karim"))
    assert re.search(r"karim +admin .* disabled", ok(invoke("users", "list")))
    ok(invoke("users", "change", "karim", "--enable"))
    assert invoke("users", "change", "karim").exit_code == 2
    assert "no user is named x" in refused(invoke("users", "disable", "x"))


def test_a_password_is_read_from_standard_input_and_never_printed(invoke: Invoke) -> None:
    ok(invoke("users", "add", "amina", "--email", "amina@park.example", "--role", "finance"))
    found = invoke("users", "password", "amina", "--stdin", stdin="quatre mots bien choisis\n")
    assert "quatre" not in ok(found)
    assert re.search(r"amina .* set", ok(invoke("users", "list")))
    assert "12 to 1024 characters" in refused(invoke("users", "password", "amina", "--stdin", stdin="court\n"))


def test_a_token_is_somebodys_with_scopes_and_sites(invoke: Invoke, tmp_path: Path) -> None:
    ok(invoke("import", write_network(tmp_path / "network")))
    ok(invoke("users", "add", "amina", "--email", "amina@park.example", "--role", "finance"))
    ok(invoke("token", "create", "a1", "--user", "amina", "--scope", "receipts", "--scope", "runs"))
    ok(invoke("token", "create", "badge", "--scope", "usage", "--site", "TNG"))
    listed = ok(invoke("token", "list"))
    assert re.search(r"a1 +receipts runs +valid .* amina +-", listed)
    assert re.search(r"badge +usage +valid .* - +TNG", listed)
    assert "there is no site XX" in refused(invoke("token", "create", "b", "--scope", "usage", "--site", "XX"))
    assert "is more than amina may do" in refused(invoke("token", "create", "b", "--user", "amina", "--scope", "admin"))
    ok(invoke("users", "disable", "amina"))
    assert re.search(r"a1 +receipts runs +user disabled", ok(invoke("token", "list")))


def test_the_audit_log_names_the_user_of_the_token_else_of_the_login(invoke: Invoke, engine: Engine) -> None:
    login = operating_user()
    ok(invoke("token", "create", "t1", "--scope", "usage"))
    assert last_act(engine) == (login, None, "token create")
    add(engine, "amina", "admin", login)
    ok(invoke("token", "create", "t2", "--scope", "usage"))
    assert last_act(engine) == (login, "amina", "token create")
    add(engine, "karim", "admin")
    secret = token(engine, "karim-1", "admin", "karim")
    ok(invoke("token", "create", "t3", "--scope", "usage", BILLING_TOKEN=secret))
    assert last_act(engine) == ("karim-1", "karim", "token create")


@pytest.mark.parametrize("command", [("users", "list"), ("check",), ("token", "create", "x", "--scope", "usage")])
def test_a_wrong_token_is_refused_never_replaced_by_the_login(
    invoke: Invoke, engine: Engine, command: tuple[str, ...]
) -> None:
    add(engine, "amina", "admin", operating_user())
    good = token(engine, "amina-1", "admin", "amina")
    for wrong in ("tpb_wrong", "", " ", good[:-1], good.upper(), good + "x"):
        reason = refused(invoke(*command, BILLING_TOKEN=wrong))
        assert "BILLING_TOKEN is no token that is known" in reason
        assert not wrong.strip() or wrong not in reason
    ok(invoke("users", "list", BILLING_TOKEN=f" {good}\n"))


def test_a_token_that_has_ended_is_refused(invoke: Invoke, engine: Engine) -> None:
    add(engine, "amina", "admin", operating_user())
    add(engine, "karim", "admin")
    secret = token(engine, "karim-1", "admin", "karim")
    change(engine, "karim", enabled=False)
    assert "opens nothing any more (user disabled)" in refused(invoke("users", "list", BILLING_TOKEN=secret))
    change(engine, "karim", enabled=True)
    ok(invoke("token", "revoke", "karim-1"))
    assert "opens nothing any more (revoked)" in refused(invoke("users", "list", BILLING_TOKEN=secret))
    badge = token(engine, "badge", "usage", sites=["TNG"])
    assert "is bound to TNG" in refused(invoke("users", "list", BILLING_TOKEN=badge))


def test_a_disabled_user_linked_to_the_login_is_refused(invoke: Invoke, engine: Engine) -> None:
    add(engine, "amina", "admin", operating_user())
    change(engine, "amina", enabled=False)
    assert "the user amina is disabled" in refused(invoke("users", "list"))


@pytest.mark.parametrize(
    ("role", "scope", "command", "may"),
    [
        ("auditor", "auditor", ("users", "list"), True),
        ("auditor", "auditor", ("dunning", "send"), False),
        ("finance", "usage", ("users", "list"), False),
        ("finance", "receipts", ("payments", "list"), True),
        ("finance", "receipts", ("debts", "list"), False),
        ("finance", "receipts", ("payments", "refund", "--on", "2026-09-01", "--reference", "V1"), False),
        ("finance", "audit", ("check",), True),
        ("finance", "audit", ("periods", "list"), False),
        ("auditor", "audit", ("dunning", "send"), False),
        ("finance", "finance", ("dunning", "send"), True),
    ],
)  # fmt: skip
def test_a_command_is_opened_by_what_the_token_and_its_users_role_may_do(
    invoke: Invoke, engine: Engine, role: str, scope: str, command: tuple[str, ...], may: bool
) -> None:
    add(engine, "amina", role)
    found = invoke(*command, BILLING_TOKEN=token(engine, "t", scope, "amina"))
    assert found.exit_code == 0 if may else "may not give this command: it needs scope" in refused(found)


def test_users_are_administered_by_administrators_once_one_can_act(invoke: Invoke, engine: Engine) -> None:
    """One person could otherwise make the second one who approves."""
    add(engine, "amina", "finance", operating_user())
    ok(invoke("users", "add", "karim", "--email", "karim@park.example", "--role", "admin"))
    ok(invoke("users", "add", "salma", "--email", "salma@park.example", "--role", "approver"))
    secret = ok(invoke("token", "create", "karim-1", "--user", "karim", "--scope", "admin")).strip()
    for command in (
        ("users", "add", "eve", "--email", "eve@park.example", "--role", "approver"),
        ("users", "change", "amina", "--role", "approver"),
        ("token", "create", "salma-1", "--user", "salma", "--scope", "approvals"), ("users", "disable", "salma"),
        ("token", "revoke", "karim-1"),
    ):  # fmt: skip
        assert "amina may not administer users and tokens: ask karim" in refused(invoke(*command))
        assert invoke(*command, BILLING_TOKEN=secret).exit_code == 0, command
