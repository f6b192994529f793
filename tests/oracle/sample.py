"""The sample network on the reference, and the results expected of it."""

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.oracle.reference import KEYS, Oracle

SAMPLE = Path(__file__).parents[2] / "billing" / "demo" / "network"
EXPECTED = Path(__file__).parents[1] / "golden" / "expected"


def golden(name: str) -> Any:
    """One of the files of expected results."""
    return json.loads((EXPECTED / name).read_text(encoding="utf-8"))


@cache
def played_sample() -> Oracle:
    """The reference after the six months; shared, not to be changed."""
    oracle = Oracle()
    files = {}
    for name in KEYS:
        path = SAMPLE / f"{name}.csv"
        # Nothing of the sample's usage is void.
        if path.exists():
            with path.open(encoding="utf-8", newline="") as lines:
                files[name] = list(csv.DictReader(lines))
    oracle.enter(files)
    for month in golden("months.json"):
        oracle.run(month["period"])
    return oracle


def as_golden(shape: dict[str, Any]) -> str:
    """A document as the golden file has it: fewer fields, some numbers as JSON numbers, lines in its order."""
    texts = ("service", "site", "lease", "month", "first_day", "last_day", "tier")
    lines = [
        {
            **{name: line[name] for name in texts},
            **{name: float(line[name]) for name in ("quantity", "unit_price", "vat_rate")},
            **{name: line[name] for name in ("amount", "full_amount", "cost_amount")},
        }
        for line in shape["lines"]
    ]
    order = ("service", "site", "lease", "month", "first_day", "tier", "unit_price", "amount")
    lines.sort(key=lambda line: tuple(str(line[name] or "") for name in order))
    return json.dumps({**{name: shape[name] for name in ("kind", "tenant", "net", "tax", "gross")}, "lines": lines})
