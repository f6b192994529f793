"""The register with its history: every version of tenants, leases, rates, VAT rates, sites, units…"""

import json
from collections.abc import Iterator
from functools import partial

from sqlalchemy import Connection, select

from billing.audit.bundle.papers.paper import BATCH, Paper, paper
from billing.frame.tables import audit_change, audit_event
from billing.register.network_import.layout import LAYOUTS, Layout
from ledger.exports.columns import Column, Kind, Rows

# The names of files, and what their rows are.
_NAMES = {
    "sites": ("sites", "sites"),
    "units": ("locaux", "locaux"),
    "applications": ("candidatures", "candidatures"),
    "services": ("services", "services"),
    "surveys": ("enquetes", "enquêtes"),
    "rates": ("tarifs", "tarifs"),
    "vat_rates": ("taux-de-tva", "taux de TVA"),
    "tenants": ("locataires", "locataires"),
    "leases": ("baux", "baux"),
    "grants": ("subventions", "subventions"),
}
_LEADING = (
    Column("Clé", Kind.TEXT),
    Column("Acte", Kind.COUNT),
    Column("Enregistré le (UTC)", Kind.INSTANT),
    Column("Par", Kind.TEXT),
    Column("Opération", Kind.TEXT),
    Column("Motif", Kind.TEXT),
    Column("Changement", Kind.TEXT),
)


def papers(connection: Connection) -> Iterator[Paper]:
    """Yield a paper a file of the register: a row a version, as it was left by each act from the beginning."""
    for stem, (name, what) in _NAMES.items():
        layout = LAYOUTS[stem]
        columns = (*_LEADING, *(Column(column.name, Kind.TEXT) for column in layout.columns))
        yield paper(
            f"referentiel/{name}",
            f"{what} : chaque version depuis l'origine, l'acte qui l'a écrite, son auteur et son motif",
            columns,
            partial(_versions, connection, layout),
        )


def _versions(connection: Connection, layout: Layout) -> Rows:
    c, e = audit_change.c, audit_event.c
    statement = (
        select(c.key, c.before, c.after, e.id, e.recorded_at, e.actor, e.user_name, e.operation, e.reason)
        .join(audit_event, e.id == c.act_id)
        .where(c.subject == layout.stem)
        .order_by(c.act_id, c.seq)
    )
    # A change holds the changed columns alone: the rest is as the acts before have left it.
    stood: dict[str, dict[str, str]] = {}
    for row in connection.execute(statement, execution_options={"yield_per": BATCH}):
        before, after = (None if text is None else json.loads(text) for text in (row.before, row.after))
        version = {**stood.get(row.key, {}), **(before or {}), **(after or {})}
        change = "entrée" if before is None else "retrait" if after is None else "modification"
        if after is None:
            stood.pop(row.key, None)
        else:
            stood[row.key] = version
        yield (
            row.key, row.id, row.recorded_at, row.user_name or row.actor, row.operation, row.reason, change,
            *(version.get(column.name) for column in layout.columns),
        )  # fmt: skip
