"""Streams of a PDF that are compressed once, though pydyf asks for each twice: for the file and for its identifier."""

from functools import cached_property
from typing import Any

import pydyf  # type: ignore[import-untyped]


class _WrittenOnce(pydyf.Stream):  # type: ignore[misc]
    """A stream nothing is added to any more."""

    def __init__(self, stream: pydyf.Stream) -> None:
        super().__init__(stream.stream, stream.extra, stream.compress)
        self.number, self.generation, self.free = stream.number, stream.generation, stream.free

    @cached_property
    def data(self) -> bytes:
        """Return the stream as the file holds it."""
        written: bytes = super().data
        return written


def write_once(pdf: Any) -> None:
    """Put such a stream in the place of each stream of a finished PDF."""
    pdf.objects[:] = [_WrittenOnce(item) if isinstance(item, pydyf.Stream) else item for item in pdf.objects]
