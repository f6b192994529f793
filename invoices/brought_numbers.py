"""The numbers of brought invoices in payers' texts: whole, in whatever style they were given (R29, R33); pure."""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from invoices.structured_reference import Mentions, mentions_in

_GROUP = re.compile(r"[A-Z0-9]+", re.ASCII)
# Between the parts of one number stand so many signs at most.
_SEPARATOR = re.compile(r"[^\nA-Z0-9]{0,3}")
_SIGN = re.compile(r"[/._-]")
# Of fewer signs, or of digits alone, a number is found in a text by chance: it is looked at, never believed.
_LENGTH_MIN, _TELLING_LENGTH_MIN, _TELLING_DIGITS_MIN = 3, 4, 7


class _Number(NamedTuple):
    number: str
    groups: tuple[str, ...]

    @property
    def is_digits(self) -> bool:
        return all(group.isdecimal() for group in self.groups)


class BroughtNumbers:
    """The numbers of brought invoices, looked for in texts without regard to the signs between their parts."""

    def __init__(self, numbers: Iterable[str] = ()) -> None:
        self._by_compact: dict[str, list[_Number]] = {}
        for number in numbers:
            groups = tuple(_GROUP.findall(number.upper()))
            compact = "".join(groups)
            if len(compact) >= _LENGTH_MIN and any(map(str.isdecimal, compact)):
                self._by_compact.setdefault(compact, []).append(_Number(number, groups))
        self._longest = max(map(len, self._by_compact), default=0)
        self._extended = {
            shorter for longer in self._by_compact for end in range(1, len(longer)) if (shorter := longer[:end])
        } & self._by_compact.keys()

    def __bool__(self) -> bool:
        return bool(self._by_compact)

    def mentions_in(self, text: str) -> Mentions:
        """Return the documents that a text names: brought ones, and of what is left of it, ours.

        A brought number that may be found by chance, or be cut off at the end of a line where a longer one begins like
        it, is among `joined`: whatever rests on it is contested.
        """
        if not self._by_compact:
            return mentions_in(text)
        certain: list[str] = []
        uncertain: list[str] = []
        capitals = text.upper()
        if len(capitals) != len(text):
            # A sign whose capitals are several would shift what is taken out.
            capitals = text
        groups = list(_GROUP.finditer(capitals))
        spans: list[tuple[int, int]] = []
        index = 0
        while index < len(groups):
            count, numbers = self._at(capitals, groups, index)
            if not numbers:
                index += 1
                continue
            start, end = groups[index].start(), groups[index + count - 1].end()
            for number in numbers:
                is_certain = len(numbers) == 1 and self._is_telling(number, capitals, groups[index : index + count])
                (certain if is_certain else uncertain).append(number.number)
            spans.append((start, end))
            index += count
        left = list(text)
        for start, end in reversed(spans):
            left[start:end] = " X "
        ours = mentions_in("".join(left))
        return ours._replace(
            written=tuple(dict.fromkeys((*ours.written, *certain))),
            joined=tuple(dict.fromkeys((*ours.joined, *uncertain))),
        )

    def _at(self, text: str, groups: list[re.Match[str]], index: int) -> tuple[int, list[_Number]]:
        """Return the longest numbers that begin with a group of a text, and of how many groups they are."""
        compact, found = "", (0, list[_Number]())
        for count, group in enumerate(groups[index:], 1):
            if count > 1 and not _SEPARATOR.fullmatch(text, groups[index + count - 2].end(), group.start()):
                break
            compact += group[0]
            if len(compact) > self._longest:
                break
            numbers = [
                number
                for number in self._by_compact.get(compact, ())
                # Digits alone are another number, or a day, where they are parted otherwise.
                if not number.is_digits or number.groups == tuple(g[0] for g in groups[index : index + count])
            ]
            if numbers:
                found = count, numbers
        return found

    def _is_telling(self, number: _Number, text: str, groups: list[re.Match[str]]) -> bool:
        compact = "".join(number.groups)
        if compact in self._extended and text[groups[-1].end() :].lstrip(" .,;:/_-")[:1] in ("", "\n"):
            return False
        if not number.is_digits:
            return len(compact) >= _TELLING_LENGTH_MIN
        between = [text[one.end() : other.start()] for one, other in pairwise(groups)]
        return len(compact) >= _TELLING_DIGITS_MIN and len(groups) > 1 and all(map(_SIGN.fullmatch, between))
