"""The kinds of argument the commands share: months, days, amounts, refused as wrong usage when they are none."""

import re
from datetime import date, datetime
from typing import Any

import click

from billing.frame.codes import RECEIPT as RECEIPT_CODE
from billing.frame.codes import SerialCode
from billing.frame.errors import Unknown
from pricing.period import parse_month

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Month(click.ParamType[date]):
    """`YYYY-MM`, as the first day of that month."""

    name = "YYYY-MM"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the first day of the month; a usage error for anything else."""
        if isinstance(value, date):
            return value
        try:
            return parse_month(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Day(click.ParamType[date]):
    """`YYYY-MM-DD`."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day; a usage error for anything else."""
        if isinstance(value, date):
            return value
        try:
            if _DAY.fullmatch(value) is None:
                raise ValueError(value)
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day such as 2026-09-01", param, ctx)


class Instant(click.ParamType[datetime]):
    """`2026-09-01T05:00:00Z`, or with the distance from UTC."""

    name = "INSTANT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the instant in UTC; a usage error for anything else."""
        from billing.frame.cells import BadCell
        from billing.frame.cells import instant as parse_instant

        if isinstance(value, datetime):
            return value
        try:
            return parse_instant(value)
        except BadCell as error:
            self.fail(f"{value!r} {error.problem}: {error.remedy}", param, ctx)


class Amount(click.ParamType[int]):
    """An amount above zero such as `2362.50` or `2362,50`, in centimes."""

    name = "AMOUNT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the centimes; a usage error for anything else."""
        if isinstance(value, int):
            return value
        from billing.frame.cells import BadCell
        from billing.frame.cells import amount as parse_amount
        from billing.frame.spelling import typed

        try:
            return int(parse_amount(typed(value)))
        except BadCell as error:
            self.fail(f"{value!r} {error.problem}: {error.remedy}", param, ctx)
        except ValueError as error:
            self.fail(f"{value!r} {error}: write it with two decimals", param, ctx)


class Numbered(click.ParamType[int]):
    """A number such as `RG-000012`, as its key."""

    def __init__(self, code: SerialCode) -> None:
        self.code = code
        self.name = code.thing

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the key; a usage error for anything else."""
        if isinstance(value, int):
            return value
        try:
            return self.code.parse(value)
        except Unknown:
            self.fail(f"{value!r} is no {self.code.thing} such as {self.code.format(12)}", param, ctx)


MONTH = Month()
DAY = Day()
INSTANT = Instant()
AMOUNT = Amount()
RECEIPT = Numbered(RECEIPT_CODE)
