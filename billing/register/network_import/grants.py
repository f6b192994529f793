"""Grants and the entries they make (R21): received once, and when changed taken back and received anew."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from billing.entries.accounts import GRANTS
from billing.entries.grants import grant_received, grant_reference
from billing.frame.bounds import PREPARED_DAYS_AHEAD_MAX, too_far_ahead
from billing.frame.database import among, insert_rows
from billing.register.network_import.faults import Faults
from billing.register.network_import.sheet import Row, Sheet
from billing.register.tables import billing_run
from ledger.entry import Entry, reversal
from ledger.journal import load_entry, post
from ledger.models import posting
from ledger.openings import taken_on
from ledger.periods import first_open_day
from pricing.money import format_amount

# The columns whose change the books follow.
BOOKED = frozenset({"amount", "site", "granted_on"})


def _changes_books(row: Row) -> bool:
    return any(column.name in BOOKED for column in row.changed)


def check_grants(connection: Connection, sheet: Sheet, faults: Faults) -> None:
    """A grant is not reduced below what it has already given to sites."""
    changed = {key[0]: row for key, row in sheet.by_key.items() if _changes_books(row) and row.has("amount")}
    if not changed:
        return
    balances = connection.execute(
        select(posting.c.auxiliary, func.sum(posting.c.amount))
        .where(posting.c.account == GRANTS, among(connection, posting.c.auxiliary, changed))
        .group_by(posting.c.auxiliary)
    )
    for code, balance in balances:
        row = changed[code]
        # The credit balance of 9208 is what is left of the grant.
        given = (row.before or {})["amount"] + int(balance)
        if row.values["amount"] < given:
            problem = f"is less than the {format_amount(given)} this grant has already given"
            sheet.note(faults, row, "amount", problem, f"give {format_amount(given)} or more")


def check_grant_days(sheet: Sheet, faults: Faults, today: date) -> None:
    """A grant that is news was granted by now, or will be within days: its entry bears that day (R14)."""
    for row in sheet.by_key.values():
        if row.has("granted_on") and (row.before is None or _changes_books(row)):
            wrong = too_far_ahead(row.values["granted_on"], today, PREPARED_DAYS_AHEAD_MAX)
            if wrong is not None:
                sheet.note(faults, row, "granted_on", *wrong)


def number_revisions(sheet: Sheet) -> None:
    """Count up the revision of each grant whose entry changes; a new grant's is 1."""
    for row in sheet.by_key.values():
        if row.before is None:
            row.values["revision"] = 1
        else:
            row.values["revision"] = row.before["revision"] + _changes_books(row)


def post_grants(connection: Connection, sheet: Sheet, *, recorded_at: datetime) -> None:
    """Post what new grants bring and what changed grants correct.

    What would fall into a closed month is dated on the first open day. A correction is dated in the open period:
    not before the last issue date either, up to which the books have been reported.
    """
    rows = [row for row in sheet.by_key.values() if row.before is None or _changes_books(row)]
    if rows:
        open_from = connection.scalar(select(func.max(billing_run.c.issued_on)))
        entries = [entry for row in rows for entry in _entries(connection, row, open_from)]
        post(connection, entries, recorded_at=recorded_at, insert=insert_rows)


def _entries(connection: Connection, row: Row, open_from: date | None) -> Iterable[Entry]:
    values = row.values
    code = values["code"]
    received = grant_received(code, values["site"], values["amount"], values["granted_on"], values["revision"])
    if row.before is None:
        yield replace(received, effective_on=_open_day(connection, received.effective_on))
        return
    reference = grant_reference(code, row.before["revision"])
    former = load_entry(connection, reference)
    if former is None:
        raise LookupError(f"{reference} is not in the journal: run `technopark-billing check`")
    taken_back_on, received_on = (
        _open_day(connection, max(day, open_from or date.min)) for day in (former.effective_on, received.effective_on)
    )
    yield reversal(former, f"{reference}/reversal", taken_back_on, f"Annulation - {former.label}")
    yield replace(received, effective_on=received_on)


def _open_day(connection: Connection, day: date) -> date:
    """Return the first open day from a day on; a grant that came before a take-on may be entered after it."""
    return first_open_day(connection, max(day, taken_on(connection) or day))
