"""The resources of the cross-subsidy: a tenant's own account, the annual report."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from sqlalchemy import Connection

from billing.cross_subsidy.accounts.account import Account, account_of
from billing.cross_subsidy.accounts.account_paper import account_pdf, addressee_of
from billing.cross_subsidy.accounts.sending import due_accounts, send_accounts
from billing.cross_subsidy.accounts.shapes import CrossSubsidyAccount, DueAccount, SentAccounts
from billing.cross_subsidy.annual_report.queries import year_statement
from billing.cross_subsidy.annual_report.shapes import CrossSubsidyYear
from billing.cross_subsidy.annual_report.year_paper import year_pdf
from billing.cross_subsidy.annual_report.year_tables import year_workbook
from billing.cross_subsidy.forecast.queries import count_tenants
from billing.frame.database import reading
from billing.frame.http.deferring import may_be_job
from billing.frame.http.fields import Flag, Month
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acting_engine, acts, reads
from ledger.exports import spreadsheet
from pricing.period import format_month

_MS_A_TENANT = 2
blueprint = ApiBlueprint(
    "cross-subsidy", __name__, url_prefix="/v1", description="Who funds whom, told to whom it concerns"
)
_QUERY = {
    "until": Month(load_default=None, metadata={"description": "Last month counted; the latest run unless given"})
}


def _account(connection: Connection, code: str, query: Mapping[str, Any]) -> Account:
    return account_of(connection, code, query["until"], service().settings.terms)


@blueprint.route("/tenants/<part:code>/cross-subsidy-account")
@blueprint.response(200, CrossSubsidyAccount)
@blueprint.arguments(strict_schema("AccountQuery", _QUERY), location="query")
@reads
def get_account(connection: Connection, query: Mapping[str, Any], code: str) -> CrossSubsidyAccount:
    """Show what a tenant received, from whom, what it brought, for whom, month by month since its admission."""
    return CrossSubsidyAccount.of(_account(connection, code, query))


@blueprint.route("/tenants/<part:code>/cross-subsidy-account/pdf")
@blueprint.response(200, BINARY, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(strict_schema("AccountPageQuery", _QUERY), location="query")
@reads
def get_account_page(connection: Connection, query: Mapping[str, Any], code: str) -> Response:
    """Write the same on a page, in French, with charts: the same bytes for the same account."""
    account = _account(connection, code, query)
    written = account_pdf(account, service().settings.operator.party, addressee_of(connection, code))
    return Response(written, content_type="application/pdf")


@blueprint.route("/cross-subsidy/accounts", methods=["POST"])
@blueprint.makes(SentAccounts)
@blueprint.arguments(
    strict_schema(
        "AccountsOrder", {"dry_run": Flag(load_default=False, metadata={"description": "List them, queue nothing"})}
    )
)
@may_be_job(lambda connection, _order: _MS_A_TENANT * count_tenants(connection))
@acts
def send_due_accounts(order: Mapping[str, Any]) -> Answer:
    """Queue the accounts of the latest run that are due by the settings, one a tenant and run at most.

    Mails leave with the next delivery. 200 where none was queued.
    """
    own, dry_run = service(), order["dry_run"]
    if dry_run:
        with reading(own.engine) as connection:
            accounts = due_accounts(connection, own.settings.terms, own.today())
    else:
        terms, operator = own.settings.terms, own.settings.operator
        accounts = send_accounts(acting_engine(), terms, operator, own.today(), own.clock())
    shown = [DueAccount(x.tenant, format_month(x.period), x.occasion) for x in accounts]  # type: ignore[arg-type]
    return Answer(SentAccounts(dry_run, shown), 201 if shown and not dry_run else 200)


@blueprint.route("/cross-subsidy-years/<year:year>")
@blueprint.response(200, CrossSubsidyYear)
@blueprint.alt_response(409, "CONFLICT")
@reads
def get_cross_subsidy_year(connection: Connection, year: int) -> CrossSubsidyYear:
    """Report who funded whom in the months of a year, without names; every figure is the ledger's, or none is given."""
    return CrossSubsidyYear.of(year_statement(connection, year))


@blueprint.route("/cross-subsidy-years/<year:year>/pdf")
@blueprint.response(200, BINARY, content_type="application/pdf")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_cross_subsidy_year_paper(connection: Connection, year: int) -> Response:
    """Write the same as the board and the regions read it, in French: figures, charts, tables."""
    written = year_pdf(year_statement(connection, year), service().settings.operator.party)
    return Response(written, content_type="application/pdf")


@blueprint.route("/cross-subsidy-years/<year:year>/xlsx")
@blueprint.response(200, BINARY, content_type=spreadsheet.MEDIA_TYPE)
@blueprint.alt_response(409, "CONFLICT")
@reads
def get_cross_subsidy_year_workbook(connection: Connection, year: int) -> Response:
    """Write the same as a workbook, a sheet a table."""
    return Response(b"".join(year_workbook(year_statement(connection, year))), content_type=spreadsheet.MEDIA_TYPE)
