"""By night what may be open is looked through again."""

from datetime import datetime

from sqlalchemy import Connection

from billing.frame.jobs import Job
from billing.receivables.open_items.unsettled import look_again


def _look_again(connection: Connection, _now: datetime) -> None:
    look_again(connection)


JOBS: tuple[Job, ...] = ()
HOUSEWORK = (_look_again,)
