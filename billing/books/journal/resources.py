"""The books: entries with their postings, accounts, balances, and the files accountants and auditors read."""

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection, Engine, Row, bindparam, select

from billing.books.exports.trial_balance import trial_balance_json
from billing.frame.database import reading
from billing.frame.http.fields import Code, Day
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import page
from billing.frame.http.schemas import instant, page_schema, query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from billing.proof.checkpoints import with_checkpoint
from ledger.entry import JOURNAL_LABELS
from ledger.exports import FORMATS, journal_pieces
from ledger.models import account, entry, posting
from pricing.money import format_amount

_TEXT = fields.String


class PostingSchema(Schema):
    """One movement: a debit or a credit."""

    account = _TEXT(required=True)
    auxiliary = _TEXT(required=True, allow_none=True, metadata={"description": "The tenant, or the grant"})
    site = _TEXT(required=True, allow_none=True)
    debit = _TEXT(required=True)
    credit = _TEXT(required=True)


class EntrySchema(Schema):
    """A journal entry; its debits equal its credits (R22)."""

    number = fields.Integer(required=True)
    reference = _TEXT(required=True)
    journal = _TEXT(required=True)
    effective_on = _TEXT(required=True)
    recorded_at = _TEXT(required=True)
    label = _TEXT(required=True)
    piece = _TEXT(required=True)
    postings = fields.List(fields.Nested(PostingSchema), required=True)


class AccountSchema(Schema):
    """An account of the chart."""

    account = _TEXT(required=True)
    label = _TEXT(required=True)


class BalanceSchema(Schema):
    """What an account holds; balance is debit less credit."""

    account = _TEXT(required=True)
    label = _TEXT(required=True)
    debit = _TEXT(required=True)
    credit = _TEXT(required=True)
    balance = _TEXT(required=True)


class DebitAndCreditSchema(Schema):
    """Two sums, which are equal."""

    debit = _TEXT(required=True)
    credit = _TEXT(required=True)


class BalanceTotalsSchema(Schema):
    """The general ledger's totals and class 9's, never mixed (R21)."""

    general = fields.Nested(DebitAndCreditSchema, required=True)
    analytic = fields.Nested(DebitAndCreditSchema, required=True)


class TrialBalanceSchema(Schema):
    """Every account with postings (contract)."""

    until = _TEXT(required=True, allow_none=True, metadata={"description": "The last day counted"})
    accounts = fields.List(fields.Nested(BalanceSchema), required=True)
    totals = fields.Nested(BalanceTotalsSchema, required=True)


blueprint = ApiBlueprint("ledger", __name__, url_prefix="/v1/ledger", description="Double entry; nothing is changed")
_FROM = partial(Day, metadata={"description": "First day, included"})
_UNTIL = partial(Day, metadata={"description": "Last day, included"})
_POSTINGS = (
    select(posting)
    .where(posting.c.entry_id.in_(bindparam("numbers", expanding=True)))
    .order_by(posting.c.entry_id, posting.c.line_no)
)


@blueprint.route("/entries")
@blueprint.response(200, page_schema(EntrySchema, "Entry"))
@blueprint.arguments(
    query_schema(
        "EntryQuery",
        {
            "account": Code(),
            "auxiliary": Code(metadata={"description": "A tenant, or a grant"}),
            "journal": fields.String(validate=validate.OneOf(tuple(JOURNAL_LABELS))),
            "reference": Code(),
            "piece": Code(metadata={"description": "The supporting document: an invoice's number"}),
            "from": _FROM(),
            "until": _UNTIL(),
        },
    ),
    location="query",
)
@reads
def list_entries(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """Entries with their postings, by number: the order they were recorded in."""
    found = select(entry)
    for name in ("journal", "reference", "piece"):
        if query.get(name) is not None:
            found = found.where(entry.c[name] == query[name])
    if query.get("from") is not None:
        found = found.where(entry.c.effective_on >= query["from"])
    if query.get("until") is not None:
        found = found.where(entry.c.effective_on <= query["until"])
    moved = [posting.c[name] == query[name] for name in ("account", "auxiliary") if query.get(name) is not None]
    if moved:
        found = found.where(select(posting.c.line_no).where(posting.c.entry_id == entry.c.id, *moved).exists())
    heads = page(connection, found, (entry.c.id,), query, lambda row: row)
    return {"items": entries_json(connection, heads["items"]), "next": heads["next"]}


def entries_json(connection: Connection, heads: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """The entries whose rows are `heads`, in that order, with their postings."""
    of_entry: dict[int, list[dict[str, Any]]] = {head.id: [] for head in heads}
    for row in connection.execute(_POSTINGS, {"numbers": list(of_entry)}) if heads else ():
        of_entry[row.entry_id].append(
            {
                "account": row.account,
                "auxiliary": row.auxiliary,
                "site": row.site,
                "debit": format_amount(max(row.amount, 0)),
                "credit": format_amount(max(-row.amount, 0)),
            }
        )
    return [
        {
            "number": head.id,
            "reference": head.reference,
            "journal": head.journal,
            "effective_on": head.effective_on.isoformat(),
            "recorded_at": instant(head.recorded_at),
            "label": head.label,
            "piece": head.piece,
            "postings": of_entry[head.id],
        }
        for head in heads
    ]


@blueprint.route("/accounts")
@blueprint.response(200, page_schema(AccountSchema, "Account"))
@blueprint.arguments(query_schema("AccountQuery", {}), location="query")
@reads
def list_accounts(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """The chart of accounts, by number."""
    return page(
        connection, select(account), (account.c.code,), query, lambda row: {"account": row.code, "label": row.label}
    )


@blueprint.route("/trial-balance")
@blueprint.response(200, TrialBalanceSchema)
@blueprint.arguments(strict_schema("TrialBalanceQuery", {"until": _UNTIL()}), location="query")
@reads
def get_trial_balance(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """Every account with postings, up to and including a day, or all of them."""
    return trial_balance_json(connection, query.get("until"))


def _in_every_format(view: Callable[..., Any]) -> Callable[..., Any]:
    """Document an answer by each media type the journal has."""
    for media_type in sorted({found.media_type for found in FORMATS.values()}):
        view = blueprint.alt_response(200, schema={"type": "string"}, content_type=media_type, success=True)(view)
    return view


@blueprint.route("/exports")
@_in_every_format
@blueprint.arguments(
    strict_schema(
        "ExportQuery",
        {
            "format": fields.String(required=True, validate=validate.OneOf(list(FORMATS))),
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
    # What can go wrong goes wrong before the first piece, while a problem can still be answered.
    first = next(pieces, b"")
    answer = Response(chain([first], pieces), content_type=chosen.media_type, headers=headers)
    # A caller who hangs up ends the snapshot too.
    answer.call_on_close(pieces.close)
    return answer


def _pieces(engine: Engine, query: Mapping[str, Any]) -> Generator[bytes, None, None]:
    """The file's pieces, within one snapshot that ends with the last of them."""
    with reading(engine) as connection:
        pieces = journal_pieces(connection, query["format"], start=query.get("from"), until=query.get("until"))
        yield from with_checkpoint(connection, query["format"], pieces)
