"""VAT that falls due as documents are issued (*régime des débits*), where the operator has opted for it."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache, partial

from sqlalchemy import Connection, exists, not_, select

from billing.entries.receivables import issue_entry
from billing.frame.database import change_receivables
from billing.frame.errors import BadConfiguration
from billing.frame.terms import VARIABLE, Term, Terms
from billing.receivables.receipts.recording import Records, sign_of
from billing.receivables.tables.receipts import SettlementAct, settlement
from invoices.brought import is_ours
from invoices.models import document, document_vat
from ledger.periods import first_open_day

DEBITS, CASHED = "debits", "encaissement"


def let_vat_fall_due(connection: Connection, *, recorded_at: datetime, terms: Terms) -> int:
    """Move the VAT of every document issued under the *débits* from 44551 to 4455; return how many there were.

    A credit note's goes the other way. A document that was settled in part before keeps its VAT with its money: an
    option concerns documents issued from its first day on. Again it changes nothing.
    """
    versions = terms.versions["vat.regime"]
    for term in versions:
        if term.value not in (DEBITS, CASHED):
            raise BadConfiguration(f"{VARIABLE}: vat.regime is {CASHED} or {DEBITS}, not {term.value!r}")
    if all(term.value != DEBITS for term in versions):
        return 0
    change_receivables(connection)
    records = Records(connection, recorded_at)
    d, v, s = document.c, document_vat.c, settlement.c
    # Documents' keys follow the order of commits, so that all before the newest one recorded here were looked at.
    newest = connection.scalar(
        select(s.document_id).where(s.act == SettlementAct.ISSUED).order_by(s.document_id.desc()).limit(1)
    )
    moved: dict[int, tuple[str, date, int]] = {}
    # Thousands of documents are issued on a few days.
    booked_on = cache(partial(first_open_day, connection))
    for since, until in _under_debits(versions):
        rows = (
            select(d.id, d.number, d.kind, d.issued_on, v.rate, v.base, v.amount)
            .join(document_vat, v.document_id == d.id)
            .where(d.id > (newest or 0), d.issued_on >= since, not_(exists().where(s.document_id == d.id)), is_ours())
            .order_by(d.id, v.rate)
        )
        if until is not None:
            rows = rows.where(d.issued_on < until)
        for key, number, kind, issued_on, rate, base, vat in connection.execute(rows):
            on = booked_on(issued_on)
            records.add(settlement, key, SettlementAct.ISSUED, key, rate, on, 0, 0, vat, base, vat, None, None)
            before = moved.get(key, (number, on, 0))[2]
            moved[key] = number, on, before + sign_of(kind) * vat
    for number, on, vat in moved.values():
        records.book(issue_entry(number, on, vat))
    records.write()
    return len(moved)


def _under_debits(versions: tuple[Term, ...]) -> Iterator[tuple[date, date | None]]:
    """Yield the spans of days on which documents are under the débits, half-open."""
    ends = [*(term.effective_from for term in versions[1:]), None]
    for term, end in zip(versions, ends, strict=True):
        if term.value == DEBITS:
            yield term.effective_from, end
