"""All tables of the service, those of every subject loaded."""

from sqlalchemy import MetaData, Table

from billing.frame.subject import metadata_of
from billing.subjects import SUBJECTS


def all_metadata() -> tuple[MetaData, ...]:
    """Return the metadata of all tables."""
    return metadata_of(SUBJECTS)


def all_tables() -> list[Table]:
    """Return every table of the service."""
    return [table for metadata in all_metadata() for table in metadata.tables.values()]
