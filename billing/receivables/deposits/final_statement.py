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
from billing.frame.codes import DEPOSIT, FINAL_STATEMENT
from billing.frame.database import change_facts
from billing.frame.errors import Fault, Refused, Unknown
from billing.frame.settings import Operator
from billing.frame.terms import Terms
from billing.receivables.deposits.deposits import deposit_shape, deposits
from billing.receivables.deposits.setting_off import SetOff, set_off_deposit
from billing.receivables.deposits.shapes import FinalStatement, SettledByDeposit, StatedDocument
from billing.receivables.mailed_papers import FINAL_STATEMENT as FINAL_STATEMENT_MAIL
from billing.receivables.mailed_papers import mail_paper
from billing.receivables.open_items.open_items import credits, open_items  # noqa: A004
from billing.receivables.receipts.applying_credits import apply_credits, settle_what_was_issued
from billing.receivables.receipts.queries import receipt_story
from billing.receivables.tables.deposits import deposit, deposit_set_off, final_statement
from billing.register.parties import buyer_of
from billing.register.tables import billing_run, lease, site, tenant
from invoices.document import CREDIT_NOTE, Party
from invoices.links import LINK_SECRET, Linked, PaperKind, link_of
from invoices.rendering.letter import Column, Letter, render_letter
from invoices.rendering.sheet import Fact, Note, amount_in_words, payment_note
from invoices.wording import Wording, paper_language, wording_of
from pricing.money import AMOUNT_DECIMALS, format_amount, parse_decimal
from pricing.period import first_of_month, format_month, next_month

_STATEMENTS = select(final_statement, LINK_SECRET)


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
    standing = connection.execute(_STATEMENTS.where(final_statement.c.lease == lease_code)).one_or_none()
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
    content |= {} if held is None else _deposit_content(connection, held.id)
    values = {
        "lease": lease_code,
        "tenant": let.tenant,
        "closed_on": on,
        "balance": parse_decimal(content["balance"], AMOUNT_DECIMALS),
        "content": json.dumps(content, ensure_ascii=False),
        "recorded_at": recorded_at,
    }
    key = connection.scalar(final_statement.insert().values(values).returning(final_statement.c.id))
    note_rows(connection, final_statement, [key])
    made = find_final_statement(connection, lease_code)
    number, letter = FINAL_STATEMENT.format(made.id), final_statement_letter(made)
    mail_paper(connection, FINAL_STATEMENT_MAIL, number, letter, is_to_pay=made.balance > 0, queued_at=recorded_at)
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


def _deposit_content(connection: Connection, key: int) -> dict[str, Any]:
    """Return what became of a deposit: what was received and given back, and each invoice that it paid, and when."""
    moved = {"received": 0, "returned": 0}
    for movement in deposit_shape(connection, key).movements:
        if movement.cancelled_on is None:
            moved[movement.kind] += parse_decimal(movement.amount, AMOUNT_DECIMALS)
    x = deposit_set_off.c
    keys = connection.scalars(select(x.receipt_id).where(x.deposit_id == key).order_by(x.receipt_id)).all()
    stories = [receipt_story(connection, receipt) for receipt in keys]
    return {
        "deposit": DEPOSIT.format(key),
        **{name: format_amount(amount) for name, amount in moved.items()},
        "settled": [
            {"number": part.invoice, "amount": part.amount, "on": story.value_date.isoformat()}
            for story in stories
            for part in story.allocations
            if part.undone_on is None
        ],
    }


def find_final_statement(connection: Connection, lease_code: str) -> Row[Any]:
    """Return the statement that closed a lease; raises Unknown."""
    row = connection.execute(_STATEMENTS.where(final_statement.c.lease == lease_code)).one_or_none()
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
        deposit_received=content.get("received"),
        deposit_returned=content.get("returned"),
        settled=convert(content.get("settled", []), list[SettledByDeposit]),
    )


def final_statement_letter(head: Row[Any]) -> Letter:
    """Return the statement's printout: what is open by document, what was set off, who pays whom what remains."""
    content = json.loads(head.content)
    seller, buyer = Party(**content["seller"]), Party(**content["buyer"])
    t = wording_of(seller, paper_language(seller, buyer))
    number = FINAL_STATEMENT.format(head.id)
    amounts = {name: parse_decimal(content[name], AMOUNT_DECIMALS) for name in ("credit", "set_off", "deposit_left")}
    owes = head.balance > 0
    closing = t("Reste dû") if owes else t("À vous restituer") if head.balance else t("Solde")
    return Letter(
        issued_on=head.closed_on,
        seller=seller,
        buyer=buyer,
        subject=t("Arrêté de compte n° {number}", number=number),
        title=t("Arrêté de compte"),
        number=t("N° {number}", number=number),
        addressee=t("Adressé à"),
        facts=(
            Fact(t("Date"), t.day(head.closed_on)),
            Fact(t("Bail"), head.lease),
            Fact(t("Fin du bail"), t.day(date.fromisoformat(content["ends_on"]))),
            Fact(t("Bureau"), t.paired(content["office"], content["site"])),
        ),
        paragraphs=(_summary(head.balance, amounts["set_off"], t),),
        columns=(
            Column(t("Document"), "66mm", True),
            Column(t("Date"), "32mm", True),
            Column(t("Échéance"), "32mm", True),
            Column(t("Montant (DH)") if "deposit" in content else t("Reste (DH)"), "50mm", False),
        ),
        rows=tuple(_rows(content, amounts, t)),
        sums=((closing, t.dirhams(abs(head.balance))),),
        in_words=amount_in_words(
            abs(head.balance), t("{closing} : {words}.", closing=closing, words="{words}"), t.language
        ),
        notes=tuple(_notes(seller, number, head.balance, amounts["set_off"], t)),
        language=t.language,
        link=link_of(seller, head.link_secret, Linked(PaperKind.FINAL_STATEMENT, head.id)),
    )


def _summary(balance: int, set_off: int, t: Wording) -> str:
    if balance > 0:
        text = t("Votre bail est terminé ; le compte ci-dessous en arrête le solde, qui reste à régler.")
    elif balance < 0:
        text = t("Votre bail est terminé ; le compte ci-dessous en arrête le solde, que nous vous devons.")
    else:
        text = t("Votre bail est terminé ; plus rien n’est dû de part ni d’autre.")
    if not set_off:
        return text
    used = t("Le dépôt de garantie a réglé {amount} de factures impayées.", amount=t.dirhams(set_off))
    return f"{text} {used}"


def _rows(content: dict[str, Any], amounts: dict[str, int], t: Wording) -> list[tuple[str, ...]]:
    """Return the rows, whose amounts sum to the balance: what the deposit paid stands among them, then the deposit."""
    rows: list[tuple[str, ...]] = []
    for part in content.get("settled", ()):
        title = t(
            "Facture {number}, réglée par le dépôt le {day}",
            number=t.isolated(part["number"]), day=t.day(date.fromisoformat(part["on"])),
        )  # fmt: skip
        rows.append((title, "", "", t.amount(_centimes(part["amount"]))))
    for document in content["documents"]:
        number, is_credit = t.isolated(document["number"]), document["kind"] == CREDIT_NOTE
        title = t("Avoir {number}", number=number) if is_credit else t("Facture {number}", number=number)
        due = "" if is_credit else t.day(date.fromisoformat(document["due_on"]))
        issued = t.day(date.fromisoformat(document["issued_on"]))
        rows.append((title, issued, due, t.amount(_centimes(document["open"]))))
    if amounts["credit"]:
        rows.append((t("Sommes à valoir"), "", "", t.amount(-amounts["credit"])))
    if "deposit" in content:
        received, returned = _centimes(content["received"]), _centimes(content["returned"])
        paid = sum(_centimes(part["amount"]) for part in content["settled"])
        rows.append((t("Dépôt de garantie {number}, reçu", number=content["deposit"]), "", "", t.amount(-received)))
        if returned:
            rows.append((t("Dépôt de garantie déjà rendu"), "", "", t.amount(returned)))
        # What it paid once, and is among the tenant's credits again.
        if credited := received - returned - amounts["deposit_left"] - paid:
            rows.append((t("Dépôt de garantie porté à votre compte"), "", "", t.amount(credited)))
    elif amounts["deposit_left"]:
        # A statement of before: it did not keep what the deposit had paid.
        rows.append((t("Dépôt de garantie à restituer"), "", "", t.amount(-amounts["deposit_left"])))
    return rows


def _centimes(text: str) -> int:
    return parse_decimal(text, AMOUNT_DECIMALS)


def _notes(seller: Party, number: str, balance: int, set_off: int, t: Wording) -> list[Note]:
    notes = []
    if balance > 0:
        notes.append(payment_note(t("Par virement, référence {number}", number=t.isolated(number)), seller, t))
    elif balance < 0:
        notes.append(Note(t("Restitution"), (t("Merci de nous communiquer votre RIB pour le virement."),)))
    if set_off:
        used = t("{amount} imputés sur les factures les plus anciennes.", amount=t.dirhams(set_off))
        notes.append(Note(t("Dépôt de garantie"), (used,)))
    return notes


def final_statement_pdf(head: Row[Any]) -> bytes:
    """Return the statement as PDF: the same bytes for ever. Raises RenderingFailed."""
    return render_letter(final_statement_letter(head))
