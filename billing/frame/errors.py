"""These errors say why the service refuses an act.

BillingError
├── BadConfiguration     an environment variable that can't be used
├── SchemaNotReady       the database has not been migrated
├── Refused              bad input; carries every fault found
├── Unknown              nothing bears that name
├── RunRefused           a month that can't be run now (R14)
├── PeriodRefused        a month that can't be closed now
├── TooLong              more than one file of that kind can hold
├── ReasonRequired       an exception from the rule, without a reason
├── NotAllowed           it is not for who asks: wrong token, disabled user, another role
└── Conflict             it exists already, or another act holds it
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with input: where, what was found, what is wrong and what to do.

    `file` is a file name or a resource; `line` counts from 1 with the header, None where there is
    none; `remedy` is a sentence.
    """

    file: str
    line: int | None
    column: str | None
    value: str | None
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        column = "" if self.column is None else f" {self.column}"
        value = "" if self.value is None else f" {self.value!r}"
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{place}:{column}{value} {self.problem}{remedy}"


@dataclass(frozen=True, slots=True)
class Taken(Fault):
    """A fault of its own kind: the key exists already, with other values."""


class BillingError(Exception):
    """Base class; the message says what to do next."""


class BadConfiguration(BillingError):
    """An environment variable holds something unknown or malformed."""


class SchemaNotReady(BillingError):
    """The database's schema is missing or of another version."""


class Refused(BillingError):
    """Input that is refused whole; `faults` lists every reason."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class Unknown(BillingError):
    """Nothing bears that name."""


class RunRefused(BillingError):
    """A month that can't be run now (R14)."""


class PeriodRefused(BillingError):
    """A month that can't be closed now."""


class TooLong(BillingError):
    """More than one file of that kind can hold."""


class ReasonRequired(BillingError):
    """An exception from the rule for which no reason was given."""


class Conflict(BillingError):
    """The thing exists already, or another act holds it."""


class NotAllowed(BillingError):
    """Who asks may not do it: a wrong token, a disabled user, another role."""
