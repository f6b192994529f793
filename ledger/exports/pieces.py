"""Texts gathered into pieces of a file, neither too many nor too large."""

from collections.abc import Iterable, Iterator

_CHARACTERS = 64 * 1024


def pieces(texts: Iterable[str]) -> Iterator[bytes]:
    """Yield the texts one after another, in UTF-8, some tens of kilobytes at a time."""
    gathered: list[str] = []
    size = 0
    for text in texts:
        gathered.append(text)
        size += len(text)
        if size > _CHARACTERS:
            yield "".join(gathered).encode()
            gathered.clear()
            size = 0
    yield "".join(gathered).encode()
