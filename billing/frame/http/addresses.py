"""The parts of addresses: codes, days, months, document numbers. A text that is none of them has no address: 404.

The converters raise NotFound themselves: werkzeug's ValidationError would let another method's rule answer 405.
"""

from datetime import date
from typing import Any, ClassVar

from flask import Flask
from flask_smorest import Api
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter

from billing.frame.cells import BEHIND_DOCUMENTS, YEARS, BadCell, day
from billing.frame.codes import (
    BANK_STATEMENT,
    DUNNING_BLOCK,
    MANUAL_ENTRY,
    MESSAGE,
    RECEIPT,
    REFUND,
    WEBHOOK,
    SerialCode,
)
from billing.frame.errors import Unknown
from billing.frame.http.fields import CODE_DOC, DAY_DOC, INVOICE_DOC, MONTH_DOC, RECEIPT_DOC
from pricing.period import format_month, parse_month

EVERY_KIND = "any"
SERIAL_DOC = {"pattern": "^[1-9][0-9]{0,17}$", "example": "1"}
YEAR_DOC = {"pattern": "^(19|20|21)[0-9]{2}$", "example": "2026"}
MESSAGE_DOC = {"pattern": "^ME-[0-9]{6,18}$", "example": "ME-000001"}
MANUAL_ENTRY_DOC = {"pattern": "^EM-[0-9]{6,18}$", "example": "EM-000001"}
REFUND_DOC = {"pattern": "^RB-[0-9]{6,18}$", "example": "RB-000001"}
STATEMENT_DOC = {"pattern": "^RE-[0-9]{6,18}$", "example": "RE-000001"}
WEBHOOK_DOC = {"pattern": "^WH-[0-9]{6,18}$", "example": "WH-000001"}
HOLD_DOC = {"pattern": "^SU-[0-9]{6,18}$", "example": "SU-000001"}
NUMBER_DOC = {"pattern": "^(FA|AV)-[0-9]{4}-[0-9]{6,12}$", "example": "FA-2026-000001"}


class CodeInAddress(BaseConverter):
    """A code; it may hold a slash where nothing follows it.

    (One that is `batch`, or ends like the address of something a tenant or lease has, is found in lists alone: its
    address is taken.)
    """

    part_isolating = False
    regex = (
        r"(?!batch$|.*/(?:(?:final-)?statement|switch|cross-subsidy-account|personal-data|removal|void"
        r"|decision|admission|prospect|waiting-list)(?:/pdf)?$)"
        r"[^\x00-\x1f\x7f\ud800-\udfff]{1,64}"
    )


class PartInAddress(BaseConverter):
    """A code followed by something else: no slash."""

    regex = r"[^/\x00-\x1f\x7f\ud800-\udfff]{1,64}"


class DayInAddress(BaseConverter):
    """A civil day."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> Any:
        """Return the day; none of the calendar is no address."""
        try:
            return day(value)
        except BadCell:
            raise NotFound from None

    def to_url(self, value: date) -> str:
        """Return the text as written in addresses."""
        return value.isoformat()


class MonthInAddress(BaseConverter):
    """A month, as its first day."""

    regex = "[0-9]{4}-[0-9]{2}"

    def to_python(self, value: str) -> Any:
        """Return the first day; a month that is none is no address."""
        try:
            month = parse_month(value)
        except ValueError:
            raise NotFound from None
        if month.year not in YEARS:
            raise NotFound
        return month

    def to_url(self, value: date) -> str:
        """Return the text as written in addresses."""
        return format_month(value)


class YearInAddress(BaseConverter):
    """A year."""

    regex = "[0-9]{4}"

    def to_python(self, value: str) -> Any:
        """Return the year; one out of reach is no address."""
        if int(value) not in YEARS:
            raise NotFound
        return int(value)


class SerialInAddress(BaseConverter):
    """The number of an entry or an act."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> Any:
        """Return the number."""
        return int(value)


class NumberInAddress(BaseConverter):
    """A document's number."""

    regex = "(?:FA|AV)-[0-9]{4}-[0-9]{6,12}"


class DocumentInAddress(BaseConverter):
    """A document's number: an invoice brought by a take-on keeps its own, which may hold a slash (R29)."""

    part_isolating = False
    regex = rf"(?!.*/(?:{BEHIND_DOCUMENTS})$)[^\x00-\x1f\x7f\ud800-\udfff]{{1,64}}"


class FollowedDocumentInAddress(DocumentInAddress):
    """A document's number with something behind it."""

    # Not inherited by a converter with a form of its own.
    part_isolating = False
    regex = r"[^\x00-\x1f\x7f\ud800-\udfff]{1,64}"


class CodedInAddress(BaseConverter):
    """A number such as `RG-000012`, as its key."""

    code: ClassVar[SerialCode]

    def to_python(self, value: str) -> Any:
        """Return the key; a text that is written otherwise is no address."""
        try:
            return self.code.parse(value)
        except Unknown:
            raise NotFound from None

    def to_url(self, value: int) -> str:
        """Return the text as written in addresses."""
        return self.code.format(value)


class MessageInAddress(CodedInAddress):
    """A message's number, as its key."""

    code, regex = MESSAGE, MESSAGE.pattern


class ReceiptInAddress(CodedInAddress):
    """A receipt's number, as its key."""

    code, regex = RECEIPT, RECEIPT.pattern


class RefundInAddress(CodedInAddress):
    """A refund's number, as its key."""

    code, regex = REFUND, REFUND.pattern


class StatementInAddress(CodedInAddress):
    """A bank statement's number, as its key."""

    code, regex = BANK_STATEMENT, BANK_STATEMENT.pattern


class HoldInAddress(CodedInAddress):
    """The number of a dispute or a promise, as its key."""

    code, regex = DUNNING_BLOCK, DUNNING_BLOCK.pattern


class ManualEntryInAddress(CodedInAddress):
    """A manual entry's number, as its key."""

    code, regex = MANUAL_ENTRY, MANUAL_ENTRY.pattern


class WebhookInAddress(CodedInAddress):
    """A webhook endpoint's number, as its key."""

    code, regex = WEBHOOK, WEBHOOK.pattern


_DOCS = {
    "code": (CodeInAddress, CODE_DOC),
    "part": (PartInAddress, CODE_DOC),
    "day": (DayInAddress, DAY_DOC),
    "month": (MonthInAddress, MONTH_DOC),
    "serial": (SerialInAddress, SERIAL_DOC),
    "year": (YearInAddress, YEAR_DOC),
    "number": (NumberInAddress, NUMBER_DOC),
    "document": (DocumentInAddress, INVOICE_DOC),
    "followed": (FollowedDocumentInAddress, INVOICE_DOC),
    "message": (MessageInAddress, MESSAGE_DOC),
    "money": (ReceiptInAddress, RECEIPT_DOC),
    "refund": (RefundInAddress, REFUND_DOC),
    "statement": (StatementInAddress, STATEMENT_DOC),
    "held": (HoldInAddress, HOLD_DOC),
    "manual": (ManualEntryInAddress, MANUAL_ENTRY_DOC),
    "webhook": (WebhookInAddress, WEBHOOK_DOC),
}


def register(app: Flask, api: Api) -> None:
    """Teach the app these parts of addresses, and the documentation their forms."""
    for name, (converter, doc) in _DOCS.items():
        app.url_map.converters[name] = converter
        api.register_converter(converter, lambda _converter, doc=doc: {"type": "string", **doc})
