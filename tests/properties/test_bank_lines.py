"""Lines invented from real invoices: none books itself wrongly, and what is plain books itself (R33).

Numbers are cut at any place, payers exchanged, amounts equal, entries recorded before, two numbers stand in one text,
by structured reference or as people write them; in camt.053, MT940 and CSV. Each line has a truth that a person with
all facts would book. What books itself is exactly that; a line beside which an entry of the same amount waits for
its own, and one whose payer contradicts the number, wait for a person.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from billing.bank.importing import ImportOrder, import_file
from billing.bank.tables import line_decision, line_entry
from billing.check import check
from billing.frame.database import writing
from billing.receivables.receipts.orders import Leg, Part, ReceiptOrder
from billing.receivables.receipts.receiving import receive
from billing.receivables.tables.receipts import allocation, placement
from invoices.models import document
from invoices.structured_reference import printed, rf_of
from pricing.money import format_amount
from tests.conftest import FreshEngine
from tests.oracle.service import NOW
from tests.support.bank_files import RIB, camt, entry
from tests.support.examples import examples
from tests.support.networks import Row
from tests.support.park import Park, open_park

DAY = date(2026, 8, 20)
NAMES = {
    "T1": "Noor Santé SARL", "T2": "Atlas Conseil", "T3": "Rif Data SA", "T4": "Souss Robotique",
    "T5": "Zagora Logiciels SARL AU",
}  # fmt: skip
AREAS = {"T1": "20", "T2": "45", "T3": "15", "T4": "20", "T5": "20"}
TENANTS: list[Row] = [
    {"code": code, "kind": "large", "incorporated_on": "2000-01-01", "legal_name": name} for code, name in NAMES.items()
]
LEASES: list[Row] = [
    {"code": f"L{n}", "tenant": code, "site": "CAS", "area_m2": area, "starts_on": "2024-01-01"}
    for n, (code, area) in enumerate(AREAS.items(), 1)
]
ACCOUNTS = {code: f"0077800000000000000000{n:02d}" for n, code in enumerate(NAMES, 1)}
STYLES = ("rf", "rf spaced", "plain", "blanks", "glued", "slashes", "short")


class Invoice(NamedTuple):
    """An open invoice."""

    number: str
    tenant: str
    gross: int


@dataclass(frozen=True)
class Line:
    """A line as the bank tells it, and its truth: the invoices it pays, or the entry recorded before."""

    amount: int
    pays: tuple[Invoice, ...]
    pieces: tuple[str, ...]
    structured: str = ""
    payer: str = ""
    account: str = ""
    # Recorded by hand so many days before or after.
    recorded: int | None = None
    is_plain: bool = False
    # Its payer contradicts its number: by name, or by the account, which camt.053 alone tells.
    other_name: bool = False
    other_account: bool = False


def written(number: str, style: str) -> str:
    series, year, sequence = number.split("-")
    return {
        "rf": rf_of(number),
        "rf spaced": printed(rf_of(number)),
        "plain": number,
        "blanks": f"{series} {year} {sequence}",
        "glued": f"{series}{year}{sequence}",
        "slashes": f"{series}/{year}/{sequence}",
        "short": f"{series}-{year}-{int(sequence)}",
    }[style]


@st.composite
def lines(draw: st.DrawFn, invoices: list[Invoice]) -> Line:
    """One line: of one invoice or two of a tenant, told well, or as banks and payers tell things."""
    first = draw(st.sampled_from(invoices))
    own = [invoice for invoice in invoices if invoice.tenant == first.tenant]
    pays = tuple(own) if draw(st.integers(0, 4)) == 0 else (first,)
    styles = [draw(st.sampled_from(STYLES)) for _ in pays]
    numbers = [written(invoice.number, style) for invoice, style in zip(pays, styles, strict=True)]
    how = draw(st.sampled_from(("whole", "whole", "broken", "lost", "none")))
    pieces = numbers
    if how in ("broken", "lost"):
        place = draw(st.integers(1, len(numbers[-1]) - 1))
        head, tail = numbers[-1][:place], numbers[-1][place:]
        pieces = [*numbers[:-1], head] if how == "lost" else [*numbers[:-1], head, tail]
    if how == "none":
        pieces = []
    before, after = (draw(st.sampled_from(("", "LOYER", "FACTURE", "2 BUREAUX", "15"))) for _ in range(2))
    # The bank keeps what the structured reference is in a field of its own, or in the text.
    structured = ""
    if how == "whole" and styles == ["rf"] and draw(st.booleans()):
        structured, pieces = numbers[0], []
    payer_of = draw(st.sampled_from(("own", "own", "none", "third", "part", "other")))
    other = draw(st.sampled_from([code for code in NAMES if code != first.tenant]))
    payer = {
        "own": NAMES[first.tenant].upper(), "none": "", "third": "M. ALAOUI KARIM", "part": NAMES[first.tenant][:9],
        "other": draw(st.sampled_from((NAMES[other], NAMES[other].upper(), NAMES[other].split()[0]))),
    }[payer_of]  # fmt: skip
    # Where nothing else can be read the account is all that anybody knows.
    is_told = how == "whole" or payer_of in ("own", "part")
    account_of = draw(st.sampled_from(("", "", first.tenant, other if is_told else "")))
    other_name, other_account = payer_of == "other", account_of == other
    amount = sum(invoice.gross for invoice in pays)
    recorded = draw(st.one_of(st.none(), st.none(), st.integers(-9, 9)))
    return Line(
        amount, pays, tuple(piece for piece in (before, *pieces, after) if piece), structured, payer,
        ACCOUNTS.get(account_of, ""), recorded,
        is_plain=how == "whole" and "short" not in styles and not (other_name or other_account) and recorded is None
        and len(pays) == 1,
        other_name=other_name, other_account=other_account,
    )  # fmt: skip


def told(line: Line, file_format: str) -> str:
    """A line as a format tells it: pieces in fields, lines or one text."""
    text = " ".join(line.pieces)
    if file_format == "camt.053":
        return entry(
            line.amount, DAY, debtor=line.payer, account=line.account, structured=line.structured, text=text
        ).replace(escape(text), "</Ustrd><Ustrd>".join(map(escape, line.pieces)))
    if file_format == "mt940":
        parts = [f"VIR RECU {line.payer}".strip(), *line.pieces, *([line.structured] if line.structured else [])]
        return f":61:2608200820C{format_amount(line.amount).replace('.', ',')}NTRFNONREF\n:86:" + "\n".join(parts)
    said = " ".join(part for part in ("VIR RECU", line.payer, *line.pieces, line.structured) if part)
    return f"20/08/2026;20/08/2026;{said};;{format_amount(line.amount).replace('.', ',')}"


def statement(told_lines: list[Line], opening: int, file_format: str) -> bytes:
    entries = [told(line, file_format) for line in told_lines]
    closing = opening + sum(line.amount for line in told_lines)
    if file_format == "camt.053":
        return camt(entries, opening=opening, closing=closing, on=DAY, name="REL-2")
    if file_format == "mt940":
        balances = [f"C260820MAD{format_amount(amount).replace('.', ',')}" for amount in (opening, closing)]
        head = f":20:R2\n:25:{RIB}\n:28C:2/1\n:60F:{balances[0]}\n"
        return (head + "\n".join(entries) + f"\n:62F:{balances[1]}\n-").encode()
    return ("Date opération;Date valeur;Libellé;Débit;Crédit\n" + "\n".join(entries) + "\n").encode()


class RolledBack(Exception):
    """An example is over: nothing of it stays."""


@contextmanager
def for_now(engine: Engine) -> Iterator[Connection]:
    try:
        with writing(engine) as connection:
            yield connection
            raise RolledBack
    except RolledBack:
        pass


class Bank:
    """A park whose June is paid, so that every payer's account is known; July and August are open."""

    def __init__(self, engine: Engine, park: Park) -> None:
        self.engine, self.park = engine, park
        park.opens(tenants=TENANTS, leases=LEASES)
        for month in ("2026-06", "2026-07", "2026-08"):
            park.bills(month)
        with engine.connect() as connection:
            d = document.c
            rows = connection.execute(select(d.number, d.tenant, d.gross, d.period).order_by(d.number)).all()
        june = [Invoice(*row[:3]) for row in rows if row.period == date(2026, 6, 1)]
        self.invoices = [Invoice(*row[:3]) for row in rows if row.period != date(2026, 6, 1)]
        self.opening = sum(invoice.gross for invoice in june)
        paid = date(2026, 6, 5)
        entries = [
            entry(invoice.gross, paid, structured=rf_of(invoice.number), account=ACCOUNTS[invoice.tenant])
            for invoice in june
        ]
        with writing(engine) as connection:
            self.takes(connection, camt(entries, opening=0, closing=self.opening, on=paid))

    def takes(self, connection: Connection, content: bytes, closing: int | None = None) -> None:
        setting = self.park.settings
        opening = None if closing is None else self.opening
        order = ImportOrder(setting.operator.party.rib, setting.terms, NOW, opening=opening, closing=closing)
        import_file(connection, content, "releve", order)

    def records(self, connection: Connection, line: Line, n: int) -> str:
        """Record a line's money by hand, before its line comes; gives the entry."""
        orders = [
            ReceiptOrder(
                "transfer", f"MAIN-{n}", DAY + timedelta(days=line.recorded or 0), line.pays[0].tenant,
                (Leg("money", line.amount),), tuple(Part(invoice.number, invoice.gross) for invoice in line.pays),
            )
        ]  # fmt: skip
        (key,) = receive(connection, orders, recorded_at=NOW, terms=self.park.settings.terms)
        return f"BQ/RG-{key:06d}"

    def found(self, connection: Connection) -> dict[int, tuple[str, object]]:
        """What each line of the statement booked itself as: (received, invoices and amounts) or (recorded, entry)."""
        d, x = line_decision.c, line_entry.c
        rows = connection.execute(
            select(d.line_no, d.kind, x.entry, x.receipt_id)
            .join(line_entry, (x.statement_id == d.statement_id) & (x.line_no == d.line_no))
            .where(d.statement_id == 2)
        )
        booked: dict[int, tuple[str, object]] = {}
        for line_no, kind, booked_entry, receipt_id in rows:
            settled: object = booked_entry
            if kind == "received":
                paid = connection.execute(
                    select(document.c.number, allocation.c.amount)
                    .join(allocation, allocation.c.document_id == document.c.id)
                    .join(placement, placement.c.id == allocation.c.placement_id)
                    .where(placement.c.receipt_id == receipt_id)
                )
                settled = frozenset((number, amount) for number, amount in paid)
            booked[line_no] = kind, settled
        return booked


def judged(bank: Bank, drawn: list[Line], file_format: str) -> tuple[int, int]:
    """Import the lines and judge what booked itself; gives how many are plain and right, and how many of them did."""
    used: set[Invoice] = set()
    kept: list[Line] = []
    for line in drawn:
        if used.isdisjoint(line.pays):
            used.update(line.pays)
            kept.append(line)
    with for_now(bank.engine) as connection:
        entries = {n: bank.records(connection, line, n) for n, line in enumerate(kept, 1) if line.recorded is not None}
        closing = bank.opening + sum(line.amount for line in kept)
        bank.takes(connection, statement(kept, bank.opening, file_format), closing)
        found = bank.found(connection)
        near = {kept[n - 1].amount for n in entries if abs(kept[n - 1].recorded or 0) <= 7}
        plain = right = 0
        for n, line in enumerate(kept, 1):
            if n in found:
                kind, settled = found[n]
                truth = frozenset((invoice.number, invoice.gross) for invoice in line.pays)
                expected = ("recorded", entries[n]) if n in entries else ("received", truth)
                assert (kind, settled) == expected, (line, kind, settled)
                assert not line.other_name, line
                assert not (line.other_account and file_format == "camt.053"), line
                assert kind == "recorded" or line.amount not in near, line
            if line.is_plain and line.amount not in near:
                plain += 1
                right += n in found
                assert n in found, line
    return plain, right


@pytest.mark.timeout(600)
def test_no_invented_line_books_itself_wrongly(fresh_engine: FreshEngine, request: pytest.FixtureRequest) -> None:
    database = request.node.callspec.params["fresh_engine"]
    folder = request.getfixturevalue("tmp_path")
    with fresh_engine() as engine:
        bank = Bank(engine, open_park(engine, folder))

        @given(st.lists(lines(bank.invoices), min_size=1, max_size=5), st.sampled_from(("camt.053", "mt940", "csv")))
        @settings(
            max_examples=examples({"sqlite": 300, "postgresql": 40}[database]),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        def all_lines_book_rightly_or_wait(drawn: list[Line], file_format: str) -> None:
            judged(bank, drawn, file_format)

        all_lines_book_rightly_or_wait()
        assert check(engine) == []


def test_every_plain_line_books_itself(fresh_engine: FreshEngine, request: pytest.FixtureRequest) -> None:
    """The measure of what caution costs: a whole number and the exact amount, in each style and format."""
    with fresh_engine() as engine:
        bank = Bank(engine, open_park(engine, request.getfixturevalue("tmp_path")))
        plain = Line(0, (), (), is_plain=True)
        for style in STYLES[:-1]:
            drawn = [
                replace(
                    plain, amount=invoice.gross, pays=(invoice,),
                    pieces=("LOYER", written(invoice.number, style), "DH"),
                    payer=NAMES[invoice.tenant], account=ACCOUNTS[invoice.tenant] if n % 2 else "",
                )
                for n, invoice in enumerate(bank.invoices)
            ]  # fmt: skip
            for file_format in ("camt.053", "mt940", "csv"):
                assert judged(bank, drawn, file_format) == (len(drawn), len(drawn))
