"""The fields of requests: strict texts for codes, days, months, decimals; and what the documentation says of each."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate

from billing.frame import cells
from billing.frame.shapes import ANY_NUMBER
from invoices.errors import UnusableAddress
from invoices.mail import parse_mailboxes
from pricing.money import AMOUNT_DECIMALS, PRICE_DECIMALS, QUANTITY_DECIMALS, RATE_DECIMALS
from pricing.period import parse_month

CODE_DOC = {"minLength": 1, "maxLength": cells.CODE_LENGTH_MAX, "pattern": r"^\S(.*\S)?$"}
TEXT_DOC = {"maxLength": cells.TEXT_LENGTH_MAX}
DAY_DOC = {"format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "example": "2026-09-30"}
INSTANT_DOC = {"format": "date-time", "pattern": f"^{cells.INSTANT}$", "example": "2026-09-01T05:00:00Z"}
RECEIPT_DOC = {"pattern": "^RG-[0-9]{6,18}$", "example": "RG-000001"}
MONTH_DOC = {"pattern": "^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$", "example": "2026-09"}


def decimal_doc(decimals: int, example: str) -> dict[str, str]:
    """Document a decimal text with that many decimals at most."""
    return {"pattern": rf"^-?[0-9]+(\.[0-9]{{1,{decimals}}})?$", "example": example}


AMOUNT_DOC = decimal_doc(AMOUNT_DECIMALS, "2362.50")
PRICE_DOC = decimal_doc(PRICE_DECIMALS, "150.00")
QUANTITY_DOC = decimal_doc(QUANTITY_DECIMALS, "22.5")
RATE_DOC = decimal_doc(RATE_DECIMALS, "0.20")


class FullMatch(validate.Validator):
    """The pattern that a whole text must match, written so that ECMA-262 reads it alike: its `$` is the very end."""

    def __init__(self, pattern: str) -> None:
        # The documentation looks for it here.
        self.regex = re.compile(pattern)

    def __call__(self, value: str) -> str:
        """Return the text; raise ValidationError."""
        if self.regex.fullmatch(value) is None:
            raise ValidationError(validate.Regexp.default_message)
        return value


INVOICE_DOC = {"pattern": ANY_NUMBER, "example": "FA-2026-000001"}


class Cell(fields.String):
    """A text handed on as it is, to be judged by the import's own rules; `null` is blank.

    One set of rules for files and requests: here only the JSON type is checked, and that none is
    written `null`, where a file has nothing but a blank cell for it.
    """

    def __init__(self, doc: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(metadata=dict(doc or TEXT_DOC), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not text and self.allow_none and "pattern" in self.metadata:
            raise ValidationError("is blank: write null for none")
        return text


class WholeNumber(fields.Integer):
    """A JSON integer: no text, no fraction, no truth value."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, **kwargs)

    def _validated(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError("is not a whole number")
        return value


class Flag(fields.Boolean):
    """A JSON truth value, and nothing that looks like one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={True}, falsy={False}, **kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("is neither true nor false")
        return value


class Code(fields.String):
    """A code people name things by."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={**CODE_DOC, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        code: str = _judged(cells.code, super()._deserialize(value, attr, data, **kwargs))
        return code


class Day(fields.String):
    """A civil day, `YYYY-MM-DD`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={**DAY_DOC, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        day: date = _judged(cells.day, super()._deserialize(value, attr, data, **kwargs))
        return day


class Instant(fields.String):
    """An instant, `2026-09-01T05:00:00Z`, in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={**INSTANT_DOC, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return _judged(cells.instant, super()._deserialize(value, attr, data, **kwargs))


class Month(fields.String):
    """A month, `YYYY-MM`, as its first day."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={**MONTH_DOC, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            month = parse_month(super()._deserialize(value, attr, data, **kwargs))
        except ValueError:
            raise ValidationError("is not a month such as 2026-09") from None
        if month.year not in cells.YEARS:
            raise ValidationError(f"is not a month from {cells.YEARS[0]} to {cells.YEARS[-1]}")
        return month


class Quantity(fields.String):
    """A quantity or an area above zero, in millionths of its unit."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={**QUANTITY_DOC, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return _judged(cells.quantity, super()._deserialize(value, attr, data, **kwargs))


class Amount(fields.String):
    """An amount of dirhams above zero, in centimes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={**AMOUNT_DOC, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return _judged(cells.amount, super()._deserialize(value, attr, data, **kwargs))


class Rate(fields.String):
    """A rate from 0 to 1, in ten-thousandths: 0.20 is 20 %."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={**RATE_DOC, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return _judged(cells.vat_rate, super()._deserialize(value, attr, data, **kwargs))


class ReceiptNumber(fields.String):
    """A receipt's number, `RG-000012`, as its key."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=dict(RECEIPT_DOC), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        number: str = super()._deserialize(value, attr, data, **kwargs)
        digits = number.removeprefix("RG-")
        if number == digits or not (digits.isascii() and digits.isdecimal() and 6 <= len(digits) <= 18):
            raise ValidationError("is no receipt such as RG-000012")
        return int(digits)


class MailAddress(fields.String):
    """An address mail can be sent to, or several, parted by `;` or `,`."""

    def __init__(self, **kwargs: Any) -> None:
        shown = {"maxLength": 1000, "example": "compta@atlas.example", **kwargs.pop("metadata", {})}
        super().__init__(metadata=shown, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        address: str = super()._deserialize(value, attr, data, **kwargs).strip()
        try:
            _, problems = parse_mailboxes(address)
        except UnusableAddress as error:
            raise ValidationError(str(error)) from None
        if problems:
            raise ValidationError(list(problems))
        return address


def _judged(parse: cells.Parser, text: str) -> Any:
    try:
        return parse(text)
    except cells.BadCell as error:
        raise ValidationError(f"{error.problem}: {error.remedy}") from None
