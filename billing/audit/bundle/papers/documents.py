"""Documents line by line, credit notes made by hand with what withdrew them, usage that was voided."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial

from sqlalchemy import Connection, and_, or_, select

from billing.audit.bundle.papers.paper import BATCH, Paper, paper
from billing.audit.bundle.register import NATURES, of_year
from billing.register.tables import usage_event, usage_void
from billing.run.usage_voids.queries import latest_lines
from invoices.document import CREDIT_NOTE
from invoices.formats import vat_mention
from invoices.models import credit_reason, credit_withdrawal, credited_part, document, document_line
from ledger.exports.columns import Column, Kind, Rows

_LINES = (
    Column("Numéro", Kind.TEXT),
    Column("Nature", Kind.TEXT),
    Column("Date", Kind.DAY),
    Column("Locataire", Kind.TEXT),
    Column("Ligne", Kind.COUNT),
    Column("Service", Kind.TEXT),
    Column("Désignation", Kind.TEXT),
    Column("Site", Kind.TEXT),
    Column("Bail", Kind.TEXT),
    Column("Bureau", Kind.TEXT),
    Column("Mois", Kind.MONTH),
    Column("Premier jour", Kind.DAY),
    Column("Dernier jour", Kind.DAY),
    Column("Palier", Kind.TEXT),
    Column("Quantité", Kind.QUANTITY),
    Column("Unité", Kind.TEXT),
    Column("Prix plein", Kind.PRICE),
    Column("Prix", Kind.PRICE),
    Column("Coût", Kind.PRICE),
    Column("HT", Kind.AMOUNT),
    Column("Taux de TVA", Kind.RATE),
    Column("Régime de TVA", Kind.TEXT),
    Column("Compte de produits", Kind.TEXT),
    Column("Corrige", Kind.TEXT),
    Column("Corrige la ligne", Kind.COUNT),
)
_TIERS = {"subsidised": "subventionné", "market": "marché"}
_BY_HAND = (
    Column("Avoir", Kind.TEXT),
    Column("Date", Kind.DAY),
    Column("Locataire", Kind.TEXT),
    Column("Ligne", Kind.COUNT),
    Column("Facture", Kind.TEXT),
    Column("Ligne de la facture", Kind.COUNT),
    Column("Portée", Kind.TEXT),
    Column("HT", Kind.AMOUNT),
    Column("Motif", Kind.TEXT),
    Column("Établi par", Kind.TEXT),
    Column("Refacturé par", Kind.TEXT),
    Column("Ligne qui refacture", Kind.COUNT),
)
_VOIDS = (
    Column("Consommation", Kind.TEXT),
    Column("Locataire", Kind.TEXT),
    Column("Site", Kind.TEXT),
    Column("Service", Kind.TEXT),
    Column("Date", Kind.DAY),
    Column("Quantité", Kind.QUANTITY),
    Column("Annulée le (UTC)", Kind.INSTANT),
    Column("Motif", Kind.TEXT),
    Column("Facture", Kind.TEXT),
    Column("Ligne", Kind.COUNT),
    Column("Avoir", Kind.TEXT),
)


def papers(connection: Connection, start: date, until: date) -> Iterator[Paper]:
    """Yield the papers of documents, from `start` to `until`, both included."""
    yield paper(
        "documents/lignes",
        "chaque ligne des factures et avoirs de l'année : service, bail, mois, palier, quantité, prix, coût, TVA",
        _LINES,
        partial(_lines, connection, start.year),
    )
    yield paper(
        "documents/avoirs-manuels",
        "avoirs établis à la main dans l'année, ligne par ligne : motif, auteur, facture ; ce qui fut refacturé depuis",
        _BY_HAND,
        partial(_credited, connection, start.year),
    )
    yield paper(
        "documents/consommations-annulees",
        "consommations annulées dans l'année : motif, la ligne qui les facturait, l'avoir qui la reprend",
        _VOIDS,
        partial(_voided, connection, start, until),
    )


def _lines(connection: Connection, year: int) -> Rows:
    d, x, corrected = document.c, document_line.c, document.alias("corrected")
    statement = (
        select(
            d.number, d.kind, d.issued_on, d.tenant, x.line_no, x.service, x.service_label, x.site, x.lease, x.office,
            x.month, x.first_day, x.last_day, x.tier, x.quantity, x.unit_of_measure, x.full_price, x.unit_price,
            x.unit_cost, x.amount, x.vat_rate, x.vat_treatment, x.vat_reason, x.revenue_account,
            corrected.c.number, x.corrects_line_no,
        )
        .join(document_line, x.document_id == d.id)
        .outerjoin(corrected, corrected.c.id == x.corrects_document_id)
        .where(of_year(year))
        .order_by(d.issued_on, d.number, x.line_no)
    )  # fmt: skip
    for row in connection.execute(statement, execution_options={"yield_per": BATCH}):
        treated = vat_mention(row.vat_treatment, row.vat_reason) or None
        yield (row[0], NATURES[row[1]], *row[2:13], _TIERS[row[13]], *row[14:21], treated, *row[23:])


def _credited(connection: Connection, year: int) -> Rows:
    d, x, part, w = document.c, document_line.c, credited_part.c, credit_withdrawal.c
    invoice, again = document.alias("invoice"), document.alias("again")
    statement = (
        select(
            d.number, d.issued_on, d.tenant, x.line_no, invoice.c.number.label("invoice"), x.corrects_line_no,
            part.invoice_line_no, x.amount, credit_reason.c.reason, credit_reason.c.issued_by,
            again.c.number.label("again"), w.line_no.label("again_line"),
        )
        .join(credit_reason, credit_reason.c.document_id == d.id)
        .join(document_line, x.document_id == d.id)
        .outerjoin(credited_part, and_(part.document_id == x.document_id, part.line_no == x.line_no))
        .outerjoin(invoice, or_(invoice.c.id == x.corrects_document_id, invoice.c.id == part.invoice_id))
        .outerjoin(credit_withdrawal, and_(w.credit_note_id == x.document_id, w.credit_line_no == x.line_no))
        .outerjoin(again, again.c.id == w.document_id)
        .where(of_year(year), d.kind == CREDIT_NOTE)
        .order_by(d.issued_on, d.number, x.line_no)
    )  # fmt: skip
    for r in connection.execute(statement):
        whole = r.corrects_line_no is not None
        yield (
            r.number, r.issued_on, r.tenant, r.line_no, r.invoice, r.corrects_line_no if whole else r.invoice_line_no,
            "ligne entière" if whole else "partie", r.amount, r.reason, r.issued_by, r.again, r.again_line,
        )  # fmt: skip


def _voided(connection: Connection, start: date, until: date) -> Rows:
    e, v = usage_event.c, usage_void.c
    begins, ends = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (start, until + timedelta(days=1)))
    statement = (
        select(e.id, e.event_id, e.tenant, e.site, e.service, e.occurred_on, e.quantity, v.voided_at, v.reason)
        .join(usage_void, v.usage_event_id == e.id)
        .where(v.voided_at >= begins, v.voided_at < ends)
        .order_by(e.id)
    )
    rows = connection.execute(statement).all()
    lines = latest_lines(connection, [row.id for row in rows])
    for row in rows:
        line = lines.get(row.id)
        yield (*row[1:], *((None,) * 3 if line is None else (line.number, line.line_no, line.credit_note)))
