"""The schema brought up to date: migrations, then the rights of the service's role."""

from alembic import command
from sqlalchemy import Engine

from billing.frame.database import maintenance_transaction
from billing.frame.schema_version import alembic_config, current_version
from billing.run.recomputed_matrices import keep_missing
from billing.schema.roles import grant_service
from billing.schema.tables import all_tables


def migrate(engine: Engine, service_role: str | None = None) -> tuple[str | None, str | None]:
    """Create or upgrade the schema in one transaction; repeating it changes nothing. Gives (before, after).

    Runs that were completed by a version that kept no matrix of who funded whom get theirs.
    On PostgreSQL `service_role` is given the rights the service needs, and no others (`billing.schema.roles`).
    """
    with maintenance_transaction(engine) as connection:
        before = current_version(connection)
        command.upgrade(alembic_config(connection), "head")
        keep_missing(connection)
        if service_role is not None:
            grant_service(connection, service_role, all_tables())
        return before, current_version(connection)
