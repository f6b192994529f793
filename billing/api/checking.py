"""The proof of the whole database over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Any

from billing.check import whole_check
from billing.frame.http.authentication import READERS, opened_to
from billing.frame.http.deferring import job_progress, may_be_job, recorded_entries
from billing.frame.http.fields import Flag
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acts
from billing.frame.shapes import Shape, about
from billing.frame.tokens import AUDIT


class CheckOutcome(Shape, frozen=True):
    """The outcome of a check of the whole database."""

    proved: Annotated[bool, about("Whether nothing is wrong")]
    problems: Annotated[
        list[str], about("What is wrong, row by row; what was changed first, what follows from it then")
    ]
    warnings: Annotated[list[str], about("What guards the database less than it could")]
    witnesses: Annotated[list[str], about("Which checkpoint each witness has cosigned last")]


# Each with its document, receipts and records.
_ENTRIES_A_S = 2_000
blueprint = ApiBlueprint("checks", __name__, url_prefix="/v1", description="The whole database, proved")


@blueprint.route("/checks", methods=["POST"])
@blueprint.response(200, CheckOutcome)
@blueprint.arguments(
    strict_schema(
        "CheckOrder", {"files": Flag(load_default=True, metadata={"description": "Also read every stored PDF"})}
    )
)
@opened_to(READERS | {AUDIT})
@may_be_job(lambda connection, _order: 1000 * recorded_entries(connection) // _ENTRIES_A_S)
@acts
def check_database(order: Mapping[str, Any]) -> Answer:
    """Prove the whole database: books, documents, numbers, runs, stored PDFs. Nothing is changed."""
    own = service()
    problems, warnings, witnessed = whole_check(own.settings, own.engine, files=order["files"], progress=job_progress())
    seen = [str(standing) for standing in witnessed if standing.last is not None]
    return Answer(CheckOutcome(not problems, problems, warnings, seen))
