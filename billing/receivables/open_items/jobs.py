"""By night the index of open items is refreshed."""

from datetime import datetime

from sqlalchemy import Connection

from billing.frame.jobs import Job
from billing.receivables.open_items.open_item_index import refresh_index


def _refresh(connection: Connection, _now: datetime) -> None:
    refresh_index(connection)


JOBS: tuple[Job, ...] = ()
HOUSEWORK = (_refresh,)
