"""Who funds whom, for those whom it concerns: a tenant's own account."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from billing.api.fields import Month
from billing.api.openapi import ApiBlueprint
from billing.api.schemas import strict_schema
from billing.api.service import service
from billing.api.transactions import reads
from billing.cross_subsidy.account import GROUPS, USES, Account, account_json, account_of
from billing.cross_subsidy.account_paper import account_pdf, addressee_of
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


class SwitchSchema(Schema):
    """The day the window ends, and the bills of the whole months around it."""

    on = _TEXT(required=True)
    before = fields.Nested(BillSchema, required=True)
    after = fields.Nested(BillSchema, required=True)


class AccountSchema(Schema):
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
    switch = fields.Nested(SwitchSchema, required=True, allow_none=True)


blueprint = ApiBlueprint(
    "cross-subsidy", __name__, url_prefix="/v1", description="Who funds whom, told to whom it concerns"
)
_QUERY = {
    "until": Month(load_default=None, metadata={"description": "Last month counted; the latest run unless given"})
}


def _account(connection: Connection, code: str, query: Mapping[str, Any]) -> Account:
    return account_of(connection, code, query["until"], service().settings.terms)


@blueprint.route("/tenants/<part:code>/cross-subsidy-account")
@blueprint.response(200, AccountSchema)
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
