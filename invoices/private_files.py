"""Files and folders that only their owner may read: they hold names, addresses and what firms owe."""

import os
from pathlib import Path
from typing import BinaryIO

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
