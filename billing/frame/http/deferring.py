"""A request that may take long is done later, as a job, by a process beside the API (`billing.api.jobs`).

A view says so by one declaration, below its `arguments` and above its transaction:

    @may_be_job(table_ms)
    @reads
    def get_export(connection, query): ...

It gives an estimate, in milliseconds, of a snapshot and what the view is given. Work of up to a second is answered at
once, as ever; what takes longer by 202 with the job's address. `Prefer: respond-async` asks for a job, `Prefer: wait=2`
for an answer at once of what takes up to two seconds (RFC 7240). A job is the same request, done by the same view with
the same rights, under an idempotency key of its own: so it writes what it writes once, however often it is begun.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import wraps
from hashlib import sha256
from importlib.metadata import version
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias
from urllib.parse import quote
from uuid import uuid4

import orjson
from flask import Response, current_app, g, request
from msgspec.json import decode
from sqlalchemy import Connection, Row, func, select, text

from billing.frame.civil_time import utc
from billing.frame.database import maintenance_transaction, reading
from billing.frame.deferred import rows
from billing.frame.deferred.files import files_of
from billing.frame.http.authentication import JOB, UnderWay, View, scopes_of
from billing.frame.http.idempotency import HEADER as KEY_HEADER
from billing.frame.http.idempotency import Answer, asked, claim, keep
from billing.frame.http.problems import Busy, Problem
from billing.frame.http.reasons import HEADER as REASON_HEADER
from billing.frame.http.service import service
from billing.frame.http.transactions import answered
from billing.frame.http.versions import HEADER as VERSION_HEADER
from billing.frame.shapes import Count, Digest, Instant, Shape, Text, about, instant
from ledger.models import entry

APPLIED = "Preference-Applied"
# Work of so many milliseconds, by its estimate, is answered at once; with `wait` of so many at most.
AT_ONCE_MS, WAIT_MAX_MS = 1_000, 2_000
# Of all places in the queue one owner may take this share.
_OWN_SHARE = 4
_KEPT_HEADERS = ("Content-Type", REASON_HEADER, "Accept", VERSION_HEADER)
_WAIT = re.compile(r"wait\s*=\s*\"?([0-9]{1,9})\"?", re.ASCII)
_PIECE = 1 << 16


JobState: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]


class JobProgress(Shape, frozen=True):
    """How far a job has come."""

    done: Annotated[int | None, about("The steps that are done; null where the work does not count them")]
    total: Annotated[int | None, about("The steps there are; null where the work does not count them")]
    written: Annotated[Count, about("The octets of the result written so far")]


class JobResult(Shape, frozen=True):
    """What a job gave."""

    href: Annotated[str, about("Where it lies")]
    status: Annotated[int, about("The status that the answer would have had at once")]
    media_type: Annotated[str, about("Its media type")]
    size: Annotated[Count, about("Its octets")]
    sha256: Digest
    location: Annotated[str | None, about("The address of what was made; null: nothing was")]


class Job(Shape, frozen=True):
    """A request that is done later."""

    id: Annotated[str, about("Its id")]
    operation: Annotated[Text, about("What was asked: method, path and query")]
    state: Annotated[
        JobState,
        about("failed: `problem` says why; cancelled: somebody ended it"),
    ]
    progress: JobProgress
    attempts: Annotated[Count, about("How often it was begun: again where its process died")]
    request_id: Annotated[Text, about("The id of the request that ordered it, as in logs and audit log")]
    ordered_at: Instant
    ordered_by: Annotated[Text, about("The token by which it was ordered")]
    started_at: Annotated[Instant | None, about("When it was begun last; null: it waits")]
    finished_at: Annotated[Instant | None, about("When it ended; null: it has not")]
    expires_at: Annotated[Instant | None, about("Until when its result is kept; null: it has none")]
    result: Annotated[JobResult | None, about("What it gave; null: nothing yet, or no more")]
    problem: Annotated[Problem | None, about("Why it failed; null: it did not")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Job":
        """Return the job of a row, with what its files say."""
        files = files_of(service().settings, row.name)
        done, total = files.progress() or (None, None)
        # One that has not begun ends at once; whoever takes it up writes it down.
        state: JobState = rows.CANCELLED if row.state == rows.QUEUED and files.is_cancelled() else row.state
        return cls(
            id=row.name,
            operation=f"{row.method} {row.address}",
            state=state,
            progress=JobProgress(done, total, files.written()),
            attempts=row.attempts,
            request_id=row.request_id,
            ordered_at=instant(row.ordered_at),
            ordered_by=row.token,
            started_at=instant(row.started_at),
            finished_at=instant(row.finished_at),
            expires_at=instant(row.expires_at),
            result=_result(row, service().clock()),
            problem=None if row.problem is None else decode(row.problem, type=Problem),
        )


def address_of(name: str) -> str:
    """Return the address of a job."""
    return f"/v1/jobs/{name}"


def has_result(row: Row[Any], now: datetime) -> bool:
    """Return whether a job's result is kept at that instant."""
    return bool(row.state == rows.DONE and now < utc(row.expires_at))


def _result(row: Row[Any], now: datetime) -> JobResult | None:
    if not has_result(row, now):
        return None
    kept = Kept.of(row)
    headers = kept.headers
    return JobResult(
        href=f"{address_of(row.name)}/result",
        status=kept.status,
        media_type=headers.get("Content-Type", ""),
        size=kept.size,
        sha256=kept.sha256,
        location=headers.get("Location"),
    )


class Kept(NamedTuple):
    """What a job answered, but for the body, which is a file."""

    status: int
    headers: Mapping[str, str]
    size: int
    sha256: str

    @classmethod
    def of(cls, row: Row[Any]) -> "Kept":
        """Return the answer of a job that is done."""
        return cls(**orjson.loads(row.answer))


def kept_answer(row: Row[Any], status: int | None = None) -> Response:
    """Answer what a job answered; `status` in place of its own."""
    kept, path = Kept.of(row), files_of(service().settings, row.name).result
    headers = {**kept.headers, "Content-Length": str(kept.size)}
    # Opened before it is sent: whoever removes the file meanwhile cuts nothing short.
    file = path.open("rb")
    answer = Response(iter(lambda: file.read(_PIECE), b""), status or kept.status, headers)
    answer.call_on_close(file.close)
    return answer


class Preference(NamedTuple):
    """What a request prefers (RFC 7240): not to wait, or to wait so many seconds at most."""

    is_async: bool
    wait_s: int | None

    @classmethod
    def asked(cls) -> "Preference":
        """Return the preference of the request; what it means otherwise is not ours."""
        wishes = [wish.partition(";")[0].strip().lower() for wish in request.headers.get("Prefer", "").split(",")]
        waits = [int(found[1]) for wish in wishes if (found := _WAIT.fullmatch(wish))]
        return cls("respond-async" in wishes, waits[0] if waits else None)

    def at_once_ms(self) -> int | None:
        """Return how long the work may take that is answered at once; None: nothing is."""
        if self.wait_s is not None:
            return min(1000 * self.wait_s, WAIT_MAX_MS)
        return None if self.is_async else AT_ONCE_MS

    def applied(self) -> dict[str, str]:
        """Return the header that says, of an answer at once, which preference was heeded."""
        return {} if self.wait_s is None else {APPLIED: f"wait={self.wait_s}"}


def may_be_job(milliseconds: Callable[..., int], *, inputs: Callable[..., Any] | None = None) -> Callable[[View], View]:
    """Let a view be done as a job where `milliseconds`, its estimate, says that it takes long, or a client asks for it.

    `inputs` gives, of a snapshot and what the view is given, all that the answer depends on besides the request: while
    that stands, the result of an earlier job is the answer.
    """

    def declare(view: View) -> View:
        @wraps(view)
        def within(*args: Any, **kwargs: Any) -> Response:
            # It is later already, or nobody would do it later.
            if JOB in request.environ or not service().has_pool:
                return answered(view(*args, **kwargs))
            preference = Preference.asked()
            at_once_ms = preference.at_once_ms()
            with reading(service().engine) as connection:
                digest = None if inputs is None else _digest(inputs(connection, *args, **kwargs))
                known = None if digest is None else rows.with_inputs(connection, digest, service().clock())
                is_small = at_once_ms is not None and milliseconds(connection, *args, **kwargs) <= at_once_ms
            if (
                known is not None
                and at_once_ms is not None
                and files_of(service().settings, known.name).result.exists()
            ):
                answer = kept_answer(known)
            elif is_small:
                answer = answered(view(*args, **kwargs))
            else:
                return _ordered(preference, digest)
            answer.headers.extend(preference.applied())
            return answer

        within._apidoc = {**getattr(within, "_apidoc", {}), "may_be_job": True}  # type: ignore[attr-defined]
        return within  # type: ignore[return-value]

    return declare


def caller() -> rows.Caller:
    """Return who asks."""
    return rows.Caller(g.token, g.user, g.scopes, g.sites)


def _ordered(preference: Preference, digest: str | None) -> Response:
    """Put the request into the queue and answer with its job."""
    view: Any = current_app.view_functions[str(request.endpoint)]
    # Before anything reads its parts: afterwards there would be nothing left of it.
    body = request.get_data()
    who, wanted, name = caller(), asked(), str(uuid4())
    kept = {header: value for header in _KEPT_HEADERS if (value := request.headers.get(header)) is not None}
    ordered = rows.Ordered(
        method=request.method,
        address="?".join(filter(None, (quote(request.path), request.query_string.decode("ascii")))),
        headers=kept,
        request_id=g.request_id,
        scopes=scopes_of(view, request.method),
        inputs_sha256=digest,
    )
    files = files_of(service().settings, name)
    files.create(body)
    try:
        with maintenance_transaction(service().engine) as connection:
            answer = None if wanted is None else claim(connection, wanted, service().clock())
            if answer is None:
                answer = _queue(connection, name, who, ordered, preference)
                if wanted is not None:
                    keep(connection, wanted, answer)
            else:
                files.clear(keep_result=False)
    except BaseException:
        files.clear(keep_result=False)
        raise
    return answered(answer)


def _queue(
    connection: Connection, name: str, who: rows.Caller, ordered: rows.Ordered, preference: Preference
) -> Answer:
    most = service().settings.jobs_max
    in_all, own = rows.unfinished(connection, who.owner)
    if in_all >= most or own >= max(1, most // _OWN_SHARE):
        raise Busy(f"{in_all} jobs wait or are under way, {own} of them yours: try again when one has ended")
    rows.place(connection, name, who, ordered, service().clock())
    row = rows.find(connection, name)
    if row is None:
        raise LookupError(name)
    headers = {
        "Location": address_of(name),
        "Retry-After": "1",
        **({APPLIED: "respond-async"} if preference.is_async else {}),
    }
    return Answer(Job.of(row), 202, headers)


def _digest(inputs: Any) -> str:
    """Return the digest of a question: the request, the program that answers it, and all its answer depends on."""
    asked_for = (request.method, request.full_path, version("technopark-billing"), repr(inputs))
    return sha256("\0".join(asked_for).encode() + b"\0" + request.get_data()).hexdigest()


def job_progress() -> Callable[[int, int], None] | None:
    """Return what work calls to say how far it has come, of how much; None where it is no job."""
    under_way: UnderWay | None = request.environ.get(JOB)
    if under_way is None:
        return None
    files, told = files_of(service().settings, under_way.name), [-1]

    def report(done: int, total: int) -> None:
        percent = 100 * done // max(total, 1)
        if percent != told[0]:
            told[0] = percent
            files.report(done, total)

    return report


def environ_of(row: Row[Any]) -> dict[str, Any]:
    """Return how a job's request is built for the app, but for its body (`werkzeug.test.EnvironBuilder`)."""
    path, _, query = row.address.partition("?")
    headers = {**orjson.loads(row.headers), "X-Request-ID": row.request_id}
    if row.method == "POST":
        headers[KEY_HEADER] = f"job:{row.name}"
    base = {JOB: UnderWay(row.name, row.token)}
    return {"path": path, "query_string": query, "method": row.method, "headers": headers, "environ_overrides": base}


_ENTRIES = text("SELECT last FROM entry_counter WHERE id = 1")
# Measured (DECISIONS 141), halved: another host may be slower. A table of postings; a workbook; a page for people.
ENTRIES_A_S, _IN_WORKBOOK_A_S, _ON_PAPER_A_S = 20_000, 8_000, 4_000
_PACES = {"xlsx": _IN_WORKBOOK_A_S, "html": _ON_PAPER_A_S, "pdf": _ON_PAPER_A_S}


def recorded_entries(connection: Connection, start: date | None = None, until: date | None = None) -> int:
    """Return how many entries the books hold in these days: what many estimates go by."""
    if start is None and until is None:
        return int(connection.scalar(_ENTRIES) or 0)
    within = entry.c.effective_on.between(start or date.min, until or date.max)
    return int(connection.scalar(select(func.count()).select_from(entry).where(within)) or 0)


def only_if_asked(*_given: Any, **_address: Any) -> int:
    """Estimate nothing: it is a job where a client prefers one, and answered at once otherwise."""
    return 0


def octets_ms(octets_a_second: int) -> Callable[..., int]:
    """Return the estimate of what is read of a body at that pace."""

    def milliseconds(*_given: Any, **_address: Any) -> int:
        return 1000 * (request.content_length or 0) // octets_a_second

    return milliseconds


def table_ms(connection: Connection, query: Mapping[str, Any], **_address: Any) -> int:
    """Estimate a table of the postings of some days, by its `format`."""
    counted = recorded_entries(connection, query.get("from"), query.get("until"))
    return 1000 * counted // _PACES.get(query["format"], ENTRIES_A_S)
