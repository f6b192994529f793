"""Users are the people who act: what their role lets them do, and who it is at the command line.

A user acts by a token of theirs, or as the user of the operating system that is linked to them.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from billing.frame.errors import NotAllowed
from billing.frame.tables import app_user

AUDITOR, FINANCE, APPROVER, ADMIN = "auditor", "finance", "approver", "admin"
ROLES = (FINANCE, APPROVER, AUDITOR, ADMIN)
# Who may approve what somebody else ordered.
APPROVING = frozenset({APPROVER, ADMIN})
# Every user, without the password's hash.
USERS = select(
    app_user.c.name,
    app_user.c.email,
    app_user.c.role,
    app_user.c.os_user,
    app_user.c.created_at,
    app_user.c.disabled_at,
    app_user.c.password_hash.is_not(None).label("has_password"),
)


class User(NamedTuple):
    """A person who acts; `disabled_at`: since when they may not any more."""

    name: str
    role: str
    disabled_at: datetime | None

    def require_enabled(self) -> None:
        """Raise NotAllowed for a user who was disabled."""
        if self.disabled_at is not None:
            raise NotAllowed(f"the user {self.name} is disabled and may do nothing any more: ask an administrator")


def find_user(connection: Connection, name: str) -> User | None:
    """Return the user of that name; None if there is none."""
    return _user(connection.execute(select(app_user).where(app_user.c.name == name)).one_or_none())


def find_operating_user(connection: Connection, login: str) -> User | None:
    """Return the user whom a user of the operating system is linked to; None if there is none."""
    return _user(connection.execute(select(app_user).where(app_user.c.os_user == login)).one_or_none())


def _user(row: Row[Any] | None) -> User | None:
    return None if row is None else User(row.name, row.role, row.disabled_at)
