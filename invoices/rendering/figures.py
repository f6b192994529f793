"""Prints papers of figures and charts, such as a tenant's account: blocks in the order they are read.

The caller gives every text, ready to print; the template escapes it.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple, Protocol, TypeAlias

from markupsafe import Markup

from invoices.document import Party
from invoices.formats import FRENCH
from invoices.rendering.charts import POINTS_A_MM
from invoices.rendering.pdf import STYLESHEET, print_page, render_template
from invoices.rendering.sheet import Fact, Note, PartyText, legal_lines, party_text
from invoices.wording import LEFT_TO_RIGHT, Wording, wording, wording_of

TEMPLATE = "figures.html"
PAGE_MM = 180.0
GUTTER_MM = 10.0


class Drawn(Protocol):
    """A chart (`invoices.rendering.charts`)."""

    def svg(self, width: float, height: float) -> Markup:
        """Draw the chart in so many points."""
        ...


class Lead(NamedTuple):
    """The paper's message, in sentences of larger letters."""

    sentences: tuple[str, ...]


class Figure(NamedTuple):
    """A figure that matters: its name, its amount, a note about it."""

    label: str
    value: str
    note: str


# Beyond so many characters figures are set smaller, so that they stand apart.
_ROOMY_FIGURE_MAX = 13
_CROWDED_FIGURE_MAX = 16


class Figures(NamedTuple):
    """Figures side by side."""

    figures: tuple[Figure, ...]

    @property
    def density(self) -> str:
        """Return how close they must be set."""
        longest = max((len(figure.value) for figure in self.figures), default=0) * min(len(self.figures), 4) // 4
        return "tight" if longest > _CROWDED_FIGURE_MAX else "crowded" if longest > _ROOMY_FIGURE_MAX else "roomy"


class Chart(NamedTuple):
    """A drawing with its title and a line below it; `height` in millimetres."""

    title: str
    subtitle: str
    drawn: Drawn
    height: float


class Charts(NamedTuple):
    """Charts side by side, or one over the whole width."""

    charts: tuple[Chart, ...]


class Column(NamedTuple):
    """A column of a table: its title, its width (`30mm`, blank: what is left), whether it holds texts."""

    title: str
    width: str
    is_text: bool


class Rows(NamedTuple):
    """A table under its title and a note; with `total` its last row is the sum of those above."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    total: bool
    note: str = ""


class Notes(NamedTuple):
    """Short texts side by side."""

    notes: tuple[Note, ...]


class Break(NamedTuple):
    """The start of another page."""

    is_break: bool = True


Block: TypeAlias = Lead | Figures | Charts | Rows | Notes | Break


@dataclass(frozen=True, slots=True)
class FigurePaper:
    """A paper as texts and drawings. Without `buyer` nobody is addressed."""

    issued_on: date
    seller: Party
    buyer: Party | None
    addressee: str
    subject: str
    title: str
    number: str
    facts: tuple[Fact, ...]
    blocks: tuple[Block, ...]
    # The language it is written in.
    language: str = FRENCH


@dataclass(frozen=True, slots=True)
class KeptPage:
    """The page of such a paper as it was made, to be printed later: its number, all of its HTML, its direction."""

    number: str
    html: str
    direction: str = LEFT_TO_RIGHT


class DrawnChart(NamedTuple):
    """A chart as the template takes it."""

    title: str
    subtitle: str
    svg: Markup
    width: str


class FigurePage(NamedTuple):
    """All that the template prints: the paper, its drawings, and the parties and legal lines of every paper."""

    paper: FigurePaper
    blocks: tuple[tuple[str, object], ...]
    t: Wording
    continued: str
    seller: PartyText
    buyer: PartyText | None
    legal: tuple[str, ...]


def figures_html(paper: FigurePaper) -> str:
    """Return the paper's page as HTML: all of it, so that it can be kept and printed later as it is."""
    t = wording_of(paper.seller, paper.language)
    page = FigurePage(
        paper,
        tuple(
            (type(block).__name__.lower(), _drawn(block) if isinstance(block, Charts) else block)
            for block in paper.blocks
        ),
        t,
        f"{paper.title}, {paper.number}",
        party_text(paper.seller, t),
        None if paper.buyer is None else party_text(paper.buyer, t),
        legal_lines(paper.seller, t)[:1],
    )
    return render_template(TEMPLATE, page=page)


def _drawn(charts: Charts) -> tuple[DrawnChart, ...]:
    number = len(charts.charts)
    width = (PAGE_MM - GUTTER_MM * (number - 1)) / number
    return tuple(
        DrawnChart(
            chart.title,
            chart.subtitle,
            chart.drawn.svg(width * POINTS_A_MM, chart.height * POINTS_A_MM),
            f"{width + (GUTTER_MM if index + 1 < number else 0):.2f}mm",
        )
        for index, chart in enumerate(charts.charts)
    )


@cache
def _stylesheet() -> str:
    """Return the stylesheet of documents with the additions for these papers."""
    templates = files("invoices.rendering").joinpath("templates")
    return "".join(templates.joinpath(name).read_text(encoding="utf-8") for name in (STYLESHEET, "figures.css"))


def kept_page(paper: FigurePaper) -> KeptPage:
    """Return the page of a paper as it is now."""
    return KeptPage(paper.number, figures_html(paper), wording(paper.language).direction)


def print_figures(page: KeptPage) -> bytes:
    """Return the PDF/A-3 of such a page: the same bytes for the same HTML. Raises RenderingFailed."""
    identifier = sha256(page.html.encode()).digest()[:16]
    return print_page(page.html, page.number, identifier=identifier, direction=page.direction, stylesheet=_stylesheet())


def render_figures(paper: FigurePaper) -> bytes:
    """Return the paper's PDF/A-3: a pure function of its texts and numbers. Raises RenderingFailed."""
    return print_figures(kept_page(paper))
