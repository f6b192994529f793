"""Receipts given for cash: found again, and on paper. They are given where cash is recorded (`receipts`)."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from billing.frame.http.fields import Code
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.schemas import page_schema, query_schema
from billing.frame.http.transactions import reads
from billing.receivables.cash_desk.papers import cash_paper_pdf
from billing.receivables.cash_desk.reading import cash_receipt_json, cash_receipts, find_cash_receipt
from billing.receivables.tables.cash_desk import cash_receipt
from pricing.cash import DAY, MONTH

_TEXT = fields.String


class CashSettlementSchema(Schema):
    """An invoice that cash settled at once."""

    number = _TEXT(required=True)
    amount = _TEXT(required=True)


class CashNoticeSchema(Schema):
    """A threshold that the payer's cash of a day or a month goes beyond: beyond it nothing is deductible."""

    span = _TEXT(required=True, validate=validate.OneOf((DAY, MONTH)))
    threshold = _TEXT(required=True)


class CashReceiptSchema(Schema):
    """A receipt given for cash."""

    number = _TEXT(required=True)
    receipt = _TEXT(required=True, metadata={"description": "The receipt it acknowledges, `RG-000012`"})
    tenant = _TEXT(required=True)
    taken_on = _TEXT(required=True)
    amount = _TEXT(required=True)
    stamp_duty = _TEXT(required=True)
    stamp_duty_rate = _TEXT(required=True)
    collected = _TEXT(required=True, metadata={"description": "The amount, and the stamp duty if the payer bears it"})
    settles = fields.List(fields.Nested(CashSettlementSchema), required=True)
    notices = fields.List(fields.Nested(CashNoticeSchema), required=True)


blueprint = ApiBlueprint("cash-receipts", __name__, url_prefix="/v1/cash-receipts", description="Receipts for cash")


@blueprint.route("")
@blueprint.response(200, page_schema(CashReceiptSchema, "CashReceipt"))
@blueprint.arguments(query_schema("CashReceiptQuery", {"tenant": Code()}), location="query")
@reads
def list_cash_receipts(connection: Connection, query: Mapping[str, Any]) -> Page[Any]:
    """The receipts given for cash, by number."""
    found = cash_receipts()
    if query.get("tenant") is not None:
        found = found.where(cash_receipt.c.tenant == query["tenant"])
    return page(connection, found, (cash_receipt.c.year, cash_receipt.c.serial), query, cash_receipt_json)


@blueprint.route("/<part:number>")
@blueprint.response(200, CashReceiptSchema)
@reads
def get_cash_receipt(connection: Connection, number: str) -> dict[str, Any]:
    """One receipt for cash, by its number (`RC-2026-000001`)."""
    return cash_receipt_json(find_cash_receipt(connection, number))


@blueprint.route("/<part:number>/pdf")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_cash_receipt_paper(connection: Connection, number: str) -> Response:
    """A receipt for cash on paper: the same bytes for ever."""
    return Response(cash_paper_pdf(find_cash_receipt(connection, number)), content_type="application/pdf")
