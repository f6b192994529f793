"""The books: entries with their postings, accounts, balances, and the files accountants and auditors read."""

from collections.abc import Callable, Generator, Mapping
from functools import partial
from itertools import chain
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection, Engine

from billing.books.journal.queries import ACCOUNT_KEY, ENTRY_KEY, accounts, entries, entry_shapes
from billing.books.journal.shapes import Account, Entry, TrialBalance
from billing.books.journal.trial_balance import trial_balance_shape
from billing.books.subledgers import subledgers
from billing.frame.database import reading
from billing.frame.http.fields import Code, Day
from billing.frame.http.openapi import ApiBlueprint, body_of
from billing.frame.http.paging import Page, page, page_together
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from billing.frame.tokens import AUDIT
from billing.proof.checkpoints import with_checkpoint
from ledger.entry import JOURNAL_LABELS
from ledger.exports import FORMATS, journal_pieces

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
@blueprint.response(200, TrialBalance)
@blueprint.arguments(strict_schema("TrialBalanceQuery", {"until": _UNTIL()}), location="query")
@reads
def get_trial_balance(connection: Connection, query: Mapping[str, Any]) -> TrialBalance:
    """Every account with postings, up to and including a day, or all of them."""
    return trial_balance_shape(connection, query.get("until"))


def _in_every_format(view: Callable[..., Any]) -> Callable[..., Any]:
    """Document an answer by each media type the journal has."""
    for media_type in sorted({file_format.media_type for file_format in FORMATS.values()}):
        view = blueprint.alt_response(200, schema=body_of(media_type), content_type=media_type, success=True)(view)
    return view


@blueprint.route("/exports")
@_in_every_format
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
def get_export(query: Mapping[str, Any]) -> Response:
    """The journal as a file for accountants and auditors, of any size, written while it is sent."""
    chosen = FORMATS[query["format"]]
    headers = {"Content-Disposition": f'attachment; filename="journal.{chosen.extension}"'}
    pieces = _pieces(service().engine, query)
    # Errors are raised before the first piece, while a problem can still be answered.
    first = next(pieces, b"")
    answer = Response(chain([first], pieces), content_type=chosen.media_type, headers=headers)
    # A caller who hangs up ends the snapshot too.
    answer.call_on_close(pieces.close)
    return answer


def _pieces(engine: Engine, query: Mapping[str, Any]) -> Generator[bytes, None, None]:
    """Yield the file's pieces, within one snapshot that ends with the last of them."""
    with reading(engine) as connection:
        days = {"start": query.get("from"), "until": query.get("until")}
        pieces = journal_pieces(connection, query["format"], **days, subledgers=subledgers(connection))
        yield from with_checkpoint(connection, query["format"], pieces)
