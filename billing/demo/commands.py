"""The command that shows everything at once: demo."""

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from billing.frame.counted import counted
from billing.frame.terminal.command import NAME, Command, Failure, example
from billing.frame.terminal.output import grouped, progress, table

if TYPE_CHECKING:
    from billing.demo.demonstrating import Demonstration

# The order of R18, and what the table calls it.
_FUNDING = {
    "earmarked_grants": "grants",
    "own": "own firms",
    "network": "other sites",
    "reserve": "reserve",
    "network_grants": "network grants",
    "unfunded": "operator",
}


@contextmanager
def _show(step: str) -> Iterator[Callable[[int, int], None] | None]:
    """Write one line a step, with the time it took, and a bar while it lasts."""
    began = time.monotonic()
    with progress(step) as bar:
        yield bar
    click.echo(f"{step:<16} {time.monotonic() - began:6.1f} s", err=True)


@click.command("demo", cls=Command, epilog=example("technopark-billing demo demo-out"))
@click.argument("folder", type=click.Path(path_type=Path), default=Path("demo-out"))
def demo_command(folder: Path) -> None:
    """Bill the shipped sample network for six months in FOLDER (default: demo-out).

    450 firms in five parks, June to November 2026, in an SQLite database of the folder's own, with the PDFs and
    mails of the last month, the review of the next one and the books in every format. A former demonstration there
    is replaced; any other folder that holds something is left alone. No setting of the environment matters.
    """
    from billing.demo.demonstrating import demonstrate

    made = demonstrate(folder, show=_show)
    _show_months(made)
    _show_funding(made)
    _show_places(made)
    for problem in (*made.problems, *map(str, made.delivery.failures)):
        click.echo(problem, err=True)
    if made.problems or made.delivery.failures:
        raise Failure("the demonstration does not hold: see above")


def _show_months(made: "Demonstration") -> None:
    from pricing.money import format_amount
    from pricing.period import format_month

    rows = [
        (
            format_month(report.period),
            report.invoices.count,
            report.credit_notes.count,
            *(
                grouped(format_amount(billed - credited))
                for billed, credited in (
                    (report.invoices.net, report.credit_notes.net),
                    (report.invoices.tax, report.credit_notes.tax),
                    (report.invoices.gross, report.credit_notes.gross),
                )
            ),
            grouped(report.cross_subsidy["advantage"]),
            grouped(report.cross_subsidy["reserve_after"]),
        )
        for report in made.reports
    ]
    columns = ("month", "invoices", "credit notes", "net DH", "VAT DH", "gross DH", "discounts DH", "reserve DH")
    table("What was billed (invoices less credit notes)", columns, rows)


def _centimes(amount: str) -> int:
    from pricing.money import AMOUNT_DECIMALS, parse_decimal

    return parse_decimal(amount, AMOUNT_DECIMALS)


def _show_funding(made: "Demonstration") -> None:
    from pricing.money import format_amount
    from pricing.period import format_month

    last = made.reports[-1]
    sums = {
        code: [_centimes(site[part]) for part in ("draws", *_FUNDING, "contributions")]
        for code, site in last.cross_subsidy["sites"].items()
    }
    own = 1 + list(_FUNDING).index("own")
    for site in sums.values():
        site.append(site[-1] - site[own])
    sums["network"] = [sum(column) for column in zip(*sums.values(), strict=True)]
    rows = [(code, *(grouped(format_amount(amount)) for amount in site)) for code, site in sums.items()]
    columns = ("site", "needs", *(f"← {name}" for name in _FUNDING.values()), "its firms bring", "gives on")
    table(
        f"Who funds whom in {format_month(last.period)}, in DH (given on, and not needed: to the reserve)",
        columns,
        rows,
    )


def _show_places(made: "Demonstration") -> None:
    folder = made.folder
    documents = [path for path in (folder / "documents").rglob("*.pdf") if path.name[:2] in ("FA", "AV")]
    reminders = ", ".join(path.name for path in made.reminders)
    mails = sum(1 for _ in (folder / "outbox").glob("*.eml"))
    thoughts = made.second_thoughts
    proved = "proved by check" if not made.problems else f"{counted(len(made.problems), 'problem')} found by check"
    rows = [
        ("a newcomer", f"{made.newcomer}  (its discount, and when that ends)"),
        ("a mature firm", f"{made.mature}  (what it brings to newcomers)"),
        ("all documents", f"{folder / 'documents'}  ({len(documents)} PDF/A-3, each with its XML)"),
        ("a reminder", f"{folder / 'reminders'}  ({reminders or 'nothing is due to be reminded of'})"),
        ("the mails", f"{folder / 'outbox'}  ({mails} .eml)"),
        (
            "the bank",
            f"{made.banking.folder}  (camt.053: {counted(made.banking.lines, 'line')}, {made.banking.booked} "
            f"booked themselves, "
            f"{made.banking.waiting} wait, one since its payer contradicts the invoice it names; reconciliation)",
        ),
        (
            "the next month",
            f"{thoughts.folder}  (its review for a manager to sign: {len(thoughts.review.documents)} documents, "
            f"{thoughts.review.flagged} to look at, {thoughts.held} held from it)",
        ),
        (
            "taken back",
            f"usage event {thoughts.voided} is void: the review credits its line; "
            f"receipt {thoughts.cancelled} is cancelled",
        ),
        (
            "for the board",
            f"{folder / 'books'}  (indicateurs-2026.pdf, two pages; perequation-2026.pdf, who funds whom; "
            "compte-de-perequation-….pdf, a firm's)",
        ),
        ("for the region", f"{folder / 'books' / 'emploi-des-subventions-2026.pdf'}  (its grant, firm by firm)"),
        ("who waits", f"{folder / 'books' / 'liste-d-attente-CAS.xlsx'}  (or: applications show C2026-001)"),
        ("the books", f"{folder / 'books'}  (hledger, beancount, FEC, Parquet, Excel, JSON)"),
        ("the database", f"{folder / 'billing.sqlite'}  ({proved})"),
    ]
    click.secho("What to look at", bold=True)
    for name, place in rows:
        click.echo(f"  {name:<14} {place}")
    url = shlex.quote(f"sqlite:///{folder / 'billing.sqlite'}")
    click.echo(f"\nGo on with it:  DATABASE_URL={url} {NAME} run 2026-12 --dry-run")
