"""`make bench`: every ratio in one run, as a table with the machine and the versions (docs/performance.md)."""

import argparse
import importlib
import sys
import time
import traceback
from datetime import UTC, datetime

from tests.bench.table import Row, machine, markdown

PARTS = (
    "run", "ledger", "proof", "pdf", "api", "beside", "delivery", "webhooks",
    "imports", "statements", "aged_balance", "receipts"
)  # fmt: skip


def main() -> int:
    """Measure the parts named, or all; exit 1 when a bound is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="what to measure (default: everything)")
    parser.add_argument("--quick", action="store_true", help="smaller data and fewer rounds: a look, not a measurement")
    parser.add_argument("--output", help="write the table there as well, in Markdown")
    options = parser.parse_args()
    found: list[Row] = []
    broken = []
    for part in options.parts or PARTS:
        began = time.monotonic()
        print(f"measuring {part} ...", file=sys.stderr, flush=True)  # noqa: T201
        try:
            found += importlib.import_module(f"tests.bench.{part}").rows(quick=options.quick)
        except Exception:
            # What the other parts have measured, and will, is not lost.
            traceback.print_exc()
            broken.append(part)
        print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)  # noqa: T201
    kind = " (quick: not a measurement)" if options.quick else ""
    text = f"{datetime.now(UTC):%Y-%m-%d}{kind}. {machine()}.\n\n{markdown(found)}\n"
    print(text)  # noqa: T201
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(text)
    for part in broken:
        print(f"{part} could not be measured", file=sys.stderr)  # noqa: T201
    return 0 if not broken and all(row.holds for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
