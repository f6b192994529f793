"""One pass over a queue: papers are claimed, rendered by the executor, sent, and what became of them is recorded."""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import islice
from threading import Event
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from sqlalchemy import Connection, Engine

from billing.documents.delivery.mailings import Mailing, use_present_addresses
from billing.documents.delivery.pdf_files import duplicate_pdf
from billing.documents.delivery.rendering import (
    HOST_FAULTS,
    Files,
    RenderBatch,
    RenderResult,
    Sendable,
    everywhere,
    host_fault,
    render_batch,
)
from billing.frame.audit_log import record_change
from billing.frame.civil_time import Clock
from billing.frame.database import maintenance_transaction, reading, writing
from billing.frame.executors import PoolOpener, run_tasks
from billing.frame.settings import Settings
from invoices.delivery import (
    DEFERRED,
    REFUSED,
    UNKNOWN,
    Claim,
    FailedDelivery,
    claim,
    count_unsent,
    failed_deliveries,
    hand_over,
    record_failure,
    record_sent,
    release,
    renew,
    settle_unknown,
    untouched,
    withdraw,
)
from invoices.document import Document
from invoices.errors import (
    ClaimLost,
    InvoicingError,
    MessageRefused,
    NotDelivered,
    OutcomeUnknown,
    ServerUnavailable,
    UnusableAddress,
)
from invoices.mail import Envelope, Mail, Mailbox, parse_mailboxes
from invoices.reading import document_id
from invoices.storage import load
from invoices.transport import CONNECTIONS, Outcome, Taken, Transport

# Papers rendered together, then sent: few, so that the last task of a month keeps no core idle for long.
RENDERED_TOGETHER = 2 * CONNECTIONS
# Papers claimed together: few, so that of several who deliver none waits for what another holds.
CLAIMED_TOGETHER = 2 * RENDERED_TOGETHER
# The outcome of an attempt that is not merely put off.
_OUTCOMES: Mapping[type[NotDelivered], str] = {MessageRefused: REFUSED, OutcomeUnknown: UNKNOWN}
# So many mails in a row whose outcome is unknown stop a pass: the mail server is at fault, not the mails.
UNKNOWNS_MAX = 3
IN_DOUBT = (
    f"the mail server did not say of {UNKNOWNS_MAX} mails in a row whether it took them: look into its log, then "
    "settle them (technopark-billing deliveries settle)"
)
_REASON_MAX = 500
# So many keys at most are asked for by one query.
_KEYS_MAX = 500
# Another process's delivery is looked at again after so many seconds.
_POLL_S = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The outcome of one pass over the queue.

    `failures` are the papers this pass tried and could not deliver; `unavailable` is why it was stopped, if so: by the
    mail server, or by this machine, which could make or keep no PDF. `queued` and `failed` count what remains unsent
    after it.
    """

    sent: int
    rendered: int
    failures: tuple[FailedDelivery, ...]
    unavailable: str | None
    queued: int
    failed: int
    # The mails that left but not to all of a tenant's addresses, each with the reasons.
    missed: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Return whether nothing hindered the pass."""
        return not self.failures and self.unavailable is None

    def lines(self) -> list[str]:
        """Return the result, one fact a line."""
        return [f"{self.sent} sent", f"{self.rendered} rendered", f"{self.queued} queued", f"{self.failed} failed"]


def _parts(attempts_by_key: Mapping[int, int], size: int) -> Iterator[dict[int, int]]:
    remaining = iter(attempts_by_key.items())
    while part := dict(islice(remaining, size)):
        yield part


def _addressee(paper: Sendable) -> str:
    return paper.buyer.legal_name if isinstance(paper, Document) else paper.message.recipient_name


@dataclass(eq=False)
class QueuePass(AbstractContextManager["QueuePass"]):
    """One pass over a queue: the claims it holds, what it has done. Its claims are renewed while it lasts."""

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
    # The mails that left and did not reach all their recipients.
    missed: list[str] = field(default_factory=list)
    # The mails in a row, up to now, of which nobody knows whether they arrived.
    unknowns: int = 0
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
        self, attempts_by_key: Mapping[int, int], open_pool: PoolOpener, wait: Callable[[float], object] | None
    ) -> None:
        """Render and send these papers; with `wait`, also what others hold, once they let go of it."""
        while attempts_by_key:
            run_tasks(open_pool, render_batch, self.render_batches(attempts_by_key), self.take, on_lost=self.give_up)
            attempts_by_key = self.untouched(attempts_by_key)
            if wait is None or self.is_over():
                return
            if attempts_by_key:
                wait(_POLL_S)

    def is_over(self) -> bool:
        """Return whether nothing more is to be begun."""
        return self.stop.is_set() or self.unavailable is not None

    def untouched(self, attempts_by_key: Mapping[int, int]) -> dict[int, int]:
        """Return those of `attempts_by_key` that another process holds, or held and let go."""
        with maintenance_transaction(self.engine) as connection:
            self.tried.update(settle_unknown(connection, self.clock(), queue=self.mailing.queue))
            parts = [
                untouched(connection, part, queue=self.mailing.queue) for part in _parts(attempts_by_key, _KEYS_MAX)
            ]
        return {key: attempts for part in parts for key, attempts in part.items() if key not in self.claimed}

    def render_batches(self, attempts_by_key: Mapping[int, int]) -> Iterator[RenderBatch]:
        """Claim some papers at a time: yield those to be rendered in batches; those that have PDFs are sent at once."""
        documents_url = everywhere(self.settings.documents_url)
        for part in _parts(attempts_by_key, CLAIMED_TOGETHER):
            if self.is_over():
                return
            claimed, files = self._claim(part)
            self._send(files)
            new = (item for item in claimed.items() if item[0] not in files)
            while not self.is_over() and (papers := tuple(islice(new, RENDERED_TOGETHER))):
                yield RenderBatch(documents_url, papers, self.settings.seal)

    def _claim(self, part: Mapping[int, int]) -> tuple[dict[int, Sendable], dict[int, Files]]:
        """Claim the papers that nobody has claimed; return them, and the files of those that have them."""
        with maintenance_transaction(self.engine) as connection:
            queue = self.mailing.queue
            claims = claim(connection, part, by=self.by, now=self.clock(), lease=self.lease, queue=queue)
            claims = use_present_addresses(connection, queue, claims)
        self.held.update({each.key: each for each in claims})
        self.claimed.update(each.key for each in claims)
        with reading(self.engine) as connection:
            papers = dict(self.mailing.load(connection, [each.key for each in claims]))
            files = self.mailing.kept(connection, papers)
        self.papers.update(papers)
        return papers, files

    def take(self, _batch: RenderBatch, results: Sequence[RenderResult]) -> None:
        """Record what a worker has rendered, then send it."""
        with writing(self.engine) as connection:
            made = {result.key: result.files for result in results if result.files is not None}
            files = self.mailing.record(connection, self.papers, made, self.clock()) if made else {}
        self.rendered += len(files)
        self._stop_for(next((result.reason for result in results if result.is_of_host), None))
        self._let_go([result.key for result in results if result.is_of_host])
        for result in results:
            if result.key not in files and not result.is_of_host:
                self._fail(self.held[result.key], DEFERRED, result.reason)
        self._send(files)

    def give_up(self, batch: RenderBatch) -> None:
        """Fail a batch that takes every worker down: none of it is tried again at once."""
        for key, _ in batch.papers:
            self._fail(self.held[key], DEFERRED, "the worker that rendered it, or one printed with it, was killed")

    def _send(self, files_by_key: Mapping[int, Files]) -> None:
        """Send some papers, as many at once as there are connections, unless it is over."""
        waiting = list(files_by_key)
        while waiting and not self.is_over():
            width = min(CONNECTIONS, UNKNOWNS_MAX - self.unknowns)
            together, waiting = waiting[:width], waiting[width:]
            self._send_together({key: files_by_key[key] for key in together})
        self._let_go(waiting)

    def _send_together(self, files_by_key: Mapping[int, Files]) -> None:
        """Send some papers at once, and record what became of them."""
        mails: dict[str, tuple[int, Mail]] = {}
        for key, files in files_by_key.items():
            try:
                mail = self._mail(self.held[key], files)
            except UnusableAddress as error:
                self._fail(self.held[key], REFUSED, str(error))
            except HOST_FAULTS as error:
                self._stop_for(host_fault(error))
                self._let_go([key])
            except InvoicingError as error:
                self._fail(self.held[key], DEFERRED, str(error))
            else:
                mails[mail.number] = key, mail
        keys = {number: key for number, (key, _) in mails.items()}
        self.transport.send(
            [mail for _, mail in mails.values()], partial(self._hand_over, keys), partial(self._answered, keys)
        )

    def _hand_over(self, keys: Mapping[str, int], numbers: Collection[str]) -> list[str]:
        """Return which of these mails may be ended, having written down that they are about to be."""
        wanted = [keys[number] for number in numbers]
        with maintenance_transaction(self.engine) as connection:
            held = hand_over(
                connection, wanted, by=self.by, now=self.clock(), lease=self.lease, queue=self.mailing.queue
            )
        return [number for number in numbers if keys[number] in held]

    def _answered(self, keys: Mapping[str, int], outcomes: Mapping[str, Outcome]) -> None:
        """Record what became of some mails."""
        became = {keys[number]: outcome for number, outcome in outcomes.items()}
        answers = {key: outcome for key, outcome in became.items() if isinstance(outcome, Taken)}
        if answers:
            missed = {key: why for key, outcome in answers.items() if (why := self._missed(key, outcome))}
            with writing(self.engine) as connection:
                record_sent(connection, answers, now=self.clock(), missed=missed, queue=self.mailing.queue)
                for held in map(self.held.__getitem__, answers):
                    outcome_noted = {"outcome": "sent", "recipient": held.recipient}
                    if held.key in missed:
                        outcome_noted["missed"] = missed[held.key]
                    self._note(connection, held, outcome_noted)
            self.missed += [f"{self.papers[key].number}: {why}" for key, why in missed.items()]
        for key, outcome in became.items():
            if isinstance(outcome, Taken):
                self.sent += 1
                self.unknowns = 0
                self._drop(key)
            else:
                self._not_delivered(self.held[key], outcome)

    def _missed(self, key: int, taken: Taken) -> str:
        """Return whom of several recipients a mail did not reach, and why; blank if it reached all."""
        reasons = (*parse_mailboxes(self.held[key].recipient)[1], *([taken.not_for] if taken.not_for else ()))
        return f"not sent to all: {'; '.join(reasons)}"[:_REASON_MAX] if reasons else ""

    def _not_delivered(self, held: Claim, error: NotDelivered) -> None:
        if isinstance(error, ClaimLost):
            _log.warning("%s", error)
            self._drop(held.key)
        elif isinstance(error, ServerUnavailable):
            self._stop_for(str(error))
            with maintenance_transaction(self.engine) as connection:
                withdraw(connection, held, queue=self.mailing.queue)
            self._let_go([held.key])
        else:
            self._fail(held, _OUTCOMES.get(type(error), DEFERRED), str(error))
            self.unknowns = self.unknowns + 1 if isinstance(error, OutcomeUnknown) else 0
            if self.unknowns == UNKNOWNS_MAX:
                self._stop_for(IN_DOUBT)

    def _stop_for(self, reason: str | None) -> None:
        """Begin nothing more in this pass, for the first reason given."""
        self.unavailable = self.unavailable or reason

    def _mail(self, held: Claim, files: Files) -> Mail:
        paper = self.papers[held.key]
        envelope = Envelope(
            self.sender,
            self.settings.operator.party.legal_name,
            parse_mailboxes(held.recipient)[0],
            _addressee(paper),
            self.clock(),
            self.settings.message_id_domain,
            self.settings.operator.cndp_number,
            self.settings.attaches_ubl,
            self.settings.operator.party,
        )
        pdfs = [load(self.settings.documents_url, file.path, file.sha256) for file in files]
        pdfs += map(self._copy, self.mailing.copies(paper))
        return self.mailing.compose(paper, pdfs, envelope)

    def _copy(self, number: str) -> bytes:
        with reading(self.engine) as connection:
            key = document_id(connection, number)
        return duplicate_pdf(self.engine, key, seal=self.settings.seal)

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
        for key in ids:
            self.held.pop(key, None)
            self.papers.pop(key, None)

    def report(self) -> DeliveryReport:
        """Report the outcome of the pass, and what remains."""
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
            missed=tuple(self.missed),
        )
