"""The whole month: run, PDFs made and kept, mails sent over SMTP, against rendering the same documents alone."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from billing.documents.delivery.delivering import deliver
from billing.documents.delivery.queue_pass import RENDERED_TOGETHER
from billing.documents.delivery.rendering import RenderBatch
from billing.frame.database import open_engine, reading
from billing.frame.executors import open_executor, run_tasks
from billing.frame.settings import Settings, load_settings
from billing.register.network_import import import_folder
from billing.run.month import run_month
from billing.schema.migrating import migrate
from invoices.document import Document
from invoices.reading import document_ids, load_documents
from invoices.rendering.pdf import render_pdf
from pricing.period import months
from tests.bench.table import AT_MOST, Row

MONTH = date(2026, 11, 1)
BEFORE = months(date(2026, 6, 1), date(2026, 10, 1))


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


@contextmanager
def smtp_sink() -> Iterator[int]:
    """The port of an SMTP server, a program of its own, that takes everything and keeps nothing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-c", "aiosmtpd.handlers.Sink"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def settings(folder: Path, port: int) -> Settings:
    """The settings of a round that keeps everything in `folder`."""
    return load_settings(
        {
            "DATABASE_URL": f"sqlite:///{folder}/month.sqlite",
            "DOCUMENTS_URL": f"file://{folder}/documents",
            "SMTP_URL": f"smtp://127.0.0.1:{port}?security=none",
        }
    )


def prepare(folder: Path) -> Path:
    """A database with the sample network, billed up to the month before; its file."""
    chosen = settings(folder, 25)
    engine = open_engine(chosen.database_url)
    migrate(engine)
    with as_file(files("billing") / "demo" / "network") as network:
        import_folder(engine, network, now=now())
    for month in BEFORE:
        run_month(chosen, engine, month, clock=now, issued_on=month, deliver=False)
    # The file is copied as it is: nothing may be left beside it.
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return folder / "month.sqlite"


def whole_month(database: Path, port: int) -> tuple[float, int, list[tuple[int, Document]]]:
    """Seconds to bill and deliver the month from its first row to its last mail; how many; the documents."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(database, folder / "month.sqlite")
        chosen = settings(folder, port)
        engine = open_engine(chosen.database_url)
        began = time.perf_counter()
        run_month(chosen, engine, MONTH, clock=now, issued_on=MONTH)
        report = deliver(chosen, engine, clock=now)
        seconds = time.perf_counter() - began
        with reading(engine) as connection:
            documents = load_documents(connection, document_ids(connection, MONTH))
        engine.dispose()
        if report.sent != len(documents) or not report.is_complete:
            raise RuntimeError(f"not everything was delivered: {report}")
        return seconds, report.sent, documents


def render_only(batch: RenderBatch) -> int:
    """Render a few documents and keep nothing; how many bytes they were."""
    return sum(len(render_pdf(paper)) for _, paper in batch.papers if isinstance(paper, Document))


def rendering_alone(chosen: Settings, documents: Sequence[tuple[int, Document]]) -> float:
    """Seconds to render the documents on the same processes."""
    parts = (documents[start : start + RENDERED_TOGETHER] for start in range(0, len(documents), RENDERED_TOGETHER))
    batches = (RenderBatch("", tuple(part)) for part in parts)
    began = time.perf_counter()
    run_tasks(partial(open_executor, chosen, None), render_only, batches, lambda *_: None)
    return time.perf_counter() - began


def rows(*, quick: bool = False) -> list[Row]:
    """The whole month ÷ its rendering alone, in alternating order."""
    wholes, alones, sent = [], [], 0
    with TemporaryDirectory() as name, smtp_sink() as port:
        database = prepare(Path(name))
        chosen = settings(Path(name), port)
        _, _, documents = whole_month(database, port)
        for turn in range(1 if quick else 5):
            for what in ("whole", "alone") if turn % 2 else ("alone", "whole"):
                if what == "alone":
                    alones.append(rendering_alone(chosen, documents))
                else:
                    seconds, sent, _ = whole_month(database, port)
                    wholes.append(seconds)
    whole, alone = statistics.median(wholes), statistics.median(alones)
    ratio = statistics.median(a / b for a, b in zip(wholes, alones, strict=True))
    note = f"{sent} documents, {os.cpu_count()} cores: {whole:.1f} s ÷ {alone:.1f} s; load {os.getloadavg()[0]:.1f}"
    return [Row("whole month (run, PDFs, SMTP) ÷ its rendering alone", ratio, AT_MOST, 1.3, note)]
