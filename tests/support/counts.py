"""How many rows the tables hold, to show that nothing was written."""

from sqlalchemy import Engine, func, select

from billing.frame.database import reading
from billing.schema.tables import all_metadata


def counts(engine: Engine) -> dict[str, int]:
    with reading(engine) as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for metadata in all_metadata()
            for table in metadata.tables.values()
        }
