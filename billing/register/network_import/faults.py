"""Collects what is wrong with input, so that everything is said in one go."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from billing.frame.counted import counted
from billing.frame.errors import Fault, Taken

# Beyond this the rest of a file is counted, not listed: nobody reads on, and memory has an end.
FAULTS_PER_FILE_MAX = 100_000
_VALUE_LENGTH_MAX = 200


class Faults:
    """The faults found so far, given in the order of files and lines."""

    def __init__(self, files: Sequence[str]) -> None:
        self._order = {file: index for index, file in enumerate(files)}
        self._found: list[Fault] = []
        self._counts: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(
        self, file: str, line: int | None, column: str | None, value: str | None, problem: str, remedy: str = ""
    ) -> None:
        """Note one fault; see `Fault`."""
        self._note(Fault(file, line, column, value, problem, remedy))

    def add_taken(self, file: str, line: int | None, column: str, value: str, problem: str, remedy: str) -> None:
        """Note that something exists already with other values; see `Taken`."""
        self._note(Taken(file, line, column, value, problem, remedy))

    def _note(self, fault: Fault) -> None:
        self._counts[fault.file] += 1
        if self._counts[fault.file] <= FAULTS_PER_FILE_MAX:
            if fault.value is not None and len(fault.value) > _VALUE_LENGTH_MAX:
                fault = replace(fault, value=fault.value[:_VALUE_LENGTH_MAX] + "…")
            self._found.append(fault)

    def in_order(self) -> list[Fault]:
        """Return every fault, by file, then by line; those of one line in the order they were found."""
        unlisted = [
            Fault(
                file,
                None,
                None,
                None,
                f"has {counted(count - FAULTS_PER_FILE_MAX, 'more fault')}",
                "mend the listed ones first",
            )
            for file, count in self._counts.items()
            if count > FAULTS_PER_FILE_MAX
        ]
        last = len(self._order)
        by_line = sorted(self._found, key=lambda fault: (self._order.get(fault.file, last), fault.line or 0))
        return by_line + unlisted
