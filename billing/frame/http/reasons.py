"""Why something is done: given in the header X-Reason or as `reason` in the body, the same wherever one is taken.

Either stands for the other: what needs a reason finds it in whichever is given, and the act bears it. Where both are
given, the body's own counts for what is written, the header's for the act.
"""

from typing import Any

from flask import current_app, request
from marshmallow import ValidationError, fields, validate

from billing.frame.audit_log import REASON_LENGTH_MAX
from billing.frame.http.problems import InvalidRequest, field_error

HEADER = "X-Reason"
FIELD = "reason"


class Reason(fields.String):
    """Why it is done. Where it is `required` and not given, the header stands for it; one of them must be there."""

    def __init__(self, why: str, *, required: bool = True, most: int = REASON_LENGTH_MAX) -> None:
        place = "required, here or as the header" if required else "here or as the header"
        super().__init__(
            load_default=self._of_header if required else None,
            allow_none=not required,
            validate=[validate.Length(1, most), validate.ContainsNoneOf("\0")],
            metadata={"description": f"{why}: {place} {HEADER}"},
        )

    def _of_header(self) -> str:
        reason = header_reason()
        if reason is None:
            raise ValidationError(f"is missing: give it here, or as the header {HEADER}")
        self._validate(reason)
        return reason


def header_reason() -> str | None:
    """Return the reason that the header gives, in UTF-8 or Latin-1; raise InvalidRequest for one that can't be."""
    given = request.headers.get(HEADER, "").encode("latin-1", "replace")
    try:
        reason = given.decode("utf-8").strip()
    except UnicodeDecodeError:
        reason = given.decode("latin-1").strip()
    if not _is_kept(reason):
        raise InvalidRequest(
            [field_error("header", HEADER, f"must be at most {REASON_LENGTH_MAX} characters that can be printed")]
        )
    return reason or None


def given_reason() -> str | None:
    """Return the reason that the header gives, else the body, where its view takes one; InvalidRequest as above."""
    reason = header_reason()
    view: Any = current_app.view_functions[request.endpoint or ""]
    if reason is None and getattr(view, "takes_reason", False):
        body = request.get_json(silent=True)
        of_body = body.get(FIELD) if isinstance(body, dict) else None
        if isinstance(of_body, str) and _is_kept(of_body.strip()):
            reason = of_body.strip() or None
    return reason


def _is_kept(reason: str) -> bool:
    return len(reason) <= REASON_LENGTH_MAX and reason.isprintable()
