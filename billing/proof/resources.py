"""The proof of the books: signed checkpoints, the keys that verify them, and proofs of single records."""

from collections.abc import Generator, Mapping
from functools import partial
from tempfile import TemporaryFile
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.frame.database import reading
from billing.frame.errors import Unknown
from billing.frame.http.deferring import ENTRIES_A_S, may_be_job, recorded_entries
from billing.frame.http.fields import FullMatch
from billing.frame.http.idempotency import Answer, made
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.report_files import streamed
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acting_engine, acts, reads, writes
from billing.frame.tokens import AUDIT
from billing.proof.checkpoints import CHECKPOINT_KEY, checkpoints, known_keys, make_checkpoint, newest_checkpoint
from billing.proof.checkpoints import Checkpoint as Signed
from billing.proof.export import export_files, write_zip
from billing.proof.proving import KINDS, inclusion_shape, named, prove_consistency, prove_inclusion, witness_request
from billing.proof.publishing import publish
from billing.proof.shapes import (
    Checkpoint,
    Consistency,
    Cosignature,
    Cosignatures,
    Inclusion,
    Keys,
    Publication,
    WitnessRequest,
)
from billing.proof.timestamps import stamp
from billing.proof.witnesses import (
    COSIGNATURE_KEY,
    chosen_witness,
    cosignatures,
    take_in,
    witnesses_of,
)

_SIZE_MAX = 10**15
# A note has at most sixteen signatures.
_NOTE_LENGTH_MAX = 10_000
_PIECE_BYTES = 64 * 1024

blueprint = ApiBlueprint(
    "proof", __name__, url_prefix="/v1/proof", description="The books, proved offline", fine_scope=AUDIT
)


def _newest(connection: Connection) -> Signed:
    checkpoint = newest_checkpoint(connection)
    if checkpoint is None:
        raise Unknown("no checkpoint was signed yet: POST /v1/proof/checkpoints signs one, if there is a key")
    return checkpoint


@blueprint.route("/checkpoints")
@blueprint.response(200, Page[Checkpoint])
@blueprint.arguments(query_schema("CheckpointQuery", {}), location="query")
@reads
def list_checkpoints(connection: Connection, query: Mapping[str, Any]) -> Page[Checkpoint]:
    """Every checkpoint, oldest first."""
    return page(connection, checkpoints(), CHECKPOINT_KEY, query, Checkpoint.of_row)


@blueprint.route("/checkpoints", methods=["POST"])
@blueprint.makes(Checkpoint)
@blueprint.alt_response(409, "CONFLICT")
@acts
def sign_checkpoint() -> Answer:
    """Log what was committed and sign the log's head now; where nothing is new, the newest checkpoint stands."""
    settings, engine = service().settings, service().engine
    with reading(engine) as connection:
        before = newest_checkpoint(connection)
    checkpoint = make_checkpoint(settings, engine, service().clock)
    stamp(settings, engine, checkpoint)
    is_new = before is None or checkpoint.id > before.id
    return Answer(Checkpoint.of(checkpoint), 201 if is_new else 200)


@blueprint.route("/publications", methods=["POST"])
@blueprint.response(200, Publication)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
@acts
def publish_checkpoint() -> Answer:
    """Publish the newest checkpoint wherever PROOF_PUBLISH says: a file, an address, a mail a day."""
    with reading(service().engine) as connection:
        checkpoint = _newest(connection)
    published = publish(service().settings, acting_engine(), checkpoint, service().clock())
    return Answer(Publication(checkpoint.id, published))


@blueprint.route("/checkpoint")
@blueprint.response(200, Checkpoint)
@blueprint.alt_response(404, "NOT_FOUND")
@reads
def get_checkpoint(connection: Connection) -> Checkpoint:
    """The newest checkpoint."""
    return Checkpoint.of(_newest(connection))


@blueprint.route("/keys")
@blueprint.response(200, Keys)
@reads
def get_keys(connection: Connection) -> Keys:
    """The keys that have signed checkpoints."""
    return Keys(keys=[str(key) for key in known_keys(connection)])


@blueprint.route("/cosignatures")
@blueprint.response(200, Page[Cosignature])
@blueprint.arguments(query_schema("CosignatureQuery", {}), location="query")
@reads
def list_cosignatures(connection: Connection, query: Mapping[str, Any]) -> Page[Cosignature]:
    """Every cosignature of a checkpoint by a witness, oldest checkpoint first."""
    return page(connection, cosignatures(), COSIGNATURE_KEY, query, Cosignature.of)


@blueprint.route("/cosignatures", methods=["POST"])
@blueprint.makes(Cosignatures)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(
    strict_schema(
        "CosignedCheckpoint",
        {
            "note": fields.String(
                required=True,
                validate=validate.Length(1, _NOTE_LENGTH_MAX),
                metadata={"description": "The checkpoint with the witness's line under it (C2SP tlog-cosignature)"},
            )
        },
    )
)
@writes
def take_cosignatures(connection: Connection, cosigned: Mapping[str, Any]) -> Answer:
    """Take in what a witness of PROOF_WITNESSES has cosigned; what was taken in before stays as it is."""
    witnesses = witnesses_of(service().settings)
    taken = take_in(connection, witnesses, cosigned["note"], service().clock())
    return made(connection, Cosignatures([Cosignature.of(each) for each in taken]))


@blueprint.route("/witness-request")
@blueprint.response(200, WitnessRequest)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(
    strict_schema(
        "WitnessRequestQuery",
        {
            "witness": fields.String(metadata={"description": "The witness's name, where there are several"}),
            "old": fields.Integer(
                validate=validate.Range(0, _SIZE_MAX),
                metadata={"description": "How many records the witness remembers; default: what it cosigned here last"},
            ),
        },
    ),
    location="query",
)
@reads
def get_witness_request(connection: Connection, query: Mapping[str, Any]) -> WitnessRequest:
    """What a witness is asked to cosign: the newest checkpoint, with proof that it continues what it cosigned last."""
    key = chosen_witness(witnesses_of(service().settings), query.get("witness"))
    return WitnessRequest(witness=str(key), request=witness_request(connection, key, query.get("old")))


def _milliseconds(connection: Connection) -> int:
    return 1000 * recorded_entries(connection) // ENTRIES_A_S


@blueprint.route("/export")
@blueprint.response(200, BINARY, content_type="application/zip")
@may_be_job(_milliseconds)
def get_proof_export() -> Response:
    """The records, the log, the checkpoints, the keys and the verifier, as one ZIP archive: what anybody can verify.

    It goes up to the newest checkpoint, which `POST /v1/proof/checkpoints` makes; while there is none it is unsigned.
    """
    own = service()
    witnesses = witnesses_of(own.settings)

    def pieces() -> Generator[bytes, None, None]:
        with TemporaryFile() as file:
            with reading(own.engine) as connection:
                write_zip(export_files(connection, witnesses), file, own.clock())
            file.seek(0)
            yield from iter(partial(file.read, _PIECE_BYTES), b"")

    return streamed(pieces(), "application/zip", "books-proof.zip")


@blueprint.route("/inclusion")
@blueprint.response(200, Inclusion)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(
    strict_schema(
        "InclusionQuery",
        {
            "kind": fields.String(
                required=True, validate=validate.OneOf(KINDS), metadata={"description": "What the record is of"}
            ),
            "number": fields.String(
                required=True,
                validate=FullMatch(r"^[A-Z0-9-]{1,32}$"),
                metadata={
                    "description": "A document's number (also of its file), a usage event's id, "
                    "or the number of an entry, closing or act"
                },
            ),
        },
    ),
    location="query",
)
@reads
def get_inclusion(connection: Connection, query: Mapping[str, Any]) -> Inclusion:
    """Proof that an entry, document, usage event, closing, file or act is in the log, under the newest checkpoint."""
    return inclusion_shape(prove_inclusion(connection, named(connection, query["kind"], query["number"])))


@blueprint.route("/consistency")
@blueprint.response(200, Consistency)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(
    strict_schema(
        "ConsistencyQuery",
        {
            "older": fields.Integer(
                required=True,
                validate=validate.Range(0, _SIZE_MAX),
                metadata={"description": "How many records the log had before"},
            ),
            "size": fields.Integer(
                validate=validate.Range(0, _SIZE_MAX), metadata={"description": "Default: the newest checkpoint's"}
            ),
        },
    ),
    location="query",
)
@reads
def get_consistency(connection: Connection, query: Mapping[str, Any]) -> Consistency:
    """Proof that the log as it was with `older` records begins the log of `size`."""
    return prove_consistency(connection, query["older"], query.get("size"))
