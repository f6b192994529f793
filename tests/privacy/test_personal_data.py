"""Personal data (loi 09-08): everything is handed out, what is past its time is erased, and the books stay proved."""

from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner
from msgspec.json import decode
from sqlalchemy import Engine, select

from billing.check import check
from billing.cli import main
from billing.frame.database import reading, writing
from billing.frame.settings import load_operator
from billing.frame.tables import app_user
from billing.privacy.erasing import erase
from billing.register.tables import application, tenant
from billing.schema.tables import all_tables
from invoices.mail import Attached, Envelope, compose_mail, document_text, parse_mailbox
from tests.support.api import CallerOf
from tests.support.counts import counts
from tests.support.documents import w1
from tests.support.networks import Row
from tests.support.park import Park, open_park
from tests.support.people import add, change
from tests.support.till import order, receives
from tests.support.whole_story import tells

TENANTS: list[Row] = [
    {
        "code": code, "kind": "large", "incorporated_on": "2000-01-01", "legal_name": f"Firme {code}",
        "email": f"{code}@firm.example", "city": "Casablanca",
    }
    for code in ("T1", "T2", "T3")
]  # fmt: skip


def leases(ends_on: str | None) -> list[Row]:
    return [
        {
            "code": f"L{n}", "tenant": f"T{n}", "site": "CAS", "area_m2": "10", "starts_on": "2024-01-01",
            "ends_on": None if n == 3 else ends_on,
        }
        for n in (1, 2, 3)
    ]  # fmt: skip


@pytest.fixture
def left(engine: Engine, tmp_path: Path) -> Park:
    """T1 left and paid, T2 left and owes, T3 is still there; all were billed for June 2026."""
    park = open_park(engine, tmp_path)
    park.opens(tenants=TENANTS, leases=leases(None))
    park.bills("2026-06")
    park.enters(leases=leases("2026-06-30"))
    receives(park, order("1740.00", tenant="T1", pays={"FA-2026-000001": "1740.00"}))
    return park


def erased(park: Park, on: date, *, dry_run: bool = False) -> tuple[dict[str, list[str]], dict[str, int]]:
    now = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    with writing(park.engine) as connection:
        found = erase(connection, park.settings.terms, now=now, dry_run=dry_run)
    return {each.name: sorted(each.values) for each in found.erasures}, found.kept


def row_of(park: Park, code: str) -> tuple[str, str, str]:
    t = tenant.c
    with reading(park.engine) as connection:
        name, email, city = connection.execute(select(t.legal_name, t.email, t.city).where(t.code == code)).one()
        return name, email, city


def test_where_a_firm_was_reached_goes_three_years_after_it_left_and_who_it_was_after_ten(left: Park) -> None:
    assert erased(left, date(2029, 6, 30)) == ({}, {"document": 0, "entry": 0, "receipt": 0, "message": 0})
    assert erased(left, date(2029, 7, 1), dry_run=True)[0] == {"T1": ["email"]}
    assert row_of(left, "T1") == ("Firme T1", "T1@firm.example", "Casablanca")
    assert erased(left, date(2029, 7, 1))[0] == {"T1": ["email"]}
    assert erased(left, date(2036, 12, 31))[0] == {}
    gone, kept = erased(left, date(2037, 1, 2))
    assert set(gone) == {"T1"}
    assert kept == {"document": 3, "entry": 8, "receipt": 1, "message": 0}
    assert row_of(left, "T1") == ("Locataire T1", "", "")
    assert erased(left, date(2037, 1, 2))[0] == {}
    # Who owes, and who is still there, stays as it was.
    assert row_of(left, "T2") == ("Firme T2", "T2@firm.example", "Casablanca")
    assert row_of(left, "T3") == ("Firme T3", "T3@firm.example", "Casablanca")
    assert check(left.engine) == []


def test_the_name_of_an_applicant_goes_three_years_after_the_application_was_closed(left: Park) -> None:
    closed = {"C1": {"state": "declined"}, "C2": {"state": "admitted", "tenant": "T3"}, "C3": {"state": "waiting"}}
    left.enters(applications=[{"code": code, "decided_on": "2026-06-30", **values} for code, values in closed.items()])
    assert erased(left, date(2029, 6, 30))[0] == {}
    assert erased(left, date(2029, 7, 1))[0] == {"C1": ["legal_name"], "C2": ["legal_name"], "T1": ["email"]}
    with reading(left.engine) as connection:
        names = connection.execute(select(application.c.code, application.c.legal_name)).all()
    assert sorted(names) == [("C1", "Candidature C1"), ("C2", ""), ("C3", "Argan Robotique")]
    assert check(left.engine) == []


def test_the_address_of_a_user_goes_three_years_after_it_was_disabled(left: Park) -> None:
    add(left.engine, "samir", "finance")
    change(left.engine, "samir", enabled=False)
    gone, _ = erased(left, date(2030, 1, 2))
    assert gone["samir"] == ["email"]
    with reading(left.engine) as connection:
        assert connection.scalar(select(app_user.c.email).where(app_user.c.name == "samir")) == "samir@erased.invalid"
    assert check(left.engine) == []


def test_a_tenant_is_handed_every_row_that_names_it_and_no_other_tenants(
    engine: Engine, tmp_path: Path, caller_of: CallerOf
) -> None:
    park = open_park(engine, tmp_path)
    tells(park)
    caller = caller_of(park.engine)
    given = caller.get("/v1/tenants/T2/personal-data", "admin")
    assert caller("GET", "/v1/tenants/T2/personal-data", "finance").status_code == 403
    assert caller("GET", "/v1/tenants/T9/personal-data", "admin").status_code == 404
    with reading(park.engine) as connection:
        for table in all_tables():
            if "tenant" in table.c:
                named = connection.execute(select(table).where(table.c.tenant == "T2")).all()
                held = [row for row in given["tables"].get(table.name, []) if row["tenant"] == "T2"]
                assert len(held) == len(named), table.name
    others = {
        (name, row["tenant"]) for name, rows in given["tables"].items() for row in rows if row.get("tenant") is not None
    }
    assert {of for _, of in others} == {"T2"}
    # Money that nobody could place at first, of which a part is T2's.
    assert {row["id"] for row in given["tables"]["receipt"] if row["tenant"] is None} == {3}
    assert {"party", "document_line", "receipt_leg", "dunning_step", "message", "deposit_movement"} <= set(
        given["tables"]
    )
    history = [change["after"] for change in given["changes"] if change["key"] == "L2"]
    assert history[1:] == [{"area_m2": "9"}, {"ends_on": "2026-07-31"}]
    assert {act["user"] for act in given["acts"]} == {"amina"}
    url = park.engine.url.render_as_string(hide_password=False)
    written = CliRunner().invoke(main, ["privacy", "export", "T2"], env={"DATABASE_URL": url})
    assert decode(written.stdout)["tables"] == given["tables"]


def test_the_command_says_what_it_would_erase_and_changes_nothing(left: Park) -> None:
    url = left.engine.url.render_as_string(hide_password=False)
    before = counts(left.engine)
    told = CliRunner().invoke(main, ["privacy", "erase", "--dry-run"], env={"DATABASE_URL": url})
    assert (told.exit_code, told.stdout) == (0, "0 rows are past their time\n")
    assert counts(left.engine) == before


@pytest.mark.parametrize(("language", "said"), [("fr", "loi 09-08"), ("en", "law 09-08"), ("ar", "09-08")])
def test_mails_end_with_the_number_of_the_declaration_to_the_cndp(language: str, said: str, tmp_path: Path) -> None:
    demonstration = Path("billing/demo/network/operator.toml").read_text(encoding="utf-8")
    (tmp_path / "operator.toml").write_text(f'{demonstration}\ncndp_number = "D-GC-123/2026"\n', encoding="utf-8")
    operator = load_operator(tmp_path / "operator.toml")
    text, _ = document_text(w1(), "Parc")
    envelope = Envelope(
        parse_mailbox("a@parc.example"), "Parc", (parse_mailbox("b@firm.example"),), "Firme",
        datetime(2026, 9, 1, tzinfo=UTC), cndp_number=operator.cndp_number,
    )  # fmt: skip
    text = type(text)(language, text.subject, text.before, text.facts, text.after)
    mail = compose_mail("FA-2026-000012", text, [Attached("f.pdf", b"%PDF")], envelope)
    message = message_from_bytes(mail.content, policy=default)
    for part in ("plain", "html"):
        body = message.get_body((part,))
        assert body is not None
        *_, last = cast(EmailMessage, body).get_content().strip().split("\n\n" if part == "plain" else "<p")
        assert said in last
        assert "D-GC-123/2026" in last
