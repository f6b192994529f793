"""A ZIP archive written as a stream, each file hashed as it passes; the same files give the same bytes."""

import io
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

_PIECE_BYTES = 64 * 1024
# Of 1 to 9: a third of the usual level's time, for a sixth more room.
_LEVEL = 3
# Files that are compressed as they are: doing it again takes time, and no room is won.
_COMPRESSED = (".xlsx", ".pdf", ".jpg", ".png")


class _Stream(io.RawIOBase):
    """A file that is only written, taken away piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._written.append(piece)
        self.size += len(piece)
        return len(piece)

    def take(self) -> bytes:
        """Take what was written since the last time."""
        piece, self._written, self.size = b"".join(self._written), [], 0
        return piece


class Archive:
    """An archive of a year's books; `sums` are the SHA-256 of what was added, by path, in hexadecimal."""

    def __init__(self, year: int) -> None:
        self._stream = _Stream()
        self._archive = ZipFile(self._stream, "w", ZIP_DEFLATED)
        # No file bears the moment it was made: the year's last day stands for it.
        self._moment = (year, 12, 31, 0, 0, 0)
        self.sums: dict[str, str] = {}

    def add(self, path: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Add a file, and yield the archive's pieces."""
        member = ZipInfo(path, self._moment)
        member.compress_type = ZIP_STORED if path.endswith(_COMPRESSED) else ZIP_DEFLATED
        # The archive's own level counts only for members that it names itself.
        member._compresslevel = _LEVEL  # type: ignore[attr-defined]
        member.external_attr = 0o644 << 16
        digest = sha256()
        # The size of a file is known when it is written only: room for any.
        with self._archive.open(member, "w", force_zip64=True) as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
                if self._stream.size > _PIECE_BYTES:
                    yield self._stream.take()
        self.sums[path] = digest.hexdigest()
        yield self._stream.take()

    def manifest(self) -> Iterator[bytes]:
        """Yield a line a file, as `sha256sum --check` reads it."""
        for path, digest in self.sums.copy().items():
            yield f"{digest}  {path}\n".encode()

    def close(self) -> Iterator[bytes]:
        """Yield the archive's end."""
        self._archive.close()
        yield self._stream.take()
