"""Finds how a file spells its numbers and days, from whole columns; refuses one that could be read two ways."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from billing.frame import spelling
from billing.frame.spelling import COMMA, POINT, SIGNS
from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import Form, Layout
from billing.register.network_import.reading.header import NumberedRow, UnreadableFile

# So many rows are named where a file contradicts itself.
_NAMED_MAX = 20
# Cells that come again are looked at once.
_KINDS_MAX = 50_000
_ISO, _SLASHED = "as 2026-09-30", "as 30/09/2026"


class _Cell(NamedTuple):
    line: int
    column: str
    text: str


class _Seen:
    """Cells of one kind: how many, and the first of them."""

    def __init__(self) -> None:
        self.number = 0
        self.first: list[_Cell] = []

    def add(self, line: int, column: str, cell: str) -> None:
        self.number += 1
        if len(self.first) < _NAMED_MAX:
            self.first.append(_Cell(line, column, cell.strip()))


class Spellings:
    """The signs and forms of days that the columns of one file show."""

    def __init__(self, file: str, layout: Layout) -> None:
        self._file = file
        self._columns = tuple(
            (index, column.name, column.form)
            for index, column in enumerate(layout.columns)
            if column.form is not Form.TEXT
        )
        self._signs = {COMMA: _Seen(), POINT: _Seen()}
        self._two_ways = {COMMA: _Seen(), POINT: _Seen()}
        self._pointed = False
        self._days = {_ISO: _Seen(), _SLASHED: _Seen()}
        self._month_first = _Seen()
        self._kinds: dict[tuple[Form, str], tuple[_Seen, ...]] = {}

    def learn(self, rows: Iterable[NumberedRow]) -> None:
        """Look at every row; what is neither number nor day is left to those who parse it."""
        kinds = self._kinds
        for line, row in rows:
            for index, name, form in self._columns:
                cell = row[index]
                seen = kinds.get((form, cell))
                if seen is None:
                    if len(kinds) >= _KINDS_MAX:
                        kinds.clear()
                    text = cell.strip()
                    seen = kinds[form, cell] = self._day(text) if form is Form.DAY else self._number(text)
                for kind in seen:
                    kind.add(line, name, cell)

    def _number(self, text: str) -> tuple[_Seen, ...]:
        """Return what a number shows."""
        text = text.removesuffix("%").rstrip()
        sign = spelling.sign_of(text)
        if sign is not None:
            self._pointed = self._pointed or spelling.is_pointed(text)
            return (self._signs[sign],)
        return (self._two_ways[COMMA if COMMA in text else POINT],) if spelling.is_two_ways(text) else ()

    def _day(self, text: str) -> tuple[_Seen, ...]:
        """Return what a day shows."""
        if spelling.is_slashed(text):
            slashed = self._days[_SLASHED]
            return (slashed, self._month_first) if spelling.is_month_first(text) else (slashed,)
        return (self._days[_ISO],) if spelling.is_iso(text) else ()

    def sign(self, faults: Faults) -> str:
        """Return the file's decimal sign; raises UnreadableFile after noting why the file can't be read one way."""
        commas, points = self._signs[COMMA], self._signs[POINT]
        right = True
        if commas.number and points.number:
            self._note_mixed(faults)
            right = False
        else:
            sign = POINT if points.number else COMMA if commas.number else None
            right = self._note_two_ways(sign, faults)
        if self._month_first.number:
            problem = f"is a day only with its month first, as {self._cells(self._month_first)} with it"
            self._note(self._month_first, problem, "write days as 31/12/2026 or 2026-12-31 in the whole file", faults)
            right = False
        if self._days[_ISO].number and self._days[_SLASHED].number:
            self._note_other_form(self._days, "days", faults)
            right = False
        if not right:
            raise UnreadableFile
        return POINT if points.number else COMMA

    def _cells(self, seen: _Seen) -> str:
        return f"{seen.number} cell{'s are' if seen.number > 1 else ' is'}"

    def _note(self, seen: _Seen, problem: str, remedy: str, faults: Faults) -> None:
        for cell in seen.first:
            faults.add(self._file, cell.line, cell.column, cell.text, problem, remedy)

    def _note_mixed(self, faults: Faults) -> None:
        self._note_other_form({SIGNS[sign]: seen for sign, seen in self._signs.items()}, "numbers", faults)

    def _note_other_form(self, forms: dict[str, _Seen], things: str, faults: Faults) -> None:
        """Note the cells of the rarer of two forms, and where the other one stands."""
        (rare, few), (usual, many) = sorted(forms.items(), key=lambda form: form[1].number)
        other = many.first[0]
        written = "is written" if things == "days" else "has"
        problem = f"{written} {rare}, but {other.text!r} on line {other.line} {written} {usual}"
        remedy = f"write all {things} of the file in one way: {self._counted(few, rare)}, {self._counted(many, usual)}"
        self._note(few, problem, remedy, faults)

    def _counted(self, seen: _Seen, form: str) -> str:
        return f"{seen.number} {form.removeprefix('a ')}"

    def _note_two_ways(self, sign: str | None, faults: Faults) -> bool:
        """Note the numbers that may be read two ways, given the file's sign if known; returns if there are none."""
        right = True
        for mark, seen in self._two_ways.items():
            if not seen.number or mark == sign or (mark == POINT and self._pointed):
                continue
            right = False
            columns: dict[str, _Cell] = {}
            for cell in seen.first:
                columns.setdefault(cell.column, cell)
            for cell in columns.values():
                shown = "nothing in the file tells" if sign is None else f"others have {SIGNS[sign]}"
                problem = f"can be read as {spelling.both_readings(cell.text)}: {shown}"
                remedy = f"write the column with two decimals, such as 1500{sign or COMMA}00 or 1{sign or COMMA}50"
                faults.add(self._file, cell.line, cell.column, cell.text, problem, remedy)
        return right


def respelt(row: Sequence[str], forms: Sequence[Form], sign: str) -> list[str]:
    """Return a row's cells in the contract's spelling."""
    return [_RESPELT[form](cell, sign) for cell, form in zip(row, forms, strict=True)]


def _as_it_is(cell: str, _sign: str) -> str:
    return cell


def _day(cell: str, _sign: str) -> str:
    return spelling.day(cell)


_RESPELT = {Form.TEXT: _as_it_is, Form.NUMBER: spelling.number, Form.RATE: spelling.rate, Form.DAY: _day}
