"""Who funds whom, for those whom it concerns: a tenant's own account, the year's statement."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from billing.cross_subsidy.accounts.account import GROUPS, USES, Account, account_json, account_of
from billing.cross_subsidy.accounts.account_paper import account_pdf, addressee_of
from billing.cross_subsidy.annual_report.year import SOURCES, year_statement
from billing.cross_subsidy.annual_report.year_paper import year_pdf
from billing.cross_subsidy.annual_report.year_tables import year_json, year_workbook
from billing.frame.http.fields import Month
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from ledger.exports import spreadsheet
from pricing.funding_matrix import GRANT, TENANT

_TEXT = fields.String


class GroupShareSchema(Schema):
    """What came from, or went to, one group at one site."""

    group = _TEXT(required=True, validate=validate.OneOf(GROUPS))
    site = _TEXT(required=True, allow_none=True)
    amount = _TEXT(required=True)


class NamedShareSchema(Schema):
    """What came from, or went to, one party."""

    kind = _TEXT(required=True, validate=validate.OneOf((TENANT, GRANT)))
    code = _TEXT(required=True)
    name = _TEXT(required=True, allow_none=True)
    amount = _TEXT(required=True)


class SharesSchema(Schema):
    """One side of an account: its total, by group, by site, and by name where the operator allows it."""

    total = _TEXT(required=True)
    by_group = fields.Dict(keys=_TEXT(validate=validate.OneOf(sorted({*GROUPS, *USES}))), values=_TEXT(), required=True)
    by_site = fields.List(fields.Nested(GroupShareSchema), required=True)
    by_name = fields.List(fields.Nested(NamedShareSchema))


class AccountMonthSchema(Schema):
    """A month of an account."""

    period = _TEXT(required=True)
    received = fields.Nested(SharesSchema, required=True)
    contributed = fields.Nested(SharesSchema, required=True)
    net = _TEXT(required=True)
    cumulated = _TEXT(required=True)
    advantage = _TEXT(required=True)


class AccountWindowSchema(Schema):
    """The days at the subsidised price (R5)."""

    first_day = _TEXT(required=True)
    last_day = _TEXT(required=True)


class AccountPriceSchema(Schema):
    """The rents of a month without VAT: as charged, and at the full price."""

    month = _TEXT(required=True)
    charged = _TEXT(required=True)
    full = _TEXT(required=True)


class BillSchema(Schema):
    """The rents of a month with VAT."""

    month = _TEXT(required=True)
    gross = _TEXT(required=True)


class PriceSwitchSchema(Schema):
    """The day the window ends, and the bills of the whole months around it."""

    on = _TEXT(required=True)
    before = fields.Nested(BillSchema, required=True)
    after = fields.Nested(BillSchema, required=True)


class CrossSubsidyAccountSchema(Schema):
    """A tenant's account of the péréquation since its admission."""

    tenant = _TEXT(required=True)
    until = _TEXT(required=True)
    admitted_on = _TEXT(required=True, allow_none=True)
    window = fields.Nested(AccountWindowSchema, required=True, allow_none=True)
    named = fields.Boolean(required=True)
    received = fields.Nested(SharesSchema, required=True)
    contributed = fields.Nested(SharesSchema, required=True)
    net = _TEXT(required=True)
    advantage = _TEXT(required=True)
    months = fields.List(fields.Nested(AccountMonthSchema), required=True)
    prices = fields.List(fields.Nested(AccountPriceSchema), required=True)
    prices_problem = _TEXT(required=True, allow_none=True)
    switch = fields.Nested(PriceSwitchSchema, required=True, allow_none=True)


class YearMonthSchema(Schema):
    """A month of a year's statement."""

    period = _TEXT(required=True)
    support = _TEXT(required=True)
    sources = fields.Dict(keys=_TEXT(validate=validate.OneOf(SOURCES)), values=_TEXT(), required=True)
    to_reserve = _TEXT(required=True)
    advantage = _TEXT(required=True)
    reserve_after = _TEXT(required=True)


class FlowSchema(Schema):
    """What one source gave the firms of one site; `origin` is the site whose firms gave."""

    source = _TEXT(required=True, validate=validate.OneOf(SOURCES))
    origin = _TEXT(required=True, allow_none=True)
    site = _TEXT(required=True)
    amount = _TEXT(required=True)


class GrantYearSchema(Schema):
    """A grant over the year."""

    code = _TEXT(required=True)
    funder = _TEXT(required=True)
    site = _TEXT(required=True, allow_none=True)
    before = _TEXT(required=True)
    received = _TEXT(required=True)
    used = _TEXT(required=True)
    left = _TEXT(required=True)


class DistributionSchema(Schema):
    """What each firm received and brought, largest first; `null` where fewer than five did."""

    supports = fields.List(_TEXT(), required=True, allow_none=True)
    contributions = fields.List(_TEXT(), required=True, allow_none=True)


class TieSchema(Schema):
    """An account: what the statement says, what the entries of its months moved; those dated in another year."""

    account = _TEXT(required=True)
    stated = _TEXT(required=True)
    booked = _TEXT(required=True)
    difference = _TEXT(required=True)
    dated_elsewhere = _TEXT(required=True)
    dated_here = _TEXT(required=True)


class CrossSubsidyYearSchema(Schema):
    """The year's statement: who funded whom, month by month and site by site, without names."""

    year = fields.Integer(required=True)
    months_counted = fields.List(_TEXT(), required=True)
    support = _TEXT(required=True)
    sources = fields.Dict(keys=_TEXT(validate=validate.OneOf(SOURCES)), values=_TEXT(), required=True)
    contributions = _TEXT(required=True)
    to_reserve = _TEXT(required=True)
    advantage = _TEXT(required=True)
    reserve_before = _TEXT(required=True)
    reserve_after = _TEXT(required=True)
    firms_supported = fields.Integer(required=True)
    firms_contributing = fields.Integer(required=True)
    months = fields.List(fields.Nested(YearMonthSchema), required=True)
    flows = fields.List(fields.Nested(FlowSchema), required=True)
    to_reserve_by_site = fields.Dict(keys=_TEXT(), values=_TEXT(), required=True)
    grants = fields.List(fields.Nested(GrantYearSchema), required=True)
    distribution = fields.Nested(DistributionSchema, required=True)
    ledger = fields.List(fields.Nested(TieSchema), required=True)


blueprint = ApiBlueprint(
    "cross-subsidy", __name__, url_prefix="/v1", description="Who funds whom, told to whom it concerns"
)
_QUERY = {
    "until": Month(load_default=None, metadata={"description": "Last month counted; the latest run unless given"})
}


def _account(connection: Connection, code: str, query: Mapping[str, Any]) -> Account:
    return account_of(connection, code, query["until"], service().settings.terms)


@blueprint.route("/tenants/<part:code>/cross-subsidy-account")
@blueprint.response(200, CrossSubsidyAccountSchema)
@blueprint.arguments(strict_schema("AccountQuery", _QUERY), location="query")
@reads
def get_account(connection: Connection, query: Mapping[str, Any], code: str) -> dict[str, Any]:
    """What a tenant received since its admission, from whom, what it brought, for whom, month by month; its prices."""
    return account_json(_account(connection, code, query))


@blueprint.route("/tenants/<part:code>/cross-subsidy-account/pdf")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(strict_schema("AccountPageQuery", _QUERY), location="query")
@reads
def get_account_page(connection: Connection, query: Mapping[str, Any], code: str) -> Response:
    """The same on a page, in French, with charts: the same bytes for the same account."""
    account = _account(connection, code, query)
    written = account_pdf(account, service().settings.operator.party, addressee_of(connection, code))
    return Response(written, content_type="application/pdf")


@blueprint.route("/cross-subsidy/years/<year:year>")
@blueprint.response(200, CrossSubsidyYearSchema)
@blueprint.alt_response(409, "CONFLICT")
@reads
def get_cross_subsidy_year(connection: Connection, year: int) -> dict[str, Any]:
    """Who funded whom in the months of a year, without names; its figures are those of the ledger, or there is none."""
    return year_json(year_statement(connection, year))


@blueprint.route("/cross-subsidy/years/<year:year>/pdf")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_cross_subsidy_year_paper(connection: Connection, year: int) -> Response:
    """The same as its board and the regions read it, in French: figures, charts, tables."""
    written = year_pdf(year_statement(connection, year), service().settings.operator.party)
    return Response(written, content_type="application/pdf")


@blueprint.route("/cross-subsidy/years/<year:year>/xlsx")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=spreadsheet.MEDIA_TYPE)
@blueprint.alt_response(409, "CONFLICT")
@reads
def get_cross_subsidy_year_workbook(connection: Connection, year: int) -> Response:
    """The same as a workbook, a sheet a table."""
    return Response(b"".join(year_workbook(year_statement(connection, year))), content_type=spreadsheet.MEDIA_TYPE)
