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
        """As the file holds it."""
        written: bytes = super().data
        return written


def write_streams_once(_document: object, pdf: Any) -> None:
    """What WeasyPrint calls a finisher: the last touch before the file is written."""
    pdf.objects[:] = [_WrittenOnce(found) if isinstance(found, pydyf.Stream) else found for found in pdf.objects]
