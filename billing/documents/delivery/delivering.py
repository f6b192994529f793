"""What is queued is rendered on all cores and sent meanwhile; a paper's PDF is made once and kept.

One pass over each queue, documents first, then messages (`billing.messages`): deliveries are claimed a few at a time,
the papers without a PDF go to the executor, and while workers render, this process sends what is ready. Nothing is
rendered or sent within a transaction.
"""

import json
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from itertools import islice
from threading import Event
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeAlias
from uuid import uuid4

import fsspec
from sqlalchemy import ColumnElement, Connection, Engine, FromClause, select, update

from billing.frame.audit_log import record_change
from billing.frame.database import maintenance_transaction, reading, writing
from billing.frame.errors import BadConfiguration
from billing.frame.executors import PoolOpener, open_executor, run_tasks
from billing.frame.settings import MailTransport, Settings
from billing.messages.queueing import MESSAGES, Told, compose, kept_papers, load_messages, print_papers, record_papers
from billing.messages.tables import message
from billing.register.tables import tenant
from invoices import models as invoices_models
from invoices.delivery import (
    DEFERRED,
    DOCUMENTS,
    LEASE,
    REFUSED,
    UNKNOWN,
    Claim,
    FailedDelivery,
    Queue,
    claim,
    count_unsent,
    due,
    failed_deliveries,
    hand_over,
    queued,
    record_failure,
    record_sent,
    release,
    renew,
    settle_unknown,
    unsent,
    untouched,
    withdraw,
)
from invoices.document import Document
from invoices.errors import (
    ClaimLost,
    FileMissing,
    InvoicingError,
    MessageRefused,
    NotDelivered,
    OutcomeUnknown,
    ServerUnavailable,
    UnusableAddress,
)
from invoices.mail import Attached, Envelope, Mail, Mailbox, compose_mail, document_text, parse_mailbox
from invoices.reading import load_documents
from invoices.rendering.workers import render_and_store
from invoices.storage import StoredFile, files_of, load, record_files
from invoices.transport import CONNECTIONS, FolderTransport, Outcome, SmtpServer, SmtpTransport, Transport

# Papers rendered together, then sent: few, so that the last task of a month keeps no core idle for long.
CHUNK = 2 * CONNECTIONS
# Papers claimed together: few, so that of several who deliver none waits for what another holds.
CLAIMED = 2 * CHUNK
# How an attempt ended, where it is not merely put off.
_OUTCOMES: Mapping[type[NotDelivered], str] = {MessageRefused: REFUSED, OutcomeUnknown: UNKNOWN}
# How many keys a query is asked for at once.
_KEYS_MAX = 500
# How often somebody else's delivery is looked at again.
_POLL_S = 1
_log = logging.getLogger(__name__)

Clock: TypeAlias = Callable[[], datetime]


class Which(Enum):
    """Which of the papers that are not sent one pass tries."""

    # What waits to be sent, once its next attempt is due: the scheduler's choice.
    DUE = "due"
    # The same, due yet or not.
    QUEUED = "queued"
    # What failed for good as well, to the tenant's present address: a person's choice.
    UNSENT = "unsent"


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What one pass over the queue came to.

    `failures` are the papers this pass tried and could not deliver; `unavailable` is why the mail
    server could take nothing, if so. `queued` and `failed` count what remains unsent after it.
    """

    sent: int
    rendered: int
    failures: tuple[FailedDelivery, ...]
    unavailable: str | None
    queued: int
    failed: int

    @property
    def is_complete(self) -> bool:
        """Whether nothing hindered the pass."""
        return not self.failures and self.unavailable is None

    def lines(self) -> list[str]:
        """The result, one fact a line."""
        return [f"{self.sent} sent", f"{self.rendered} rendered", f"{self.queued} queued", f"{self.failed} failed"]


Sendable: TypeAlias = Document | Told
Files: TypeAlias = tuple[StoredFile, ...]


class Sheaf(NamedTuple):
    """A few papers of one kind to be rendered by one task: all a worker needs."""

    documents_url: str
    papers: tuple[tuple[int, Sendable], ...]


class Printed(NamedTuple):
    """What became of one paper of a sheaf: the files that are kept, or why there are none."""

    key: int
    files: Files | None
    reason: str


def print_sheaf(sheaf: Sheaf) -> list[Printed]:
    """Render and keep a few papers, in a worker; one that fails doesn't concern the others."""
    printed = []
    for key, paper in sheaf.papers:
        try:
            printed.append(Printed(key, _print(paper, sheaf.documents_url), ""))
        except (InvoicingError, OSError) as error:
            printed.append(Printed(key, None, f"its PDF could not be made: {error}"))
    return printed


def _print(paper: Sendable, documents_url: str) -> Files:
    if isinstance(paper, Document):
        return (render_and_store(paper, documents_url),)
    return print_papers(paper, documents_url)


@dataclass(frozen=True, slots=True, eq=False)
class Mailing:
    """What differs between documents and messages: where they queue, how they are read, kept, worded and mended."""

    queue: Queue
    # What acts call their deliveries.
    subject: str
    load: Callable[[Connection, Sequence[int]], Iterable[tuple[int, Any]]]
    # The files of papers as recorded, of those that have them all.
    kept: Callable[[Connection, Mapping[int, Any]], dict[int, Files]]
    # Record files as the papers', unless some stand already; the files that count.
    record: Callable[[Connection, Mapping[int, Any], Mapping[int, Files], datetime], dict[int, Files]]
    compose: Callable[[Any, Sequence[bytes], Envelope], Mail]
    # What failed: key, where it goes, where it was first addressed to, the tenant's present address.
    misaddressed: Callable[[Connection], Iterable[tuple[int, str, str, str]]]


def deliver(
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

    What may have arrived is never tried again here (`invoices.delivery.retry` alone does that).
    With `wait` (a `sleep`), deliveries that another process holds are waited for, and taken over if it
    dies. `progress` is told papers done and in all; `stop` ends the pass after the mail under way.
    Raises BadConfiguration if mail has no sender or the executor can't be used.
    """
    sender = _sender(settings)
    with maintenance_transaction(engine) as connection:
        lost = [settle_unknown(connection, clock(), queue=mailing.queue) for mailing in MAILINGS]
        if which is Which.UNSENT:
            _mend_addresses(connection)
        listed = [_listed(connection, mailing.queue, clock(), which) for mailing in MAILINGS]
    total = sum(map(len, listed))
    if open_pool is None:
        # A few papers are rendered sooner here than processes are started.
        open_pool = partial(open_executor, settings, 1 if total <= CHUNK else None)
    reports: list[DeliveryReport] = []
    with _transport(settings.mail) as transport:
        for mailing, tried, found in zip(MAILINGS, lost, listed, strict=True):
            delivering = _Pass(
                settings, engine, clock, mailing, sender, transport, lease, stop or Event(),
                _after(sum(map(len, listed[: len(reports)])), total, progress),
            )  # fmt: skip
            delivering.tried.update(tried)
            if reports:
                delivering.unavailable = reports[-1].unavailable
            with delivering:
                delivering.go_through(found, open_pool, wait)
            reports.append(delivering.report())
    return DeliveryReport(
        sent=sum(report.sent for report in reports),
        rendered=sum(report.rendered for report in reports),
        failures=tuple(failure for report in reports for failure in report.failures),
        unavailable=reports[-1].unavailable,
        queued=sum(report.queued for report in reports),
        failed=sum(report.failed for report in reports),
    )


def _after(before: int, total: int, progress: Callable[[int, int], None] | None) -> Callable[[int], None]:
    """Tells how many are done of all, where `before` belong to queues already gone through."""
    return lambda done: None if progress is None else progress(before + done, total)


def _mend_addresses(connection: Connection) -> None:
    """Give what failed to the address a paper was made with the address its tenant has now.

    One that a person has chosen for a delivery stays.
    """
    for mailing in MAILINGS:
        for key, recipient, first, email in list(mailing.misaddressed(connection)):
            if first == recipient:
                mended = update(mailing.queue.delivery).where(mailing.queue.delivered == key)
                connection.execute(mended.values(recipient=email))


def _misaddressed(
    connection: Connection, queue: Queue, first: ColumnElement[Any], papers: FromClause
) -> list[tuple[int, str, str, str]]:
    """What failed and is due elsewhere by now; `first` is what tells where it was first addressed to."""
    c = queue.delivery.c
    rows = connection.execute(
        select(queue.delivered, c.recipient, first, tenant.c.email)
        .select_from(queue.delivery.join(papers, queue.papers.c.id == queue.delivered))
        .join(tenant, tenant.c.code == queue.papers.c.tenant)
        .where(c.state == "failed", c.claimed_by.is_(None), tenant.c.email != c.recipient)
    )
    return [(key, recipient, addressed, email) for key, recipient, addressed, email in rows]


def _misaddressed_documents(connection: Connection) -> Iterator[tuple[int, str, str, str]]:
    document, party = invoices_models.document, invoices_models.party
    bought = document.join(party, party.c.digest == document.c.buyer)
    for key, recipient, buyer, email in _misaddressed(connection, DOCUMENTS, party.c.content, bought):
        yield key, recipient, json.loads(buyer)["email"], email


def _misaddressed_messages(connection: Connection) -> Iterator[tuple[int, str, str, str]]:
    yield from _misaddressed(connection, MESSAGES, message.c.recipient, message)


def _listed(connection: Connection, queue: Queue, now: datetime, which: Which) -> dict[int, int]:
    if which is Which.DUE:
        return due(connection, now, queue=queue)
    return queued(connection, queue=queue) if which is Which.QUEUED else unsent(connection, queue=queue)


def ensure_pdf(engine: Engine, documents_url: str, document_id: int, *, clock: Clock) -> bytes:
    """The PDF of an issued document: the one that is kept, or else rendered now, kept and recorded.

    A kept file that has vanished is rendered again, and must then be the same bytes. Safe for any number
    of processes at once. Raises UnknownDocument, RenderingFailed, FileDamaged, FileMissing.
    """
    with reading(engine) as connection:
        kept = files_of(connection, [document_id]).get(document_id)
        ((_, document),) = load_documents(connection, [document_id])
    try:
        if kept is not None:
            return load(documents_url, kept.path, kept.sha256)
    except FileMissing:
        if render_and_store(document, documents_url) != kept:
            raise
        return load(documents_url, kept.path, kept.sha256)
    made = render_and_store(document, documents_url)
    with writing(engine) as connection:
        ((kept,),) = _record(connection, {document_id: document}, {document_id: (made,)}, clock()).values()
    return load(documents_url, kept.path, kept.sha256)


def _sender(settings: Settings) -> Mailbox:
    try:
        return parse_mailbox(settings.operator.party.email)
    except UnusableAddress as error:
        raise BadConfiguration(f"OPERATOR_FILE: email must be the address that mail is sent from: {error}") from None


def _transport(mail: MailTransport) -> Transport:
    if mail.folder is not None:
        return FolderTransport(mail.folder)
    return SmtpTransport(SmtpServer(mail.host, mail.port, mail.security, mail.user, mail.password))


def _wherever(documents_url: str) -> str:
    """The address in a form that means the same in a worker, whose working folder may be another."""
    filesystem, root = fsspec.core.url_to_fs(documents_url)
    return f"file://{root}" if "file" in filesystem.protocol else documents_url


def _parts(listed: Mapping[int, int], size: int) -> Iterator[dict[int, int]]:
    remaining = iter(listed.items())
    while part := dict(islice(remaining, size)):
        yield part


def _kept(connection: Connection, documents: Mapping[int, Document]) -> dict[int, Files]:
    return {one: (file,) for one, file in files_of(connection, list(documents)).items()}


def _record(
    connection: Connection, documents: Mapping[int, Document], made: Mapping[int, Files], now: datetime
) -> dict[int, Files]:
    """Record files as the documents', with this transaction's act, unless some stand already: the files that count."""
    added = record_files(connection, {one: file for one, (file,) in made.items()}, now)
    for one in added:
        record_change(connection, "files", documents[one].number, None, {"sha256": made[one][0].sha256})
    if len(added) == len(made):
        return dict(made)
    return {one: (file,) for one, file in files_of(connection, list(made)).items()}


def _compose(document: Document, pdfs: Sequence[bytes], envelope: Envelope) -> Mail:
    text, file_name = document_text(document, envelope.sender_name)
    return compose_mail(document.number, text, [Attached(file_name, pdfs[0])], envelope)


def _addressee(paper: Sendable) -> str:
    return paper.buyer.legal_name if isinstance(paper, Document) else paper.message.recipient_name


MAILINGS = (
    Mailing(DOCUMENTS, "deliveries", load_documents, _kept, _record, _compose, _misaddressed_documents),
    Mailing(MESSAGES, "message-deliveries", load_messages, kept_papers, record_papers, compose, _misaddressed_messages),
)


@dataclass(eq=False)
class _Pass(AbstractContextManager["_Pass"]):
    """One pass over a queue: what it holds, what it has done. Its claims are renewed while it lasts."""

    settings: Settings
    engine: Engine
    clock: Clock
    mailing: Mailing
    sender: Mailbox
    transport: Transport
    lease: timedelta
    stop: Event
    progress: Callable[[int], None]
    by: str = field(default_factory=lambda: uuid4().hex)
    held: dict[int, Claim] = field(default_factory=dict)
    papers: dict[int, Sendable] = field(default_factory=dict)
    claimed: set[int] = field(default_factory=set)
    tried: set[int] = field(default_factory=set)
    sent: int = 0
    rendered: int = 0
    done: int = 0
    unavailable: str | None = None
    _ended: Event = field(default_factory=Event)
    _renewing: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._renewing = threading.Thread(target=self._renew, name="renew-claims", daemon=True)
        self._renewing.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join()
        self._let_go(list(self.held))

    def _renew(self) -> None:
        while not self._ended.wait(self.lease.total_seconds() / 3):
            ids = list(self.held)
            if not ids:
                continue
            try:
                with maintenance_transaction(self.engine) as connection:
                    renew(connection, ids, by=self.by, now=self.clock(), lease=self.lease, queue=self.mailing.queue)
            except Exception:
                # Claims that lapse may be taken over; nothing is sent without asking for them once more.
                _log.exception("claims could not be renewed")

    def go_through(
        self, listed: Mapping[int, int], open_pool: PoolOpener, wait: Callable[[float], object] | None
    ) -> None:
        """Render and send what is listed; with `wait`, also what others hold, once they let go of it."""
        while listed:
            run_tasks(open_pool, print_sheaf, self.sheaves(listed), self.take, on_lost=self.give_up)
            listed = self.untouched(listed)
            if wait is None or self.is_over():
                return
            if listed:
                wait(_POLL_S)

    def is_over(self) -> bool:
        """Whether nothing more is to be begun."""
        return self.stop.is_set() or self.unavailable is not None

    def untouched(self, listed: Mapping[int, int]) -> dict[int, int]:
        """Those of `listed` that another process holds, or held and let go."""
        with maintenance_transaction(self.engine) as connection:
            self.tried.update(settle_unknown(connection, self.clock(), queue=self.mailing.queue))
            parts = [untouched(connection, part, queue=self.mailing.queue) for part in _parts(listed, _KEYS_MAX)]
        return {one: attempts for part in parts for one, attempts in part.items() if one not in self.claimed}

    def sheaves(self, listed: Mapping[int, int]) -> Iterator[Sheaf]:
        """Claim some papers at a time: sheaves of those to be rendered; those that have PDFs are sent at once."""
        documents_url = _wherever(self.settings.documents_url)
        for part in _parts(listed, CLAIMED):
            if self.is_over():
                return
            found, files = self._claim(part)
            self._send(files)
            new = (item for item in found.items() if item[0] not in files)
            while not self.is_over() and (papers := tuple(islice(new, CHUNK))):
                yield Sheaf(documents_url, papers)

    def _claim(self, part: Mapping[int, int]) -> tuple[dict[int, Sendable], dict[int, Files]]:
        """Hold what nobody holds: those papers, and the files of those that have them."""
        with maintenance_transaction(self.engine) as connection:
            claims = claim(connection, part, by=self.by, now=self.clock(), lease=self.lease, queue=self.mailing.queue)
        self.held.update({found.key: found for found in claims})
        self.claimed.update(found.key for found in claims)
        with reading(self.engine) as connection:
            papers = dict(self.mailing.load(connection, [found.key for found in claims]))
            kept = self.mailing.kept(connection, papers)
        self.papers.update(papers)
        return papers, kept

    def take(self, _sheaf: Sheaf, printed: Sequence[Printed]) -> None:
        """Record what a worker has rendered, then send it."""
        with writing(self.engine) as connection:
            made = {one.key: one.files for one in printed if one.files is not None}
            files = self.mailing.record(connection, self.papers, made, self.clock()) if made else {}
        self.rendered += len(files)
        for one in printed:
            if one.key not in files:
                self._fail(self.held[one.key], DEFERRED, one.reason)
        self._send(files)

    def give_up(self, sheaf: Sheaf) -> None:
        """A sheaf that takes every worker down: none of it is tried again at once."""
        for key, _ in sheaf.papers:
            self._fail(self.held[key], DEFERRED, "the worker that rendered it, or one printed with it, was killed")

    def _send(self, kept: Mapping[int, Files]) -> None:
        """Send some papers, as many at once as there are connections, unless it is over."""
        waiting = list(kept)
        while waiting and not self.is_over():
            together, waiting = waiting[:CONNECTIONS], waiting[CONNECTIONS:]
            self._send_together({key: kept[key] for key in together})
        self._let_go(waiting)

    def _send_together(self, kept: Mapping[int, Files]) -> None:
        """Send some papers at once, and record what became of them."""
        mails: dict[str, tuple[int, Mail]] = {}
        for key, files in kept.items():
            try:
                mail = self._mail(self.held[key], files)
            except UnusableAddress as error:
                self._fail(self.held[key], REFUSED, str(error))
            except (InvoicingError, OSError) as error:
                self._fail(self.held[key], DEFERRED, str(error))
            else:
                mails[mail.number] = key, mail
        keys = {number: key for number, (key, _) in mails.items()}
        self.transport.send(
            [mail for _, mail in mails.values()], partial(self._hand_over, keys), partial(self._answered, keys)
        )

    def _hand_over(self, keys: Mapping[str, int], numbers: Collection[str]) -> list[str]:
        """Which of these mails may be ended: it is written down that they are about to be."""
        wanted = [keys[number] for number in numbers]
        with maintenance_transaction(self.engine) as connection:
            held = hand_over(
                connection, wanted, by=self.by, now=self.clock(), lease=self.lease, queue=self.mailing.queue
            )
        return [number for number in numbers if keys[number] in held]

    def _answered(self, keys: Mapping[str, int], outcomes: Mapping[str, Outcome]) -> None:
        """Record what became of some mails."""
        became = {keys[number]: outcome for number, outcome in outcomes.items()}
        answers = {key: outcome for key, outcome in became.items() if isinstance(outcome, str)}
        if answers:
            with writing(self.engine) as connection:
                record_sent(connection, answers, now=self.clock(), queue=self.mailing.queue)
                for held in map(self.held.__getitem__, answers):
                    self._note(connection, held, {"outcome": "sent", "recipient": held.recipient})
        for key, outcome in became.items():
            if isinstance(outcome, str):
                self.sent += 1
                self._drop(key)
            else:
                self._not_delivered(self.held[key], outcome)

    def _not_delivered(self, held: Claim, error: NotDelivered) -> None:
        if isinstance(error, ClaimLost):
            _log.warning("%s", error)
            self._drop(held.key)
        elif isinstance(error, ServerUnavailable):
            self.unavailable = str(error)
            with maintenance_transaction(self.engine) as connection:
                withdraw(connection, held, queue=self.mailing.queue)
            self._let_go([held.key])
        else:
            self._fail(held, _OUTCOMES.get(type(error), DEFERRED), str(error))

    def _mail(self, held: Claim, kept: Files) -> Mail:
        paper = self.papers[held.key]
        envelope = Envelope(
            self.sender,
            self.settings.operator.party.legal_name,
            parse_mailbox(held.recipient),
            _addressee(paper),
            self.clock(),
        )
        pdfs = [load(self.settings.documents_url, one.path, one.sha256) for one in kept]
        return self.mailing.compose(paper, pdfs, envelope)

    def _fail(self, held: Claim, outcome: str, reason: str) -> None:
        with writing(self.engine) as connection:
            now, queue = self.clock(), self.mailing.queue
            record_failure(connection, held, now=now, outcome=outcome, reason=reason, queue=queue)
            self._note(connection, held, {"outcome": outcome, "recipient": held.recipient, "reason": reason})
        self.tried.add(held.key)
        self._drop(held.key)

    def _note(self, connection: Connection, held: Claim, became: Mapping[str, Any]) -> None:
        """Note with this transaction's act what became of a delivery."""
        number = self.papers[held.key].number
        record_change(connection, self.mailing.subject, number, {"attempts": held.attempts}, became)

    def _drop(self, key: int) -> None:
        del self.held[key]
        del self.papers[key]
        self.done += 1
        self.progress(self.done)

    def _let_go(self, ids: Sequence[int]) -> None:
        if not ids:
            return
        with maintenance_transaction(self.engine) as connection:
            release(connection, ids, by=self.by, reason=self.unavailable, queue=self.mailing.queue)
        for one in ids:
            self.held.pop(one, None)
            self.papers.pop(one, None)

    def report(self) -> DeliveryReport:
        """What the pass came to, and what remains."""
        with reading(self.engine) as connection:
            failures = [
                failure
                for part in _parts(dict.fromkeys(sorted(self.tried), 0), _KEYS_MAX)
                for failure in failed_deliveries(connection, list(part), queue=self.mailing.queue)
            ]
            left = count_unsent(connection, queue=self.mailing.queue)
        return DeliveryReport(
            sent=self.sent,
            rendered=self.rendered,
            failures=tuple(failures),
            unavailable=self.unavailable,
            queued=left["queued"],
            failed=left["failed"],
        )
