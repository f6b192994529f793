"""The rights of the service's own role in PostgreSQL: to read, to add, to change only what is not final (R22).

The schema belongs to another role, which `migrate` runs as. So not even a service that was broken into can drop a
trigger, or change an entry, a document, an audit event, a closing.
"""

import re
from collections.abc import Iterable

from sqlalchemy import Connection, Table, text

from billing.frame.errors import Fault, Refused
from billing.schema.triggers import append_only_tables

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
# Rows that are replaced, forgotten or (a lease entered by mistake) removed; everything else grows or is updated.
_DELETABLE = frozenset(
    {"lease", "run_outcome", "idempotency_key", "unsettled_document", "unsettled_placement", "webhook_attempt", "job"}
)


def grant_service(connection: Connection, role: str, tables: Iterable[Table]) -> None:
    """Give a role what the service needs on these tables, and take everything else from it.

    Raises Refused for a name that can't be, for a role that does not exist or is the owner itself, and on SQLite.
    """
    _require_usable(connection, role)
    schema = connection.scalar(text("SELECT current_schema()"))
    append_only = append_only_tables()
    statements = [
        f'REVOKE ALL ON ALL TABLES IN SCHEMA "{schema}" FROM "{role}"',
        f'REVOKE ALL ON SCHEMA "{schema}" FROM "{role}"',
        f'GRANT USAGE ON SCHEMA "{schema}" TO "{role}"',
        f'GRANT SELECT ON alembic_version TO "{role}"',
        # A backup reads where the numbers of rows stand.
        f'GRANT SELECT ON ALL SEQUENCES IN SCHEMA "{schema}" TO "{role}"',
        *(f'GRANT {", ".join(_rights(table, append_only))} ON {table.name} TO "{role}"' for table in tables),
    ]
    for statement in statements:
        connection.exec_driver_sql(statement)


def _rights(table: Table, append_only: Iterable[Table]) -> list[str]:
    if table in append_only:
        return ["SELECT", "INSERT"]
    return ["SELECT", "INSERT", "UPDATE", *(["DELETE"] if table.name in _DELETABLE else [])]


def _require_usable(connection: Connection, role: str) -> None:
    problem = remedy = ""
    if connection.dialect.name != "postgresql":
        problem, remedy = "has no meaning here: SQLite has no roles", "leave it out"
    elif _NAME.fullmatch(role) is None:
        problem, remedy = "is no name for a role", "use letters, digits and _"
    elif connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}) is None:
        problem, remedy = "does not exist", f"create it first: CREATE ROLE {role} LOGIN PASSWORD '…'"
    elif connection.scalar(text("SELECT current_user")) == role:
        problem, remedy = "is the owner that migrates", "name another role, by which the service connects"
    if problem:
        raise Refused([Fault("migrate", None, "service-role", role, problem, remedy)])


_EXCESSIVE = text(
    """
    SELECT t.name, rolsuper OR pg_has_role(current_user, c.relowner, 'MEMBER')
    FROM unnest(CAST(:tables AS text[])) AS t(name)
    JOIN pg_class c ON c.oid = to_regclass(t.name)
    JOIN pg_roles r ON r.rolname = current_user
    WHERE rolsuper OR pg_has_role(current_user, c.relowner, 'MEMBER')
       OR has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')
    ORDER BY t.name
    """
)


def excessive_rights(connection: Connection) -> list[str]:
    """Write sentences about rights the connected role has and the service does not need; none on SQLite."""
    if connection.dialect.name != "postgresql":
        return []
    names = [table.name for table in append_only_tables()]
    excessive = connection.execute(_EXCESSIVE, {"tables": names}).all()
    if not excessive:
        return []
    role = connection.scalar(text("SELECT current_user"))
    remedy = "let the service connect as a role of its own (docs/operators.md, migrate --service-role)"
    if any(owns for _, owns in excessive):
        return [f"the role {role} owns the tables, or is a superuser, and could drop the triggers of R22: {remedy}"]
    return [f"the role {role} may change {', '.join(name for name, _ in excessive)}: {remedy}"]
