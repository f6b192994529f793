"""The proof of the books: signed checkpoints, the keys that verify them, and proofs of single records."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import Connection, Row

from billing.frame.errors import Unknown
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import page
from billing.frame.http.schemas import instant, page_schema, query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acts, reads
from billing.proof.checkpoints import Checkpoint, as_checkpoint, checkpoints, known_keys, make_checkpoint
from billing.proof.checkpoints import newest_checkpoint as newest
from billing.proof.proving import KINDS, inclusion_json, named, prove_consistency, prove_inclusion
from billing.proof.tables import proof_checkpoint
from billing.proof.timestamps import stamp

_TEXT = fields.String
_SIZE_MAX = 10**15


class CheckpointSchema(Schema):
    """The log's head, signed: whoever keeps it can show later that nothing under it was changed or dropped."""

    number = fields.Integer(required=True)
    size = fields.Integer(required=True, metadata={"description": "How many records the log had"})
    root = _TEXT(required=True, metadata={"description": "RFC 6962 root over them, in base64"})
    note = _TEXT(required=True, metadata={"description": "The signed note (C2SP tlog-checkpoint)"})
    verifier_keys = fields.List(_TEXT(), required=True)
    signed_at = _TEXT(required=True)


class KeysSchema(Schema):
    """The keys that verify checkpoints, the newest first."""

    keys = fields.List(_TEXT(), required=True, metadata={"description": "NAME+ID+KEY (C2SP signed-note)"})


class InclusionSchema(Schema):
    """That a record is in the log: its canonical form, and the hashes that lead from it to the signed root."""

    kind = _TEXT(required=True)
    number = fields.Integer(required=True)
    position = fields.Integer(required=True)
    record = _TEXT(required=True, metadata={"description": "RFC 8785 JSON: hash it as it is, after a zero byte"})
    leaf = _TEXT(required=True)
    size = fields.Integer(required=True)
    root = _TEXT(required=True)
    path = fields.List(_TEXT(), required=True)
    checkpoint = _TEXT(required=True, allow_none=True, metadata={"description": "The note that has signed the root"})


class ConsistencySchema(Schema):
    """That one size of the log begins another."""

    older = fields.Integer(required=True)
    older_root = _TEXT(required=True)
    size = fields.Integer(required=True)
    root = _TEXT(required=True)
    path = fields.List(_TEXT(), required=True)


blueprint = ApiBlueprint("proof", __name__, url_prefix="/v1/proof", description="The books, proved offline")


def _checkpoint_json(found: Checkpoint) -> dict[str, Any]:
    return {
        "number": found.id,
        "size": found.size,
        "root": found.root,
        "note": found.note,
        "verifier_keys": list(found.verifier_keys),
        "signed_at": instant(found.signed_at),
    }


def _row_json(row: Row[Any]) -> dict[str, Any]:
    return _checkpoint_json(as_checkpoint(row))


@blueprint.route("/checkpoints")
@blueprint.response(200, page_schema(CheckpointSchema, "Checkpoint"))
@blueprint.arguments(query_schema("CheckpointQuery", {}), location="query")
@reads
def list_checkpoints(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """Every checkpoint, oldest first."""
    return page(connection, checkpoints(), (proof_checkpoint.c.id,), query, _row_json)


@blueprint.route("/checkpoints", methods=["POST"])
@blueprint.response(200, CheckpointSchema)
@blueprint.alt_response(409, "CONFLICT")
@acts
def sign_checkpoint() -> Answer:
    """Log what was committed and sign the log's head now; where nothing is new, the newest checkpoint stands."""
    found = service()
    made = make_checkpoint(found.settings, found.engine, found.clock)
    stamp(found.settings, found.engine, made)
    return Answer(_checkpoint_json(made))


@blueprint.route("/checkpoint")
@blueprint.response(200, CheckpointSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@reads
def get_checkpoint(connection: Connection) -> dict[str, Any]:
    """The newest checkpoint."""
    found = newest(connection)
    if found is None:
        raise Unknown("no checkpoint was signed yet: POST /v1/proof/checkpoints signs one, if there is a key")
    return _checkpoint_json(found)


@blueprint.route("/keys")
@blueprint.response(200, KeysSchema)
@reads
def get_keys(connection: Connection) -> dict[str, Any]:
    """The keys that have signed checkpoints."""
    return {"keys": [str(key) for key in known_keys(connection)]}


@blueprint.route("/inclusion")
@blueprint.response(200, InclusionSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(
    strict_schema(
        "InclusionQuery",
        {
            "kind": fields.String(required=True, validate=validate.OneOf(KINDS)),
            "number": fields.String(
                required=True,
                validate=validate.Regexp(r"^[A-Z0-9-]{1,32}\Z"),
                metadata={"description": "A document's number (also of its file), or an entry's, closing's, act's"},
            ),
        },
    ),
    location="query",
)
@reads
def get_inclusion(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """That an entry, document, closing, file or act is in the log, under the newest checkpoint."""
    return inclusion_json(prove_inclusion(connection, named(connection, query["kind"], query["number"])))


@blueprint.route("/consistency")
@blueprint.response(200, ConsistencySchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(
    strict_schema(
        "ConsistencyQuery",
        {
            "older": fields.Integer(required=True, validate=validate.Range(0, _SIZE_MAX)),
            "size": fields.Integer(
                validate=validate.Range(0, _SIZE_MAX), metadata={"description": "Default: the newest checkpoint's"}
            ),
        },
    ),
    location="query",
)
@reads
def get_consistency(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """That the log as it was with `older` records begins the log of `size`."""
    found = prove_consistency(connection, query["older"], query.get("size"))
    return found._asdict() | {"path": list(found.path)}
