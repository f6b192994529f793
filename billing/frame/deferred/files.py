"""The files of a job, in a folder of its own that is the service's user's alone.

What a job says of itself while it works stands in files, not in the database: on SQLite the work may hold the only
write lock, and is to be watched and cancelled all the same.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from billing.frame.settings import Settings
from invoices.private_files import private_file, private_folder

_PRIVATE_FILE = 0o600


@dataclass(frozen=True, slots=True)
class JobFiles:
    """The folder of a job: what was sent, what is being written, what was answered."""

    folder: Path

    @property
    def body(self) -> Path:
        """The body of the request."""
        return self.folder / "body"

    @property
    def result(self) -> Path:
        """The body of the answer, while it is written as well."""
        return self.folder / "result"

    @property
    def scratch(self) -> Path:
        """The folder for temporary files of the work."""
        return self.folder / "scratch"

    @property
    def _answer(self) -> Path:
        return self.folder / "answer.json"

    @property
    def _progress(self) -> Path:
        return self.folder / "progress.json"

    @property
    def _cancelled(self) -> Path:
        return self.folder / "cancelled"

    def create(self, body: bytes) -> None:
        """Make the folder, with the body of the request in it."""
        private_folder(self.folder)
        _write(self.body, body)

    def make_ready(self) -> None:
        """Remove what an attempt that ended early has left."""
        for path in (self._answer, self._progress, self.result):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.scratch, ignore_errors=True)
        private_folder(self.scratch)

    def finish(self, answer: bytes) -> None:
        """Say what was answered; from now on the result is whole."""
        _write(self._answer, answer)

    def answer(self) -> bytes | None:
        """Return what was answered; None while there is no whole result."""
        return _read(self._answer)

    def report(self, done: int, total: int) -> None:
        """Say how far the work has come."""
        _write(self._progress, orjson.dumps([done, total]))

    def progress(self) -> tuple[int, int] | None:
        """Return how far the work has come, and of how much; None: it has not said."""
        text = _read(self._progress)
        if text is None:
            return None
        done, total = orjson.loads(text)
        return done, total

    def written(self) -> int:
        """Return how much of the result is written, in octets."""
        try:
            return self.result.stat().st_size
        except FileNotFoundError:
            return 0

    def cancel(self) -> None:
        """Ask that the work end; it may be under way or not have begun."""
        with suppress(FileNotFoundError):
            self._cancelled.touch(_PRIVATE_FILE)

    def is_cancelled(self) -> bool:
        """Return whether somebody asked that the work end."""
        return self._cancelled.exists()

    def clear(self, *, keep_result: bool) -> None:
        """Remove everything, or everything but the result."""
        if keep_result:
            for path in (self.body, self._answer, self._progress, self._cancelled):
                path.unlink(missing_ok=True)
            shutil.rmtree(self.scratch, ignore_errors=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the job as long as the block, or this process, lasts; raise BlockingIOError where another does."""
        with held_file(self.folder / "held"):
            yield

    def is_held(self) -> bool:
        """Return whether a process holds the job."""
        try:
            with self.held():
                return False
        except BlockingIOError:
            return True


def files_of(settings: Settings, name: str) -> JobFiles:
    """Return the files of the job of that name."""
    folder = settings.jobs_folder
    return JobFiles(folder / name)


@contextmanager
def held_file(path: Path) -> Iterator[None]:
    """Hold a file that one process at a time may hold; raise BlockingIOError where another does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole: a reader finds all of it, or what stood before."""
    part = path.with_name(f"{path.name}.part")
    with private_file(part) as file:
        file.write(content)
    part.replace(path)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
