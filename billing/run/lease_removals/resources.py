"""A lease entered by mistake is removed."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import strict_schema
from billing.frame.http.transactions import writes
from billing.run.lease_removals.removing import remove_lease
from billing.run.lease_removals.shapes import RemovedLease

blueprint = ApiBlueprint("lease removals", __name__, url_prefix="/v1", description="Leases entered by mistake")


@blueprint.route("/leases/<part:code>/removal", methods=["POST"])
@blueprint.response(200, RemovedLease)
@blueprint.arguments(strict_schema("LeaseRemovalOrder", {"reason": Reason("Why the lease is removed")}))
@writes
def create_lease_removal(connection: Connection, order: Mapping[str, Any], code: str) -> Answer:
    """Remove a lease that was never billed, as if it had not been entered; one that was billed is ended (PATCH)."""
    return Answer(RemovedLease.of(remove_lease(connection, code, order["reason"])))
