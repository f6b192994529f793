"""The shapes of answers: one value both documents a resource (OpenAPI) and is its JSON, in the API and the commands.

To give a resource its shape:

1. Write a class in the subject's `shapes.py`, one field a JSON key, in the order of the JSON; the docstring's first
   sentence describes it, and its name is the component's in the OpenAPI document, so it must be unique.
2. Give each field an alias of this module, `Money` or `Day`, or `Annotated[alias, about("what it says")]` where the
   name alone does not say it. A field that may be null is `Money | None`; a nested list is `tuple[Part, ...]`.
3. Give codes of a closed set a StrEnum with a docstring; `Literal` where one field alone has it.
4. Give the class `of(row)`, which takes a row or a value and writes it; days stay `date`, amounts are formatted.
5. In the API: `@blueprint.response(200, DebtAct)`, `Page[DebtAct]` for a list; the view returns the shape, or an
   `Answer` of it. In a command: read its attributes for a table, or write `indented(shape)` for JSON.

What may be added to an answer later breaks no client: shapes allow further fields.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeAlias, overload

from msgspec import Meta, Struct
from msgspec.json import Encoder
from msgspec.json import format as formatted

from billing.frame.civil_time import utc

_ENCODER = Encoder()
# JSON as answers are written: shapes, or plain values. Days are ISO, keys stand in the order of the shape.
encode = _ENCODER.encode


class Shape(Struct, frozen=True):
    """An answer, or a part of one."""


def about(description: str) -> Meta:
    """Describe a field in the OpenAPI document, in place of its alias's description."""
    return Meta(description=description)


def indented(value: Any) -> bytes:
    """Return a shape as JSON for people and files: two blanks a level, a line feed at the end."""
    return formatted(encode(value), indent=2) + b"\n"


@overload
def instant(at: datetime) -> str: ...


@overload
def instant(at: None) -> None: ...


def instant(at: datetime | None) -> str | None:
    """Return a UTC instant as answers write it: `2026-09-01T05:00:00Z`."""
    if at is None:
        return None
    return utc(at).isoformat(timespec="seconds").replace("+00:00", "Z")


def _text(description: str, pattern: str | None = None, example: str | None = None, **schema: str) -> Meta:
    examples = None if example is None else [example]
    return Meta(pattern=pattern, description=description, examples=examples, extra_json_schema=schema or None)


def _numbered(what: str, prefix: str) -> Meta:
    return _text(f"The {what}'s number", f"^{prefix}-[0-9]{{6,18}}$", f"{prefix}-000001")


def _document(what: str, series: str, example: str) -> Meta:
    return _text(f"The {what}'s number", f"^{series}-[0-9]{{4}}-[0-9]{{6,12}}$", example)


Text: TypeAlias = Annotated[str, _text("A text that people wrote")]
Count: TypeAlias = Annotated[int, Meta(ge=0, description="How many")]
Serial: TypeAlias = Annotated[int, Meta(ge=1, description="Its number, in the order of recording")]
Day: TypeAlias = Annotated[date, Meta(description="A civil day", examples=["2026-09-30"])]
Month: TypeAlias = Annotated[str, _text("A month", "^[0-9]{4}-(0[1-9]|1[0-2])$", "2026-09")]
Instant: TypeAlias = Annotated[
    str,
    _text(
        "A UTC instant, to the second",
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        "2026-09-01T05:00:00Z",
        format="date-time",
    ),
]
Money: TypeAlias = Annotated[str, _text("Dirhams, to the centime", r"^-?[0-9]+\.[0-9]{2}$", "2362.50")]
Price: TypeAlias = Annotated[str, _text("Dirhams a unit, without VAT", r"^-?[0-9]+\.[0-9]{2,4}$", "150.00")]
Quantity: TypeAlias = Annotated[str, _text("A quantity in its unit", r"^-?[0-9]+(\.[0-9]{1,6})?$", "22.5")]
Rate: TypeAlias = Annotated[str, _text("A rate: 0.20 is 20 %", r"^-?[0-9]+\.[0-9]{2,4}$", "0.20")]
Digest: TypeAlias = Annotated[str, _text("SHA-256, in hexadecimal digits", "^[0-9a-f]{64}$")]
Account: TypeAlias = Annotated[str, _text("The account's number", "^[0-9]{1,16}$", "3421")]
DocumentKind: TypeAlias = Annotated[Literal["invoice", "credit_note"], Meta(description="What it is")]
SiteCode: TypeAlias = Annotated[str, _text("The site's code", example="CAS")]
TenantCode: TypeAlias = Annotated[str, _text("The tenant's code", example="T0001")]
LeaseCode: TypeAlias = Annotated[str, _text("The lease's code", example="L00001")]
ServiceCode: TypeAlias = Annotated[str, _text("The service's code", example="MEAL")]
# An invoice from before this service keeps its number, in whatever style (R29).
ANY_NUMBER = r"^[^\x00-\x1f\x7f]{1,64}$"
InvoiceNumber: TypeAlias = Annotated[
    str, _text("The invoice's number; one brought by a take-on keeps its own", ANY_NUMBER, "FA-2026-000001")
]
CreditNoteNumber: TypeAlias = Annotated[str, _document("credit note", "AV", "AV-2026-000001")]
DocumentNumber: TypeAlias = Annotated[
    str, _text("The document's number; an invoice brought by a take-on keeps its own", ANY_NUMBER, "FA-2026-000001")
]
ReceiptNumber: TypeAlias = Annotated[str, _numbered("receipt", "RG")]
CashReceiptNumber: TypeAlias = Annotated[str, _document("receipt for cash", "RC", "RC-2026-000001")]
RefundNumber: TypeAlias = Annotated[str, _numbered("refund", "RB")]
DepositNumber: TypeAlias = Annotated[str, _numbered("deposit", "DG")]
FinalStatementNumber: TypeAlias = Annotated[str, _numbered("final statement", "AC")]
ManualEntryNumber: TypeAlias = Annotated[str, _numbered("manual entry", "EM")]
BankStatementName: TypeAlias = Annotated[str, _numbered("bank statement", "RE")]
BankLineName: TypeAlias = Annotated[
    str, _text("The bank line's name", "^RE-[0-9]{6,18}/[1-9][0-9]{0,8}$", "RE-000012/3")
]
DunningBlockNumber: TypeAlias = Annotated[str, _numbered("dispute's or promise", "SU")]
MessageNumber: TypeAlias = Annotated[str, _numbered("message", "ME")]
WebhookNumber: TypeAlias = Annotated[str, _numbered("endpoint", "WH")]
