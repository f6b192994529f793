"""A network folder over HTTP: sent as files and imported, tried first; and an empty one to be filled in."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from flask import Response, request
from marshmallow import fields, validate
from werkzeug.exceptions import UnsupportedMediaType

from billing.frame.errors import Refused
from billing.frame.http.deferring import may_be_job, octets_ms
from billing.frame.http.idempotency import MULTIPART, Answer
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.problems import InvalidRequest, field_error
from billing.frame.http.report_files import streamed
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acting_engine, acts
from billing.register.network_import.importing import import_folder
from billing.register.network_import.shapes import Imported
from billing.register.network_import.template import write_template
from billing.register.network_import.uploads import unpack
from ledger.exports.tables import MEDIA_TYPES, TABLES

_UPLOAD = "upload"
_ZIP = "application/zip"
# As new rows are read, judged and written.
_OCTETS_A_S = 1_000_000
blueprint = ApiBlueprint("network imports", __name__, url_prefix="/v1", description="A network folder, as files")


@blueprint.route("/imports", methods=["POST"])
@blueprint.makes(Imported)
@blueprint.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@blueprint.arguments(
    strict_schema(
        "ImportOrder",
        {
            "dry_run": fields.String(
                load_default="false",
                validate=validate.OneOf(("true", "false")),
                metadata={"description": "true: write nothing, and say what would be new, changed, unchanged"},
            )
        },
    ),
    location="query",
)
@blueprint.doc(
    requestBody={
        "description": "The files of a network folder: CSV, workbooks, or a ZIP archive of them",
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "minItems": 1,
                            "items": BINARY,
                            "description": "`tenants.csv`, `leases.xlsx`, `network.xlsx`, `network.zip` …",
                        }
                    },
                }
            }
        },
    }
)
@may_be_job(octets_ms(_OCTETS_A_S))
@acts
def import_network(query: Mapping[str, Any]) -> Answer:
    """Import a network folder, all or nothing, by the rules of the command; with `dry_run` it is only tried.

    Rows are matched by their key, and nothing is deleted. 200 where nothing was new or changed. Each fault names its
    file, line and column. At most 32 MiB are taken, 256 MiB unpacked.
    """
    if request.mimetype != MULTIPART:
        raise UnsupportedMediaType
    if request.form:
        raise InvalidRequest(
            [field_error("body", [name], "is an unknown field", "send files") for name in request.form]
        )
    own = service()
    with TemporaryDirectory(prefix="import-") as place:
        try:
            sent = (file for _, file in request.files.items(multi=True))
            unpack(((file.filename or "", file.stream) for file in sent), Path(place))
            report = import_folder(
                acting_engine(),
                Path(place),
                now=own.clock(),
                dry_run=query["dry_run"] == "true",
                settings=own.settings,
                further=own.import_files,
            )
        except Refused as refused:
            # The folder is ours, and says nothing.
            named = (replace(x, file=_UPLOAD) if x.file == place else x for x in refused.faults)
            raise Refused([*named]) from None
    made = not report.dry_run and bool(report.new or report.changed)
    return Answer(Imported.of(report), 201 if made else 200)


@blueprint.route("/imports/template")
@blueprint.response(200, BINARY, content_type=_ZIP)
@blueprint.alt_response(200, schema=BINARY, content_type=MEDIA_TYPES["xlsx"], success=True)
@blueprint.arguments(
    strict_schema(
        "TemplateOrder",
        {
            "format": fields.String(
                load_default="xlsx",
                validate=validate.OneOf(TABLES),
                metadata={"description": "xlsx: one workbook; csv, csv-fr: an archive of files"},
            )
        },
    ),
    location="query",
)
def get_network_template(query: Mapping[str, Any]) -> Response:
    """A network folder to be filled in: every file with its columns, example rows, and what the columns hold."""
    chosen, layouts = query["format"], [further.layout for further in service().import_files]
    with TemporaryDirectory(prefix="template-") as place:
        written = {name: (Path(place) / name).read_bytes() for name in write_template(Path(place), chosen, layouts)}
    if chosen == "xlsx":
        ((name, content),) = written.items()
        return streamed(_piece(content), MEDIA_TYPES["xlsx"], name)
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, content in written.items():
            archive.writestr(name, content)
    return streamed(_piece(packed.getvalue()), _ZIP, "network.zip")


def _piece(content: bytes) -> Generator[bytes, None, None]:
    yield content
