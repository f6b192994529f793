"""Queued papers are rendered on all cores and sent meanwhile; a paper's PDF is made once and kept.

One pass over each queue, documents first, then messages (`invoices.messages`): deliveries are claimed a few at a time,
the papers without a PDF go to the executor, and while workers render, this process sends what is ready. Nothing is
rendered or sent within a transaction.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from threading import Event

from sqlalchemy import Connection, Engine

from billing.documents.delivery.mailings import MAILINGS
from billing.documents.delivery.queue_pass import IN_DOUBT, RENDERED_TOGETHER, UNKNOWNS_MAX, DeliveryReport, QueuePass
from billing.frame.civil_time import Clock
from billing.frame.database import maintenance_transaction, reading
from billing.frame.errors import BadConfiguration
from billing.frame.executors import PoolOpener, open_executor
from billing.frame.settings import MailTransport, Settings
from invoices.delivery import LEASE, Queue, due, gateway_in_doubt_since, queued, settle_unknown, unsent
from invoices.errors import UnusableAddress
from invoices.mail import Mailbox, parse_mailbox
from invoices.transport import FolderTransport, SmtpServer, SmtpTransport, Transport

# The clock sends nothing for so long after a pass that was stopped for mails of unknown outcome.
IN_DOUBT_PAUSE = timedelta(hours=1)


class Which(Enum):
    """The unsent papers that one pass tries."""

    # Papers that wait to be sent, once their next attempt is due: the scheduler's choice.
    DUE = "due"
    # The same, due yet or not.
    QUEUED = "queued"
    # Those that failed for good as well: a person's choice.
    UNSENT = "unsent"


def deliver(  # noqa: PLR0913 - keywords that have defaults
    settings: Settings,
    engine: Engine,
    *,
    clock: Clock,
    open_pool: PoolOpener | None = None,
    progress: Callable[[int, int], None] | None = None,
    which: Which = Which.QUEUED,
    wait: Callable[[float], object] | None = None,
    stop: Event | None = None,
    lease: timedelta = LEASE,
) -> DeliveryReport:
    """Render and send what is queued, each paper once, however many do so at the same time.

    Each goes to the address its tenant has at that moment, unless a person chose one for it. What may have arrived is
    never tried again here (`invoices.delivery.retry` alone does that).
    With `wait` (a `sleep`), deliveries that another process holds are waited for, and taken over if it
    dies. `progress` is told papers done and in all; `stop` ends the pass after the mail under way.
    Raises BadConfiguration if mail has no sender or the executor can't be used.
    """
    sender = _sender(settings)
    with maintenance_transaction(engine) as connection:
        lost = [settle_unknown(connection, clock(), queue=mailing.queue) for mailing in MAILINGS]
        papers_by_mailing = [_listed(connection, mailing.queue, clock(), which) for mailing in MAILINGS]
    total = sum(map(len, papers_by_mailing))
    unknowns, unavailable = _doubt(engine, clock(), which) if total else (0, None)
    if open_pool is None:
        # A few papers are rendered sooner here than processes are started.
        open_pool = partial(open_executor, settings, 1 if total <= RENDERED_TOGETHER else None)
    reports: list[DeliveryReport] = []
    with _transport(settings.mail) as transport:
        for mailing, tried, papers in zip(MAILINGS, lost, papers_by_mailing, strict=True):
            queue_pass = QueuePass(
                settings, engine, clock, mailing, sender, transport, lease, stop or Event(),
                _after(sum(map(len, papers_by_mailing[: len(reports)])), total, progress),
            )  # fmt: skip
            queue_pass.tried.update(tried)
            queue_pass.unknowns, queue_pass.unavailable = unknowns, unavailable
            with queue_pass:
                queue_pass.go_through(papers, open_pool, wait)
            unknowns, unavailable = queue_pass.unknowns, queue_pass.unavailable
            reports.append(queue_pass.report())
    return DeliveryReport(
        sent=sum(report.sent for report in reports),
        rendered=sum(report.rendered for report in reports),
        failures=tuple(failure for report in reports for failure in report.failures),
        unavailable=unavailable,
        queued=sum(report.queued for report in reports),
        failed=sum(report.failed for report in reports),
        missed=tuple(missed for report in reports for missed in report.missed),
    )


def _doubt(engine: Engine, now: datetime, which: Which) -> tuple[int, str | None]:
    """Return how many outcomes in a row count as unknown when a pass begins, and why the clock's pass sends nothing.

    After a pass that was stopped for them the clock waits, then sends one mail; a person's pass begins afresh.
    """
    if which is not Which.DUE:
        return 0, None
    with reading(engine) as connection:
        since = gateway_in_doubt_since(connection, [mailing.queue for mailing in MAILINGS], UNKNOWNS_MAX)
    if since is None:
        return 0, None
    return UNKNOWNS_MAX - 1, IN_DOUBT if now < since + IN_DOUBT_PAUSE else None


def unsent_papers(connection: Connection) -> int:
    """Return how many papers are queued, whenever they are due."""
    return sum(len(unsent(connection, queue=mailing.queue)) for mailing in MAILINGS)


def _after(before: int, total: int, progress: Callable[[int, int], None] | None) -> Callable[[int], None]:
    """Return the callback for progress in one queue, where `before` papers belong to queues already gone through."""
    return lambda done: None if progress is None else progress(before + done, total)


def _listed(connection: Connection, queue: Queue, now: datetime, which: Which) -> dict[int, int]:
    if which is Which.DUE:
        return due(connection, now, queue=queue)
    return queued(connection, queue=queue) if which is Which.QUEUED else unsent(connection, queue=queue)


def _sender(settings: Settings) -> Mailbox:
    try:
        return parse_mailbox(settings.operator.party.email)
    except UnusableAddress as error:
        raise BadConfiguration(f"OPERATOR_FILE: email must be the address that mail is sent from: {error}") from None


def _transport(mail: MailTransport) -> Transport:
    if mail.folder is not None:
        return FolderTransport(mail.folder)
    return SmtpTransport(SmtpServer(mail.host, mail.port, mail.security, mail.user, mail.password))
