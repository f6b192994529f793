"""Files and folders that only their owner may read: they hold names, addresses and what firms owe."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

_FILE, _FOLDER = 0o600, 0o700


def private_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing; one that exists stays as it is."""
    missing = [folder, *folder.parents]
    for each in reversed(missing):
        # Path.mkdir gives its mode to the last folder alone.
        if not each.exists():
            each.mkdir(mode=_FOLDER, exist_ok=True)


def private_file(path: Path) -> BinaryIO:
    """Open a file to be written anew, whatever mask the process has."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE), "wb")


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """Open what is to stand at a path: it is there whole when the block ends, or what stood there before."""
    draft = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        with private_file(draft) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
