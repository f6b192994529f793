"""The audit bundle over HTTP: written while it is sent."""

from collections.abc import Generator

from flask import Response

from billing.audit.bundle.writing import MEDIA_TYPE, audit_bundle
from billing.frame.database import reading
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.report_files import streamed
from billing.frame.http.service import service
from billing.frame.tokens import AUDIT
from billing.proof.checkpoints import bundle_signers

blueprint = ApiBlueprint(
    "audit-bundles",
    __name__,
    url_prefix="/v1/ledger",
    description="A year's books for an auditor",
    fine_scope=AUDIT,
)


@blueprint.route("/audit-bundles/<year:year>")
@blueprint.response(200, BINARY, content_type=MEDIA_TYPE)
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
def get_audit_bundle(year: int) -> Response:
    """A year's books for an auditor, as one ZIP archive, written while it is sent.

    `controle/controle.txt` in it ends with `difference = 0`: every file was read back and compared with the books.
    """
    return streamed(_bundle_pieces(year), MEDIA_TYPE, f"audit-{year}.zip")


def _bundle_pieces(year: int) -> Generator[bytes, None, None]:
    """Yield the archive's pieces, within one snapshot that ends with the last of them."""
    settings = service().settings
    signers = bundle_signers(settings)
    with reading(service().engine) as connection:
        yield from audit_bundle(connection, year, settings.operator.party, settings.terms, signers).pieces
