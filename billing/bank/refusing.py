"""The refusal of a decision about a bank line: one fault, with what to do instead."""

from billing.frame.errors import Fault, Refused


def refused(column: str, value: str | None, problem: str, remedy: str) -> Refused:
    """Return the error to raise."""
    return Refused([Fault("statements", None, column, value, problem, remedy)])
