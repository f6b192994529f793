"""The jobs that a caller ordered: how far they are, what they gave, their end (`billing.frame.http.deferring`)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection, Row

from billing.frame.database import reading
from billing.frame.deferred import rows
from billing.frame.deferred.files import files_of
from billing.frame.errors import Conflict, Unknown
from billing.frame.http.authentication import READERS, WRITERS, opened_to
from billing.frame.http.deferring import Job, caller, has_result, kept_answer
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.problems import Gone
from billing.frame.http.schemas import query_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acts, reads
from billing.frame.tables import job
from billing.frame.tokens import AUDIT, RECEIPTS, RUNS

# Everybody who can order a job may ask about jobs; each query selects the caller's own.
_ORDERING = READERS | WRITERS | {AUDIT, RECEIPTS, RUNS}
_STATE = fields.String(
    validate=validate.OneOf((rows.QUEUED, rows.RUNNING, rows.DONE, rows.FAILED, rows.CANCELLED)),
    metadata={"description": "Only those in this state"},
)
_AS_DOCUMENTED = {"description": "As the operation documents it"}
blueprint = ApiBlueprint("jobs", __name__, url_prefix="/v1", description="Requests that take long, done beside the API")


@blueprint.route("/jobs")
@blueprint.response(200, Page[Job])
@blueprint.arguments(query_schema("JobQuery", {"state": _STATE}), location="query")
@opened_to(_ORDERING)
@reads
def list_jobs(connection: Connection, query: Mapping[str, Any]) -> Page[Job]:
    """The jobs of the caller of the last 30 days, oldest first: a user's by whichever token, else the token's."""
    own = rows.jobs_of(caller())
    if "state" in query:
        own = own.where(job.c.state == query["state"])
    return page(connection, own, rows.KEY, query, Job.of)


@blueprint.route("/jobs/<uuid:job_id>")
@blueprint.response(200, Job)
@opened_to(_ORDERING)
@reads
def get_job(connection: Connection, job_id: UUID) -> Job:
    """A job: how far it is, and where its result lies."""
    return Job.of(_own(connection, job_id))


@blueprint.route("/jobs/<uuid:job_id>/result")
@blueprint.response(200, _AS_DOCUMENTED, content_type="application/json")
@blueprint.alt_response(200, schema=BINARY, content_type="*/*", success=True)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(410, "GONE")
@opened_to(_ORDERING)
def get_job_result(job_id: UUID) -> Response:
    """The result of a job, octet by octet as the answer at once would have been; it is kept for a day."""
    with reading(service().engine) as connection:
        row = _own(connection, job_id)
    if row.state in (rows.QUEUED, rows.RUNNING):
        raise Conflict(f"the job is {row.state}: ask again when GET /v1/jobs/{job_id} says done")
    if row.state != rows.DONE:
        raise Conflict(f"the job is {row.state} and has no result: GET /v1/jobs/{job_id} says why; order it again")
    try:
        if has_result(row, service().clock()):
            return kept_answer(row, status=200)
    except FileNotFoundError:
        pass
    raise Gone("the result was kept for a day and is no more: order it again")


@blueprint.route("/jobs/<uuid:job_id>/cancellation", methods=["POST"])
@blueprint.response(200, Job)
@opened_to(_ORDERING)
@acts
def cancel_job(job_id: UUID) -> Answer:
    """End a job; what it was writing is undone. One under way ends within a second; one that has ended stays so."""
    with reading(service().engine) as connection:
        row = _own(connection, job_id)
    if row.state in (rows.QUEUED, rows.RUNNING):
        files_of(service().settings, row.name).cancel()
    return Answer(Job.of(row))


def _own(connection: Connection, job_id: UUID) -> Row[Any]:
    """Return a job of the caller; raises Unknown, for another's as well."""
    row = connection.execute(rows.jobs_of(caller()).where(job.c.name == str(job_id))).one_or_none()
    if row is None:
        raise Unknown(f"there is no job {job_id} of yours: GET /v1/jobs lists them, for 30 days")
    return row
