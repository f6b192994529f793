"""What is queued is rendered on all cores and sent meanwhile; a document's PDF is made once and kept.

One pass over the queue: deliveries are claimed a few at a time, the documents without a PDF go to the
executor, and while workers render, this process sends what is ready. Nothing is rendered or sent within
a transaction.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from threading import Event
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeAlias
from uuid import uuid4

import fsspec
from sqlalchemy import Connection, Engine, select, update

from billing.acts import record_change
from billing.config import MailTransport, Settings
from billing.db import keeping_house, reading, writing
from billing.errors import BadConfiguration
from billing.executors import PoolOpener, open_executor, run_tasks
from billing.models import tenant
from invoices import models as invoices_models
from invoices.delivery import (
    DEFERRED,
    LEASE,
    REFUSED,
    UNKNOWN,
    Claim,
    FailedDelivery,
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
    FileAlreadyRecorded,
    FileMissing,
    InvoicingError,
    MessageDeferred,
    MessageRefused,
    OutcomeUnknown,
    ServerUnavailable,
    UnusableAddress,
)
from invoices.mail import Mail, Mailbox, build_mail, parse_mailbox
from invoices.reading import load_documents
from invoices.rendering.workers import render_and_store
from invoices.storage import StoredFile, file_of, load, record_file
from invoices.transport import FolderTransport, SmtpServer, SmtpTransport, Transport

# Documents claimed and rendered together: few, so that the last task of a month keeps no core idle for long.
CHUNK = 4
# How many keys a query is asked for at once.
_KEYS_MAX = 500
# How often somebody else's delivery is looked at again.
_POLL_S = 1
_log = logging.getLogger(__name__)

Clock: TypeAlias = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What one pass over the queue came to.

    `failures` are the documents this pass tried and could not deliver; `unavailable` is why the mail
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


class Sheaf(NamedTuple):
    """A few documents to be rendered by one task: all a worker needs."""

    documents_url: str
    documents: tuple[tuple[int, Document], ...]


class Printed(NamedTuple):
    """What became of one document of a sheaf: the file that is kept, or why there is none."""

    document_id: int
    file: StoredFile | None
    reason: str


def print_sheaf(sheaf: Sheaf) -> list[Printed]:
    """Render and keep a few documents, in a worker; one that fails doesn't concern the others."""
    printed = []
    for document_id, document in sheaf.documents:
        try:
            printed.append(Printed(document_id, render_and_store(document, sheaf.documents_url), ""))
        except (InvoicingError, OSError) as error:
            printed.append(Printed(document_id, None, f"its PDF could not be made: {error}"))
    return printed


def deliver(
    settings: Settings,
    engine: Engine,
    *,
    clock: Clock,
    open_pool: PoolOpener | None = None,
    progress: Callable[[int, int], None] | None = None,
    retry_failed: bool = False,
    only_due: bool = False,
    wait: Callable[[float], object] | None = None,
    stop: Event | None = None,
    lease: timedelta = LEASE,
) -> DeliveryReport:
    """Render and send what is queued, each document once, however many do so at the same time.

    What is queued is tried now; with `only_due`, what was tried before waits until its next attempt is due;
    with `retry_failed`, what failed for good is tried again too, to the tenant's present address, but not what
    may have arrived (`invoices.delivery.retry` alone does that).
    With `wait` (a `sleep`), deliveries that another process holds are waited for, and taken over if it
    dies. `progress` is told documents done and in all; `stop` ends the pass after the mail under way.
    Raises BadConfiguration if mail has no sender or the executor can't be used.
    """
    sender = _sender(settings)
    with keeping_house(engine) as connection:
        lost = settle_unknown(connection, clock())
        if retry_failed:
            _mend_addresses(connection)
        listed = _listed(connection, clock(), retry_failed, only_due)
    if open_pool is None:
        # A few documents are rendered sooner here than processes are started.
        open_pool = partial(open_executor, settings, 1 if len(listed) <= CHUNK else None)
    with _transport(settings.mail) as transport:
        delivering = _Pass(settings, engine, clock, sender, transport, lease, stop or Event(), progress, len(listed))
        delivering.tried.update(lost)
        with delivering:
            while True:
                sheaves = delivering.sheaves(listed)
                run_tasks(open_pool, print_sheaf, sheaves, delivering.take, on_lost=delivering.give_up)
                listed = delivering.untouched(listed)
                if not listed or wait is None or delivering.is_over():
                    break
                wait(_POLL_S)
    return delivering.report()


def _mend_addresses(connection: Connection) -> None:
    """Give what failed to the address a document was issued with the address its tenant has now.

    One that a person has chosen for a delivery stays.
    """
    delivery, document, party = invoices_models.delivery, invoices_models.document, invoices_models.party
    failed = connection.execute(
        select(delivery.c.document_id, delivery.c.recipient, party.c.content, tenant.c.email)
        .join(document, document.c.id == delivery.c.document_id)
        .join(party, party.c.digest == document.c.buyer)
        .join(tenant, tenant.c.code == document.c.tenant)
        .where(delivery.c.state == "failed", delivery.c.claimed_by.is_(None), tenant.c.email != delivery.c.recipient)
    ).all()
    for document_id, recipient, buyer, email in failed:
        if json.loads(buyer)["email"] == recipient:
            connection.execute(update(delivery).where(delivery.c.document_id == document_id).values(recipient=email))


def _listed(connection: Connection, now: datetime, retry_failed: bool, only_due: bool) -> dict[int, int]:
    if retry_failed:
        return unsent(connection)
    return due(connection, now) if only_due else queued(connection)


def ensure_pdf(engine: Engine, documents_url: str, document_id: int, *, clock: Clock) -> bytes:
    """The PDF of an issued document: the one that is kept, or else rendered now, kept and recorded.

    A kept file that has vanished is rendered again, and must then be the same bytes. Safe for any number
    of processes at once. Raises UnknownDocument, RenderingFailed, FileDamaged, FileMissing.
    """
    with reading(engine) as connection:
        kept = file_of(connection, document_id)
        ((_, document),) = load_documents(connection, [document_id])
    try:
        if kept is not None:
            return load(documents_url, kept.path, kept.sha256)
    except FileMissing:
        if render_and_store(document, documents_url) != kept:
            raise
        return load(documents_url, kept.path, kept.sha256)
    made = render_and_store(document, documents_url)
    with keeping_house(engine) as connection:
        kept = _record(connection, document_id, made, clock())
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


def _record(connection: Connection, document_id: int, made: StoredFile, now: datetime) -> StoredFile:
    """Record a file as the document's, unless one stands already: the file that counts."""
    try:
        record_file(connection, document_id, made, now)
    except FileAlreadyRecorded:
        # Another process, of another version, has printed it meanwhile: the first one recorded stands.
        return file_of(connection, document_id) or made
    return made


@dataclass(eq=False)
class _Pass(AbstractContextManager["_Pass"]):
    """One pass over the queue: what it holds, what it has done. Its claims are renewed while it lasts."""

    settings: Settings
    engine: Engine
    clock: Clock
    sender: Mailbox
    transport: Transport
    lease: timedelta
    stop: Event
    progress: Callable[[int, int], None] | None
    total: int
    by: str = field(default_factory=lambda: uuid4().hex)
    held: dict[int, Claim] = field(default_factory=dict)
    documents: dict[int, Document] = field(default_factory=dict)
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
                with keeping_house(self.engine) as connection:
                    renew(connection, ids, by=self.by, now=self.clock(), lease=self.lease)
            except Exception:
                # Claims that lapse may be taken over; nothing is sent without asking for them once more.
                _log.exception("claims could not be renewed")

    def is_over(self) -> bool:
        """Whether nothing more is to be begun."""
        return self.stop.is_set() or self.unavailable is not None

    def untouched(self, listed: Mapping[int, int]) -> dict[int, int]:
        """Those of `listed` that another process holds, or held and let go."""
        with keeping_house(self.engine) as connection:
            self.tried.update(settle_unknown(connection, self.clock()))
            parts = [untouched(connection, part) for part in _parts(listed, _KEYS_MAX)]
        return {one: attempts for part in parts for one, attempts in part.items() if one not in self.claimed}

    def sheaves(self, listed: Mapping[int, int]) -> Iterator[Sheaf]:
        """Claim documents a few at a time: sheaves of those to be rendered; those that have a PDF are sent at once."""
        documents_url = _wherever(self.settings.documents_url)
        for part in _parts(listed, CHUNK):
            if self.is_over():
                return
            issued, files = self._claim(part)
            for one, kept in files.items():
                self._send(one, kept)
            new = tuple((one, document) for one, document in issued if one not in files)
            if new:
                yield Sheaf(documents_url, new)

    def _claim(self, part: Mapping[int, int]) -> tuple[list[tuple[int, Document]], dict[int, StoredFile]]:
        """Hold what nobody holds: those documents, and the files of those that have one."""
        with keeping_house(self.engine) as connection:
            claims = claim(connection, part, by=self.by, now=self.clock(), lease=self.lease)
        self.held.update({found.document_id: found for found in claims})
        self.claimed.update(found.document_id for found in claims)
        with reading(self.engine) as connection:
            issued = load_documents(connection, [found.document_id for found in claims])
            kept = [(one, file_of(connection, one)) for one, _ in issued]
        self.documents.update(issued)
        return issued, {one: file for one, file in kept if file is not None}

    def take(self, _sheaf: Sheaf, printed: Sequence[Printed]) -> None:
        """Record what a worker has rendered, then send it."""
        with keeping_house(self.engine) as connection:
            files = {
                one.document_id: _record(connection, one.document_id, one.file, self.clock())
                for one in printed
                if one.file
            }
        self.rendered += len(files)
        for one in printed:
            kept = files.get(one.document_id)
            if kept is None:
                self._fail(self.held[one.document_id], DEFERRED, one.reason)
            else:
                self._send(one.document_id, kept)

    def give_up(self, sheaf: Sheaf) -> None:
        """A sheaf that takes every worker down: none of it is tried again at once."""
        for document_id, _ in sheaf.documents:
            self._fail(
                self.held[document_id], DEFERRED, "the worker that rendered it, or one printed with it, was killed"
            )

    def _send(self, document_id: int, kept: StoredFile) -> None:
        """Send one document, and record what became of it."""
        held = self.held[document_id]
        if self.is_over():
            self._let_go([document_id])
            return
        try:
            mail = self._mail(held, kept)
            answer = self.transport.send(mail, partial(self._hand_over, held))
        except ClaimLost as error:
            _log.warning("%s", error)
            self._drop(document_id)
        except ServerUnavailable as error:
            self.unavailable = str(error)
            with keeping_house(self.engine) as connection:
                withdraw(connection, held)
            self._let_go([document_id])
        except (UnusableAddress, MessageRefused) as error:
            self._fail(held, REFUSED, str(error))
        except OutcomeUnknown as error:
            self._fail(held, UNKNOWN, str(error))
        except (MessageDeferred, InvoicingError, OSError) as error:
            self._fail(held, DEFERRED, str(error))
        else:
            with writing(self.engine) as connection:
                record_sent(connection, held, now=self.clock(), answer=answer)
                self._note(connection, held, {"outcome": "sent", "recipient": held.recipient})
            self.sent += 1
            self._drop(document_id)

    def _mail(self, held: Claim, kept: StoredFile) -> Mail:
        recipient = parse_mailbox(held.recipient)
        pdf = load(self.settings.documents_url, kept.path, kept.sha256)
        return build_mail(
            self.documents[held.document_id],
            pdf,
            sender=self.sender,
            sender_name=self.settings.operator.party.legal_name,
            recipient=recipient,
            now=self.clock(),
        )

    def _hand_over(self, held: Claim) -> None:
        with keeping_house(self.engine) as connection:
            hand_over(connection, held, now=self.clock(), lease=self.lease)

    def _fail(self, held: Claim, outcome: str, reason: str) -> None:
        with writing(self.engine) as connection:
            record_failure(connection, held, now=self.clock(), outcome=outcome, reason=reason)
            self._note(connection, held, {"outcome": outcome, "recipient": held.recipient, "reason": reason})
        self.tried.add(held.document_id)
        self._drop(held.document_id)

    def _note(self, connection: Connection, held: Claim, became: Mapping[str, Any]) -> None:
        """Note with this transaction's act what became of a delivery."""
        number = self.documents[held.document_id].number
        record_change(connection, "deliveries", number, {"attempts": held.attempts}, became)

    def _drop(self, document_id: int) -> None:
        del self.held[document_id]
        del self.documents[document_id]
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)

    def _let_go(self, ids: Sequence[int]) -> None:
        if not ids:
            return
        with keeping_house(self.engine) as connection:
            release(connection, ids, by=self.by, reason=self.unavailable)
        for one in ids:
            self.held.pop(one, None)
            self.documents.pop(one, None)

    def report(self) -> DeliveryReport:
        """What the pass came to, and what remains."""
        with reading(self.engine) as connection:
            failures = [
                failure
                for part in _parts(dict.fromkeys(sorted(self.tried), 0), _KEYS_MAX)
                for failure in failed_deliveries(connection, list(part))
            ]
            left = count_unsent(connection)
        return DeliveryReport(
            sent=self.sent,
            rendered=self.rendered,
            failures=tuple(failures),
            unavailable=self.unavailable,
            queued=left["queued"],
            failed=left["failed"],
        )
