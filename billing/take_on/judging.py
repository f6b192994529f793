"""Judges what a take-on brings as a whole: every fault of every file is noted with its row (R29)."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.entries.accounts import (
    ADVANCES,
    ADVANCES_VAT,
    BILLS_AT_THE_BANK,
    BILLS_TO_BE_CLEARED,
    BORNE_BY_OPERATOR,
    CHEQUES_TO_BE_CLEARED,
    CLIENTS,
    DEPOSITS_HELD,
    DOUBTFUL_CLIENTS,
    GRANTS,
    GRANTS_COUNTERPART,
    OVERPAYMENTS,
    PROVISION_CHARGE,
    PROVISION_FOR_CLIENTS,
    RESERVE,
    UNPLACED,
    VAT_NOT_YET_DUE,
)
from billing.entries.opening import Balance, UsedGrant
from billing.frame.bounds import AGREED_DAYS_AHEAD_MAX
from billing.frame.database import among
from billing.frame.terms import Terms
from billing.receivables.receipts.vat_at_issue import DEBITS
from billing.receivables.tables.deposits import deposit
from billing.register.network_import.faults import Faults
from billing.register.network_import.sheet import Row, Sheet
from billing.register.tables import lease, site, subsidy_grant, tenant
from billing.take_on import files
from billing.take_on.files import LAYOUTS, Rows
from invoices.document import BROUGHT_VAT_TOLERANCE
from invoices.structured_reference import numbers_in
from ledger.accounts import label_of
from ledger.errors import UnknownAccount
from pricing.money import format_amount, vat_amount
from pricing.running_shares import Moved, RunningShares
from pricing.vat_shares import Share

# Accounts that the service proves to the centime from other facts, and where these are given.
_PROVED: Mapping[str, str] = {
    CLIENTS: "it is the open invoices: give them in open_invoices.csv",
    VAT_NOT_YET_DUE: "it is the VAT of the open invoices: give them in open_invoices.csv",
    ADVANCES: "it is tenants' credit: give it in credits.csv",
    OVERPAYMENTS: "it is tenants' credit: give it in credits.csv",
    DEPOSITS_HELD: "it is the deposits held: give them in deposits.csv",
    GRANTS: "it follows from grants.csv of the network folder, and what of each was used",
    DOUBTFUL_CLIENTS: "bring the invoices as open, then decide them with `debts decide INVOICE doubtful`",
    PROVISION_FOR_CLIENTS: f"bring the invoices as open, give its amount on {PROVISION_CHARGE} instead, and take "
    f"`debts decide INVOICE doubtful`, then `provisioned`, afterwards: that books the same charge, and "
    f"{PROVISION_CHARGE} comes to zero",
    CHEQUES_TO_BE_CLEARED: "bring the invoices as open, then record the cheques",
    BILLS_TO_BE_CLEARED: "bring the invoices as open, then record the bills",
    BILLS_AT_THE_BANK: "bring the invoices as open, then record the bills",
    ADVANCES_VAT: "it is the VAT of tenants' credit, as the service declares it: give what was declared before on 3458",
    UNPLACED: "record money that nobody has placed as receipts",
}
_ANALYTIC = (RESERVE, BORNE_BY_OPERATOR, GRANTS_COUNTERPART)


class Part(NamedTuple):
    """An invoice at one VAT rate: what was invoiced, and what of it was paid before, VAT included; centimes.

    `is_declared`: all its VAT was declared as it was issued, under the *débits*, so that money moves none.
    """

    rate: int
    base: int
    vat: int
    paid: int
    is_declared: bool

    @property
    def settled(self) -> list[Moved]:
        """Return what was paid as base and VAT: its exact share, which fell due with it unless it had before (R26)."""
        shares = RunningShares([Share(self.rate, self.base, self.vat)])
        return shares.settle(self.paid, falls_due=not self.is_declared) if self.paid else []

    @property
    def vat_not_due(self) -> int:
        """Return the VAT of what is open that was not declared yet."""
        return 0 if self.is_declared else self.vat - sum(moved.vat for moved in self.settled)


class BroughtInvoice(NamedTuple):
    """An open invoice as it was issued."""

    number: str
    tenant: str
    site: str
    issued_on: date
    due_on: date
    parts: tuple[Part, ...]

    @property
    def open(self) -> int:
        """Return what is open of it, VAT included."""
        return sum(part.base + part.vat - part.paid for part in self.parts)

    @property
    def vat_not_due(self) -> int:
        """Return the VAT of what is open that was not declared yet."""
        return sum(part.vat_not_due for part in self.parts)


class TenantCredit(NamedTuple):
    """Money of a tenant that settles nothing yet, and since when; centimes."""

    tenant: str
    amount: int
    since: date


class HeldDeposit(NamedTuple):
    """The deposit held for a lease; centimes."""

    lease: str
    tenant: str
    amount: int
    received_on: date


class TakeOn(NamedTuple):
    """All that a park brings, on one day."""

    on: date
    invoices: tuple[BroughtInvoice, ...]
    credits: tuple[TenantCredit, ...]
    deposits: tuple[HeldDeposit, ...]
    balances: tuple[Balance, ...]
    grants: tuple[UsedGrant, ...]


def judge(connection: Connection, rows: Rows, on: date, terms: Terms, faults: Faults) -> TakeOn:
    """Return what the rows bring; every fault is noted, and where there is any the result is not to be used.

    Whether they balance is judged once nothing else is wrong with them.
    """
    sheets = {stem: Sheet(layout, layout.file) for stem, layout in LAYOUTS.items()}
    for stem, sheet in sheets.items():
        sheet.read(rows.get(stem, ()), faults)
    _note_unknown(connection, sheets, faults)
    _note_late(sheets, on, faults)
    invoices = _invoices(sheets[files.OPEN_INVOICES], on, terms, faults)
    credits_ = [TenantCredit(**row.values) for row in _whole(sheets[files.CREDITS])]
    deposits = list(_deposits(connection, sheets[files.DEPOSITS], faults))
    balances = list(_balances(sheets[files.BALANCES], faults))
    grants = list(_grants(connection, sheets[files.GRANTS], faults))
    brought = TakeOn(on, tuple(invoices), tuple(credits_), tuple(deposits), tuple(balances), tuple(grants))
    if not any(brought[1:]) and not faults:
        faults.add(
            LAYOUTS[files.BALANCES].file, None, None, None, "brings nothing, nor does any other file", "add rows"
        )
    # Where a row is wrong, so is what balances it.
    if not faults:
        _note_unbalanced(brought, faults)
    return brought


def _whole(sheet: Sheet) -> list[Row]:
    """Return the rows of which every cell could be read, each key once."""
    return [row for row in sheet.by_key.values() if len(row.values) == len(sheet.layout.columns)]


def _note_unknown(connection: Connection, sheets: Mapping[str, Sheet], faults: Faults) -> None:
    """Note each tenant and site that the register has not."""
    known = {
        "tenant": (tenant.c.code, "import the network folder first, or correct the code"),
        "site": (site.c.code, "import the network folder first, or correct the code"),
    }
    for name, (column, remedy) in known.items():
        naming = [(sheet, row) for sheet in sheets.values() for row in sheet.rows if row.values.get(name) is not None]
        codes = {row.values[name] for _, row in naming}
        there = set(connection.scalars(select(column).where(among(connection, column, sorted(codes)))))
        for sheet, row in naming:
            if row.values[name] not in there:
                sheet.note(faults, row, name, f"is no known {name}", remedy)


def _note_late(sheets: Mapping[str, Sheet], on: date, faults: Faults) -> None:
    """Note each day after the take-on, since what comes then is entered as it comes; and a due date years ahead."""
    for row in sheets[files.OPEN_INVOICES].rows:
        if row.has("due_on") and row.values["due_on"] > on + timedelta(days=AGREED_DAYS_AHEAD_MAX):
            problem = f"is more than {AGREED_DAYS_AHEAD_MAX} days after the day of the take-on, {on}"
            sheets[files.OPEN_INVOICES].note(faults, row, "due_on", problem, "check the year")
    for stem, name in (
        (files.OPEN_INVOICES, "issued_on"), (files.CREDITS, "since"), (files.DEPOSITS, "received_on"),
    ):  # fmt: skip
        for row in sheets[stem].rows:
            if row.has(name) and row.values[name] > on:
                remedy = "correct it, or leave the row out: what comes later is entered as it comes"
                sheets[stem].note(faults, row, name, f"is after the day of the take-on, {on}", remedy)


def _invoices(sheet: Sheet, on: date, terms: Terms, faults: Faults) -> Iterator[BroughtInvoice]:
    """Yield the invoices, whose rows are one a VAT rate, in the order of the file."""
    by_number: dict[str, list[Row]] = {}
    for row in sheet.rows:
        if row.has("number"):
            by_number.setdefault(row.values["number"], []).append(row)
    for number, rows in by_number.items():
        first = rows[0]
        for fault in _number_faults(number, on):
            sheet.note(faults, first, "number", *fault)
        for row in rows:
            _note_amounts(sheet, row, faults)
            for name in ("tenant", "site", "issued_on", "due_on"):
                if row.has(name) and first.has(name) and row.values[name] != first.values[name]:
                    problem = f"is another than on line {first.line}, of the same invoice"
                    sheet.note(faults, row, name, problem, "an invoice has one tenant, site, date and due date")
        if first.has("issued_on", "due_on") and first.values["due_on"] < first.values["issued_on"]:
            sheet.note(faults, first, "due_on", "is before it was issued", "correct one of the two days")
        if any(len(row.values) < len(sheet.layout.columns) or _is_overpaid(row) for row in rows):
            continue
        of = first.values
        is_declared = terms.at("vat.regime", of["issued_on"]) == DEBITS
        parts = sorted(
            Part(v["vat_rate"], v["base"], v["vat"], v["paid"], is_declared) for v in (row.values for row in rows)
        )
        invoice = BroughtInvoice(number, of["tenant"], of["site"], of["issued_on"], of["due_on"], tuple(parts))
        if not invoice.open:
            sheet.note(faults, first, "paid", "leaves nothing open", "leave the invoice out: it is paid")
        yield invoice


def _number_faults(number: str, on: date) -> Iterator[tuple[str, str]]:
    ours = [ours for ours in numbers_in(number) if int(ours.split("-")[1]) >= on.year]
    if ours:
        yield (
            f"is, or reads as, {ours[0]}, a number of the series that this service gives from now on",
            "two invoices would bear it: begin it with another sign, as A-FA-…, and write so in the tenant's letter",
        )


def _note_amounts(sheet: Sheet, row: Row, faults: Faults) -> None:
    """Note VAT that is not that of its base, and what is paid beyond the row's own amount."""
    values = row.values
    if row.has("base", "vat", "vat_rate"):
        due = vat_amount(values["base"], values["vat_rate"])
        if abs(values["vat"] - due) > BROUGHT_VAT_TOLERANCE:
            problem = f"is not the VAT of {format_amount(values['base'])} at this rate, {format_amount(due)}"
            remedy = (
                f"correct base, vat or vat_rate; up to {format_amount(BROUGHT_VAT_TOLERANCE)} is taken for rounding"
            )
            sheet.note(faults, row, "vat", problem, remedy)
    if _is_overpaid(row):
        problem = f"is more than base and VAT of this row, {format_amount(values['base'] + values['vat'])}"
        remedy = "give each row what was paid of its own base and VAT; what was paid too much is the tenant's credit"
        sheet.note(faults, row, "paid", problem, remedy)


def _is_overpaid(row: Row) -> bool:
    return row.has("base", "vat", "paid") and row.values["paid"] > row.values["base"] + row.values["vat"]


def _deposits(connection: Connection, sheet: Sheet, faults: Faults) -> Iterator[HeldDeposit]:
    codes = sorted({row.values["lease"] for row in sheet.rows if row.has("lease")})
    leases = among(connection, lease.c.code, codes)
    tenants = dict(connection.execute(select(lease.c.code, lease.c.tenant).where(leases)).all())
    asked = set(connection.scalars(select(deposit.c.lease).where(among(connection, deposit.c.lease, codes))))
    for row in sheet.rows:
        code = row.values.get("lease")
        if code is not None and code not in tenants:
            sheet.note(
                faults, row, "lease", "is no known lease", "import the network folder first, or correct the code"
            )
        elif code in asked:
            sheet.note(faults, row, "lease", "was asked for its deposit here already", "leave the row out")
    for row in _whole(sheet):
        if row.values["lease"] in tenants:
            yield HeldDeposit(tenant=tenants[row.values["lease"]], **row.values)


def _balances(sheet: Sheet, faults: Faults) -> Iterator[Balance]:
    for row in sheet.rows:
        account = row.values.get("account")
        if account is None:
            continue
        proved = next((code for code in _PROVED if account.startswith(code)), None)
        if proved is not None:
            sheet.note(faults, row, "account", "is proved by more than a balance", _PROVED[proved])
        elif account.startswith("9") and account not in _ANALYTIC:
            remedy = f"of class 9 give {RESERVE}, the reserve (and {GRANTS_COUNTERPART}, if you keep its counterpart)"
            sheet.note(faults, row, "account", "is moved by runs alone", remedy)
        elif account.startswith("8"):
            sheet.note(faults, row, "account", "is emptied at each year's end", "give 1191 or 1199, or classes 6 and 7")
        else:
            try:
                label_of(account)
            except UnknownAccount:
                remedy = "give an account of the chart (GET /v1/ledger/accounts), or one below it"
                sheet.note(faults, row, "account", "is not in the chart of accounts", remedy)
    return (Balance(**row.values) for row in _whole(sheet) if row.values["amount"])


def _grants(connection: Connection, sheet: Sheet, faults: Faults) -> Iterator[UsedGrant]:
    g = subsidy_grant.c
    codes = sorted({row.values["code"] for row in sheet.rows if row.has("code")})
    known = {row.code: row for row in connection.execute(select(subsidy_grant).where(among(connection, g.code, codes)))}
    for row in sheet.rows:
        grant = known.get(row.values.get("code", ""))
        if grant is None:
            if row.has("code"):
                sheet.note(faults, row, "code", "is no known grant", "import grants.csv of the network folder first")
        elif row.has("used") and row.values["used"] > grant.amount:
            problem = f"is more than the {format_amount(grant.amount)} that were granted"
            sheet.note(faults, row, "used", problem, f"give at most {format_amount(grant.amount)}")
    for row in _whole(sheet):
        grant = known.get(row.values["code"])
        if grant is not None and row.values["used"]:
            yield UsedGrant(grant.code, grant.site, row.values["used"])


def _side(amount: int) -> str:
    return f"{format_amount(abs(amount))} {'debit' if amount > 0 else 'credit'}"


def _note_unbalanced(brought: TakeOn, faults: Faults) -> None:
    """Note what is missing, and on which side: classes 1 to 8 balance by themselves, class 9 is not mixed in (R21)."""
    general = {
        "open invoices": sum(invoice.open for invoice in brought.invoices),
        "their VAT not yet due": -sum(invoice.vat_not_due for invoice in brought.invoices),
        "tenants' credit": -sum(credit.amount for credit in brought.credits),
        "deposits": -sum(held.amount for held in brought.deposits),
        "balances.csv": sum(b.amount for b in brought.balances if not b.is_analytic),
    }
    analytic = sum(b.amount for b in brought.balances if b.is_analytic)
    file, missing = LAYOUTS[files.BALANCES].file, -sum(general.values())
    if missing:
        parts = ", ".join(f"{name} {_side(amount)}" for name, amount in general.items() if amount)
        problem = f"does not balance what is brought: {_side(missing)} is missing in classes 1 to 8 ({parts})"
        sign = "" if missing > 0 else "-"
        remedy = f"add the accounts that are missing, {sign}{format_amount(abs(missing))} in all (debit positive)"
        if analytic == missing:
            remedy += f"; class 9 can't balance them: the counterpart of {RESERVE} is made for you"
        faults.add(file, None, "amount", None, problem, remedy)
    is_given = any(b.account != RESERVE for b in brought.balances if b.is_analytic)
    if is_given and analytic:
        problem = f"does not balance class 9: {_side(-analytic)} is missing"
        faults.add(file, None, "amount", None, problem, f"correct it, or give {RESERVE} alone")
    reserve = -sum(b.amount for b in brought.balances if b.account == RESERVE)
    if reserve < 0:
        problem = f"makes the reserve {RESERVE} {format_amount(reserve)}: it stands in credit, below zero here"
        faults.add(file, None, "amount", None, problem, f"write -{format_amount(-reserve)} for a reserve of as much")
