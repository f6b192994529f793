"""Tenants' accounts of the péréquation, sent: with each run, with the year's last, or when a window ends (settings).

They go out as messages, after the run they are of, one a tenant and run at most; what was queued once is not again.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine, select

from billing.cross_subsidy.accounts.account import Account, account_of
from billing.cross_subsidy.accounts.account_paper import account_paper, addressee_of
from billing.frame.database import hold_facts, reading, writing
from billing.frame.errors import BadConfiguration
from billing.frame.messages import queue_messages
from billing.frame.settings import Operator
from billing.frame.terms import Terms
from billing.register.tables import billing_run, lease, tenant
from billing.run.matrices import standing_matrices
from invoices.mail import MailText, shown
from invoices.messages.message import Message, Paper
from invoices.messages.tables import message
from invoices.rendering.figures import kept_page
from invoices.wording import language_of, wording
from pricing.eligibility import tenancy
from pricing.funding_matrix import TENANT
from pricing.period import ONE_DAY, first_of_month, format_month

KIND: Final = "cross_subsidy_account"
# The setting that says when accounts are sent, and its words; the first of them that fits a tenant names its message.
SENT = "cross_subsidy.account_sent"
WINDOW_END = "window_end"
YEAR = "year"
INVOICE = "invoice"
OCCASIONS = (WINDOW_END, YEAR, INVOICE)
# Accounts are computed, queued and let go so many at a time.
AT_A_TIME = 25


class DueAccount(NamedTuple):
    """An account to be sent: its tenant, the month of its run, the occasion."""

    tenant: str
    period: date
    occasion: str

    @property
    def key(self) -> str:
        """Return the message's key: one is sent once, ever."""
        return f"{self.tenant}/{format_month(self.period)}"


def occasions_at(terms: Terms, on: date) -> tuple[str, ...]:
    """Return the occasions on which accounts are sent, by the settings of a day; raises BadConfiguration."""
    wanted = terms.at(SENT, on)
    if not all(occasion in OCCASIONS for occasion in wanted):
        raise BadConfiguration(f"TERMS_FILE: {SENT} may hold {', '.join(OCCASIONS)}, and nothing else")
    return tuple(occasion for occasion in OCCASIONS if occasion in wanted)


def due_accounts(connection: Connection, terms: Terms, on: date) -> list[DueAccount]:
    """List the accounts of the latest complete run still to be sent, by tenant; none unless the settings say so.

    With `invoice` every tenant that gave or received in it; with `year` in December every one that did in the year;
    with `window_end` those whose last day at the subsidised price lies in its month. Writes nothing.
    """
    occasions = occasions_at(terms, on)
    latest = connection.execute(select(billing_run).order_by(billing_run.c.period.desc()).limit(1)).one_or_none()
    if not occasions or latest is None or latest.status != "complete":
        return []
    period: date = latest.period
    wanted: dict[str, str] = {}
    for occasion in occasions:
        if occasion == WINDOW_END:
            codes = _windows_ending(connection, period)
        elif occasion == YEAR:
            codes = _taking_part(connection, period.replace(month=1), period) if period.month == 12 else set()
        else:
            codes = _taking_part(connection, period, period)
        for code in codes:
            wanted.setdefault(code, occasion)
    sent = set(connection.scalars(select(message.c.key).where(message.c.kind == KIND)))
    accounts = [DueAccount(code, period, wanted[code]) for code in sorted(wanted)]
    return [account for account in accounts if account.key not in sent]


def _taking_part(connection: Connection, first: date, last: date) -> set[str]:
    """Find the tenants that gave or were supported in these months."""
    tenants: set[str] = set()
    for matrix in standing_matrices(connection, first, last):
        for pool in matrix.funding.pools:
            tenants |= {supported.tenant for supported, _ in pool.receives}
            tenants |= {funder.code for funder, _ in pool.gives if funder.kind == TENANT and funder.code is not None}
        tenants |= {funder.code for funder, _ in matrix.funding.to_reserve if funder.code is not None}
    return tenants


def _windows_ending(connection: Connection, period: date) -> set[str]:
    """Find the tenants whose last day at the subsidised price lies in a month (R3-R5)."""
    starts: dict[str, list[date]] = {}
    for code, starts_on in connection.execute(select(lease.c.tenant, lease.c.starts_on)):
        starts.setdefault(code, []).append(starts_on)
    tenants = set()
    for row in connection.execute(select(tenant)):
        terms = tenancy(row.kind, row.incorporated_on, row.admitted_on, starts.get(row.code, ()))
        if terms.window is not None and first_of_month(terms.window.end - ONE_DAY) == period:
            tenants.add(row.code)
    return tenants


def send_accounts(
    engine: Engine, terms: Terms, operator: Operator, on: date, recorded_at: datetime
) -> list[DueAccount]:
    """Queue all that is due on a day, some at a time, each time in a transaction of its own; return what was queued."""
    with reading(engine) as connection:
        due = due_accounts(connection, terms, on)
    queued: list[DueAccount] = []
    for start in range(0, len(due), AT_A_TIME):
        with writing(engine) as connection:
            hold_facts(connection)
            queued += queue_accounts(connection, due[start : start + AT_A_TIME], terms, operator, on, recorded_at)
    return queued


def queue_accounts(
    connection: Connection, due: Sequence[DueAccount], terms: Terms, operator: Operator, on: date, recorded_at: datetime
) -> list[DueAccount]:
    """Queue these accounts as messages; return those that were queued now."""
    messages = {account.key: account for account in due}
    queued = queue_messages(
        connection, KIND, _messages(connection, due, terms, operator), written_on=on, queued_at=recorded_at
    )
    return [messages[key] for key in messages if key in queued]


def _messages(connection: Connection, due: Sequence[DueAccount], terms: Terms, operator: Operator) -> Iterator[Message]:
    for due_account in due:
        account = account_of(connection, due_account.tenant, due_account.period, terms)
        row = connection.execute(select(tenant).where(tenant.c.code == due_account.tenant)).one()
        paper = account_paper(account, operator.party, addressee_of(connection, due_account.tenant))
        yield Message(
            key=due_account.key,
            tenant=due_account.tenant,
            recipient=row.email,
            recipient_name=row.legal_name,
            text=_text(account, row.language, operator),
            papers=(Paper(f"Compte-de-perequation-{format_month(due_account.period)}.pdf", kept_page(paper)),),
        )


def _text(account: Account, wanted: str, operator: Operator) -> MailText:
    """Word the mail in the tenant's language."""
    t = wording(language_of(wanted))
    month, name = t.month(account.until), t.isolated(shown(operator.party.legal_name))
    subject = t("Votre compte de péréquation, {month}", month=month)
    return MailText(
        t.language,
        t("{subject} – {operator}", subject=subject, operator=name),
        (
            t("Bonjour,"),
            t(
                "vous trouverez ci-joint votre compte de péréquation à fin {month} : ce que le réseau a porté pour "
                "vous, ce que vous lui avez apporté, mois par mois. En bref, hors taxe :",
                month=month,
            ),
        ),
        (
            (t("Reçu du réseau"), t.dirhams(account.received)),
            (t("Apporté au réseau"), t.dirhams(account.contributed)),
        ),
        (
            t(
                "Ce compte n’est ni une facture ni une demande de paiement. Pour toute question, il suffit de répondre "
                "à ce message."
            ),
            name,
        ),
    )
