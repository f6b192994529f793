"""The version of the database's schema: brought up to date, or required to be."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

import billing.cash_desk.models
import billing.debts.models
import billing.deposits.models
import billing.dunning.models
import billing.messages.models
import billing.models
import billing.proof.models
import billing.receivables.models
import billing.statements.models
import billing.switches.models
import invoices.models
import ledger.models
from billing.config import operating_user
from billing.cross_subsidy.recomputed import keep_missing
from billing.db import keeping_house, reading
from billing.errors import SchemaNotReady
from billing.roles import grant_service

METADATA = (ledger.models.metadata, invoices.models.metadata, billing.models.metadata)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    # Alembic interpolates % in option values.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    # Migrations import nothing of the project: what they need is handed to them.
    config.attributes["connection"] = connection
    config.attributes["actor"] = operating_user()
    return config


def current_version(connection: Connection) -> str | None:
    """The revision the database is at; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_version() -> str | None:
    """The revision this program needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def migrate(engine: Engine, service_role: str | None = None) -> tuple[str | None, str | None]:
    """Create or upgrade the schema in one transaction; repeating it changes nothing. Gives (before, after).

    Runs that were completed by a version that kept no matrix of who funded whom get theirs.
    On PostgreSQL `service_role` is given the rights the service needs, and no others (`billing.roles`).
    """
    with keeping_house(engine) as connection:
        before = current_version(connection)
        command.upgrade(_config(connection), "head")
        keep_missing(connection)
        if service_role is not None:
            grant_service(connection, service_role, (t for metadata in METADATA for t in metadata.tables.values()))
        return before, current_version(connection)


def require_current(engine: Engine) -> None:
    """Raise SchemaNotReady unless the database is at the revision this program needs."""
    with reading(engine) as connection:
        found = current_version(connection)
    if found != newest_version():
        state = (
            "has no tables yet" if found is None else f"is at version {found}, this program needs {newest_version()}"
        )
        raise SchemaNotReady(f"the database {state}: run `technopark-billing migrate` first")
