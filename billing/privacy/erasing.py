"""What is erased once its time is past: names and addresses of tenants long gone, applicants' names; users' mails.

Erasing is an act like any other: a row becomes another one, and `check` goes on proving it. What the proof covers
stays: documents, entries, receipts, bank lines, messages, and what rows were before.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, exists, func, or_, select, union_all

from billing.frame.civil_time import today
from billing.frame.tables import app_user
from billing.frame.terms import Terms
from billing.receivables.tables.receipts import placement, receipt
from billing.register.network_import import apply_records, stored_record
from billing.register.network_import.layout import ON_THE_LIST
from billing.register.tables import application, lease, tenant
from billing.users.administering import change_user
from invoices.messages.tables import message
from invoices.models import document
from ledger.models import entry, posting
from pricing.period import add_months

SETTING = "privacy.years_kept"
SOURCE = "privacy erase"
# The columns of a tenant's row that are blanked: where it was reached, and who it was.
_CONTACT = ("email",)
_IDENTITY = ("legal_form", "ice", "tax_id", "trade_register", "address", "city", *_CONTACT)
# The tables under proof that hold names and texts, and the day from which their time counts.
_UNDER_PROOF = {
    "document": document.c.issued_on,
    "entry": entry.c.effective_on,
    "receipt": receipt.c.value_date,
    "message": message.c.written_on,
}


class Erasure(NamedTuple):
    """A row whose time is past: whose, the day anything last happened with it, and what its columns become."""

    subject: str
    name: str
    last_day: date
    values: Mapping[str, str]


class Erased(NamedTuple):
    """What was erased, or would be; and how many rows past their time stay, by table, since the proof covers them."""

    erasures: list[Erasure]
    kept: dict[str, int]


def erase(connection: Connection, terms: Terms, *, now: datetime, dry_run: bool = False) -> Erased:
    """Erase what is past its time by the settings of the day, and count what stays; `dry_run` only says what."""
    day = today(now)
    years: Mapping[str, int] = terms.at(SETTING, day)
    erasures = [
        *_tenants(connection, years, day), *_applications(connection, years, day), *_users(connection, years, now)
    ]  # fmt: skip
    if not dry_run:
        for stem in ("tenants", "applications"):
            records = [_record(connection, each) for each in erasures if each.subject == stem]
            if records:
                apply_records(connection, {stem: records}, now=now, source=SOURCE)
        for each in erasures:
            if each.subject == "users":
                change_user(connection, each.name, {**each.values, "os_user": None}, now=now)
    kept = {
        name: connection.scalar(select(func.count()).where(column < _first_kept(day, years[name]))) or 0
        for name, column in _UNDER_PROOF.items()
    }
    return Erased(erasures, kept)


def _first_kept(day: date, years: int) -> date:
    """Return the first day of the accounting years that law keeps: those that ended less than so many years ago."""
    return date(day.year - years, 1, 1)


def _record(connection: Connection, each: Erasure) -> dict[str, str]:
    stored = stored_record(connection, each.subject, (each.name,))
    if stored is None:
        raise LookupError(f"{each.name} of {each.subject} is not in the register: run `technopark-billing check`")
    return {**stored, **each.values}


def _tenants(connection: Connection, years: Mapping[str, int], day: date) -> list[Erasure]:
    """Return the tenants that left, owe nothing and are owed nothing, whose time is past by either rule."""
    t = tenant.c
    happened = union_all(
        select(lease.c.tenant.label("code"), lease.c.ends_on.label("on")),
        select(document.c.tenant, document.c.issued_on),
        select(placement.c.tenant, receipt.c.value_date).join(receipt, receipt.c.id == placement.c.receipt_id),
    ).subquery()
    rents = exists().where(lease.c.tenant == t.code, or_(lease.c.ends_on.is_(None), lease.c.ends_on >= day))
    unsettled = (
        select(posting.c.auxiliary)
        .where(posting.c.auxiliary.is_not(None), posting.c.account < "9")
        .group_by(posting.c.auxiliary, posting.c.account)
        .having(func.sum(posting.c.amount) != 0)
    )
    rows = connection.execute(
        select(tenant, func.max(happened.c.on).label("last_day"))
        .join(happened, happened.c.code == t.code)
        .where(~rents, t.code.not_in(unsettled))
        .group_by(*tenant.primary_key, *(column for column in t if not column.primary_key))
        .order_by(t.code)
    )
    erasures = []
    for row in rows:
        values = _values(row, years, day)
        if values:
            erasures.append(Erasure("tenants", row.code, row.last_day, values))
    return erasures


def _values(row: Any, years: Mapping[str, int], day: date) -> dict[str, str]:
    """Return what a tenant's row loses: its identity after the years of tax law, its contact before; {}: nothing."""
    if row.last_day < _first_kept(day, years["tenant"]):
        gone = dict.fromkeys(_IDENTITY, "") | {"legal_name": f"Locataire {row.code}"}
    elif add_months(row.last_day, 12 * years["tenant.email"]) < day:
        gone = dict.fromkeys(_CONTACT, "")
    else:
        return {}
    return {name: value for name, value in gone.items() if (getattr(row, name) or "") != value}


def _applications(connection: Connection, years: Mapping[str, int], day: date) -> list[Erasure]:
    """Return the applications that are closed so long that nobody needs the name; a tenant's stands in its own row."""
    a = application.c
    closed_on = func.coalesce(a.decided_on, a.received_on)
    before = add_months(day, -12 * years["tenant.email"])
    closed = a.state.not_in([*ON_THE_LIST, "received"]) & (closed_on < before)
    rows = connection.execute(
        select(a.code, a.state, a.legal_name, closed_on.label("last_day")).where(closed).order_by(a.code)
    )
    names = ((row, "" if row.state == "admitted" else f"Candidature {row.code}") for row in rows)
    return [
        Erasure("applications", row.code, row.last_day, {"legal_name": name})
        for row, name in names
        if row.legal_name != name
    ]


def _users(connection: Connection, years: Mapping[str, int], now: datetime) -> list[Erasure]:
    """Return the users who may do nothing since so long: their names stay in the log, their addresses go."""
    before = add_months(today(now), -12 * years["app_user.email"])
    u = app_user.c
    rows = connection.execute(select(u.name, u.email, u.disabled_at).where(u.disabled_at.is_not(None)).order_by(u.name))
    return [
        Erasure("users", row.name, today(row.disabled_at), {"email": email})
        for row in rows
        for email in [f"{row.name}@erased.invalid"]
        if row.email != email and today(row.disabled_at) < before
    ]
