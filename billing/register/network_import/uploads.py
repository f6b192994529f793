"""The files of an upload, laid into a folder that the import reads: their names and sizes are judged, not believed."""

import re
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from billing.frame.errors import Fault, Refused

# As sent, and as unpacked, all files together.
UPLOAD_BYTES_MAX = 32 << 20
UNPACKED_BYTES_MAX = 256 << 20
FILES_MAX = 100
_PIECE_BYTES = 1 << 20
# The list of an archive's files is read whole before they can be counted.
_INDEX_BYTES_MAX = 1 << 16
_END, _END_BYTES, _COMMENT_BYTES_MAX, _END_64, _END_64_BYTES = b"PK\x05\x06", 22, 1 << 16, b"PK\x06\x07", 20
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:.][^\x00-\x1f\x7f/\\:]{0,99}")
_NAME_BYTES_MAX = 200
_TORN = (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def unpack(uploads: Iterable[tuple[str, IO[bytes]]], folder: Path) -> None:
    """Write files, and those within archives (`.zip`), into an empty folder, by their plain names; raise Refused."""
    unpacked = _Unpacked(folder)
    for name, stream in uploads:
        if name.lower().endswith(".zip"):
            _unpack_archive(name, stream, unpacked)
        else:
            unpacked.add(name, stream)


def _refused(file: str, problem: str, remedy: str) -> Refused:
    return Refused([Fault(file[:_NAME_BYTES_MAX], None, None, None, problem, remedy)])


class _Unpacked:
    """A folder, and how much it may still take."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = UNPACKED_BYTES_MAX
        self._names: set[str] = set()

    def add(self, name: str, stream: IO[bytes]) -> None:
        """Write a file; raises Refused."""
        if _NAME.fullmatch(name) is None or len(name.encode("utf-8", "replace")) > _NAME_BYTES_MAX:
            raise _refused(name, "is no plain name of a file", "name it as its table, such as tenants.csv")
        if name.casefold() in self._names:
            raise _refused(name, "is there twice", "send it once")
        self._names.add(name.casefold())
        if len(self._names) > FILES_MAX:
            raise _refused(name, f"is the {FILES_MAX + 1}st file", "send the files of the network alone")
        with self._folder.joinpath(name).open("xb") as file:
            while piece := stream.read(min(_PIECE_BYTES, self._left + 1)):
                self._left -= len(piece)
                if self._left < 0:
                    remedy = "divide it, or load it with the command `import`"
                    raise _refused(name, f"unfolds to more than {UNPACKED_BYTES_MAX >> 20} MiB with the others", remedy)
                file.write(piece)


def _unpack_archive(name: str, stream: IO[bytes], unpacked: _Unpacked) -> None:
    _require_short_index(name, stream)
    try:
        with ZipFile(stream) as archive:
            for member, plain in _members(name, archive):
                with archive.open(member) as content:
                    unpacked.add(plain, content)
    except _TORN:
        raise _refused(
            name, "is no sound archive, or is protected", "pack the folder again, without password"
        ) from None


def _require_short_index(name: str, stream: IO[bytes]) -> None:
    """Refuse an archive whose list of files is long, before anything reads it."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _END_BYTES - _COMMENT_BYTES_MAX - _END_64_BYTES))
    tail = stream.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise _refused(name, "is no archive, or is torn", "pack the folder again as .zip")
    is_64 = tail[max(0, at - _END_64_BYTES) : at].startswith(_END_64)
    if is_64 or int.from_bytes(tail[at + 12 : at + 16], "little") > _INDEX_BYTES_MAX:
        raise _refused(name, "holds too many files", "pack the files of the network alone")
    stream.seek(0)


def _members(name: str, archive: ZipFile) -> Iterator[tuple[ZipInfo, str]]:
    """Yield the files of an archive, each with its plain name: they lie at its top, or all in one folder."""
    folders = set()
    for member in archive.infolist():
        folder, _, plain = member.filename.rpartition("/")
        if member.is_dir() or folder.partition("/")[0] == "__MACOSX" or plain.startswith("."):
            continue
        folders.add(folder)
        if len(folders) > 1 or folder.startswith((".", "/")) or "/" in folder:
            raise _refused(f"{name}/{member.filename}", "lies in a folder of its own", "pack the files of one folder")
        if stat.S_ISLNK(member.external_attr >> 16) or member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise _refused(f"{name}/{member.filename}", "is no plain file", "pack the files themselves")
        yield member, plain
