"""Personal data: all that is held about a tenant, for administrators."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from billing.frame.http.authentication import ADMINS, opened_to
from billing.frame.http.fields import Flag
from billing.frame.http.idempotency import Answer, made
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.privacy.erasing import erase
from billing.privacy.holding import personal_data
from billing.privacy.shapes import Erased, Erasure, PersonalData

blueprint = ApiBlueprint("privacy", __name__, url_prefix="/v1", description="What is held about persons (loi 09-08)")


@blueprint.route("/tenants/<part:code>/personal-data")
@blueprint.response(200, PersonalData)
@opened_to(ADMINS)
@reads
def get_personal_data(connection: Connection, code: str) -> PersonalData:
    """All that is held about a tenant and its persons: rows as they are kept, what they were, and who changed them."""
    serving = service()
    return personal_data(connection, serving.tables, code, serving.clock())


@blueprint.route("/personal-data/erasures", methods=["POST"])
@blueprint.makes(Erased)
@blueprint.arguments(
    strict_schema(
        "ErasureOrder",
        {"dry_run": Flag(load_default=False, metadata={"description": "Say what would be erased, change nothing"})},
    )
)
@opened_to(ADMINS)
@writes
def erase_personal_data(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Erase what is past its time: where tenants that left were reached, then who they were; users' addresses.

    The years are dated settings (`privacy.years_kept`). 200 where nothing was erased.
    """
    own, dry_run = service(), order["dry_run"]
    erased = erase(connection, own.settings.terms, now=own.clock(), dry_run=dry_run)
    rows = [Erasure(x.subject, x.name, x.last_day, list(x.values)) for x in erased.erasures]
    return made(connection, Erased(dry_run, rows, erased.kept))
