"""A database with documents issued and queued, and the settings to deliver them: what delivery's tests start from."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, insert

from billing.frame.database import insert_rows, writing
from billing.frame.settings import Settings, load_settings
from invoices.document import INVOICE
from invoices.issuing import Draft, Issue, issue
from invoices.models import delivery
from tests.support.documents import SELLER, STARTUP, w1

NOON = datetime(2026, 9, 1, 11, 0, tzinfo=UTC)
# Deliver in a process of its own, by the arguments: seconds a claim holds, and whether failed ones are tried again.
_PROGRAM = """
import sys, time
from datetime import UTC, datetime, timedelta
from billing.frame.settings import load_settings
from billing.frame.database import open_engine
from billing.documents.delivery.delivering import Which, deliver
if __name__ == "__main__":
    settings = load_settings()
    engine = open_engine(settings.database_url)
    which = Which.UNSENT if sys.argv[2:] == ["all"] else Which.QUEUED
    report = deliver(settings, engine, clock=lambda: datetime.now(UTC), wait=time.sleep,
                     lease=timedelta(seconds=float(sys.argv[1])), which=which)
    print(report.sent, flush=True)
"""


class MovedClock:
    """A clock that tests move, and that waiting moves."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The present instant."""
        return self.now

    def wait(self, seconds: float) -> None:
        """Wait, at once."""
        self.now += timedelta(seconds=seconds)


def environment(engine: Engine, folder: Path, smtp_url: str = "") -> dict[str, str]:
    """The variables by which a process works on this database."""
    return {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "DOCUMENTS_URL": f"file://{folder}/documents",
        "SMTP_URL": smtp_url or f"file:{folder}/outbox",
    }


def settings(engine: Engine, folder: Path, smtp_url: str = "") -> Settings:
    """The settings of those variables."""
    return load_settings(environment(engine, folder, smtp_url))


def queue(engine: Engine, emails: list[str], queued_at: datetime = NOON) -> list[int]:
    """Issue and queue one invoice a tenant, as a run does; their keys in the order of `emails`."""
    lines, ends = w1().lines, w1().discount_ends_on
    drafts = [
        Draft(INVOICE, replace(STARTUP, code=f"T{n:04d}", email=email), lines, 0, 0, ends)
        for n, email in enumerate(emails, 1)
    ]
    terms = Issue(date(2026, 9, 1), date(2026, 9, 1), date(2026, 10, 31), SELLER)
    with writing(engine) as connection:
        issued = issue(connection, drafts, terms, insert=insert_rows)
        rows = [
            {
                "document_id": one.id,
                "state": "queued",
                "attempts": 0,
                "next_attempt_at": queued_at,
                "recipient": one.draft.buyer.email,
            }
            for one in issued
        ]
        connection.execute(insert(delivery), rows)
    return [one.id for one in issued]


def addresses(count: int) -> list[str]:
    """So many tenants' addresses."""
    return [f"t{n}@tenants.example" for n in range(1, count + 1)]


def start_delivering(
    engine: Engine, folder: Path, smtp_url: str, lease_s: float = 2, *arguments: str
) -> subprocess.Popen[str]:
    """A process of its own that delivers what is due; it prints how many mails it sent."""
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(lease_s), *arguments],
        env={**os.environ, **environment(engine, folder, smtp_url)},
        stdout=subprocess.PIPE,
        text=True,
    )
