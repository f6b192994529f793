"""The audit bundle over HTTP: written while it is sent."""

from collections.abc import Generator, Mapping
from datetime import date
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.audit.bundle.bundled import SAMPLE_MAX, SEED, SEED_MAX
from billing.audit.bundle.sample import Sample, sample_asked
from billing.audit.bundle.writing import MEDIA_TYPE, audit_bundle
from billing.frame.database import reading
from billing.frame.http.deferring import may_be_job, recorded_entries
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.report_files import streamed
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.tokens import AUDIT
from billing.proof.checkpoints import bundle_signers
from billing.proof.witnesses import witnesses_of

# Written, read back and compared.
_ENTRIES_A_S = 1_000
blueprint = ApiBlueprint(
    "audit-bundles",
    __name__,
    url_prefix="/v1/ledger",
    description="A year's books for an auditor",
    fine_scope=AUDIT,
)


def _milliseconds(connection: Connection, _query: Mapping[str, Any], year: int) -> int:
    return 1000 * recorded_entries(connection, date(year, 1, 1), date(year, 12, 31)) // _ENTRIES_A_S


@blueprint.route("/audit-bundles/<year:year>")
@blueprint.response(200, BINARY, content_type=MEDIA_TYPE)
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(
    strict_schema(
        "AuditBundleQuery",
        {
            "sample": fields.Integer(
                load_default=None,
                validate=validate.Range(1, SAMPLE_MAX),
                metadata={"description": "So many draws among the invoices, by monetary units, each with its trail"},
            ),
            "seed": fields.Integer(
                load_default=None,
                validate=validate.Range(0, SEED_MAX),
                metadata={"description": f"Of the sample: the same seed draws the same; {SEED} unless it is given"},
            ),
        },
    ),
    location="query",
)
@may_be_job(_milliseconds)
def get_audit_bundle(query: Mapping[str, Any], year: int) -> Response:
    """A year's books for an auditor, as one ZIP archive, written while it is sent.

    `controle/controle.txt` in it ends with `difference = 0`: every file was read back and compared with the books.
    """
    sample = sample_asked(query["sample"], query["seed"])
    return streamed(_bundle_pieces(year, sample), MEDIA_TYPE, f"audit-{year}.zip")


def _bundle_pieces(year: int, sample: Sample | None) -> Generator[bytes, None, None]:
    """Yield the archive's pieces, within one snapshot that ends with the last of them."""
    settings = service().settings
    signers, witnesses = bundle_signers(settings), witnesses_of(settings)
    with reading(service().engine) as connection:
        yield from audit_bundle(
            connection, year, settings.operator.party, settings.terms, signers, sample, witnesses
        ).pieces
