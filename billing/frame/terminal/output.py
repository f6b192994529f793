"""Commands show progress, results and warnings, and write output files, through this module."""

import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

import click

# Formats no terminal can show.
BINARY = frozenset({"xlsx", "parquet", "pdf"})


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that draws a bar on the terminal from (done, in all); None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show


@contextmanager
def rows_progress() -> Iterator[Callable[[str, int], None] | None]:
    """Yield a function that draws a running count from (file, rows read so far); None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def show(file: str, rows: int) -> None:
            bar.update(task, description=file, completed=rows)

        yield show


def warn(text: str) -> None:
    """Write a line on standard error; nothing stops."""
    click.secho(f"warning: {text}", err=True, fg="yellow")


def report(lines: Sequence[str]) -> None:
    """Write the result of long work: one fact a line for people, all in one line for logs."""
    if sys.stdout.isatty():
        click.echo("\n".join(lines))
    else:
        click.echo("; ".join(line.strip() for line in lines))


def require_showable(format_name: str, output: str | None) -> None:
    """Refuse to write binary formats onto a terminal."""
    if format_name in BINARY and output in (None, "-") and sys.stdout.isatty():
        raise click.UsageError(f"{format_name} is no text to show on a terminal: give --output FILE")


@contextmanager
def destination(output: str | None) -> Iterator[BinaryIO]:
    """Yield where an export goes: a file or standard output, written whole or not at all."""
    if output in (None, "-"):
        with TemporaryFile() as whole:
            yield cast("BinaryIO", whole)
            whole.seek(0)
            shutil.copyfileobj(whole, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        return
    path = Path(os.path.realpath(str(output)))
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        # A pipe or a device: it can't be replaced by another file.
        with path.open("wb") as stream:
            yield stream
        return
    with _replacing(path) as stream:
        yield stream


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file beside the wanted one, put into its place when the block ends and removed when it raises."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with beside.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(beside):
            error.filename = str(path)
        raise


def grouped(amount: str) -> str:
    """Return a decimal string with its thousands apart: 2839.50 gives `2 839.50`."""
    whole, _, cents = amount.partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.lstrip('-')):,}.{cents}".replace(",", "\N{NO-BREAK SPACE}")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table for people on standard output; all columns but the first are figures."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        shown.add_column(name, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        shown.add_row(*(str(cell) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        # A file has no width: nothing may be cut off.
        console = Console(width=200, highlight=False)
    with console.capture() as drawn:
        console.print(shown)
    click.echo("\n".join(line.rstrip() for line in drawn.get().splitlines()))
