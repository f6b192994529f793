"""What stands in an address: codes, days, months, document numbers. What is none has no address: 404.

They raise NotFound themselves: werkzeug's ValidationError would let another method's rule answer 405.
"""

from datetime import date
from typing import Any

from flask import Flask
from flask_smorest import Api
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter

from billing.api.fields import CODE_DOC, DAY_DOC, MONTH_DOC, RECEIPT_DOC
from billing.dunning import holding
from billing.errors import Unknown
from billing.messages.queueing import key_of, number_of
from billing.network_import.cells import YEARS, BadCell, day
from billing.statements.importing import name_of
from pricing.period import format_month, parse_month

EVERY_KIND = "any"
SERIAL_DOC = {"pattern": "^[1-9][0-9]{0,17}$", "example": "1"}
YEAR_DOC = {"pattern": "^(19|20|21)[0-9]{2}$", "example": "2026"}
MESSAGE_DOC = {"pattern": "^ME-[0-9]{6,}$", "example": "ME-000001"}
STATEMENT_DOC = {"pattern": "^RE-[0-9]{6,18}$", "example": "RE-000001"}
HOLD_DOC = {"pattern": "^SU-[0-9]{6,}$", "example": "SU-000001"}
NUMBER_DOC = {"pattern": "^(FA|AV)-[0-9]{4}-[0-9]{6,}$", "example": "FA-2026-000001"}


class CodeInAddress(BaseConverter):
    """A code; it may hold a slash where nothing follows it.

    (One that ends like the address of something a tenant or lease has is found in lists alone: its address is taken.)
    """

    part_isolating = False
    regex = r"(?!.*/(?:(?:final-)?statement|switch|cross-subsidy-account)(?:/pdf)?$)[^\x00-\x1f\x7f\ud800-\udfff]{1,64}"


class EventInAddress(CodeInAddress):
    """The id of a usage event. (One named `batch` is found in lists alone: its address is taken.)"""

    regex = rf"(?!batch$){CodeInAddress.regex}"


class PartInAddress(BaseConverter):
    """A code followed by something else: no slash."""

    regex = r"[^/\x00-\x1f\x7f\ud800-\udfff]{1,64}"


class DayInAddress(BaseConverter):
    """A civil day."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> Any:
        """The day; none of the calendar is no address."""
        try:
            return day(value)
        except BadCell:
            raise NotFound from None

    def to_url(self, value: date) -> str:
        """As written in addresses."""
        return value.isoformat()


class MonthInAddress(BaseConverter):
    """A month, as its first day."""

    regex = "[0-9]{4}-[0-9]{2}"

    def to_python(self, value: str) -> Any:
        """The first day; a month that is none is no address."""
        try:
            found = parse_month(value)
        except ValueError:
            raise NotFound from None
        if found.year not in YEARS:
            raise NotFound
        return found

    def to_url(self, value: date) -> str:
        """As written in addresses."""
        return format_month(value)


class YearInAddress(BaseConverter):
    """A year."""

    regex = "[0-9]{4}"

    def to_python(self, value: str) -> Any:
        """The year; one out of reach is no address."""
        if int(value) not in YEARS:
            raise NotFound
        return int(value)


class SerialInAddress(BaseConverter):
    """The number of an entry or an act."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> Any:
        """The number."""
        return int(value)


class NumberInAddress(BaseConverter):
    """A document's number."""

    regex = "(?:FA|AV)-[0-9]{4}-[0-9]{6,12}"


class MessageInAddress(BaseConverter):
    """A message's number, as its key."""

    regex = "ME-[0-9]{6,18}"

    def to_python(self, value: str) -> Any:
        """The key; what is called otherwise is no address."""
        try:
            return key_of(value)
        except Unknown:
            raise NotFound from None

    def to_url(self, value: int) -> str:
        """As written in addresses."""
        return number_of(value)


class ReceiptInAddress(BaseConverter):
    """A receipt's number, as its key."""

    regex = "RG-[0-9]{6,18}"

    def to_python(self, value: str) -> Any:
        """The key."""
        return int(value.removeprefix("RG-"))

    def to_url(self, value: int) -> str:
        """As written in addresses."""
        return f"RG-{value:06d}"


class StatementInAddress(BaseConverter):
    """A bank statement's number, as its key."""

    regex = "RE-[0-9]{6,18}"

    def to_python(self, value: str) -> Any:
        """The key."""
        return int(value.removeprefix("RE-"))

    def to_url(self, value: int) -> str:
        """As written in addresses."""
        return name_of(value)


class HoldInAddress(BaseConverter):
    """The number of a dispute or a promise, as its key."""

    regex = "SU-[0-9]{6,18}"

    def to_python(self, value: str) -> Any:
        """The key; what is called otherwise is no address."""
        try:
            return holding.key_of(value)
        except Unknown:
            raise NotFound from None

    def to_url(self, value: int) -> str:
        """As written in addresses."""
        return holding.number_of(value)


_DOCS = {
    "code": (CodeInAddress, CODE_DOC),
    "event": (EventInAddress, CODE_DOC),
    "part": (PartInAddress, CODE_DOC),
    "day": (DayInAddress, DAY_DOC),
    "month": (MonthInAddress, MONTH_DOC),
    "serial": (SerialInAddress, SERIAL_DOC),
    "year": (YearInAddress, YEAR_DOC),
    "number": (NumberInAddress, NUMBER_DOC),
    "told": (MessageInAddress, MESSAGE_DOC),
    "money": (ReceiptInAddress, RECEIPT_DOC),
    "statement": (StatementInAddress, STATEMENT_DOC),
    "held": (HoldInAddress, HOLD_DOC),
}


def register(app: Flask, api: Api) -> None:
    """Teach the app these parts of addresses, and the documentation their forms."""
    for name, (converter, doc) in _DOCS.items():
        app.url_map.converters[name] = converter
        api.register_converter(converter, lambda _converter, doc=doc: {"type": "string", **doc})
