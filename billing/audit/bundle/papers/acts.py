"""Acts in readable form: who did what, when and why; and the orders that a second person approved or refused."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from billing.approvals.queries import approvals
from billing.approvals.tables import approval_decision, approval_order
from billing.audit.bundle.papers.paper import BATCH, Paper, paper
from billing.frame.tables import audit_change, audit_event
from invoices.models import document
from ledger.exports.columns import Column, Kind, Rows
from ledger.models import entry

_ACTS = (
    Column("Acte", Kind.COUNT),
    Column("Enregistré le (UTC)", Kind.INSTANT),
    Column("Utilisateur", Kind.TEXT),
    Column("Compte d'accès", Kind.TEXT),
    Column("Voie", Kind.TEXT),
    Column("Opération", Kind.TEXT),
    Column("Motif", Kind.TEXT),
    Column("Première écriture", Kind.COUNT),
    Column("Dernière écriture", Kind.COUNT),
    Column("Premier document", Kind.TEXT),
    Column("Dernier document", Kind.TEXT),
    Column("Changements", Kind.COUNT),
    Column("Objets", Kind.TEXT),
    Column("Requête", Kind.TEXT),
)
_SUBJECTS = {
    "tenants": "locataires", "leases": "baux", "rates": "tarifs", "vat_rates": "taux de TVA", "services": "services",
    "sites": "sites", "units": "locaux", "grants": "subventions", "surveys": "enquêtes",
    "applications": "candidatures", "receipts": "règlements",
    "statements": "relevés bancaires",
    "certificates": "attestations", "usage_voids": "consommations annulées", "run_holds": "suspensions de facturation",
    "files": "PDF", "deliveries": "envois", "messages": "courriers", "message-deliveries": "envois de courriers",
    "dunning": "relances", "closings": "clôtures", "users": "utilisateurs", "tokens": "jetons",
    "deposit-movements": "mouvements de cautions", "webhook-endpoints": "destinataires de webhooks",
}  # fmt: skip
_ORIGINS = {"cli": "commande", "api": "API", "scheduler": "automate"}
_APPROVALS = (
    Column("Ordre", Kind.COUNT),
    Column("Nature", Kind.TEXT),
    Column("Ordonné par", Kind.TEXT),
    Column("Ordonné le (UTC)", Kind.INSTANT),
    Column("Issue", Kind.TEXT),
    Column("Décidé par", Kind.TEXT),
    Column("Décidé le (UTC)", Kind.INSTANT),
    Column("Motif", Kind.TEXT),
    Column("Résultat", Kind.TEXT),
    Column("Ordre en clair", Kind.TEXT),
    Column("SHA-256 de ce qui fut montré", Kind.TEXT),
)
_OUTCOMES = {None: "en attente", "approved": "approuvé", "refused": "refusé", "void": "sans objet"}


def papers(connection: Connection, start: date, until: date) -> Iterator[Paper]:
    """Yield the papers of what was done from `start` to `until`, both included."""
    yield paper(
        "actes/actes",
        "actes enregistrés dans l'année ou dont une écriture est de l'année : qui, quand, quoi, pourquoi",
        _ACTS,
        partial(_acts, connection, start, until),
        ("csv", "xlsx"),
    )
    yield paper(
        "actes/approbations",
        "ordres soumis à une seconde personne dans l'année : qui a ordonné, qui a approuvé ou refusé, et pourquoi",
        _APPROVALS,
        partial(_approvals, connection, start, until),
        ("csv", "xlsx"),
    )


def _within(column: ColumnElement[datetime], start: date, until: date) -> ColumnElement[bool]:
    begins, ends = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (start, until + timedelta(days=1)))
    return (column >= begins) & (column < ends)


def _acts(connection: Connection, start: date, until: date) -> Rows:
    e, c = audit_event.c, audit_change.c
    first, last = document.alias("first"), document.alias("last")
    of_year = exists().where(
        entry.c.id.between(e.first_entry, e.last_entry), entry.c.effective_on.between(start, until)
    )
    chosen = or_(_within(e.recorded_at, start, until), of_year)
    counted = select(c.act_id, c.subject, func.count(), func.min(c.key), func.max(c.key)).join(
        audit_event, e.id == c.act_id
    )
    changed: dict[int, list[tuple[str, int, str]]] = {}
    for act, subject, count, one, other in connection.execute(
        counted.where(chosen).group_by(c.act_id, c.subject).order_by(c.act_id, c.subject)
    ):
        changed.setdefault(act, []).append((subject, count, one if one == other else f"{one} … {other}"))
    statement = (
        select(audit_event, first.c.number.label("first_number"), last.c.number.label("last_number"))
        .outerjoin(first, first.c.id == e.first_document)
        .outerjoin(last, last.c.id == e.last_document)
        .where(chosen)
        .order_by(e.id)
    )
    for x in connection.execute(statement, execution_options={"yield_per": BATCH}):
        objects = changed.get(x.id, [])
        yield (
            x.id, x.recorded_at, x.user_name, x.actor, _ORIGINS.get(x.origin, x.origin), x.operation, x.reason,
            x.first_entry, x.last_entry, x.first_number, x.last_number, sum(count for _, count, _ in objects),
            "; ".join(f"{count} {_SUBJECTS.get(name, name)} : {keys}" for name, count, keys in objects), x.request_id,
        )  # fmt: skip


def _approvals(connection: Connection, start: date, until: date) -> Rows:
    o, d = approval_order.c, approval_decision.c
    of_year = or_(_within(o.ordered_at, start, until), _within(d.decided_at, start, until))
    for x in connection.execute(approvals().where(of_year).order_by(o.id)):
        yield (
            x.id, x.kind, x.ordered_by, x.ordered_at, _OUTCOMES[x.outcome], x.decided_by, x.decided_at,
            x.decision_reason, x.result, x.preview, x.digest,
        )  # fmt: skip
