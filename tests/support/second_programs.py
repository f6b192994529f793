"""hledger and beancount read the journal, and say what it comes to."""

import csv
import os
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from beancount import loader
from beancount.core import data

HLEDGER = shutil.which("hledger")


def run_hledger(file: Path, *arguments: str) -> str:
    assert HLEDGER is not None, "hledger is needed: `make test` installs it"
    # hledger reads and writes what the locale says.
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [HLEDGER, "-f", str(file), *arguments], check=True, capture_output=True, env=environment, encoding="utf-8"
    ).stdout


def hledger_balances(file: Path, *arguments: str) -> dict[str, int]:
    rows = csv.reader(run_hledger(file, "balance", "--flat", "-O", "csv", "--no-total", *arguments).splitlines()[1:])
    return {name: int(Decimal(amount.removeprefix("MAD ")) * 100) for name, amount in rows}


def beancount_postings(file: Path) -> Iterator[tuple[data.Transaction, data.Posting]]:
    directives, errors, _ = loader.load_file(str(file))
    assert errors == []
    for directive in directives:
        if isinstance(directive, data.Transaction):
            for posting in directive.postings:
                yield directive, posting
