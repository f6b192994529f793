"""Reports on what tenants owe and paid: account statement, aged balance, receipts, what they lack; in every format."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from flask import Response
from sqlalchemy import Connection

from billing.frame.http.fields import Day
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.problems import InvalidRequest, field_error
from billing.frame.http.report_files import LINES_ON_PAPER_MAX, format_field, in_formats, sent
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.reports.tabled import FORMATS, Listed, listed_pieces
from billing.receivables.reports.aged_balance import aged_balance
from billing.receivables.reports.open_documents import open_documents, vat_not_due
from billing.receivables.reports.receipts import missing_certificates, receipts_journal, unplaced_receipts
from billing.receivables.reports.shapes import AccountStatement
from billing.receivables.reports.statement_files import MEDIA_TYPES, statement_pieces

blueprint = ApiBlueprint(
    "receivables_reports", __name__, url_prefix="/v1", description="What tenants owe and paid, to be read"
)
_OF_DAY: Mapping[str, Callable[[Connection, date], Listed]] = {
    "aged-balance": aged_balance,
    "open-items": open_documents,
    "vat-not-due": vat_not_due,
    "unplaced-receipts": unplaced_receipts,
    "missing-certificates": missing_certificates,
}
_ON = {"on": Day(metadata={"description": "At the end of that day; default: today"})}
_DAYS = {
    "from": Day(metadata={"description": "First day, included; default: the beginning"}),
    "until": Day(metadata={"description": "Last day, included; default: today"}),
}


def _listed(query: Mapping[str, Any], listed_of: Callable[[Connection], Listed], name: str) -> Response:
    operator = service().settings.operator.party

    def pieces(connection: Connection) -> Iterator[bytes]:
        return listed_pieces(
            listed_of(connection), query["format"], operator=operator, lines_on_paper_max=LINES_ON_PAPER_MAX
        )

    return sent(name, query["format"], pieces, FORMATS[query["format"]].media_type)


def _days(query: Mapping[str, Any]) -> tuple[date | None, date]:
    start, until = query.get("from"), query.get("until") or service().today()
    if start is not None and start > until:
        raise InvalidRequest([field_error("query", "from", "comes after until")])
    return start, until


@blueprint.route("/tenants/<part:code>/statement")
@in_formats(blueprint, MEDIA_TYPES.values(), AccountStatement)
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(strict_schema("StatementQuery", {"format": format_field(MEDIA_TYPES), **_DAYS}), location="query")
def get_tenant_statement(query: Mapping[str, Any], code: str) -> Response:
    """A tenant's account (relevé de compte): what was invoiced, paid and credited, with the running balance."""
    start, until = _days(query)
    operator = service().settings.operator.party

    def pieces(connection: Connection) -> Iterator[bytes]:
        return statement_pieces(connection, code, start, until, query["format"], operator=operator)

    return sent("statement", query["format"], pieces, MEDIA_TYPES[query["format"]])


@blueprint.route("/reports/aged-balance")
@in_formats(blueprint, (report_format.media_type for report_format in FORMATS.values()))
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(
    strict_schema("AgedBalanceQuery", {"format": format_field(FORMATS), **_ON}),
    location="query",
)
def get_aged_balance(query: Mapping[str, Any]) -> Response:
    """Show what each tenant owes by how long it has been due (balance âgée), and what it has in credit."""
    return _of_day(query, "aged-balance")


@blueprint.route("/reports/open-items")
@in_formats(blueprint, (report_format.media_type for report_format in FORMATS.values()))
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(
    strict_schema("OpenItemsQuery", {"format": format_field(FORMATS), **_ON}),
    location="query",
)
def get_open_items(query: Mapping[str, Any]) -> Response:
    """List what is open, document by document (3421, 3424): by tenant, oldest due first, with the days of delay."""
    return _of_day(query, "open-items")


@blueprint.route("/reports/vat-not-due")
@in_formats(blueprint, (report_format.media_type for report_format in FORMATS.values()))
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(
    strict_schema("VatNotDueQuery", {"format": format_field(FORMATS), **_ON}),
    location="query",
)
def get_vat_not_due(query: Mapping[str, Any]) -> Response:
    """Show the VAT that has not fallen due, by rate: what 44551 holds."""
    return _of_day(query, "vat-not-due")


@blueprint.route("/reports/unplaced-receipts")
@in_formats(blueprint, (report_format.media_type for report_format in FORMATS.values()))
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(
    strict_schema("UnplacedQuery", {"format": format_field(FORMATS), **_ON}),
    location="query",
)
def get_unplaced_receipts(query: Mapping[str, Any]) -> Response:
    """List the parts of receipts that are nobody's yet (4497), oldest first."""
    return _of_day(query, "unplaced-receipts")


@blueprint.route("/reports/missing-certificates")
@in_formats(blueprint, (report_format.media_type for report_format in FORMATS.values()))
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(
    strict_schema("MissingQuery", {"format": format_field(FORMATS), **_ON}),
    location="query",
)
def get_missing_certificates(query: Mapping[str, Any]) -> Response:
    """Taxes withheld whose certificate has not come, oldest first, with the days waited."""
    return _of_day(query, "missing-certificates")


def _of_day(query: Mapping[str, Any], name: str) -> Response:
    on = query.get("on") or service().today()
    return _listed(query, lambda connection: _OF_DAY[name](connection, on), name)


@blueprint.route("/reports/receipts")
@in_formats(blueprint, (report_format.media_type for report_format in FORMATS.values()))
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(strict_schema("ReceiptsQuery", {"format": format_field(FORMATS), **_DAYS}), location="query")
def get_receipts_journal(query: Mapping[str, Any]) -> Response:
    """Every receipt of the days, with its legs, its state and what it settles (journal des encaissements)."""
    start, until = _days(query)
    return _listed(query, lambda connection: receipts_journal(connection, start, until), "receipts")
