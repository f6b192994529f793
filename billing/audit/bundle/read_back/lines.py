"""Files of lines: a line is read when it is whole."""

from abc import abstractmethod

from billing.audit.bundle.read_back.reader import ReadBack, Reader


class LineReader(Reader):
    """A file of lines in UTF-8."""

    ENDING = b"\n"

    def __init__(self) -> None:
        super().__init__()
        self._rest = b""

    def read(self, piece: bytes) -> None:
        """Take the next piece, and count the lines it completes."""
        *lines, self._rest = (self._rest + piece).split(self.ENDING)
        for line in lines:
            self._count(line)

    def finished(self) -> ReadBack:
        """Return what the whole file says."""
        if self._rest:
            self.result.fault("the last line has no end")
        self.check_end()
        return self.result

    def check_end(self) -> None:
        """Judge what shows at the end only."""

    def _count(self, line: bytes) -> None:
        self.result.lines += 1
        try:
            self.line(line.decode("utf-8"))
        except (ValueError, IndexError, KeyError) as error:
            self.result.fault(f"line {self.result.lines}: {error}")

    @abstractmethod
    def line(self, line: str) -> None:
        """Count one line; raises ValueError, IndexError, KeyError for what can't be read."""
