"""The statement that closes a tenancy: what is open, what the deposit pays, what remains either way; kept for good."""

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from msgspec import convert
from sqlalchemy import Connection, Row, func, select

from billing.frame.added_rows import note_rows
from billing.frame.bounds import PAST_DAYS_AHEAD_MAX, require_near
from billing.frame.civil_time import today
from billing.frame.codes import FINAL_STATEMENT
from billing.frame.database import change_facts
from billing.frame.errors import Fault, Refused, Unknown
from billing.frame.settings import Operator
from billing.frame.terms import Terms
from billing.receivables.deposits.deposits import deposits
from billing.receivables.deposits.setting_off import SetOff, set_off_deposit
from billing.receivables.deposits.shapes import FinalStatement, StatedDocument
from billing.receivables.open_items.open_items import credits, open_items  # noqa: A004
from billing.receivables.receipts.applying_credits import apply_credits, settle_what_was_issued
from billing.receivables.tables.deposits import deposit, final_statement
from billing.register.parties import buyer_of
from billing.register.tables import billing_run, lease, site, tenant
from invoices import formats
from invoices.document import CREDIT_NOTE, Party
from invoices.rendering.letter import Column, Letter, render_letter
from invoices.rendering.sheet import RIB_GROUPS, Fact, Note, amount_in_words
from pricing.money import AMOUNT_DECIMALS, format_amount, parse_decimal
from pricing.period import first_of_month, format_month, next_month


def close_tenancy(
    connection: Connection, lease_code: str, on: date, *, recorded_at: datetime, terms: Terms, operator: Operator
) -> Row[Any]:
    """Close the account of a lease that has ended: credits and its deposit pay what is open, the rest is stated.

    The run after the lease's last month must be complete: it bills that month's usage and repairs its rent (R10, R13).
    Closed again, the statement that stands is given. Raises Unknown, Refused.
    """
    change_facts(connection)
    let = connection.execute(
        select(lease, site.c.name.label("site_name"))
        .join(site, site.c.code == lease.c.site)
        .where(lease.c.code == lease_code)
    ).one_or_none()
    if let is None:
        raise Unknown(f"no lease has the code {lease_code}")
    standing = connection.execute(select(final_statement).where(final_statement.c.lease == lease_code)).one_or_none()
    if standing is not None:
        return standing
    require_near("final-statement", "on", on, today(recorded_at), PAST_DAYS_AHEAD_MAX)
    _require_closable(connection, let, on)
    settle_what_was_issued(connection, recorded_at=recorded_at, terms=terms, tenants=[let.tenant])
    apply_credits(connection, recorded_at=recorded_at, tenants=[let.tenant])
    held = connection.execute(deposits().where(deposit.c.lease == lease_code)).one_or_none()
    owed = sum(item.open for item in open_items(connection, tenants=[let.tenant]) if item.open > 0)
    set_off = 0 if held is None else min(held.held, owed)
    if held is not None and set_off:
        wanted = SetOff(set_off, on, f"arrêté de compte du bail {lease_code}")
        set_off_deposit(connection, held.id, wanted, recorded_at=recorded_at, terms=terms)
    content = _content(connection, let, operator, set_off, 0 if held is None else held.held - set_off)
    values = {
        "lease": lease_code,
        "tenant": let.tenant,
        "closed_on": on,
        "balance": parse_decimal(content["balance"], AMOUNT_DECIMALS),
        "content": json.dumps(content, ensure_ascii=False),
        "recorded_at": recorded_at,
    }
    made = connection.execute(final_statement.insert().values(values).returning(final_statement)).one()
    note_rows(connection, final_statement, [made.id])
    return made


def _require_closable(connection: Connection, let: Row[Any], on: date) -> None:
    def refused(problem: str, remedy: str) -> Refused:
        return Refused([Fault("final-statement", None, "lease", let.code, problem, remedy)])

    if let.ends_on is None or on <= let.ends_on:
        stands = "has no end" if let.ends_on is None else f"ends on {let.ends_on}"
        raise refused(stands, "a tenancy is closed on a day after its lease has ended")
    after = next_month(first_of_month(let.ends_on))
    newest = connection.scalar(select(func.max(billing_run.c.period)).where(billing_run.c.status == "complete"))
    if newest is None or newest < after:
        raise refused("is not billed to its end yet", f"run {format_month(after)} first: it bills the last usage")


def _content(
    connection: Connection, let: Row[Any], operator: Operator, set_off: int, deposit_left: int
) -> dict[str, Any]:
    """Return the statement's content, as it is stored."""
    who = connection.execute(select(tenant).where(tenant.c.code == let.tenant)).one()
    items = list(open_items(connection, tenants=[let.tenant]))
    credit = sum(credit.left for credit in credits(connection, tenants=[let.tenant], unplaced=False))
    balance = sum(item.open for item in items) - credit - deposit_left
    return {
        "office": let.unit,
        "site": let.site_name,
        "starts_on": let.starts_on.isoformat(),
        "ends_on": let.ends_on.isoformat(),
        "documents": [
            {
                "number": item.number,
                "kind": item.kind,
                "issued_on": item.issued_on.isoformat(),
                "due_on": item.due_on.isoformat(),
                "open": format_amount(item.open),
            }
            for item in items
        ],
        "credit": format_amount(credit),
        "set_off": format_amount(set_off),
        "deposit_left": format_amount(deposit_left),
        "balance": format_amount(balance),
        "seller": asdict(operator.party),
        "buyer": asdict(buyer_of(who)),
    }


def find_final_statement(connection: Connection, lease_code: str) -> Row[Any]:
    """Return the statement that closed a lease; raises Unknown."""
    row = connection.execute(select(final_statement).where(final_statement.c.lease == lease_code)).one_or_none()
    if row is None:
        remedy = f"`technopark-billing deposits close {lease_code}`"
        raise Unknown(f"lease {lease_code} was not closed by a final statement: {remedy}")
    return row


def final_statement_shape(head: Row[Any]) -> FinalStatement:
    """Return a final statement, as its row stores it."""
    content = json.loads(head.content)
    return FinalStatement(
        number=FINAL_STATEMENT.format(head.id),
        lease=head.lease,
        tenant=head.tenant,
        closed_on=head.closed_on,
        documents=convert(content["documents"], list[StatedDocument]),
        credit=content["credit"],
        set_off=content["set_off"],
        deposit_left=content["deposit_left"],
        balance=format_amount(head.balance),
    )


def final_statement_letter(head: Row[Any]) -> Letter:
    """Return the statement's printout: what is open by document, what was set off, who pays whom what remains."""
    content = json.loads(head.content)
    seller, buyer = Party(**content["seller"]), Party(**content["buyer"])
    number = FINAL_STATEMENT.format(head.id)
    amounts = {name: parse_decimal(content[name], AMOUNT_DECIMALS) for name in ("credit", "set_off", "deposit_left")}
    owes = head.balance > 0
    closing = "Reste dû" if owes else "À vous restituer" if head.balance else "Solde"
    ends_on = date.fromisoformat(content["ends_on"])
    return Letter(
        issued_on=head.closed_on,
        seller=seller,
        buyer=buyer,
        subject=f"Arrêté de compte n° {number}",
        title="Arrêté de compte",
        number=f"N° {number}",
        addressee="Adressé à",
        facts=(
            Fact("Date", formats.day(head.closed_on)),
            Fact("Bail", head.lease),
            Fact("Fin du bail", formats.day(ends_on)),
            Fact("Bureau", f"{content['office']}, {content['site']}"),
        ),
        paragraphs=(_summary(head.balance, amounts["set_off"]),),
        columns=(
            Column("Document", "66mm", True),
            Column("Date", "32mm", True),
            Column("Échéance", "32mm", True),
            Column("Reste (DH)", "50mm", False),
        ),
        rows=tuple(_rows(content, amounts)),
        sums=((closing, formats.dirhams(abs(head.balance))),),
        in_words=amount_in_words(abs(head.balance), f"{closing} : {{words}}.", "fr"),
        notes=tuple(_notes(seller, number, head.balance, amounts)),
    )


def _summary(balance: int, set_off: int) -> str:
    used = f" Le dépôt de garantie a réglé {formats.dirhams(set_off)} de factures impayées." if set_off else ""
    if balance > 0:
        return f"Votre bail est terminé ; le compte ci-dessous en arrête le solde, qui reste à régler.{used}"
    if balance < 0:
        return f"Votre bail est terminé ; le compte ci-dessous en arrête le solde, que nous vous devons.{used}"
    return f"Votre bail est terminé ; plus rien n’est dû de part ni d’autre.{used}"


def _rows(content: dict[str, Any], amounts: dict[str, int]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for document in content["documents"]:
        title = "Avoir" if document["kind"] == CREDIT_NOTE else "Facture"
        due = "" if document["kind"] == CREDIT_NOTE else formats.day(date.fromisoformat(document["due_on"]))
        issued = formats.day(date.fromisoformat(document["issued_on"]))
        open_amount = parse_decimal(document["open"], AMOUNT_DECIMALS)
        rows.append((f"{title} {document['number']}", issued, due, formats.amount(open_amount)))
    if amounts["credit"]:
        rows.append(("Sommes à valoir", "", "", formats.amount(-amounts["credit"])))
    if amounts["deposit_left"]:
        rows.append(("Dépôt de garantie à restituer", "", "", formats.amount(-amounts["deposit_left"])))
    return rows


def _notes(seller: Party, number: str, balance: int, amounts: dict[str, int]) -> list[Note]:
    notes = []
    if balance > 0:
        rib = formats.grouped(seller.rib, RIB_GROUPS)
        lines = (f"Par virement, référence {number}", seller.bank, f"RIB {rib}" if rib else "")
        notes.append(Note("Règlement", tuple(line for line in lines if line)))
    elif balance < 0:
        notes.append(Note("Restitution", ("Merci de nous communiquer votre RIB pour le virement.",)))
    if amounts["set_off"]:
        used = f"{formats.dirhams(amounts['set_off'])} imputés sur les factures les plus anciennes."
        notes.append(Note("Dépôt de garantie", (used,)))
    return notes


def final_statement_pdf(head: Row[Any]) -> bytes:
    """Return the statement as PDF: the same bytes for ever. Raises RenderingFailed."""
    return render_letter(final_statement_letter(head))
