"""The books: entries with their postings, accounts, balances, and the files accountants and auditors read."""

from collections.abc import Generator, Mapping
from functools import partial
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection, Engine

from billing.books.journal.queries import ACCOUNT_KEY, ENTRY_KEY, accounts, entries, entry_shapes
from billing.books.journal.shapes import Account, Entry, TrialBalance
from billing.books.journal.trial_balance import pieces, trial_balance_shape
from billing.books.subledgers import subledgers
from billing.frame.database import reading
from billing.frame.http.deferring import may_be_job, table_ms
from billing.frame.http.fields import Code, Day
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page, page_together
from billing.frame.http.report_files import format_field, in_formats, shown, streamed
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from billing.frame.tokens import AUDIT
from billing.proof.checkpoints import with_checkpoint
from ledger.entry import JOURNAL_LABELS
from ledger.exports import FORMATS, journal_pieces
from ledger.exports.tables import MEDIA_TYPES

blueprint = ApiBlueprint(
    "ledger", __name__, url_prefix="/v1/ledger", description="Double entry; nothing is changed", fine_scope=AUDIT
)
_FROM = partial(Day, metadata={"description": "First day, included"})
_UNTIL = partial(Day, metadata={"description": "Last day, included"})


@blueprint.route("/entries")
@blueprint.response(200, Page[Entry])
@blueprint.arguments(
    query_schema(
        "EntryQuery",
        {
            "account": Code(metadata={"description": "An account that a posting of theirs moves"}),
            "auxiliary": Code(metadata={"description": "A tenant, or a grant"}),
            "journal": fields.String(
                validate=validate.OneOf(tuple(JOURNAL_LABELS)), metadata={"description": "The journal's code"}
            ),
            "reference": Code(metadata={"description": "The reference of one entry"}),
            "piece": Code(metadata={"description": "The supporting document: an invoice's number"}),
            "from": _FROM(),
            "until": _UNTIL(),
        },
    ),
    location="query",
)
@reads
def list_entries(connection: Connection, query: Mapping[str, Any]) -> Page[Entry]:
    """Entries with their postings, by number: the order they were recorded in."""
    return page_together(connection, entries(query), ENTRY_KEY, query, partial(entry_shapes, connection))


@blueprint.route("/accounts")
@blueprint.response(200, Page[Account])
@blueprint.arguments(query_schema("AccountQuery", {}), location="query")
@reads
def list_accounts(connection: Connection, query: Mapping[str, Any]) -> Page[Account]:
    """The chart of accounts, by number."""
    return page(connection, accounts(), ACCOUNT_KEY, query, Account.of)


@blueprint.route("/trial-balance")
@in_formats(blueprint, MEDIA_TYPES.values(), TrialBalance)
@blueprint.arguments(
    strict_schema("TrialBalanceQuery", {"format": format_field(), "until": _UNTIL()}), location="query"
)
def get_trial_balance(query: Mapping[str, Any]) -> Response:
    """Every account with postings, up to and including a day, or all of them."""
    until = query.get("until")
    return shown(
        "trial-balance",
        query,
        lambda connection: trial_balance_shape(connection, until),
        lambda connection: pieces(connection, until, query["format"]),
    )


@blueprint.route("/exports")
@in_formats(blueprint, (file_format.media_type for file_format in FORMATS.values()))
@blueprint.arguments(
    strict_schema(
        "ExportQuery",
        {
            "format": fields.String(
                required=True, validate=validate.OneOf(list(FORMATS)), metadata={"description": "What is written"}
            ),
            "from": _FROM(),
            "until": _UNTIL(),
        },
    ),
    location="query",
)
@may_be_job(table_ms)
def get_export(query: Mapping[str, Any]) -> Response:
    """The journal as a file for accountants and auditors, of any size, written while it is sent."""
    chosen = FORMATS[query["format"]]
    return streamed(_pieces(service().engine, query), chosen.media_type, f"journal.{chosen.extension}")


def _pieces(engine: Engine, query: Mapping[str, Any]) -> Generator[bytes, None, None]:
    """Yield the file's pieces, within one snapshot that ends with the last of them."""
    with reading(engine) as connection:
        days = {"start": query.get("from"), "until": query.get("until")}
        journal = journal_pieces(connection, query["format"], **days, subledgers=subledgers(connection))
        yield from with_checkpoint(connection, query["format"], journal)
