"""Reports for people: one HTML page that holds all it needs, and PDF/A with what is carried from page to page."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import groupby, islice
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from billing.frame.errors import TooLong
from billing.frame.reports.prepared import Fact, Prepared
from billing.frame.reports.words import label_text
from invoices import formats
from invoices.document import Party
from invoices.formats import FRENCH
from invoices.rendering.pdf import print_page, printable
from invoices.rendering.sheet import legal_lines
from invoices.wording import wording
from ledger.exports.columns import Kind
from ledger.reports.rows import Carried, Column, Part, Report, Row, RowKind

# Layout takes about 3.5 milliseconds and 90 KB of memory a line: this is 20 seconds, 650 MB and 160 pages.
LINES_ON_PAPER_MAX = 6_000

_PIECES = 200
# Figures of the amounts carried, as paper.css has room for.
_FIGURES_CARRIED = 10
_STYLES = {
    "effective_on": "day", "number": "number", "journal": "short", "site": "site", "account": "code", "piece": "piece",
    "auxiliary": "party", "month": "month", "tenant": "party", "receipt": "number", "value_date": "day",
    "issued_on": "day", "due_on": "day", "days_late": "number",
}  # fmt: skip


class _Column(NamedTuple):
    title: str
    style: str


class _Group(NamedTuple):
    """A title above some columns; blank above those that have none."""

    title: str
    span: str


class _Page(NamedTuple):
    """The values the template prints before the rows."""

    title: str
    operator: str
    created: str
    style: str
    continued: str
    legal: tuple[str, ...]
    facts: tuple[Fact, ...]
    columns: tuple[_Column, ...]
    groups: tuple[_Group, ...]
    carries: bool


class _Line(NamedTuple):
    """A row as text: a label over the text columns, or their texts; then the amounts."""

    style: str
    label: str
    span: str
    texts: tuple[str, ...]
    amounts: tuple[str, ...]
    group: str
    forward: str
    brought: str


class _Part(NamedTuple):
    key: str
    title: str
    rows: Iterator[_Line]


def html(prepared: Prepared, operator: Party) -> Iterator[bytes]:
    """Return the report as one page, written while it is read."""
    page = _page(prepared, operator, style=_file("screen.css"), carries=False)
    parts = (_part(prepared.report, part, carries=False) for part in prepared.report.parts)
    return _rendered(page, parts)


def pdf(prepared: Prepared, operator: Party) -> Iterator[bytes]:
    """Yield the report's PDF/A: the same books give the same bytes. Raises TooLong, RenderingFailed."""
    page = _page(prepared, operator, style="", carries=True)
    parts = (_part(prepared.report, part, carries=True) for part in _within_limit(prepared))
    text = b"".join(_rendered(page, parts, on_paper=True)).decode()
    yield print_page(
        text, prepared.report.title, identifier=sha256(text.encode()).digest()[:16], stylesheet=_file("paper.css")
    )


def _within_limit(prepared: Prepared) -> Iterator[Part]:
    """Yield the parts, counted while they are read, before anything is laid out."""
    most = prepared.lines_on_paper_max
    read = 0

    def counted(rows: Iterator[Row]) -> Iterator[Row]:
        nonlocal read
        for row in rows:
            read += 1
            if read > most:
                raise TooLong(
                    f"the report has more than {most:,} lines, too many for one PDF: ask for fewer days "
                    "(a month at a time), one account, tenant or site, or take html, xlsx or csv, which have no limit"
                )
            yield row

    return (part._replace(rows=counted(part.rows)) for part in prepared.report.parts)


@cache
def _file(name: str) -> str:
    return (files("billing.frame.reports") / "templates" / name).read_text(encoding="utf-8")


@cache
def _templates(on_paper: bool) -> Environment:
    return Environment(
        loader=PackageLoader("billing.frame.reports"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        finalize=printable if on_paper else None,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _rendered(page: _Page, parts: Iterable[_Part], *, on_paper: bool = False) -> Iterator[bytes]:
    stream = _templates(on_paper).get_template("report.html").generate(page=page, parts=parts)
    while piece := "".join(islice(stream, _PIECES)):
        yield piece.encode()


def _page(prepared: Prepared, operator: Party, *, style: str, carries: bool) -> _Page:
    report = prepared.report
    columns = _on_paper(report)
    return _Page(
        title=report.title,
        operator=operator.legal_name,
        created="" if prepared.last_day is None else prepared.last_day.isoformat(),
        style=style,
        continued=f"{report.title} {prepared.facts[0].text}",
        # Only the operator's identity: the lines on late payment concern invoices alone.
        legal=legal_lines(operator, wording(FRENCH))[:2],
        facts=prepared.facts,
        columns=tuple(_Column(column.title, _style(column)) for column in columns),
        groups=_groups(columns),
        carries=carries,
    )


def _on_paper(report: Report) -> tuple[Column, ...]:
    return tuple(column for column in report.columns if column.on_paper)


def _style(column: Column) -> str:
    if column.key == "number" and column.kind is Kind.TEXT:
        # A document's, not an entry's.
        return "piece"
    return "amount" if column.kind is Kind.AMOUNT else _STYLES.get(column.key, "text")


def _groups(columns: tuple[Column, ...]) -> tuple[_Group, ...]:
    groups = tuple(
        _Group(title or "", str(len(list(of)))) for title, of in groupby(columns, lambda column: column.group)
    )
    return groups if any(group.title for group in groups) else ()


def _part(report: Report, part: Part, *, carries: bool) -> _Part:
    return _Part(part.key, part.title, _Setter(report, carries=carries).lines(part.rows))


class _Setter:
    """Turns the rows of a part into text, remembering what columns that are printed once said, and what is carried."""

    def __init__(self, report: Report, *, carries: bool) -> None:
        self._report = report
        self._carries = carries
        places = [(place, column) for place, column in enumerate(report.columns) if column.on_paper]
        self._texts = [(place, column) for place, column in places if column.kind is not Kind.AMOUNT]
        self._amounts = [place for place, column in places if column.kind is Kind.AMOUNT]
        self._once = [place for place, column in places if column.once]
        self._said: tuple[Any, ...] = ()
        self._group = ""
        self._carried = _Carried(report)

    def lines(self, rows: Iterable[Row]) -> Iterator[_Line]:
        """Yield the rows as text, in order."""
        for row in rows:
            yield self._line(row)

    def _line(self, row: Row) -> _Line:
        said = tuple(row.cells[place] for place in self._once)
        is_same = row.kind is RowKind.LINE and bool(said) and said == self._said
        self._said = said if row.kind is RowKind.LINE else ()
        label = label_text(row.label)
        texts = () if label else tuple(self._text(place, column, row, is_same) for place, column in self._texts)
        forward = brought = ""
        if self._carries:
            forward, brought = self._carry(row, label)
        return _Line(
            _row_style(row, is_same, bool(said)),
            label,
            str(len(self._texts)),
            texts,
            tuple(_amount(row.cells[place], row.kind) for place in self._amounts),
            self._group,
            forward,
            brought,
        )

    def _text(self, place: int, column: Column, row: Row, is_same: bool) -> str:
        return "" if is_same and column.once else _TEXTS[column.kind](row.cells[place])

    def _carry(self, row: Row, label: str) -> tuple[str, str]:
        """Return the foot of a page that ends with this row, and the head of the page that follows."""
        ends = row.kind in (RowKind.TOTAL, RowKind.MEMO) or (
            row.kind is RowKind.SUBTOTAL and self._report.carries_groups
        )
        if ends or row.kind is RowKind.HEADING:
            self._carried = _Carried(self._report)
            self._group = f" - {label} (suite)" if row.kind is RowKind.HEADING else ""
            return "", ""
        self._carried.add(row)
        amounts = self._carried.text()
        return f"À{formats.GROUP}reporter  {amounts}", f"Report  {amounts}"


class _Carried:
    """The sums so far of the lines of a part, or of a group of it."""

    def __init__(self, report: Report) -> None:
        self._columns = [
            (place, column.carried) for place, column in enumerate(report.columns) if column.carried is not Carried.NOT
        ]
        self._held = [0] * len(self._columns)

    def add(self, row: Row) -> None:
        """Count a row: sums are made of lines alone, a balance is what the last row says it is."""
        for index, (place, carried) in enumerate(self._columns):
            cell = row.cells[place]
            if carried is Carried.LAST and row.kind in (RowKind.LINE, RowKind.OPENING):
                self._held[index] = cell
            elif carried is Carried.SUM and row.kind is RowKind.LINE and cell is not None:
                self._held[index] += cell

    def text(self) -> str:
        """Return the amounts, each as wide as its column: two figures' room, then ten figures or blanks."""
        return "".join(f"  {_padded(formats.amount(held))}" for held in self._held)


def _padded(text: str) -> str:
    """Return an amount with spaces in front: a space for a figure, a narrow one for a narrow one."""
    figures = sum(character.isdigit() for character in text) - 2
    missing = []
    for figure in range(_FIGURES_CARRIED, figures, -1):
        missing.append(" ")
        if figure % 3 == 1 and figure > 1:
            missing.append(formats.GROUP)
    return f"{''.join(missing)}{text}"


def _row_style(row: Row, is_same: bool, has_once: bool) -> str:
    if row.kind is not RowKind.LINE:
        return str(row.kind.value)
    return "same" if is_same else "entry" if has_once else "line"


def _amount(cell: int | None, kind: RowKind) -> str:
    """Return an amount as text; zero is blank in a line and "0,00" in a sum."""
    if cell is None or (cell == 0 and kind is RowKind.LINE):
        return ""
    return formats.amount(cell)


def _or_blank(write: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda cell: "" if cell is None else write(cell)


_TEXTS: Mapping[Kind, Callable[[Any], str]] = {
    Kind.TEXT: _or_blank(str),
    Kind.COUNT: _or_blank(str),
    Kind.DAY: _or_blank(formats.numeric_day),
    Kind.MONTH: _or_blank(formats.month),
    Kind.RATE: _or_blank(formats.percentage),
}
