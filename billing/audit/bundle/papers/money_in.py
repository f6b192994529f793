"""Money in: what tenants owe and by which age, receipts, what settles what, certificates, deposits, debts, the bank."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Connection,
    Select,
    and_,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
)

from billing.audit.bundle.papers.paper import Paper, paper
from billing.bank.files import reconciliation_file
from billing.bank.queries import is_withdrawn
from billing.bank.tables import bank_statement
from billing.books.lettering import letters
from billing.entries.debts import LABELS
from billing.entries.deposits import RECEIVED, RETURNED
from billing.entries.receivables import LegKind
from billing.frame.codes import DEBT_ACT, DEPOSIT, RECEIPT
from billing.frame.reports.tabled import Listed, tabled
from billing.receivables.receipts.certificates import WITHHOLDING_KEY, withholdings_select
from billing.receivables.reports.aged_balance import aged_balance
from billing.receivables.reports.open_documents import open_documents, vat_not_due
from billing.receivables.reports.receipts import receipts_journal, unplaced_receipts
from billing.receivables.tables.debts import debt_act, debt_cancellation, decision_booked_on
from billing.receivables.tables.deposits import deposit, deposit_cancellation, deposit_movement, deposit_set_off
from billing.receivables.tables.receipts import allocation, allocation_undoing, placement, receipt, receipt_cancellation
from invoices import formats
from invoices.models import document
from ledger.exports.columns import Column, Kind, Rows
from ledger.models import entry, posting

_LETTERING = (
    Column("Compte", Kind.TEXT),
    Column("Locataire", Kind.TEXT),
    Column("Lettre", Kind.TEXT),
    Column("Lettré le", Kind.DAY),
    Column("Date", Kind.DAY),
    Column("Écriture", Kind.COUNT),
    Column("Ligne", Kind.COUNT),
    Column("Pièce", Kind.TEXT),
    Column("Libellé", Kind.TEXT),
    Column("Débit", Kind.AMOUNT),
    Column("Crédit", Kind.AMOUNT),
)
_ALLOCATIONS = (
    Column("Affectation", Kind.COUNT),
    Column("Date", Kind.DAY),
    Column("Locataire", Kind.TEXT),
    Column("Règlement", Kind.TEXT),
    Column("Avoir", Kind.TEXT),
    Column("Facture", Kind.TEXT),
    Column("Montant", Kind.AMOUNT),
    Column("Choix", Kind.TEXT),
    Column("Annulée le", Kind.DAY),
    Column("Motif d'annulation", Kind.TEXT),
)
_HOW = {
    "explicit": "ordonné",
    "reference": "cité par le payeur",
    "oldest": "plus ancienne",
    "credit": "crédit reporté",
    "note": "avoir",
}
_CERTIFICATES = (
    Column("Règlement", Kind.TEXT),
    Column("Date de valeur", Kind.DAY),
    Column("Retenue", Kind.TEXT),
    Column("Locataire", Kind.TEXT),
    Column("Montant", Kind.AMOUNT),
    Column("Attestation", Kind.TEXT),
    Column("Date de l'attestation", Kind.DAY),
    Column("État", Kind.TEXT),
)
_WITHHELD = {LegKind.RENT_WITHHOLDING: "RAS sur loyer", LegKind.VAT_WITHHOLDING: "RAS TVA"}
_DEPOSITS = (
    Column("Dépôt", Kind.TEXT),
    Column("Bail", Kind.TEXT),
    Column("Locataire", Kind.TEXT),
    Column("Site", Kind.TEXT),
    Column("Demandé le", Kind.DAY),
    Column("Montant demandé", Kind.AMOUNT),
    Column("Nature", Kind.TEXT),
    Column("Date", Kind.DAY),
    Column("Date comptable", Kind.DAY),
    Column("Référence", Kind.TEXT),
    Column("Motif", Kind.TEXT),
    Column("Détenu", Kind.AMOUNT),
)
_SET_OFF = "imputé"
_DEBTS = (
    Column("Décision", Kind.TEXT),
    Column("Nature", Kind.TEXT),
    Column("Décidée le", Kind.DAY),
    Column("Comptabilisée le", Kind.DAY),
    Column("Locataire", Kind.TEXT),
    Column("Facture", Kind.TEXT),
    Column("Montant", Kind.AMOUNT),
    Column("Dont TVA", Kind.AMOUNT),
    Column("Motif", Kind.TEXT),
    Column("Demandée par", Kind.TEXT),
    Column("Approuvée par", Kind.TEXT),
    Column("Référence de la banque", Kind.TEXT),
    Column("Annulée le", Kind.DAY),
    Column("Motif d'annulation", Kind.TEXT),
)


def papers(connection: Connection, start: date, until: date) -> Iterator[Paper]:
    """Yield the papers of money in, from `start` to `until`, both included."""
    day = formats.day(until)
    listed: tuple[tuple[str, str, Callable[[], Listed]], ...] = (
        ("balance-agee", f"balance âgée des clients au {day}", partial(aged_balance, connection, until)),
        ("pieces-ouvertes", f"factures et avoirs ouverts au {day} ; leur somme est 3421 et 3424",
         partial(open_documents, connection, until)),
        ("tva-non-exigible", f"TVA facturée non exigible au {day}, par taux ; sa somme est 44551",
         partial(vat_not_due, connection, until)),
        ("encaissements", "journal des encaissements de l'exercice : modes, retenues, frais, ce qui est affecté",
         partial(receipts_journal, connection, start, until)),
        ("encaissements-a-identifier", f"encaissements sans locataire connu au {day} ; leur somme est 4497",
         partial(unplaced_receipts, connection, until)),
    )  # fmt: skip
    for name, says, report in listed:
        yield Paper(f"clients/{name}", says, partial(_listed, report))
    tables: tuple[tuple[str, str, tuple[Column, ...], Callable[[], Rows]], ...] = (
        ("lettrage", "lettrage de l'exercice : les lignes qui se soldent entre elles, par lettre", _LETTERING,
         partial(_lettered, connection, start, until)),
        ("affectations", "ce que chaque règlement ou avoir a réglé dans l'exercice, et ce qui en fut repris",
         _ALLOCATIONS, partial(_allocated, connection, start, until)),
        ("retenues-a-la-source", "retenues subies dans l'exercice, attestations reçues ; celles qui manquent encore",
         _CERTIFICATES, partial(_withheld, connection, start, until)),
        ("depots-de-garantie", f"dépôts de garantie et leurs mouvements jusqu'au {day} ; leur somme est 1487",
         _DEPOSITS, partial(_deposited, connection, until)),
        ("decisions-sur-creances", "créances douteuses, provisions, pertes et rentrées de l'exercice : motif, "
         "demandeur, approbateur", _DEBTS, partial(_decided, connection, start, until)),
    )  # fmt: skip
    for name, says, columns, rows in tables:
        yield paper(f"clients/{name}", says, columns, rows)
    c = bank_statement.c
    accounts = select(c.account).where(not_(is_withdrawn()), c.closed_on <= until).distinct().order_by(c.account)
    for account in connection.scalars(accounts).all():
        says = f"état de rapprochement du compte {account} : la banque et 5141, au dernier relevé jusqu'au {day}"
        yield Paper(f"banque/rapprochement-{account}", says, partial(reconciliation_file, connection, account, until))


def _listed(report: Callable[[], Listed], file_format: str) -> Iterator[bytes]:
    return tabled(report(), file_format)


def _lettered(connection: Connection, start: date, until: date) -> Rows:
    lettered = {key: letter for key, letter in letters(connection, until).items() if letter.since >= start}
    p, e = posting.c, entry.c
    accounts = select(p.account, p.auxiliary, p.entry_id, p.line_no, e.effective_on, e.piece, e.label, p.amount)
    lines = accounts.join(entry, e.id == p.entry_id).where(p.auxiliary.is_not(None), e.effective_on <= until)
    # Letters name the oldest document: shorter ones are older.
    in_order = [
        (lettered[line.entry_id, line.line_no], line)
        for line in connection.execute(lines)
        if (line.entry_id, line.line_no) in lettered
    ]
    in_order.sort(key=lambda x: (len(x[0].text), x[0].text, x[1].entry_id, x[1].line_no))
    for letter, x in in_order:
        yield (
            x.account, x.auxiliary, letter.text, letter.since, x.effective_on, x.entry_id, x.line_no, x.piece, x.label,
            max(x.amount, 0), max(-x.amount, 0),
        )  # fmt: skip


def _allocated(connection: Connection, start: date, until: date) -> Rows:
    a, u, invoice, note = allocation.c, allocation_undoing.c, document.alias("invoice"), document.alias("note")
    statement = (
        select(
            a.id, a.allocated_on, a.tenant, placement.c.receipt_id, note.c.number.label("note"),
            invoice.c.number.label("invoice"), a.amount, a.how, u.undone_on, u.reason,
        )
        .join(invoice, invoice.c.id == a.document_id)
        .outerjoin(note, note.c.id == a.credit_note_id)
        .outerjoin(placement, placement.c.id == a.placement_id)
        .outerjoin(allocation_undoing, u.allocation_id == a.id)
        .where(or_(a.allocated_on.between(start, until), u.undone_on.between(start, until)))
        .order_by(a.id)
    )  # fmt: skip
    for x in connection.execute(statement):
        money = None if x.receipt_id is None else RECEIPT.format(x.receipt_id)
        yield (
            x.id, x.allocated_on, x.tenant, money, x.note, x.invoice, x.amount, _HOW[x.how], x.undone_on, x.reason,
        )  # fmt: skip


def _withheld(connection: Connection, start: date, until: date) -> Rows:
    for x in connection.execute(withholdings_select().order_by(*WITHHOLDING_KEY)):
        if start <= x.value_date <= until or (x.number is None and x.value_date < start):
            yield (
                RECEIPT.format(x.receipt_id), x.value_date, _WITHHELD[x.kind], x.tenant, x.amount, x.number,
                x.certified_on, "manquante" if x.number is None else "reçue",
            )  # fmt: skip


def _deposited(connection: Connection, until: date) -> Rows:
    d = deposit.c
    moved = _deposits_moved().subquery()
    m = moved.c
    statement = (
        select(
            deposit, m.kind, m.moved_on, m.booked_on, m.reference, m.reason, m.held,
        )
        .outerjoin(moved, and_(m.deposit_id == d.id, m.booked_on <= until))
        .where(d.asked_on <= until)
        .order_by(d.id, m.booked_on, m.reference, m.kind, m.held.desc())
    )  # fmt: skip
    for x in connection.execute(statement):
        yield (
            DEPOSIT.format(x.id), x.lease, x.tenant, x.site, x.asked_on, x.amount, x.kind or "demandé",
            x.moved_on, x.booked_on, x.reference, x.reason, x.held or 0,
        )  # fmt: skip


def _deposits_moved() -> CompoundSelect[Any]:
    """Select what came of deposits, went back, was set off, and what of that was cancelled; `held`: by how much."""
    m, x, o, r, rc = deposit_movement.c, deposit_cancellation.c, deposit_set_off.c, receipt.c, receipt_cancellation.c

    def part(kind: str, days: tuple[Any, Any], texts: tuple[Any, Any], held: Any) -> Select[Any]:
        key = o.deposit_id if kind.startswith(_SET_OFF) else m.deposit_id
        return select(
            key.label("deposit_id"), literal(kind).label("kind"), days[0].label("moved_on"), days[1].label("booked_on"),
            texts[0].label("reference"), texts[1].label("reason"), cast(held, BigInteger).label("held"),
        )  # fmt: skip

    cancelled = and_(x.deposit_id == m.deposit_id, x.movement_no == m.movement_no)
    moved, undone = (m.moved_on, func.coalesce(m.booked_on, m.moved_on)), (x.cancelled_on, x.booked_on)
    parts = []
    for kind, name, held in ((RECEIVED, "reçu", m.amount), (RETURNED, "restitué", -m.amount)):
        parts.append(part(name, moved, (m.reference, m.reason), held).where(m.kind == kind))
        taken_back = part(f"{name}, annulé", undone, (m.reference, x.reason), -held)
        parts.append(taken_back.join(deposit_cancellation, cancelled).where(m.kind == kind))
    set_off = r.id == o.receipt_id
    parts += [
        part(_SET_OFF, (r.value_date, func.coalesce(r.booked_on, r.value_date)), (r.reference, o.reason), -o.amount)
        .join_from(deposit_set_off, receipt, set_off),
        part(f"{_SET_OFF}, annulé", (rc.cancelled_on, rc.booked_on), (r.reference, rc.reason), o.amount)
        .join_from(deposit_set_off, receipt, set_off)
        .join(receipt_cancellation, rc.receipt_id == r.id),
    ]  # fmt: skip
    return union_all(*parts)


def _decided(connection: Connection, start: date, until: date) -> Rows:
    a, x = debt_act.c, debt_cancellation.c
    statement = (
        select(debt_act, decision_booked_on().label("booked"), document.c.number, x.cancelled_on,
               x.reason.label("cancelled_because"))
        .join(document, document.c.id == a.document_id)
        .outerjoin(debt_cancellation, x.debt_act_id == a.id)
        .where(or_(decision_booked_on().between(start, until), x.booked_on.between(start, until)))
        .order_by(a.id)
    )  # fmt: skip
    for d in connection.execute(statement):
        yield (
            DEBT_ACT.format(d.id), LABELS[d.kind], d.decided_on, d.booked, d.tenant, d.number, d.amount, d.vat,
            d.reason, d.asked_by, d.approved_by, d.reference, d.cancelled_on, d.cancelled_because,
        )  # fmt: skip
