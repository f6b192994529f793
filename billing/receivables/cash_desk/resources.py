"""Receipts given for cash: lists of them, and each on paper. They are given where cash is recorded (`receipts`)."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from sqlalchemy import Connection

from billing.frame.http.fields import Code
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.schemas import query_schema
from billing.frame.http.transactions import reads
from billing.frame.tokens import RECEIPTS
from billing.receivables.cash_desk.printout import cash_receipt_pdf
from billing.receivables.cash_desk.queries import CASH_RECEIPT_KEY, cash_receipts, find_cash_receipt
from billing.receivables.cash_desk.shapes import CashReceipt

_QUERY = {"tenant": Code(metadata={"description": "Only those of this tenant"})}
blueprint = ApiBlueprint(
    "cash-receipts",
    __name__,
    url_prefix="/v1/cash-receipts",
    description="Receipts for cash",
    fine_scope=RECEIPTS,
)


@blueprint.route("")
@blueprint.response(200, Page[CashReceipt])
@blueprint.arguments(query_schema("CashReceiptQuery", _QUERY), location="query")
@reads
def list_cash_receipts(connection: Connection, query: Mapping[str, Any]) -> Page[CashReceipt]:
    """The receipts given for cash, by number."""
    return page(connection, cash_receipts(tenant=query.get("tenant")), CASH_RECEIPT_KEY, query, CashReceipt.of)


@blueprint.route("/<part:number>")
@blueprint.response(200, CashReceipt)
@reads
def get_cash_receipt(connection: Connection, number: str) -> CashReceipt:
    """One receipt for cash, by its number (`RC-2026-000001`)."""
    return CashReceipt.of(find_cash_receipt(connection, number))


@blueprint.route("/<part:number>/pdf")
@blueprint.response(200, BINARY, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_cash_receipt_paper(connection: Connection, number: str) -> Response:
    """A receipt for cash on paper: the same bytes for ever, until it is cancelled, which its paper then says."""
    return Response(cash_receipt_pdf(find_cash_receipt(connection, number)), content_type="application/pdf")
