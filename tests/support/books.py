"""Small books for the ledger's tests, dates and amounts written out."""

from datetime import UTC, date, datetime

from sqlalchemy import Connection, func, select

from billing.entries.grants import grant_received
from billing.entries.sales import sale
from billing.frame.database import insert_rows
from ledger.entry import Entry, Posting
from ledger.journal import post
from ledger.models import posting

RECORDED_AT = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
SEPTEMBER = date(2026, 9, 1)


def invoice(number: int, net: int = 236250, tenant: str = "T0042", on: date = SEPTEMBER) -> Entry:
    """The entry of an invoice over one office in Tanger, VAT at 20 %."""
    return sale(f"FA-2026-{number:06d}", on, tenant, 1, [("71243", "TNG", net)], net // 5)


# Codes as people might write them; none may break a format or be lost in it.
ODD_CODES = (
    "T0042", "=cmd|'/C calc'!A0", "+212", "-T", "@home", "Société Générale", "a:b:c", "x;y", "lower", "X1", "X",
    "T-x41-",    "  two  spaces ", "50% \"off\"", "back\\slash", "(virtual)", "[2026-09-01]", "tab\tin", "شركة",
    "comma,colon:", "%3B", "<r>&</r>",
)  # fmt: skip


def small_books() -> list[Entry]:
    """Two months of a small park: invoices, a credit note, a grant and the péréquation of September."""
    return [
        grant_received("G1", "TNG", 1_000_000, date(2026, 1, 15), 1),
        invoice(1),
        sale("FA-2026-000002", SEPTEMBER, "T0007", 1, [("71243", "CAS", 120825), ("71271", "CAS", 27000)], 29565),
        Entry(
            "PER/2026-09/T0042", "PER", SEPTEMBER, "Péréquation 2026-09 - T0042", "FA-2026-000001",
            (
                Posting("9201", 25200, "T0042", "TNG"), Posting("9205", -25200, None, "TNG"),
                Posting("9205", 56700, None, "TNG"), Posting("9202", -56700, "T0042", "TNG"),
                Posting("9301", 67500, "T0042", "TNG"), Posting("9309", -67500, None, "TNG"),
            ),
        ),
        Entry(
            "PER/2026-09:cascade/1", "PER", SEPTEMBER, "Péréquation 2026-09 - cascade", "2026-09",
            (Posting("9208", 31500, "G1", "TNG"), Posting("9205", -31500, None, "TNG")),
        ),
        sale("AV-2026-000001", date(2026, 10, 1), "T0007", -1, [("71243", "CAS", 120825)], 24165),
        invoice(3, 500000, on=date(2026, 10, 1)),
    ]  # fmt: skip


def odd_books() -> list[Entry]:
    """One invoice for each odd code, with labels as odd."""
    return [
        Entry(
            f"VTE/{code}", "VTE", SEPTEMBER, f"{code} ; \"x\" | (y) \\ {code}", code,
            (Posting("3421", 100 + i, code, code), Posting("71243", -100 - i, None, code)),
        )
        for i, code in enumerate(ODD_CODES)
    ]  # fmt: skip


def post_all(connection: Connection, entries: list[Entry]) -> list[int]:
    """Post as the service does."""
    return post(connection, entries, recorded_at=RECORDED_AT, insert=insert_rows)


def auxiliary_balances(connection: Connection, account: str, until: date | None = None) -> dict[str, int]:
    """Return the balance of every tenant or grant in an account (`3421`, `9208`), summed from postings."""
    p = posting.c
    rows = select(p.auxiliary, func.sum(p.amount)).where(p.auxiliary.is_not(None), p.account == account)
    if until is not None:
        rows = rows.where(p.effective_on <= until)
    return {auxiliary: int(amount) for auxiliary, amount in connection.execute(rows.group_by(p.auxiliary))}
