"""PDFs against plain WeasyPrint and against a headless Chromium kept alive, both printing the very same HTML."""

import argparse
import base64
import dataclasses
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import weasyprint

from invoices.document import Document
from invoices.rendering.pdf import render_html, render_pdf
from invoices.rendering.workers import prepare
from tests.bench.table import AT_LEAST, AT_MOST, Row, markdown
from tests.support import documents

ROUNDS = 7
DOCUMENTS_A_ROUND = 6
# Clock ticks, the unit in which Linux accounts for the CPU of other processes.
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# Chromium shows this one's lines, and so does WeasyPrint: both print what a usual tenant gets.
SAMPLES = (documents.subsidised_split_month, documents.newcomer, documents.mature, documents.w1, documents.credit_note)


def samples(count: int) -> list[Document]:
    """So many usual documents of one to five lines, no two alike."""
    made = [SAMPLES[index % len(SAMPLES)]() for index in range(count)]
    return [
        dataclasses.replace(document, buyer=dataclasses.replace(document.buyer, legal_name=f"Atlas Logiciel {index}"))
        for index, document in enumerate(made)
    ]


def standing_alone(html: str, unused_fonts: bool = False) -> str:
    """The page with its stylesheet and fonts written into it: what a program without this package would print.

    Without `unused_fonts` only the two the page uses, so that nobody is charged for unpacking Arabic and Tifinagh.
    """
    package = files("invoices.rendering")
    css = (package / "templates" / "document.css").read_text(encoding="utf-8")
    if not unused_fonts:
        css = re.sub(r'@font-face \{ font-family: "Document (Arabic|Tifinagh)"[^}]*\}\n', "", css)

    def inlined(match: re.Match[str]) -> str:
        content = (package / "fonts" / match[1]).read_bytes()
        return f"data:font/woff2;base64,{base64.b64encode(content).decode()}"

    return html.replace("</head>", f"<style>{re.sub('package:([A-Za-z0-9.-]+)', inlined, css)}</style></head>")


class Chromium:
    """A headless Chromium that stays alive, spoken to through its pipe: messages of JSON that end with NUL."""

    def __init__(self, profile: str) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        launcher = (
            "import os,sys; os.dup2(int(sys.argv[1]),3); os.dup2(int(sys.argv[2]),4); "
            "os.execvp(sys.argv[3], sys.argv[3:])"
        )
        self.process = subprocess.Popen(
            [
                sys.executable, "-c", launcher, str(theirs_in), str(theirs_out), "chromium", "--headless=new",
                "--no-sandbox", "--disable-gpu", "--disable-extensions", "--disable-background-networking",
                "--no-first-run", f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank",
            ],
            pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._page = Path(profile) / "page.html"
        self._last, self._buffer, self._session = 0, b"", ""
        self._loaded = False
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._frame = self._call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self._call("Page.enable")

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        while (answer := self._receive()).get("id") != self._last:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = os.read(self._in, 1 << 20)
            if not chunk:
                raise RuntimeError("Chromium has gone")
            self._buffer += chunk
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._loaded = self._loaded or message.get("method") == "Page.loadEventFired"
        return message

    def pdf(self, html: str) -> bytes:
        """Load a page of its own, so that nothing of the page before is left, and print it once its fonts are there."""
        self._page.write_text(html, encoding="utf-8")
        self._loaded = False
        self._call("Page.navigate", url=self._page.as_uri())
        while not self._loaded:
            self._receive()
        return self._printed()

    def pdf_in_place(self, html: str) -> bytes:
        """Write a page over the one that is open, and print it: less work, but no clean start."""
        self._call("Page.setDocumentContent", frameId=self._frame, html=html)
        return self._printed()

    def _printed(self) -> bytes:
        self._call("Runtime.evaluate", expression="document.fonts.ready.then(() => 0)", awaitPromise=True)
        printed = self._call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(printed["data"])

    def cpu_seconds(self) -> float:
        """What it and all its children have used so far, those that have ended included."""
        parents, used = {}, {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            pid = int(stat.parent.name)
            parents[pid], used[pid] = int(fields[1]), sum(map(int, fields[11:15]))
        family, grown = {self.process.pid}, True
        while grown:
            children = {pid for pid, parent in parents.items() if parent in family}
            grown = not children <= family
            family |= children
        return sum(used.get(pid, 0) for pid in family) / TICKS_A_SECOND

    def close(self) -> None:
        """End it and wait."""
        self.process.terminate()
        self.process.wait()
        os.close(self._in)
        os.close(self._out)


@contextmanager
def chromium() -> Iterator[Chromium]:
    """A Chromium for the length of a block."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Chromium(profile)
        try:
            yield browser
        finally:
            browser.close()


def _cpu_of_ours(some: list[Document]) -> float:
    """CPU seconds of this process."""
    begun = time.process_time()
    for document in some:
        render_pdf(document)
    return time.process_time() - begun


def _cpu_of_plain(pages: list[str]) -> float:
    begun = time.process_time()
    for page in pages:
        weasyprint.HTML(string=page).write_pdf()
    return time.process_time() - begun


def against_others(rounds: int) -> list[Row]:
    """CPU of a document: ours, plain WeasyPrint's, Chromium's; interleaved, the order turning each round.

    Ours runs in a worker as the pool prepares it, plain WeasyPrint in a process as it is.
    """
    some = samples(DOCUMENTS_A_ROUND)
    pages = [standing_alone(render_html(document)) for document in some]
    whole = [standing_alone(render_html(document), unused_fonts=True) for document in some]
    with chromium() as browser, ProcessPoolExecutor(1, initializer=prepare) as worker, ProcessPoolExecutor(1) as bare:

        def browser_cpu(print_one: Callable[[str], bytes]) -> float:
            begun = browser.cpu_seconds()
            for page in pages:
                print_one(page)
            return browser.cpu_seconds() - begun

        measures: dict[str, Callable[[], float]] = {
            "ours": lambda: worker.submit(_cpu_of_ours, some).result(),
            "plain": lambda: bare.submit(_cpu_of_plain, pages).result(),
            "plain, all fonts": lambda: bare.submit(_cpu_of_plain, whole).result(),
            "chromium": lambda: browser_cpu(browser.pdf),
            "in place": lambda: browser_cpu(browser.pdf_in_place),
        }
        found: dict[str, list[float]] = {name: [] for name in measures}
        names = list(measures)
        for turn in range(rounds + 1):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                used = measures[name]() / len(some)
                if turn:  # The first round warms up.
                    found[name].append(used)

    def compared(what: str, name: str, bound: float | None) -> Row:
        ratio = statistics.median(a / b for a, b in zip(found["ours"], found[name], strict=True))
        ours, theirs = statistics.median(found["ours"]) * 1000, statistics.median(found[name]) * 1000
        return Row(what, ratio, AT_MOST if bound else "", bound, f"{ours:.0f} ms against {theirs:.0f} ms")

    return [
        compared(
            "PDF/A-3 with XML ÷ plain `HTML(string).write_pdf()`, same HTML and fonts, CPU", "plain, all fonts", 0.50
        ),
        compared("PDF/A-3 with XML ÷ the same, with only the two fonts the page uses, CPU", "plain", 0.50),
        compared("PDF/A-3 with XML ÷ headless Chromium kept alive, CPU", "chromium", 0.85),
        compared("PDF/A-3 with XML ÷ Chromium that writes over its open page, CPU", "in place", None),
    ]


def _render_all(some: list[Document]) -> int:
    return sum(len(render_pdf(document)) for document in some)


def two_processes(rounds: int) -> Row:
    """How much more two processes render than one, in the same time of the clock."""
    chunks = [samples(DOCUMENTS_A_ROUND * 2) for _ in range(4)]
    found = []
    with ProcessPoolExecutor(1, initializer=prepare) as one, ProcessPoolExecutor(2, initializer=prepare) as two:
        for pool in (one, two):
            wait([pool.submit(_render_all, chunk) for chunk in chunks])
        for turn in range(rounds):
            taken = {}
            for pool in (one, two) if turn % 2 else (two, one):
                begun = time.perf_counter()
                for future in [pool.submit(_render_all, chunk) for chunk in chunks]:
                    future.result()
                taken[pool] = time.perf_counter() - begun
            found.append(taken[one] / taken[two])
    return Row("Rendering: two processes ÷ one, documents a second", statistics.median(found), AT_LEAST, 1.85)


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _grow(settled: int, count: int) -> tuple[float, float]:
    """Resident memory of a worker after `settled` documents, when its caches are full, and after `count`."""
    some = samples(50)
    early = 0.0
    for index in range(count):
        render_pdf(some[index % len(some)])
        if index + 1 == settled:
            early = _resident_megabytes()
    return early, _resident_megabytes()


def memory(settled: int, count: int) -> Row:
    """Whether a worker's memory stays what it is."""
    with ProcessPoolExecutor(1, initializer=prepare) as pool:
        early, late = pool.submit(_grow, settled, count).result()
    note = f"{early:.0f} MB after {settled:,} documents, {late:.0f} MB after {count:,}"
    return Row(f"Memory of a worker after {count:,} documents ÷ after {settled:,}", late / early, AT_MOST, 1.05, note)


def size() -> Row:
    """The largest of the usual documents, against 30 KB."""
    largest = max(len(render_pdf(make())) for make in SAMPLES)
    return Row("Size of a usual PDF ÷ 30 KB", largest / 30_000, AT_MOST, 1.0, f"{largest:,} bytes")


def rows(quick: bool = False) -> list[Row]:
    """Every ratio of rendering; `quick` takes fewer rounds and documents."""
    rounds = 3 if quick else ROUNDS
    return [*against_others(rounds), two_processes(rounds), memory(*(100, 300) if quick else (200, 2_000)), size()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pdf", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and documents: a look, not a measurement")
    print(markdown(rows(parser.parse_args().quick)))  # noqa: T201
