"""A park is taken on: its open invoices, credit, deposits, balances and used grants, written and booked at once (R29).

Brought invoices become documents in no series and no run, with what was paid before as a settlement of its own, so
that everything over open items finds them like ours. Credit becomes receipts of the means `brought`, deposits become
deposits; the entries of the take-on book them all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, not_, select

from billing.entries.accounts import OPENING_TRANSIT
from billing.entries.deposits import RECEIVED
from billing.entries.grants import GRANTS_RECEIVED
from billing.entries.opening import Opening, OpenInvoice, TenantSum, opening_entries
from billing.entries.receivables import BROUGHT, LegKind
from billing.frame.added_rows import note_rows
from billing.frame.audit_log import record_change
from billing.frame.bounds import PREPARED_DAYS_AHEAD_MAX, too_far_ahead
from billing.frame.civil_time import today
from billing.frame.database import among, change_facts, change_receivables, change_runs, insert_rows
from billing.frame.errors import Conflict, Fault, Refused
from billing.frame.settings import Settings
from billing.receivables.receipts.orders import NONE
from billing.receivables.receipts.receiving import credit_account
from billing.receivables.receipts.recording import Records
from billing.receivables.tables.deposits import deposit, deposit_movement
from billing.receivables.tables.receipts import SettlementAct, placement, receipt, receipt_leg, settlement
from billing.register.parties import buyer_of
from billing.register.tables import billing_run, lease, site, tenant
from billing.take_on.files import Rows, new_faults
from billing.take_on.judging import BroughtInvoice, HeldDeposit, TakeOn, TenantCredit, judge
from billing.take_on.tables import opening_balance, opening_grant, take_on
from invoices import formats
from invoices.document import INVOICE, DocumentLine, Party
from invoices.issuing import Brought, Draft, keep_brought
from invoices.models import document
from invoices.rendering.sheet import LUMP_SUM
from ledger.entry import Entry
from ledger.journal import post
from ledger.models import entry
from pricing.eligibility import MARKET
from pricing.money import QUANTITY_SCALE, format_amount, price_of
from pricing.period import first_of_month
from pricing.rating import PricedLine
from pricing.vat import VatSubtotal

SUBJECT = "take-on"
# What the lines of brought invoices are of; a reduction of them by a credit note is booked as one of services (7129).
BROUGHT_SERVICE, _REVENUE = "REPRISE", "7124"
# How a brought credit and a brought deposit are called, where others have the bank's reference.
_REFERENCE = "Reprise {}"
_DEPOSIT_COLUMNS = (
    "lease", "tenant", "site", "site_name", "office", "months", "monthly_rent", "amount", "asked_on", "due_on",
    "seller", "buyer", "recorded_at",
)  # fmt: skip
_MOVEMENT_COLUMNS = (
    "deposit_id", "movement_no", "kind", "moved_on", "amount", "money_account", "reference", "recorded_at",
)  # fmt: skip


class Taken(NamedTuple):
    """A take-on carried out: the invoices as they were issued, all that it brought to the books, and its entries."""

    invoices: tuple[BroughtInvoice, ...]
    brought: Opening
    entries: tuple[Entry, ...]


def take_park_on(connection: Connection, rows: Rows, on: date, *, recorded_at: datetime, settings: Settings) -> Taken:
    """Take a park on with what the rows of its files bring, all or nothing.

    Raises Refused with every fault of every file, Conflict once anything was issued, run or booked here.
    """
    # No run begins meanwhile, nor does anything change what is judged.
    change_runs(connection)
    change_facts(connection)
    change_receivables(connection)
    _require_first(connection)
    faults = new_faults()
    wrong = too_far_ahead(on, today(recorded_at), PREPARED_DAYS_AHEAD_MAX)
    brought = judge(connection, rows, on, settings.terms, faults)
    if wrong is not None or faults:
        day = [] if wrong is None else [Fault(SUBJECT, None, "date", str(on), *wrong)]
        raise Refused([*day, *faults.in_order()])
    tenants = _tenants(connection, brought)
    credits_ = _credit_accounts(brought, settings)
    _keep_invoices(connection, brought, tenants, settings.operator.party)
    _keep_credits(connection, credits_, on, recorded_at)
    _keep_deposits(connection, brought.deposits, tenants, settings.operator.party, recorded_at)
    insert_rows(connection, take_on, ("id", "taken_on", "recorded_at"), [(1, on, recorded_at)])
    balances = [(line, *balance) for line, balance in enumerate(brought.balances, 1)]
    insert_rows(connection, opening_balance, ("line_no", "account", "site", "amount"), balances)
    used = [(grant.code, grant.used) for grant in brought.grants]
    insert_rows(connection, opening_grant, ("grant_code", "used"), used)
    opening = Opening(
        on,
        [OpenInvoice(invoice.tenant, invoice.open, invoice.vat_not_due) for invoice in brought.invoices],
        [TenantSum(credit.tenant, account, credit.amount) for credit, account in credits_],
        [(held.tenant, held.amount) for held in brought.deposits],
        brought.balances,
        brought.grants,
    )
    entries = opening_entries(opening)
    post(connection, entries, recorded_at=recorded_at, insert=insert_rows)
    record_change(connection, SUBJECT, on.isoformat(), None, summary(opening))
    return Taken(brought.invoices, opening, tuple(entries))


def summary(brought: Opening) -> dict[str, Any]:
    """Return what a take-on brings, as people and the audit log read it."""
    return {
        "date": brought.on.isoformat(),
        "invoices": len(brought.invoices),
        "open": format_amount(sum(invoice.open for invoice in brought.invoices)),
        "vat_not_due": format_amount(sum(invoice.vat for invoice in brought.invoices)),
        "credits": len(brought.credits),
        "credit": format_amount(sum(credit.amount for credit in brought.credits)),
        "deposits": len(brought.deposits),
        "deposited": format_amount(sum(amount for _, amount in brought.deposits)),
        "balances": len(brought.balances),
        "grants": len(brought.grants),
        "used": format_amount(sum(grant.used for grant in brought.grants)),
    }


def _require_first(connection: Connection) -> None:
    """Refuse a take-on that is not the first thing booked here; grants received may stand before it (R29)."""
    taken = connection.execute(select(take_on.c.taken_on)).one_or_none()
    if taken is not None:
        raise Conflict(
            f"balances were taken on already, of {taken.taken_on}: a park is taken on once. What was forgotten is "
            "entered as it is found (a receipt, a manual entry); before anything else was done, begin with a new "
            "database"
        )
    run = connection.scalar(select(billing_run.c.period).limit(1))
    number = connection.scalar(select(document.c.number).order_by(document.c.id).limit(1))
    # Grants come with the network folder, which must be imported first: tenants and leases are in it.
    booked = connection.execute(
        select(entry.c.id, entry.c.reference, entry.c.effective_on)
        .where(not_(entry.c.reference.startswith(GRANTS_RECEIVED)))
        .order_by(entry.c.id)
        .limit(1)
    ).one_or_none()
    standing = (
        f"the run of {run:%Y-%m} stands" if run is not None
        else f"{number} was issued" if number is not None
        else None if booked is None
        else f"entry {booked.id} ({booked.reference}) of {booked.effective_on} is booked"
    )  # fmt: skip
    if standing is not None:
        raise Conflict(
            f"{standing} already: a take-on comes before everything else but the import of the network folder; begin "
            "with a new database"
        )


def _tenants(connection: Connection, brought: TakeOn) -> dict[str, Row[Any]]:
    """Return the tenants that are billed or have a deposit, as the register has them, by code."""
    codes = sorted({*(i.tenant for i in brought.invoices), *(held.tenant for held in brought.deposits)})
    rows = connection.execute(select(tenant).where(among(connection, tenant.c.code, codes)))
    return {row.code: row for row in rows}


def _keep_invoices(connection: Connection, brought: TakeOn, tenants: Mapping[str, Row[Any]], seller: Party) -> None:
    """Write the brought invoices as documents; what was paid, and what VAT was declared at issue, as settlements."""
    sites: dict[str, str] = dict(connection.execute(select(site.c.code, site.c.name)).all())
    documents = [_document(invoice, buyer_of(tenants[invoice.tenant]), sites) for invoice in brought.invoices]
    keys = keep_brought(connection, documents, seller, brought.on, insert=insert_rows)
    parts = [(key, part) for key, invoice in zip(keys, brought.invoices, strict=True) for part in invoice.parts]
    rows = [
        (
            key, SettlementAct.BROUGHT, key, rate, brought.on, base, vat, vat_due, base_due, vat_due,
            None if exact is None else str(exact), None if exact_due is None else str(exact_due),
        )
        for key, part in parts
        for rate, base, vat, base_due, vat_due, exact, exact_due in part.settled
    ]  # fmt: skip
    rows += [
        (key, SettlementAct.ISSUED, key, part.rate, brought.on, 0, 0, part.vat, part.base, part.vat, None, None)
        for key, part in parts
        if part.is_declared
    ]
    insert_rows(connection, settlement, tuple(settlement.c.keys()), rows)


def _document(invoice: BroughtInvoice, buyer: Party, sites: Mapping[str, str]) -> Brought:
    lines = tuple(_line(invoice, part.rate, part.base, sites[invoice.site]) for part in invoice.parts)
    vat = tuple(VatSubtotal(part.rate, part.base, part.vat) for part in invoice.parts)
    draft = Draft(INVOICE, buyer, lines, advantage=0, contribution=0, discount_ends_on=None)
    return Brought(invoice.number, invoice.issued_on, invoice.due_on, draft, vat)


def _line(invoice: BroughtInvoice, rate: int, base: int, site_name: str) -> DocumentLine:
    """Return all that is known of an invoice at one rate as one line, its own full price and full cost (R16)."""
    price = price_of(base)
    priced = PricedLine(
        service=BROUGHT_SERVICE, site=invoice.site, lease=None, month=first_of_month(invoice.issued_on), first_day=None,
        last_day=None, days=1, days_in_month=1, tier=MARKET, quantity=QUANTITY_SCALE, full_price=price,
        unit_price=price, unit_cost=price, amount=base, full_amount=base, cost_amount=base, vat_rate=rate,
    )  # fmt: skip
    return DocumentLine(
        priced=priced,
        service_label=f"Facture {invoice.number}",
        unit_of_measure=LUMP_SUM,
        site_name=site_name,
        office="",
        revenue_account=_REVENUE,
    )


def _credit_accounts(brought: TakeOn, settings: Settings) -> list[tuple[TenantCredit, str]]:
    """Return the credits, each with its account: an advance before any invoice, else 4428 (law.md section 5)."""
    since: dict[str, date] = {}
    for invoice in brought.invoices:
        since[invoice.tenant] = min(invoice.issued_on, since.get(invoice.tenant, invoice.issued_on))
    return [
        (credit, credit_account(since.get(credit.tenant), credit.since, settings.terms)) for credit in brought.credits
    ]


def _keep_credits(
    connection: Connection, credits_: Sequence[tuple[TenantCredit, str]], on: date, recorded_at: datetime
) -> None:
    """Write each credit as a receipt of the take-on's day that is placed with its tenant and settles nothing yet."""
    records = Records(connection, recorded_at)
    for credit, account in credits_:
        key = records.next_key(receipt)
        since = f"Avoir repris, ouvert depuis le {formats.day(credit.since)}"
        records.add(
            receipt, key, BROUGHT, _REFERENCE.format(credit.tenant), on, credit.tenant, None, credit.amount, since,
            NONE, recorded_at, None,  1,
        )  # fmt: skip
        records.add(receipt_leg, key, LegKind.MONEY, credit.amount, OPENING_TRANSIT)
        records.add(
            placement, records.next_key(placement), key, credit.tenant, credit.amount, account, on, 1, recorded_at
        )
    records.write()


def _keep_deposits(
    connection: Connection,
    deposits: Sequence[HeldDeposit],
    tenants: Mapping[str, Row[Any]],
    seller: Party,
    recorded_at: datetime,
) -> None:
    """Write each deposit as one that was asked and received on its day, its whole amount at once."""
    codes = [held.lease for held in deposits]
    of_leases = select(lease, site.c.name.label("site_name")).join(site, site.c.code == lease.c.site)
    leases = {
        row.code: row for row in connection.execute(of_leases.where(among(connection, lease.c.code, codes))).all()
    }
    asked = []
    for held in deposits:
        let, buyer = leases[held.lease], json.dumps(asdict(buyer_of(tenants[held.tenant])))
        asked.append(
            (
                held.lease, held.tenant, let.site, let.site_name, let.unit, 1, held.amount, held.amount,
                held.received_on, held.received_on, json.dumps(asdict(seller)), buyer, recorded_at,
            )
        )  # fmt: skip
    insert_rows(connection, deposit, _DEPOSIT_COLUMNS, asked)
    keys = dict(
        connection.execute(select(deposit.c.lease, deposit.c.id).where(among(connection, deposit.c.lease, codes))).all()
    )
    note_rows(connection, deposit, keys.values())
    received = [
        (
            keys[held.lease], 1, RECEIVED, held.received_on, held.amount, OPENING_TRANSIT,
            _REFERENCE.format(held.lease), recorded_at,
        )
        for held in deposits
    ]  # fmt: skip
    insert_rows(connection, deposit_movement, _MOVEMENT_COLUMNS, received)
