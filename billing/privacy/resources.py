"""Personal data: all that is held about a tenant, for administrators."""

from sqlalchemy import Connection

from billing.frame.http.authentication import ADMINS, opened_to
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from billing.privacy.holding import personal_data
from billing.privacy.shapes import PersonalData

blueprint = ApiBlueprint("privacy", __name__, url_prefix="/v1", description="What is held about persons (loi 09-08)")


@blueprint.route("/tenants/<part:code>/personal-data")
@blueprint.response(200, PersonalData)
@opened_to(ADMINS)
@reads
def get_personal_data(connection: Connection, code: str) -> PersonalData:
    """All that is held about a tenant and its persons: rows as they are kept, what they were, and who changed them."""
    serving = service()
    return personal_data(connection, serving.tables, code, serving.clock())
