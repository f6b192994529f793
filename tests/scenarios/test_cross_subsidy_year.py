"""The year's statement of the péréquation: every figure of it is found in the ledger, to the centime."""

import io
import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from msgspec import to_builtins
from openpyxl import load_workbook
from sqlalchemy import Engine, select

from billing.cross_subsidy.annual_report.queries import year_statement
from billing.cross_subsidy.annual_report.shapes import CrossSubsidyYear
from billing.cross_subsidy.annual_report.year import YearStatement
from billing.cross_subsidy.annual_report.year_paper import year_pdf
from billing.cross_subsidy.annual_report.year_tables import year_workbook
from billing.frame.database import reading
from billing.frame.errors import Conflict, Unknown
from billing.frame.settings import load_settings
from billing.register.network_import import import_folder
from invoices import formats
from ledger.models import entry, posting
from pricing.money import format_amount
from tests.oracle.sample import SAMPLE
from tests.oracle.service import NOW
from tests.support.pages import GOLDEN, text_of
from tests.support.park import Park
from tests.support.spoiling import behind_its_back
from tests.support.tagged_pdf import TaggedPdf

NEWCOMER = {"kind": "startup", "incorporated_on": "2025-01-01"}
SELLER = load_settings({}).operator.party
# `pdftotext` gives the narrow space between groups as a plain one, or as none.
_AMOUNT = re.compile(r"(?<![0-9])−?[0-9]{1,3}(?:[ \u202f]?[0-9]{3})*,[0-9]{2}(?![0-9])")


@pytest.fixture
def small_park(park: Park) -> Park:
    """The park of `test_cross_subsidy_of_a_small_park`, billed from June to August 2026."""
    park.opens(
        tenants=[
            {**NEWCOMER, "code": "N1"},
            {**NEWCOMER, "code": "N2"},
            {"code": "OLD", "kind": "large", "incorporated_on": "1990-01-01"},
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


@pytest.fixture
def sample_park(park: Park) -> Park:
    """The sample network, 450 firms at five sites, billed from June to November 2026."""
    import_folder(park.engine, SAMPLE, now=NOW)
    for month in range(6, 12):
        park.bills(f"2026-{month:02d}")
    return park


def year_json(report: YearStatement) -> dict[str, Any]:
    """The report as its JSON."""
    return dict(to_builtins(CrossSubsidyYear.of(report)))


def statement(park: Park, year: int = 2026) -> YearStatement:
    with reading(park.engine) as connection:
        return year_statement(connection, year)


def postings_of(engine: Engine, year: int) -> list[Any]:
    """The postings of the runs of a year's months, with their month, straight from the ledger."""
    with reading(engine) as connection:
        rows = connection.execute(
            select(entry.c.reference, posting.c.account, posting.c.auxiliary, posting.c.site, posting.c.amount)
            .join(entry, entry.c.id == posting.c.entry_id)
            .where(entry.c.reference.startswith(f"PER/{year}-"))
        ).all()
    return [(row.reference[4:11], *row[1:]) for row in rows]


def summed(amounts: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    found: Counter[Any] = Counter()
    for key, amount in amounts:
        found[key] += amount
    return {key: amount for key, amount in found.items() if amount}


def test_a_partial_year_of_a_small_park_in_plain_figures(small_park: Park) -> None:
    found = year_json(statement(small_park))
    assert found["months_counted"] == ["2026-06", "2026-07", "2026-08"]
    assert (found["support"], found["contributions"], found["to_reserve"]) == ("4522.24", "1522.26", "0.00")
    assert found["sources"] == {
        "own_site": "1522.26", "other_sites": "0.00", "grants": "700.00", "reserve": "0.00", "operator": "2299.98",
    }  # fmt: skip
    assert found["grants"] == [
        {"code": "STATE", "funder": "Région", "site": None, "before": "0.00", "received": "200.00", "used": "200.00",
         "left": "0.00"},
        {"code": "REGION", "funder": "Région", "site": "CAS", "before": "0.00", "received": "500.00", "used": "500.00",
         "left": "0.00"},
    ]  # fmt: skip
    assert found["distribution"] == {"supports": None, "contributions": None}
    assert {tie["difference"] for tie in found["ledger"]} == {"0.00"}


def test_the_statement_reads_as_it_always_did(small_park: Park) -> None:
    """Golden text; the same bytes when printed again; months that were not run are not claimed."""
    written = year_pdf(statement(small_park), SELLER)
    assert written == year_pdf(statement(small_park), SELLER)
    assert TaggedPdf(written).problems() == []
    assert text_of(written) == (GOLDEN / "cross_subsidy_year.txt").read_text(encoding="utf-8")
    assert "juin à août 2026 : 3 mois" in text_of(written)


def test_every_figure_of_the_sample_network_is_in_its_postings(sample_park: Park) -> None:
    found, rows = statement(sample_park), postings_of(sample_park.engine, 2026)

    def of(account: str, sign: int, place: int, *, with_site: bool | None = None) -> dict[Any, int]:
        """What an account moved, by month (0), auxiliary (2) or site (3)."""
        return summed(
            (row[place], sign * row[4])
            for row in rows
            if row[1] == account and (with_site is None or (row[3] is not None) == with_site)
        )

    by_month = {month.period.strftime("%Y-%m"): month for month in found.months}
    assert {m: month.support for m, month in by_month.items()} == of("9202", -1, 0)
    assert {m: month.of("operator") for m, month in by_month.items() if month.of("operator")} == of("9209", 1, 0)
    assert {m: month.of("grants") for m, month in by_month.items() if month.of("grants")} == of("9208", 1, 0)
    assert {m: month.of("reserve") for m, month in by_month.items() if month.of("reserve")} == of(
        "9207", 1, 0, with_site=True
    )
    assert {m: month.kept for m, month in by_month.items() if month.kept} == of("9207", -1, 0, with_site=False)
    assert {m: month.advantage for m, month in by_month.items()} == of("9301", 1, 0)
    received_from_network = summed((row[0], row[4]) for row in rows if row[1] == "9206" and row[4] > 0 and row[3])
    assert {m: month.of("other_sites") for m, month in by_month.items() if month.of("other_sites")} == (
        received_from_network
    )
    given = summed((row[3], -row[4]) for row in rows if row[1] == "9206" and row[4] < 0)
    kept = found.kept_by_site()
    leaving = summed((f.origin, f.amount) for f in found.flows() if f.source == "other_sites")
    assert summed([*leaving.items(), *kept.items()]) == given
    brought = of("9201", 1, 3)
    own = summed((f.site, f.amount) for f in found.flows() if f.source == "own_site")
    assert own == {code: brought[code] - given.get(code, 0) for code in brought if brought[code] != given.get(code, 0)}
    assert list(found.supports) == sorted(of("9202", -1, 2).values(), reverse=True)
    assert list(found.contributions) == sorted(of("9201", 1, 2).values(), reverse=True)
    assert {grant.code: grant.used for grant in found.grants if grant.used} == of("9208", 1, 2)
    assert found.reserve_after - found.reserve_before == -sum(of("9207", 1, 0).values())


def test_every_amount_on_paper_is_one_of_these_figures(sample_park: Park) -> None:
    """Each is drawn from the postings again, or is a sum of such, or a cell that the matrices divide them into."""
    found = statement(sample_park)
    text = text_of(year_pdf(found, SELLER))
    printed = {re.sub("[ \u202f]", "", amount) for amount in _AMOUNT.findall(text)}
    known = {0, found.support, found.kept, found.reserve_before, found.reserve_after, sum(found.contributions)}
    known |= {found.reserve_after - found.reserve_before, found.supports[0], found.contributions[0]}
    known |= {found.supports[len(found.supports) // 2], found.contributions[len(found.contributions) // 2]}
    known |= {month.support for month in found.months} | {month.kept for month in found.months}
    sources = ("own_site", "other_sites", "grants", "reserve", "operator")
    known |= {month.of(source) for month in found.months for source in sources} | {found.of(s) for s in sources}
    known |= {amount for tie in found.ties for amount in (tie.stated, tie.booked)}
    known |= {amount for grant in found.grants for amount in (grant.before, grant.received, grant.used, grant.left)}
    for name in ("before", "received", "used", "left"):
        known.add(sum(getattr(grant, name) for grant in found.grants))
    flows, kept = found.flows(), found.kept_by_site()
    known |= {flow.amount for flow in flows} | set(kept.values())
    for code, _ in found.sites:
        to = [flow for flow in flows if flow.site == code]
        own = sum(flow.amount for flow in to if flow.source == "own_site")
        others = sum(flow.amount for flow in to if flow.source == "other_sites")
        gives = sum(flow.amount for flow in flows if flow.origin == code)
        support = sum(flow.amount for flow in to)
        known |= {own, others, support, support - own - others, own + others, gives, gives - own}
        known.add(gives + kept.get(code, 0))
    known.add(found.of("own_site") + found.of("other_sites"))
    # The share capital in the foot of the page is the seller's.
    assert printed - {plain(amount) for amount in known} == {plain(4_600_000_000)}
    assert len(printed) > 80


def plain(amount: int) -> str:
    """An amount as printed, without its spaces."""
    return formats.amount(amount).replace(formats.GROUP, "")


def test_the_workbook_holds_the_figures_of_the_data(sample_park: Park) -> None:
    found = statement(sample_park)
    written = b"".join(year_workbook(found))
    assert written == b"".join(year_workbook(found))
    book = load_workbook(io.BytesIO(written))
    assert book.sheetnames == ["Mois", "Flux", "Mis en réserve", "Subventions", "Répartition", "Rapprochement"]
    months = [[cell.value for cell in row] for row in book["Mois"].iter_rows(min_row=2)]
    told = year_json(found)
    assert [f"{row[1]:.2f}" for row in months] == [month["support"] for month in told["months"]]
    assert [f"{row[-1]:.2f}" for row in months] == [month["reserve_after"] for month in told["months"]]
    assert book["Flux"].max_row == 1 + len(told["flows"])
    assert book["Répartition"].max_row == 1 + len(found.supports) + len(found.contributions)
    json.dumps(told)


def test_no_firm_is_named(sample_park: Park) -> None:
    told = json.dumps(year_json(statement(sample_park))) + text_of(year_pdf(statement(sample_park), SELLER))
    assert not re.search(r"\bT0[0-9]{3}\b", told)


def test_few_firms_are_not_shown_apart(small_park: Park) -> None:
    assert "Moins de 5 entreprises" in text_of(year_pdf(statement(small_park), SELLER))


def test_a_year_without_runs_has_no_statement(small_park: Park) -> None:
    with pytest.raises(Unknown, match="no month of 2025 has been run"):
        statement(small_park, 2025)


def test_the_next_year_begins_with_what_this_one_left(park: Park) -> None:
    """OLD fills the reserve in December; in January it has gone, and the newcomer lives on it."""
    park.opens(
        tenants=[{**NEWCOMER, "code": "N1"}, {"code": "OLD", "kind": "large", "incorporated_on": "1990-01-01"}],
        leases=[
            {"code": "L1", "tenant": "N1", "site": "CAS", "area_m2": "10", "starts_on": "2026-01-01"},
            {"code": "L2", "tenant": "OLD", "site": "TNG", "area_m2": "100", "starts_on": "2020-01-01",
             "ends_on": "2026-12-31"},
        ],
        grants=[{"code": "G", "site": "TNG", "amount": "50.00", "granted_on": "2026-12-01"}],
    )  # fmt: skip
    park.bills("2026-12")
    park.bills("2027-01", issued_on="2027-01-05")
    before, after = statement(park, 2026), statement(park, 2027)
    assert (before.reserve_before, before.reserve_after) == (0, 78330)
    assert (after.reserve_before, after.of("reserve"), after.reserve_after) == (78330, 78330, 0)
    assert after.of("operator") == 3340
    [grant] = after.grants
    assert (grant.before, grant.received, grant.used, grant.left) == (5000, 0, 0, 5000)


def test_a_month_dated_in_the_next_year_is_the_months_and_told(park: Park) -> None:
    park.opens(
        tenants=[{"code": "OLD", "kind": "large", "incorporated_on": "1990-01-01"}],
        leases=[{"code": "L2", "tenant": "OLD", "area_m2": "10", "starts_on": "2020-01-01"}],
    )
    park.bills("2026-12", issued_on="2027-01-04")
    park.bills("2027-01", issued_on="2027-01-04")
    ties = {tie.account: tie for tie in statement(park, 2026).ties}
    assert (ties["9201"].booked, ties["9201"].dated_elsewhere, ties["9201"].dated_here) == (16000, 16000, 0)
    ties = {tie.account: tie for tie in statement(park, 2027).ties}
    assert (ties["9201"].booked, ties["9201"].dated_elsewhere, ties["9201"].dated_here) == (16000, 0, 16000)


def test_where_the_books_disagree_there_is_no_statement(small_park: Park) -> None:
    behind_its_back(
        small_park.engine,
        "UPDATE posting SET amount = amount - 1 WHERE account = '9202' AND entry_id = "
        "(SELECT id FROM entry WHERE reference = 'PER/2026-07/N1')",
    )
    with pytest.raises(Conflict, match=re.escape(f"account 9202 moved by {format_amount(-452225)}")):
        statement(small_park)


def test_a_year_of_no_tenants_has_a_statement_of_nothing(park: Park) -> None:
    park.opens()
    park.bills("2026-06")
    found = statement(park)
    assert (found.support, found.months[0].period, found.supports) == (0, date(2026, 6, 1), ())
    assert "aucune entreprise n’a payé" in " ".join(text_of(year_pdf(found, SELLER)).split())


def test_a_grant_corrected_after_the_year_s_end_is_received_as_corrected_in_the_year_it_was_granted_r18(
    park: Park,
) -> None:
    """A property found it (E15): the correction, booked in the next year, was missing from the year of the grant."""
    grant = {"code": "G4", "site": "TNG", "granted_on": "2026-02-27"}
    park.opens(
        tenants=[{**NEWCOMER, "code": "N1"}],
        leases=[{"code": "L1", "tenant": "N1", "site": "TNG", "area_m2": "10", "starts_on": "2026-01-01"}],
        grants=[{**grant, "amount": "0.01"}],
    )
    park.bills("2026-04", issued_on="2027-01-05")
    park.enters(grants=[{**grant, "amount": "1000.00"}])
    park.bills("2026-05", issued_on="2027-01-05")
    park.bills("2027-01", issued_on="2027-01-05")
    years = {year: year_json(statement(park, year))["grants"] for year in (2026, 2027)}
    assert years == {
        2026: [
            {"code": "G4", "funder": "Région", "site": "TNG", "before": "0.00", "received": "1000.00",
             "used": "840.01", "left": "159.99"},
        ],
        2027: [
            {"code": "G4", "funder": "Région", "site": "TNG", "before": "159.99", "received": "0.00",
             "used": "159.99", "left": "0.00"},
        ],
    }  # fmt: skip
