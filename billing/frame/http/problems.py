"""Errors as RFC 9457 problem documents: one table gives each error its type and status.

ApiError
├── Unauthenticated   no token, or none that is valid
├── Forbidden         the token's scope does not allow it
├── InvalidRequest    query, header or body are not as documented; carries every field at fault
├── KeyReused         an Idempotency-Key stands for another request
├── Busy              more waits already than can be done soon
├── Gone              what was kept for a time is no more
└── ChangedMeanwhile  an If-Match names another state than what stands
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace as replaced
from types import MappingProxyType
from typing import Annotated, NamedTuple

from flask import Flask, Response, g
from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from billing.frame.errors import (
    BillingError,
    Conflict,
    Fault,
    NotAllowed,
    PeriodRefused,
    ReasonRequired,
    Refused,
    RunRefused,
    SchemaNotReady,
    Taken,
    TooLong,
    Unknown,
)
from billing.frame.fault_codes import fault_code
from billing.frame.proof_errors import ProofError
from billing.frame.shapes import Shape, about, encode
from invoices.errors import (
    FileDamaged,
    FileMissing,
    InvoicingError,
    IssueDateGoesBack,
    RenderingFailed,
    UnknownDocument,
)
from ledger.errors import (
    LedgerError,
    NoteError,
    PeriodClosed,
    PeriodNotYetOpen,
    PeriodOutOfOrder,
    ReferenceTaken,
    UnknownAccount,
    UnknownFormat,
)
from pricing.errors import PricingError

CONTENT_TYPE = "application/problem+json"
PATH = "/problems/"
# Nobody reads on, and an answer has an end.
ERRORS_MAX = 1_000


class ApiError(Exception):
    """Base class; the message says what to do next, the headers what the answer bears."""

    headers: Mapping[str, str] = MappingProxyType({})


class TooMany(ApiError):
    """A token or address sends more requests than it may."""

    def __init__(self, message: str, retry_s: int) -> None:
        super().__init__(message)
        self.headers = MappingProxyType({"Retry-After": str(retry_s)})


class UnknownVersion(ApiError):
    """The API has no such version."""


class NotAcceptable(ApiError):
    """An address gives nothing of the types that the header Accept lists."""


class NoLength(ApiError):
    """A body comes without its length."""

    headers = MappingProxyType({"Connection": "close"})


class Unauthenticated(ApiError):
    """No token, or none that is valid."""

    headers = MappingProxyType({"WWW-Authenticate": "Bearer"})


class Busy(ApiError):
    """More requests wait than can be answered soon."""

    headers = MappingProxyType({"Retry-After": "5"})


class TooSlow(ApiError):
    """A body did not come in time."""

    headers = MappingProxyType({"Connection": "close"})


class Gone(ApiError):
    """What was kept for a time is no more."""


class Forbidden(ApiError):
    """The token's scope does not allow what was asked."""


class KeyReused(ApiError):
    """An Idempotency-Key stands for another request."""


class ChangedMeanwhile(ApiError):
    """An If-Match names another state than what stands."""


class FieldError(Shape, frozen=True):
    """One field at fault."""

    location: Annotated[str, about("Where it is: `body`, `query` or `header`")]
    pointer: Annotated[str, about("The field within it, as a JSON Pointer: `#/lines/1/amount`; `#` for the whole")]
    field: Annotated[str, about("Its name, dotted: `lines.1.amount`; blank for the whole")]
    code: Annotated[str, about("Stable: what programs decide by; `/problems/validation` lists the codes")]
    detail: Annotated[str, about("What is wrong with it, and what to do")]
    problem: Annotated[str, about("What is wrong with it")]
    remedy: Annotated[str, about("What to do")] | UnsetType = UNSET
    value: Annotated[str, about("What was given")] | UnsetType = UNSET
    row: Annotated[int, about("Of a list: the place of its item, from 0")] | UnsetType = UNSET
    file: Annotated[str, about("Of an upload: the file")] | UnsetType = UNSET
    line: Annotated[int, about("Of an upload: the line, from 1 with the header")] | UnsetType = UNSET


def field_error(
    location: str, field: str | Sequence[str], problem: str, remedy: str = "", value: str | None = None, code: str = ""
) -> FieldError:
    """Return what is wrong with a field, named by its parts or dotted."""
    parts = (field.split(".") if field else []) if isinstance(field, str) else field
    places = [int(part) for part in parts if part.isdecimal()]
    return FieldError(
        location=location,
        pointer="/".join(("#", *(part.replace("~", "~0").replace("/", "~1") for part in parts))),
        field=".".join(parts),
        code=code or fault_code(problem),
        detail=f"{problem}: {remedy}" if remedy else problem,
        problem=problem,
        remedy=remedy or UNSET,
        value=UNSET if value is None else value,
        row=places[0] if places else UNSET,
    )


class Problem(Shape, frozen=True):
    """A problem document (RFC 9457)."""

    type: Annotated[str, about("Stable: what programs decide by")]
    title: Annotated[str, about("The kind of problem, in words")]
    status: Annotated[int, about("The status of the answer")]
    detail: Annotated[str, about("What to do")]
    instance: Annotated[str, about("The request's id, as a URN")]
    errors: Annotated[Sequence[FieldError], about("Each field at fault")] | UnsetType = UNSET


class InvalidRequest(ApiError):
    """Query, header or body are not as documented; `errors` lists each field at fault."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("the request is not as documented: mend each field listed in errors; see /docs")
        self.errors = tuple(errors)


class Kind(NamedTuple):
    """A kind of problem: the end of its type, its status, its title."""

    slug: str
    status: int
    title: str


MALFORMED = Kind("malformed", 400, "The request can't be read")
UNAUTHENTICATED = Kind("unauthenticated", 401, "A valid token is needed")
FORBIDDEN = Kind("forbidden", 403, "Whoever asks may not do this")
NOT_FOUND = Kind("not-found", 404, "There is nothing of that name")
METHOD = Kind("method-not-allowed", 405, "The resource does not take this method")
CONFLICT = Kind("conflict", 409, "It contradicts what stands")
RUN_REFUSED = Kind("run-refused", 409, "The month can't be run now")
PERIOD = Kind("period", 409, "The month is closed, or can't be now")
GONE = Kind("gone", 410, "It was kept for a time, and is no more")
CHANGED = Kind("changed-meanwhile", 412, "It was changed since it was read")
UNKNOWN_VERSION = Kind("unknown-version", 400, "The API has no such version")
NOT_ACCEPTABLE = Kind("not-acceptable", 406, "It is not given as a type that Accept lists")
TOO_MANY = Kind("too-many-requests", 429, "More requests than this caller may send")
TOO_SLOW = Kind("too-slow", 408, "The body did not come in time")
NO_LENGTH = Kind("length-required", 411, "The body comes without its length")
TOO_LARGE = Kind("too-large", 413, "The body is too large")
MEDIA_TYPE = Kind("unsupported-media-type", 415, "The body is of a type this address does not take")
VALIDATION = Kind("validation", 422, "The request is not as documented")
REFUSED = Kind("refused", 422, "The data is refused, nothing was written")
UNPRICEABLE = Kind("unpriceable", 422, "A price is missing")
TOO_LONG = Kind("too-long", 422, "It is more than one file of that kind can hold")
PROOF = Kind("proof", 409, "It can't be proved as things stand")
REASON_REQUIRED = Kind("reason-required", 422, "An exception needs a reason")
KEY_REUSED = Kind("idempotency-key-reused", 422, "The Idempotency-Key stands for another request")
INTERNAL = Kind("internal", 500, "The service failed")
RENDERING = Kind("rendering-failed", 500, "The document could not be rendered")
FILE = Kind("document-file", 500, "The kept PDF can't be used")
BUSY = Kind("busy", 503, "Too many requests wait already")
UNAVAILABLE = Kind("unavailable", 503, "The database does not answer")
NOT_READY = Kind("schema-not-ready", 503, "The database is not migrated")

KINDS = (
    MALFORMED, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, METHOD, CONFLICT, RUN_REFUSED, PERIOD, CHANGED, TOO_LARGE,
    MEDIA_TYPE, PROOF, VALIDATION, REFUSED, UNPRICEABLE, TOO_LONG, REASON_REQUIRED, KEY_REUSED, INTERNAL, RENDERING,
    FILE, UNAVAILABLE, NOT_READY, TOO_SLOW, NO_LENGTH, BUSY, GONE, UNKNOWN_VERSION, NOT_ACCEPTABLE, TOO_MANY,
)  # fmt: skip

# The one table from errors to problems; a class not named here is taken for its closest ancestor.
_OF_ERROR: Mapping[type[Exception], Kind] = {
    Unauthenticated: UNAUTHENTICATED,
    Forbidden: FORBIDDEN,
    NotAllowed: FORBIDDEN,
    Busy: BUSY,
    TooSlow: TOO_SLOW,
    NoLength: NO_LENGTH,
    Gone: GONE,
    TooMany: TOO_MANY,
    UnknownVersion: UNKNOWN_VERSION,
    NotAcceptable: NOT_ACCEPTABLE,
    UnknownFormat: NOT_ACCEPTABLE,
    InvalidRequest: VALIDATION,
    KeyReused: KEY_REUSED,
    ChangedMeanwhile: CHANGED,
    Refused: REFUSED,
    Unknown: NOT_FOUND,
    UnknownDocument: NOT_FOUND,
    UnknownAccount: NOT_FOUND,
    ReasonRequired: REASON_REQUIRED,
    TooLong: TOO_LONG,
    Conflict: CONFLICT,
    ReferenceTaken: CONFLICT,
    RunRefused: RUN_REFUSED,
    PeriodRefused: PERIOD,
    PeriodClosed: PERIOD,
    PeriodNotYetOpen: PERIOD,
    PeriodOutOfOrder: PERIOD,
    IssueDateGoesBack: RUN_REFUSED,
    ProofError: PROOF,
    NoteError: PROOF,
    PricingError: UNPRICEABLE,
    RenderingFailed: RENDERING,
    FileMissing: FILE,
    FileDamaged: FILE,
    SchemaNotReady: NOT_READY,
    OperationalError: UNAVAILABLE,
    InterfaceError: UNAVAILABLE,
    PoolTimeout: UNAVAILABLE,
    DBAPIError: INTERNAL,
    BillingError: INTERNAL,
    InvoicingError: INTERNAL,
    LedgerError: INTERNAL,
}
_OF_STATUS: Mapping[int, Kind] = {
    400: MALFORMED, 404: NOT_FOUND, 405: METHOD, 413: TOO_LARGE, 415: MEDIA_TYPE, 500: INTERNAL,
}  # fmt: skip
_DETAIL_OF_STATUS: Mapping[int, str] = {
    400: "the body is not JSON in UTF-8: check what is sent",
    404: "nothing has this address: see /docs for those that exist",
    405: "the header Allow lists the methods this address takes",
    415: "send the body as JSON, with the header Content-Type: application/json, or as a type that /docs lists here",
}
_log = logging.getLogger(__name__)


def problem(
    kind: Kind, detail: str, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Return a problem document as an answer; `errors` only where fields are at fault, the first thousand of them."""
    if len(errors) > ERRORS_MAX:
        detail = f"{detail}; the first {ERRORS_MAX} of {len(errors)} are listed"
    body = problem_body(kind, detail, g.get("request_id", "unknown"), errors[:ERRORS_MAX])
    return Response(body, kind.status, headers, content_type=CONTENT_TYPE)


def problem_body(kind: Kind, detail: str, request_id: str, errors: Sequence[FieldError] = ()) -> bytes:
    """Return a problem document, as JSON."""
    return encode(
        Problem(
            type=PATH + kind.slug,
            title=kind.title,
            status=kind.status,
            detail=detail,
            instance=f"urn:request:{request_id}",
            errors=errors or UNSET,
        )
    )


def kind_of(error: Exception) -> Kind:
    """Return the kind of problem an error is."""
    return next((_OF_ERROR[base] for base in type(error).__mro__ if base in _OF_ERROR), INTERNAL)


def field_errors(faults: Sequence[Fault]) -> Iterator[FieldError]:
    """Yield the faults of refused records as fields of the body."""
    for fault in faults:
        column = fault.column or ""
        made = field_error("body", column, fault.problem, fault.remedy, fault.value, fault_code(fault))
        if "." in fault.file:
            # A file of an upload, and no resource.
            made = replace(made, file=fault.file, line=UNSET if fault.line is None else fault.line)
        yield made


def placed(refused: Refused, place: Callable[[int], str] | None) -> Refused:
    """Return a refusal whose faults name the fields of a body; `place` gives the prefix of the n-th record, from 0."""
    return Refused([placed_fault(fault, place) for fault in refused.faults])


def placed_fault(fault: Fault, place: Callable[[int], str] | None) -> Fault:
    """Return a fault that names a field of the body, where it named file, line and column."""
    prefix = "" if place is None or fault.line is None else place(fault.line - 1)
    # Files and lines are the import's words; a request has fields.
    remedy = fault.remedy.replace(".csv", "")
    return replaced(fault, file="", line=None, column=f"{prefix}{fault.column or ''}".rstrip("."), remedy=remedy)


def _of_error(error: Exception) -> Response:
    kind = kind_of(error)
    headers: Mapping[str, str] | None = error.headers if isinstance(error, ApiError) else None
    if isinstance(error, Refused):
        # A key that is taken is a conflict; anything else at fault must be mended first.
        taken = all(isinstance(fault, Taken) for fault in error.faults)
        detail = "other values stand under this key: see errors" if taken else "mend each field listed in errors"
        return problem(CONFLICT if taken else kind, detail, tuple(field_errors(error.faults)))
    if kind is UNAVAILABLE and _is_our_mistake(error):
        kind = INTERNAL
    if kind is UNAVAILABLE:
        _log.error("the database does not answer: %s", error)
        return problem(kind, "try again in a moment; /readyz says when the database answers", (), {"Retry-After": "5"})
    if kind.status >= 500 and kind is not BUSY:
        _log.error("a request failed", exc_info=error)
    errors = error.errors if isinstance(error, InvalidRequest) else ()
    return problem(kind, _report() if kind is INTERNAL else str(error), errors, headers)


def _is_our_mistake(error: Exception) -> bool:
    """Tell a statement that SQLite refuses from a database that can't be used: it has one class for both."""
    cause = getattr(error, "orig", None)
    return isinstance(cause, sqlite3.Error) and cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_ERROR


def _of_http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if isinstance(error, InternalServerError):
        return problem(INTERNAL, _report())
    kind = _OF_STATUS.get(status, Kind(f"http-{status}", status, error.name))
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return problem(kind, _DETAIL_OF_STATUS.get(status) or error.description or error.name, (), headers)


def _report() -> str:
    return f"nothing was written; report this with the request id {g.get('request_id', 'unknown')}"


def register(app: Flask) -> None:
    """Let every error of the app be answered by a problem document."""
    for error in _OF_ERROR:
        app.register_error_handler(error, _of_error)
    app.register_error_handler(HTTPException, _of_http_exception)
