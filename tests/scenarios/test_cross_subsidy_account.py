"""A tenant's own account of the péréquation: each centime of it stands on 9201 or 9202, and says whence it came."""

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from sqlalchemy import func, select

from billing.cross_subsidy.accounts.account import (
    GROUPS,
    Account,
    AccountMonth,
    Part,
    PricedMonth,
    account_of,
)
from billing.cross_subsidy.accounts.account_paper import account_paper, account_pdf, addressee_of
from billing.cross_subsidy.accounts.shapes import CrossSubsidyAccount
from billing.frame.database import reading
from billing.frame.errors import Unknown
from billing.frame.settings import load_settings
from invoices.rendering.figures import render_figures
from ledger.models import posting
from pricing.money import format_amount
from pricing.period import parse_month
from tests.support.pages import GOLDEN, OTHER_LANGUAGES, read_aloud, text_of
from tests.support.park import Park
from tests.support.tagged_pdf import TaggedPdf

NEWCOMER = {"kind": "startup", "incorporated_on": "2025-01-01"}
NAMED = """
[[cross_subsidy.names]]
effective_from = 2000-01-01
value = true
source = "conseil du 3 mars"
"""


@pytest.fixture
def small_park(park: Park) -> Park:
    """At Tanger OLD carries a part of N1, N2 is alone at Casablanca (`test_cross_subsidy_of_a_small_park`)."""
    park.opens(
        tenants=[
            {**NEWCOMER, "code": "N1", "legal_name": "Nour Santé"},
            {**NEWCOMER, "code": "N2", "legal_name": "Nabta", "city": "Casablanca"},
            {"code": "OLD", "kind": "large", "incorporated_on": "1990-01-01", "legal_name": "Aïn Chock Industries"},
        ],
        leases=[
            {"code": "L1", "tenant": "N1", "site": "TNG", "area_m2": "10", "starts_on": "2026-01-01"},
            {"code": "L2", "tenant": "N2", "site": "CAS", "area_m2": "10", "starts_on": "2025-02-15"},
            {"code": "L3", "tenant": "OLD", "site": "TNG", "area_m2": "30", "starts_on": "2020-01-01"},
        ],
        grants=[
            {"code": "REGION", "site": "CAS", "amount": "500.00", "granted_on": "2026-07-01"},
            {"code": "STATE", "amount": "200.00", "granted_on": "2026-06-15"},
        ],
    )
    for month in ("2026-06", "2026-07", "2026-08"):
        park.bills(month)
    return park


def account(park: Park, code: str, until: str | None = None, terms_file: Path | None = None) -> Account:
    settings = load_settings({} if terms_file is None else {"TERMS_FILE": str(terms_file)})
    with reading(park.engine) as connection:
        return account_of(connection, code, None if until is None else parse_month(until), settings.terms)


def told(park: Park, code: str, until: str | None = None, terms_file: Path | None = None) -> dict[str, Any]:
    return dict(to_builtins(CrossSubsidyAccount.of(account(park, code, until, terms_file))))


def by_group(side: dict[str, Any]) -> dict[str, str]:
    return {group: amount for group, amount in side["by_group"].items() if amount != "0.00"}


def test_r18_a_newcomer_sees_each_month_who_met_its_need(small_park: Park) -> None:
    """N2: the operator in June; the region, the State and the operator in July; in August, from the 15th, itself."""
    found = told(small_park, "N2")
    assert [(m["period"], by_group(m["received"]), by_group(m["contributed"]), m["net"]) for m in found["months"]] == [
        ("2026-06", {"operator": "816.70"}, {}, "816.70"),
        ("2026-07", {"grants": "593.60", "operator": "223.10"}, {}, "816.70"),
        ("2026-08", {"itself": "82.26", "operator": "286.58"}, {"itself": "82.26"}, "286.58"),
    ]
    assert [month["cumulated"] for month in found["months"]] == ["816.70", "1633.40", "1919.98"]
    assert (found["received"]["total"], found["contributed"]["total"], found["net"]) == ("2002.24", "82.26", "1919.98")
    assert found["advantage"] == "2369.98"
    assert found["window"] == {"first_day": "2025-02-15", "last_day": "2026-08-14"}
    assert found["admitted_on"] == "2025-02-15"


def test_the_prices_before_and_after_are_those_of_the_bill(small_park: Park) -> None:
    """10 m² at 48.33, from 15 August 2026 on at 145.00; VAT 20 %."""
    found = told(small_park, "N2")
    assert found["switch"] == {
        "on": "2026-08-15",
        "before": {"month": "2026-07", "gross": "579.96"},
        "after": {"month": "2026-09", "gross": "1740.00"},
    }
    prices = {price["month"]: (price["charged"], price["full"]) for price in found["prices"]}
    assert prices["2025-02"] == ("241.65", "725.00")
    assert prices["2026-07"] == ("483.30", "1450.00")
    assert prices["2026-09"] == ("1450.00", "1450.00")
    billed = {
        month: sum(line.priced.amount for d in small_park.documents(month) if d.buyer.code == "N2" for line in d.lines)
        for month in ("2026-06", "2026-07", "2026-08")
    }
    assert {month: format_amount(net) for month, net in billed.items()} == {m: prices[m][0] for m in billed}


def test_a_mature_firm_sees_for_whom_it_pays(small_park: Park) -> None:
    found = told(small_park, "OLD")
    assert found["received"]["total"] == "0.00"
    assert by_group(found["contributed"]) == {"own_site": "1440.00"}
    assert found["contributed"]["by_site"] == [{"group": "own_site", "site": "TNG", "amount": "1440.00"}]
    assert (found["window"], found["switch"]) == (None, None)


def test_what_nobody_needs_is_told_as_kept_in_reserve(park: Park) -> None:
    park.opens(
        tenants=[{**NEWCOMER, "code": "N1"}, {"code": "OLD", "kind": "large", "incorporated_on": "1990-01-01"}],
        leases=[
            {"code": "L1", "tenant": "N1", "site": "CAS", "area_m2": "10", "starts_on": "2026-01-01"},
            {"code": "L2", "tenant": "OLD", "site": "TNG", "area_m2": "100", "starts_on": "2020-01-01"},
        ],
    )
    park.bills("2026-06")
    assert by_group(told(park, "OLD")["contributed"]) == {"other_sites": "816.70", "reserve": "783.30"}
    assert by_group(told(park, "N1")["received"]) == {"other_sites": "816.70"}
    assert told(park, "N1")["received"]["by_site"] == [{"group": "other_sites", "site": "TNG", "amount": "816.70"}]


def test_nobody_is_named_unless_the_operator_allows_it(small_park: Park, tmp_path: Path) -> None:
    silent = told(small_park, "N1")
    assert silent["named"] is False
    assert "by_name" not in silent["received"]
    assert "OLD" not in str(silent)
    terms = tmp_path / "terms.toml"
    terms.write_text(NAMED, encoding="utf-8")
    spoken = told(small_park, "N1", terms_file=terms)
    assert spoken["named"] is True
    assert spoken["received"]["by_name"] == [
        {"kind": "grant", "code": "STATE", "name": "Région", "amount": "106.40"},
        {"kind": "tenant", "code": "OLD", "name": "Aïn Chock Industries", "amount": "1440.00"},
    ]
    for amount in ("1440.00", "106.40"):
        assert amount in str(spoken)
    page = text_of(page_of(small_park, account(small_park, "N1", terms_file=terms)))
    assert "Aïn Chock Industries" in page
    assert "Aïn Chock Industries" not in text_of(page_of(small_park, account(small_park, "N1")))


def test_every_account_sums_to_what_9201_and_9202_hold_of_the_tenant(small_park: Park) -> None:
    for code in ("N1", "N2", "OLD"):
        found = account(small_park, code)
        with reading(small_park.engine) as connection:
            sums = dict(
                connection.execute(
                    select(posting.c.account, func.sum(posting.c.amount))
                    .where(posting.c.auxiliary == code, posting.c.account.in_(["9201", "9202"]))
                    .group_by(posting.c.account)
                ).all()
            )
        assert (found.contributed, -found.received) == (int(sums.get("9201", 0)), int(sums.get("9202", 0)))


def test_an_account_up_to_a_month_is_what_it_was_then(small_park: Park) -> None:
    assert told(small_park, "N2", until="2026-07")["net"] == "1633.40"
    assert [month["period"] for month in told(small_park, "N2", until="2026-06")["months"]] == ["2026-06"]
    with pytest.raises(Unknown, match="no month up to 2026-05 has been run"):
        told(small_park, "N2", until="2026-05")
    with pytest.raises(Unknown, match="there is no tenant NOBODY"):
        told(small_park, "NOBODY")


def test_before_the_first_run_there_is_no_account(park: Park) -> None:
    park.opens(tenants=[{**NEWCOMER, "code": "N1"}])
    with pytest.raises(Unknown, match="no month has been run"):
        told(park, "N1")


def test_a_firm_without_lease_has_an_account_of_nothing(small_park: Park) -> None:
    small_park.enters(tenants=[{"code": "IDLE"}])
    small_park.bills("2026-09")
    found = told(small_park, "IDLE")
    assert (found["received"]["total"], found["contributed"]["total"], found["admitted_on"]) == ("0.00", "0.00", None)
    assert "rien n’a été reçu" in " ".join(text_of(page_of(small_park, account(small_park, "IDLE"))).split())


def test_what_was_used_before_the_admission_counts_too(park: Park) -> None:
    """A large firm eats at Tanger in May, billed in June; its first lease begins in August."""
    park.opens(
        tenants=[{"code": "BIG", "kind": "large"}],
        leases=[{"code": "L1", "tenant": "BIG", "area_m2": "10", "starts_on": "2026-08-01"}],
        usage=[{"event_id": "U1", "tenant": "BIG", "quantity": "10", "occurred_on": "2026-05-04"}],
    )
    for month in ("2026-06", "2026-07", "2026-08"):
        park.bills(month)
    found = told(park, "BIG")
    assert [(month["period"], month["contributed"]["total"]) for month in found["months"]] == [
        ("2026-06", "25.00"), ("2026-07", "0.00"), ("2026-08", "160.00"),
    ]  # fmt: skip


def test_where_a_price_is_missing_the_account_stands_without_prices(small_park: Park) -> None:
    """A lease at a site without rates: its bill is an error, its account tells what it had."""
    small_park.enters(
        sites=[{"code": "AGA"}],
        leases=[{"code": "L9", "tenant": "N1", "site": "AGA", "area_m2": "10", "starts_on": "2026-08-01"}],
    )
    found = told(small_park, "N1")
    assert found["prices"] == []
    assert "AGA" in str(found["prices_problem"])
    assert found["received"]["total"] == "2520.00"
    assert "un tarif manque au registre" in " ".join(text_of(page_of(small_park, account(small_park, "N1"))).split())


def page_of(park: Park, found: Account) -> bytes:
    with reading(park.engine) as connection:
        to = addressee_of(connection, found.tenant)
    return account_pdf(found, load_settings({}).operator.party, to)


@pytest.mark.parametrize("code", ["N1", "N2", "OLD"])
def test_the_page_says_what_it_always_said(small_park: Park, code: str) -> None:
    """Golden text; the same bytes when printed again."""
    found = account(small_park, code)
    written = page_of(small_park, found)
    assert written == page_of(small_park, account(small_park, code))
    text = text_of(written)
    assert text.count("\f") == 1
    assert text == (GOLDEN / f"account_{code}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
@pytest.mark.parametrize("code", ["N1", "OLD"])
def test_the_page_in_the_tenants_language(small_park: Park, code: str, language: str) -> None:
    """Golden text; an Arabic site's name over a drawing is joined, in the package's fonts."""
    with reading(small_park.engine) as connection:
        to = addressee_of(connection, code)
    party = dataclasses.replace(to.party, language=language)
    sites = dict.fromkeys(to.sites, "تكنوبارك الرباط")
    written = account_pdf(
        account(small_park, code), load_settings({}).operator.party, to._replace(party=party, sites=sites)
    )
    assert b"DejaVu" not in written
    assert TaggedPdf(written).problems() == []
    said = read_aloud(written)
    assert "تكنوبارك الرباط" in said
    assert said.count("\f") == 1
    assert said == (GOLDEN / f"account_{code}.{language}.txt").read_text(encoding="utf-8")


def test_the_fullest_page_is_one_page(small_park: Park) -> None:
    """Twelve years, every group, nine sites, names, a long name and address, millions."""
    sites = {f"S{n}": f"Technopark de la Région numéro {n}" for n in range(9)}
    received = tuple(
        Part(group, f"S{n % 9}" if group in ("own_site", "other_sites") else None, "tenant", f"G{n}", 98_765_43)
        for n in range(30)
        for group in GROUPS
    )
    months = tuple(AccountMonth(date(2015 + n // 12, n % 12 + 1, 1), received, received, 1) for n in range(144))
    small = account(small_park, "N2")
    names = {("tenant", f"G{n}"): f"Société Marocaine des Techniques Avancées {n}" for n in range(30)}
    prices = tuple(PricedMonth(month.period, 123_456_00, 370_368_00) for month in months[-48:])
    full = dataclasses.replace(small, months=months, names=names, until=months[-1].period, prices=prices)
    with reading(small_park.engine) as connection:
        to = addressee_of(connection, "N2")
    party = dataclasses.replace(
        to.party,
        legal_name="Société Marocaine de Développement des Technologies Avancées de l’Information et des Réseaux",
        address="Technopark, route de Nouaceur, angle boulevard Ghandi, bâtiment principal, 3e étage, bureau 312",
    )
    seller = load_settings({}).operator.party
    text = text_of(render_figures(account_paper(full, seller, to._replace(party=party, sites=sites))))
    assert text.count("\f") == 1
    assert "2015 à 2024" in text
