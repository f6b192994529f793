"""The working paper as a report: movements by line of the return and rate, their sums, and the control against 4455."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

from msgspec import UNSET
from sqlalchemy import Connection, func, select

from billing.books.manual_entries.queries import moved_by_hand
from billing.books.vat_return import shapes
from billing.books.vat_return.advances import advance_changes, vat_booked
from billing.books.vat_return.held import HeldCredit, held_credits
from billing.books.vat_return.movements import VatMovement, advance_movements, vat_movements
from billing.entries.accounts import VAT_DUE
from billing.frame.errors import BadConfiguration, Unknown
from billing.frame.reports.prepared import Asked, Fact, Prepared
from billing.frame.terms import Terms
from billing.run.shapes import treatment_shapes
from invoices import formats
from ledger.exports.columns import Kind
from ledger.models import account_day, entry_counter
from ledger.reports.rows import GENERAL, Carried, Column, Part, Report, Row, RowKind
from pricing.money import format_amount, format_rate
from pricing.period import format_month, next_month
from pricing.vat import STANDARD

REGIMES = {"encaissement": "encaissements", "debits": "débits"}
_COLUMNS = (
    Column("code", "Ligne", Kind.TEXT, on_paper=False),
    Column("rate", "Taux", Kind.RATE, on_paper=False),
    Column("treatment", "Traitement", Kind.TEXT, on_paper=False),
    Column("effective_on", "Date", Kind.DAY),
    Column("what", "Opération", Kind.TEXT),
    Column("piece", "Pièce", Kind.TEXT),
    Column("auxiliary", "Tiers", Kind.TEXT),
    Column("document", "Document", Kind.TEXT),
    Column("base", "Base HT", Kind.AMOUNT, Carried.SUM),
    Column("vat", "TVA", Kind.AMOUNT, Carried.SUM),
)


class Subtotal(NamedTuple):
    """A line of the return at a rate and treatment: the sums declared on it, in centimes."""

    code: str
    rate: int
    treatment: str
    base: int
    vat: int


class VatReturn(NamedTuple):
    """A month's working paper. `booked` is what 4455 was credited with in the books, in centimes.

    `to_book` is the VAT on advances that closing the month will book. `held` is the money that settles nothing at the
    month's end: no VAT of it is among the movements.
    """

    period: date
    regime: str
    movements: list[VatMovement]
    booked: int
    to_book: int
    held: list[HeldCredit]

    @property
    def last(self) -> date:
        """Return the month's last day."""
        return next_month(self.period) - timedelta(days=1)

    @property
    def subtotals(self) -> list[Subtotal]:
        """Return the sums by line of the return, rate and treatment."""
        return [
            Subtotal(*line, sum(m.base for m in movements), sum(m.vat for m in movements))
            for line, group in groupby(self.movements, key=_line_of)
            for movements in [list(group)]
        ]

    @property
    def base(self) -> int:
        """Return the sum of all bases."""
        return sum(m.base for m in self.movements)

    @property
    def vat(self) -> int:
        """Return all VAT that fell due."""
        return sum(m.vat for m in self.movements)

    @property
    def difference(self) -> int:
        """Return what 4455 comes to less the movements: not zero if something but manual entries was booked there."""
        return self.booked + self.to_book - self.vat


def vat_return(connection: Connection, period: date, terms: Terms) -> VatReturn:
    """Return the paper of the month that begins on `period`. Raises Unknown for one before the settings begin."""
    last = next_month(period) - timedelta(days=1)
    try:
        regime = terms.at("vat.regime", last)
        terms.at("vat.return_codes", last)
    except BadConfiguration as error:
        raise Unknown(f"there is no VAT return of {format_month(period)}: {error}") from None
    d = account_day.c
    moved = select(func.sum(d.credit - d.debit)).where(d.account == VAT_DUE, d.day >= period, d.day <= last)
    # What an accountant declares and pays by hand is no VAT that fell due.
    booked = int(connection.scalar(moved) or 0) + moved_by_hand(connection, VAT_DUE, period, last)
    changes = advance_changes(connection, period, terms)
    movements = sorted([*vat_movements(connection, period, last, terms), *advance_movements(changes, last, terms)])
    return VatReturn(
        period=period,
        regime=regime,
        movements=movements,
        booked=booked,
        to_book=sum(change.vat for change in changes) - vat_booked(connection, period),
        held=held_credits(connection, last, terms),
    )


def vat_return_shape(paper: VatReturn) -> shapes.VatReturn:
    """Return the working paper as it is answered in JSON."""
    return shapes.VatReturn(
        period=format_month(paper.period),
        regime=paper.regime,  # type: ignore[arg-type]
        lines=[
            shapes.VatReturnLine(
                code=line.code,
                rate=format_rate(line.rate),
                base=format_amount(line.base),
                vat=format_amount(line.vat),
                treatment=treatment_shapes(line.treatment, "")[0],  # type: ignore[arg-type]
            )
            for line in paper.subtotals
        ],
        base=format_amount(paper.base),
        vat=format_amount(paper.vat),
        booked=format_amount(paper.booked),
        to_book=format_amount(paper.to_book) if paper.to_book else UNSET,
        difference=format_amount(paper.difference),
        movements=[shapes.VatReturnMovement.of(movement) for movement in paper.movements],
        held=[shapes.HeldCredit.of(credit) for credit in paper.held],
    )


def prepared(connection: Connection, paper: VatReturn, lines_on_paper_max: int) -> Prepared:
    """Return the working paper, ready for any format of `billing.books.reports`."""
    last = paper.last
    facts = (
        Fact("Période", formats.month(paper.period)),
        Fact("Régime", REGIMES.get(paper.regime, paper.regime)),
        Fact("Montants", "dirhams (DH)"),
        *(
            Fact(
                f"Ligne {s.code} · {formats.vat_rate(s.rate, s.treatment)}",
                f"{formats.amount(s.vat)} sur {formats.amount(s.base)}",
            )
            for s in paper.subtotals
        ),
        Fact("TVA exigible", formats.amount(paper.vat)),
    )
    newest = int(connection.scalar(select(entry_counter.c.last)) or 0)
    part = Part(GENERAL, _rows(paper), "Détail par ligne de la déclaration")
    report = Report("vat-return", "TVA exigible", _COLUMNS, iter([part]), carries_groups=True)
    return Prepared(
        report=report,
        asked=Asked(paper.period, last),
        facts=facts,
        last_day=last,
        newest_entry=newest,
        lines_on_paper_max=lines_on_paper_max,
    )


def _line_of(movement: VatMovement) -> tuple[str, int, str]:
    return movement.code, movement.rate, movement.treatment


def _line(code: str, rate: int, treatment: str) -> str:
    """Name a line of the return at a rate, as people do."""
    return f"Ligne {code} · {formats.vat_mention(treatment) or f'TVA {formats.percentage(rate)}'}"


def _rows(paper: VatReturn) -> Iterator[Row]:
    for (code, rate, treatment), group in groupby(paper.movements, key=_line_of):
        line = code, rate, None if treatment == STANDARD else formats.vat_rate(rate, treatment)
        blank: tuple[None, ...] = (None,) * 5
        yield Row(RowKind.HEADING, (_line(code, rate, treatment),), (*line, *blank, None, None))
        base = vat = 0
        for m in group:
            yield Row(RowKind.LINE, (), (*line, m.due_on, m.what, m.piece, m.tenant, m.document, m.base, m.vat))
            base, vat = base + m.base, vat + m.vat
        total = f"Total ligne {code}, {formats.vat_rate(rate, treatment)}"
        yield Row(RowKind.SUBTOTAL, (total,), (*line, *blank, base, vat))
    nothing: tuple[None, ...] = (None,) * 8
    yield Row(RowKind.TOTAL, ("Total exigible",), (*nothing, paper.base, paper.vat))
    yield Row(RowKind.MEMO, ("Porté au crédit du compte 4455",), (*nothing, None, paper.booked))
    if paper.to_book:
        text = "TVA sur avances, que la clôture du mois portera au compte 4455"
        yield Row(RowKind.MEMO, (text,), (*nothing, None, paper.to_book))
    yield Row(RowKind.MEMO, ("Différence",), (*nothing, None, paper.difference))
    for credit in paper.held:
        at = formats.percentage(credit.rate)
        text = f"Non affecté au {formats.day(paper.last)}, compte {credit.account} : TVA non déclarée, à {at}"
        yield Row(RowKind.MEMO, (text,), (*nothing, credit.base, credit.vat))
