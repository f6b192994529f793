"""The version of the database's schema, and the one this program needs."""

from functools import cache
from importlib.resources import files

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from billing.frame.database import reading
from billing.frame.errors import SchemaNotReady
from billing.frame.settings import operating_user


def alembic_config(connection: Connection | None = None) -> Config:
    """Return where Alembic finds the migrations; they run on `connection`."""
    config = Config()
    # Alembic interpolates % in option values.
    config.set_main_option("script_location", str(files("billing") / "migrations").replace("%", "%%"))
    # Migrations import nothing of the project: what they need is handed to them.
    config.attributes["connection"] = connection
    config.attributes["actor"] = operating_user()
    return config


def current_version(connection: Connection) -> str | None:
    """Return the revision the database is at; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def newest_version() -> str | None:
    """Return the revision this program needs."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def require_current(engine: Engine) -> None:
    """Raise SchemaNotReady unless the database is at the revision this program needs."""
    with reading(engine) as connection:
        version = current_version(connection)
    if version != newest_version():
        state = (
            "has no tables yet"
            if version is None
            else f"is at version {version}, this program needs {newest_version()}"
        )
        raise SchemaNotReady(f"the database {state}: run `technopark-billing migrate` first")
