"""Parts of a file gathered into pieces, neither too many nor too large."""

from collections.abc import Iterable, Iterator

_BYTES = 64 * 1024


def pieces(texts: Iterable[str]) -> Iterator[bytes]:
    """Yield the texts one after another, in UTF-8, some tens of kilobytes at a time."""
    return gathered(map(str.encode, texts))


def gathered(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the parts one after another, some tens of kilobytes at a time."""
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size > _BYTES:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
    yield b"".join(waiting)
