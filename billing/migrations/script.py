"""Run what stands beside a migration in SQL. Like the migrations it imports nothing of the project, which changes."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, text


def execute_script(connection: Connection, migration: str) -> None:
    """Execute the statements of a migration's SQL file for this database, parted by lines that say `-- next`.

    They are written out, one file a database, so that what a version was never changes with the tables declared today.
    """
    script = Path(migration).with_suffix(f".{connection.dialect.name}.sql")
    for statement in script.read_text(encoding="utf-8").split("\n-- next\n"):
        # As it is: a per cent sign in it is no parameter.
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def redeclare_table(connection: Connection, table: str, wording: Mapping[str, str]) -> None:
    """Change the declaration of an SQLite table in place, as SQLite's manual has it (ALTER TABLE, section 7).

    What a column or CHECK allows is said in the declaration alone: no row is written differently. Building the
    table anew would drop the one that its triggers and foreign keys refer to. Raises RuntimeError unless each old
    wording stands in the declaration exactly once.
    """
    query = text("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = :table")
    before = after = str(connection.scalar(query, {"table": table}))
    for old, new in wording.items():
        if before.count(old) != 1:
            raise RuntimeError(f"the table {table} is not as the migrations made it: restore a backup and migrate that")
        after = after.replace(old, new)
    version = int(connection.scalar(text("PRAGMA schema_version")) or 0)
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.execute(
        text("UPDATE sqlite_schema SET sql = :after WHERE type = 'table' AND name = :table"),
        {"after": after, "table": table},
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
    declared = connection.scalar(query, {"table": table})
    if declared != after or connection.scalar(text("PRAGMA integrity_check")) != "ok":
        raise RuntimeError(f"the table {table} could not be declared anew: nothing was changed")
