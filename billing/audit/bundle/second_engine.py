"""Other engines recompute a bundle: hledger and beancount load its files, and give the books' balances."""

import csv
import io
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

from billing.audit.bundle.read_back.reader import OPENING, centimes
from billing.frame.counted import counted
from billing.frame.errors import BillingError

HLEDGER, BEAN_CHECK = "hledger", "bean-check"
_HLEDGER_FILE, _BEANCOUNT_FILE = "moteurs/livres.journal", "moteurs/livres.beancount"
_BALANCES = "controle/soldes-par-mois.csv"


class EngineDisagrees(BillingError):
    """Another engine refuses the books, or gives other balances."""


class NoEngine(BillingError):
    """The engine is not installed."""


def require_engines() -> None:
    """Raise NoEngine unless both are installed."""
    missing = [name for name in (HLEDGER, BEAN_CHECK) if _program(name) is None]
    if missing:
        raise NoEngine(f"{' and '.join(missing)} can't be found: install it, or leave --second-engine out")


def _program(name: str) -> str | None:
    # One installed beside us need not be on the path.
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def recompute(bundle: str | Path) -> Iterator[str]:
    """Let both engines load a bundle's files, and compare hledger's balances; a sentence each.

    Raises EngineDisagrees, NoEngine.
    """
    require_engines()
    with tempfile.TemporaryDirectory() as folder, ZipFile(bundle) as archive:
        for name in (_HLEDGER_FILE, _BEANCOUNT_FILE):
            archive.extract(name, folder)
        expected = _expected(archive)
        _run(HLEDGER, "-f", str(Path(folder) / _HLEDGER_FILE), "check", "--strict", "ordereddates")
        computed = _hledger_balances(Path(folder) / _HLEDGER_FILE)
        difference = sum(abs(computed.get(key, 0) - expected.get(key, 0)) for key in {*computed, *expected})
        if difference:
            raise EngineDisagrees(f"hledger's balances are off by {difference} centimes in all: report it")
        balances = counted(len(expected), "balance at a month's end", "balances at months' ends")
        yield f"hledger: no complaint, {balances} recomputed, difference = 0"
        _run(BEAN_CHECK, str(Path(folder) / _BEANCOUNT_FILE))
        yield "beancount: no complaint"


def _run(name: str, *arguments: str) -> str:
    program = _program(name)
    if program is None:
        raise NoEngine(f"{name} can't be found")
    # They read and write what the locale says.
    command = ["/usr/bin/env", "LC_ALL=C.UTF-8", program, *arguments]
    process = subprocess.run(  # noqa: S603 (a program of that name, found as a shell would)
        command, capture_output=True, encoding="utf-8", check=False
    )
    if process.returncode:
        raise EngineDisagrees(f"{name} refuses the books: {(process.stderr or process.stdout).strip()[:500]}")
    return process.stdout


def _expected(archive: ZipFile) -> dict[tuple[str, str], int]:
    """Return the books' balance of each account at the end of each month, those at zero left out."""
    rows = csv.DictReader(io.StringIO(archive.read(_BALANCES).decode(), newline=""))
    balances = {
        (row["Compte"], row["Mois"]): centimes(row["Solde (base de données)"]) for row in rows if row["Mois"] != OPENING
    }
    return {key: balance for key, balance in balances.items() if balance}


def _hledger_balances(file: Path) -> dict[tuple[str, str], int]:
    """Return the same, as hledger computes it. Balances run on after the last month with an entry, as in the books."""
    text = _run(
        HLEDGER, "-f", str(file), "balance", "--monthly", "--historical", "--empty", "--depth", "2", "--flat",
        "--no-total", "--layout", "bare", "-O", "csv",
    )  # fmt: skip
    rows = csv.reader(io.StringIO(text, newline=""))
    _, _, *ends = next(rows)
    months = [end[:7] for end in ends]
    year = months[0][:4]
    ends_of_months: dict[tuple[str, str], int] = defaultdict(int)
    for name, _commodity, *balances in rows:
        account = name.split(":")[1].split(" ")[0]
        of_month = dict(zip(months, map(_amount, balances), strict=True))
        latest = 0
        for month in (f"{year}-{number:02d}" for number in range(1, 13)):
            latest = of_month.get(month, latest)
            ends_of_months[account, month] += latest
    return {key: balance for key, balance in ends_of_months.items() if balance}


def _amount(text: str) -> int:
    return 0 if text in ("", "0") else centimes(text)
