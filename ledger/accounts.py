"""The chart of accounts (CGNC, law.md section 5, and the péréquation accounts of R21), as data."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from ledger.errors import UnknownAccount


@cache
def chart() -> Mapping[str, str]:
    """Return every account and its French label, as shipped in `chart.csv`."""
    with (files("ledger") / "chart.csv").open(encoding="utf-8") as lines:
        return MappingProxyType({row["account"]: row["label"] for row in csv.DictReader(lines)})


def label_of(account: str) -> str:
    """Return the account's label, or that of the closest account above it (71249 takes 7124's).

    Raises UnknownAccount when no account of at least three digits stands above it.
    """
    for length in range(len(account), 2, -1):
        if account[:length] in chart():
            return chart()[account[:length]]
    raise UnknownAccount(f"{account} is not an account of the chart, nor below one")
