"""Ask the database for announcements: the list, and each tenant's steps so far."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, select

from billing.cross_subsidy.tier_changes.tables import tier_change_announcement
from pricing.tier_change import Notice

_C = tier_change_announcement.c
# Announcements are listed in the order of their messages.
ANNOUNCEMENT_KEY = (_C.message_id,)


def announcements(tenant: str | None) -> Select[Any]:
    """Ask for the announcements made to a tenant, or to all."""
    rows = select(tier_change_announcement)
    return rows if tenant is None else rows.where(_C.tenant == tenant)


def notices_by_tenant(connection: Connection) -> Mapping[str, tuple[Notice, ...]]:
    """Return each tenant's announcements so far, in order."""
    notices: dict[str, list[Notice]] = defaultdict(list)
    rows = select(_C.tenant, _C.message_id, _C.switches_on, _C.step).order_by(_C.tenant, _C.message_id)
    for code, *notice in connection.execute(rows):
        notices[code].append(Notice(*notice))
    return {code: tuple(made) for code, made in notices.items()}


def steps_by_change(connection: Connection) -> Mapping[tuple[str, date], tuple[int, ...]]:
    """Return the steps at which each tenant was told each day, in order."""
    steps: dict[tuple[str, date], list[int]] = defaultdict(list)
    for code, notices in notices_by_tenant(connection).items():
        for notice in notices:
            steps[code, notice.switches_on].append(notice.step)
    return {change: tuple(made) for change, made in steps.items()}
