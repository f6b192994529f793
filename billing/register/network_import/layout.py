"""The files of a network folder: their columns, keys, references and tables (contract, "Network folder")."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table

from billing.frame import cells
from billing.frame.cells import Parser, optional
from billing.register import tables as models
from pricing.eligibility import KINDS
from pricing.money import format_amount, format_price, format_quantity, format_rate
from pricing.vat import STANDARD, TREATMENTS

UNITS = ("m2_month", "each", "hour")
ADVANCE, ARREARS = "advance", "arrears"
LANGUAGES = ("fr", "ar", "en")
# What firms rent (R34); the other units are used by the hour.
LETTABLE = ("office", "desk", "shop")
UNIT_KINDS = (*LETTABLE, "meeting_room", "training_room")
# What surveys say of firms, those that left included (R36).
YES, NO = "yes", "no"
GRADUATED, LEFT = "graduated", "left"
# What may become of an application, step by step (R35); the last three are final.
APPLICATION_STEPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "received": ("accepted", "waiting", "declined", "withdrawn"),
        "accepted": ("waiting", "admitted", "declined", "withdrawn"),
        "waiting": ("accepted", "admitted", "declined", "withdrawn"),
        "admitted": (),
        "declined": (),
        "withdrawn": (),
    }
)
APPLICATION_STATES = tuple(APPLICATION_STEPS)
# Accepted and not admitted yet: the waiting list.
ON_THE_LIST = ("accepted", "waiting")


class Form(Enum):
    """The kinds of cells that a spreadsheet spells in its own way, and texts."""

    TEXT = auto()
    NUMBER = auto()
    RATE = auto()
    DAY = auto()


_FORMS: Mapping[Callable[[Any], str], Form] = MappingProxyType(
    {
        format_amount: Form.NUMBER, format_price: Form.NUMBER, format_quantity: Form.NUMBER,
        format_rate: Form.RATE, date.isoformat: Form.DAY,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: its name, the field of the table that holds it, and both directions of writing.

    `about` tells in French what it holds; `spelt` what its cells are, where `show` does not tell. A file may do
    without one that `may_lack`: its cells are then blank.
    """

    name: str
    parse: Parser
    field: str
    show: Callable[[Any], str] = str
    about: str = ""
    spelt: Form | None = None
    may_lack: bool = False

    @property
    def form(self) -> Form:
        """Return what its cells are for a spreadsheet; a text is never read as anything else."""
        return self.spelt or _FORMS.get(self.show, Form.TEXT)


@dataclass(frozen=True, slots=True)
class Layout:
    """A file: its stem, table, columns (key first), key, and which columns name rows of which other file.

    A key column bears the same name in the file and in the table. `examples` are rows of a template. A folder may do
    without a file that `may_lack`.
    """

    stem: str
    table: Table
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    references: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[tuple[str, ...], ...] = ()
    may_lack: bool = False

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.stem}.csv"

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in the contract's order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)

    def show_key(self, key: tuple[Any, ...]) -> str:
        """Return a row's key as people read it; a blank part (every kind) is `*`."""
        return "/".join(self.column(name).show(part) or "*" for name, part in zip(self.key, key, strict=True))

    def show_row(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Return a row of the table as the file's cells, by column."""
        return {column.name: shown(column, values[column.field]) for column in self.columns}


def shown(column: Column, value: Any) -> str:
    """Return a value as the file's cell holds it: blank for none."""
    return "" if value is None else column.show(value)


def _text(name: str, about: str, parse: Parser = cells.text) -> Column:
    return Column(name, parse, name, about=about)


def _code(name: str, about: str) -> Column:
    return Column(name, cells.code, name, about=about)


def _number(name: str, about: str, parse: Parser) -> Column:
    return Column(name, parse, name, about=about, spelt=Form.NUMBER)


def _day(name: str, about: str, parse: Parser = cells.day) -> Column:
    return Column(name, parse, name, date.isoformat, about)


_SITES = Layout(
    "sites",
    models.site,
    (
        _code("code", "Code du site, repris par les autres fichiers"),
        _text("name", "Nom du site, imprimé sur les factures", cells.required_text),
        _text("city", "Ville"),
        _number("capacity", "Nombre d'entreprises que le site peut accueillir", optional(cells.count)),
        _day("opened_on", "Jour d'ouverture", optional(cells.day)),
    ),
    ("code",),
    examples=(("EXEMPLE", "Parc d'exemple", "Tanger", "80", "2015-09-01"),),
)
_UNITS = Layout(
    "units",
    models.unit,
    (
        _code("site", "Code du site"),
        _code("code", "Local, tel que les baux le nomment"),
        _text(
            "kind",
            "office (bureau), desk (poste de coworking), shop (commerce), meeting_room (salle de réunion) ou "
            "training_room (salle de formation)",
            cells.one_of(*UNIT_KINDS),
        ),
        Column("area_m2", cells.quantity, "area", format_quantity, "Surface en m²"),
        _text("floor", "Étage"),
    ),
    ("site", "code"),
    {"site": "sites"},
    (("EXEMPLE", "A-101", "office", "22.5", "1"), ("EXEMPLE", "A-S1", "meeting_room", "30", "1")),
    may_lack=True,
)
_SERVICES = Layout(
    "services",
    models.service,
    (
        _code("code", "Code du service ; OFFICE : bureaux loués"),
        _text("label", "Désignation imprimée sur les factures", cells.required_text),
        _text("unit", "Unité : m2_month (m² par mois), each (pièce) ou hour (heure)", cells.one_of(*UNITS)),
        _text(
            "billing",
            "advance : facturé d'avance selon les baux ; arrears : à terme échu selon les consommations",
            cells.one_of(ADVANCE, ARREARS),
        ),
        _text("revenue_account", "Compte de produits (classe 7)", cells.revenue_account),
        Column(
            "price_ceiling_incl_vat",
            optional(cells.amount),
            "price_ceiling_incl_vat",
            format_amount,
            "Plafond TTC du prix subventionné ; vide : aucun",
        ),
    ),
    ("code",),
    examples=(
        ("OFFICE", "Mise à disposition de bureau équipé", "m2_month", "advance", "71243", ""),
        ("MEAL", "Repas", "each", "arrears", "71243", "20.00"),
    ),
)
_VAT_RATES = Layout(
    "vat_rates",
    models.vat_rate,
    (
        _code("service", "Code du service"),
        _day("effective_from", "Premier jour du taux"),
        Column("rate", cells.vat_rate, "rate", format_rate, "Taux de TVA : 0,20 ou 20 %"),
        Column(
            "treatment", cells.one_of(*TREATMENTS, blank=STANDARD), "treatment", may_lack=True,
            about="Traitement : standard, ou au taux 0 exempt (exonéré), suspended (en suspension), out_of_scope "
            "(hors champ) ; vide : standard",
        ),
        Column(
            "reason", cells.text, "reason", may_lack=True,
            about="Motif imprimé à la place de la TVA : l'article, ou le numéro et la date de l'attestation",
        ),
    ),
    ("service", "effective_from"),
    {"service": "services"},
    (("OFFICE", "2017-01-01", "0.20", "", ""), ("MEAL", "2017-01-01", "0.10", "", "")),
)  # fmt: skip
_RATES = Layout(
    "rates",
    models.rate,
    (
        _code("site", "Code du site"),
        _code("service", "Code du service"),
        _text(
            "tenant_kind", "startup, sme (PME), large (grande), subsidiary (filiale) ; vide : tous",
            cells.one_of(*KINDS, blank=""),
        ),
        _day("effective_from", "Premier jour du tarif"),
        Column("market", cells.price, "market", format_price, "Prix du marché, HT"),
        _number("subsidised", "Prix subventionné HT, ou part du prix du marché telle que 1/3", cells.subsidised),
        Column("full_cost", cells.price, "full_cost", format_price, "Coût complet, HT"),
        _text("source", "Décision qui fixe le tarif"),
        Column(
            "in_kind", cells.one_of(YES, blank=""), "in_kind", may_lack=True,
            about="yes : en nature, gratuit pour tous ; le prix du marché est sa valeur ; vide : payant",
        ),
    ),
    ("site", "service", "tenant_kind", "effective_from"),
    {"site": "sites", "service": "services"},
    (
        ("EXEMPLE", "OFFICE", "", "2017-01-01", "150.00", "1/3", "134.50", "Grille d'exemple", ""),
        ("EXEMPLE", "MEAL", "", "2017-01-01", "34.00", "1/3", "30.00", "Grille d'exemple", ""),
    ),
)  # fmt: skip
_TENANTS = Layout(
    "tenants",
    models.tenant,
    (
        _code("code", "Code du locataire"),
        _text("legal_name", "Raison sociale", cells.required_text),
        _text("legal_form", "Forme juridique : SARL, SA…"),
        _text("kind", "startup, sme (PME), large (grande entreprise) ou subsidiary (filiale)", cells.one_of(*KINDS)),
        _day("incorporated_on", "Jour d'immatriculation", optional(cells.day)),
        _day("admitted_on", "Jour d'admission ; vide : celui du premier bail", optional(cells.day)),
        _text("ice", "ICE : 15 chiffres, zéros de tête compris (colonne au format texte)", cells.ice),
        _text("tax_id", "Identifiant fiscal"),
        _text("trade_register", "Registre du commerce"),
        _text("address", "Adresse"),
        _text("city", "Ville"),
        _text("email", "Adresse électronique des factures ; plusieurs : séparées par ; ou ,"),
        _text("language", "Langue des documents : fr, ar ou en ; vide : fr", cells.one_of(*LANGUAGES, blank="fr")),
    ),
    ("code",),
    examples=(
        (
            "EXEMPLE", "Société d'exemple", "SARL", "startup", "2025-10-15", "", "001561191000066", "12345678",
            "4321 Tanger", "1 rue Ibn Sina", "Tanger", "compta@exemple.example", "fr",
        ),
    ),
)  # fmt: skip
_LEASES = Layout(
    "leases",
    models.lease,
    (
        _code("code", "Code du bail"),
        _code("tenant", "Code du locataire"),
        _code("site", "Code du site"),
        _text("unit", "Bureau, tel qu'il est numéroté sur le site", cells.code),
        Column("area_m2", cells.quantity, "area", format_quantity, "Surface en m²"),
        _day("starts_on", "Premier jour"),
        _day("ends_on", "Dernier jour, compris ; vide : sans terme", optional(cells.day)),
    ),
    ("code",),
    {"tenant": "tenants", "site": "sites"},
    (("EX-BAIL", "EXEMPLE", "EXEMPLE", "A-101", "22.5", "2026-01-08", ""),),
)
_SURVEYS = Layout(
    "surveys",
    models.survey,
    (
        _code("tenant", "Code du locataire, parti ou non"),
        _number("year", "Année de l'enquête", cells.year),
        _number("jobs", "Emplois à la fin de l'année ; vide : non renseigné", optional(cells.count)),
        Column(
            "export_share", optional(cells.vat_rate), "export_share", format_rate,
            "Part du chiffre d'affaires à l'export : 0,25 ou 25 % ; vide : non renseigné",
        ),
        Column(
            "satisfaction", optional(cells.score), "satisfaction", format_quantity,
            "Satisfaction, de 0 à 100 ; vide : non renseigné",
        ),
        _text(
            "active", "L'entreprise est-elle encore en activité : yes (oui) ou no (non) ; vide : non renseigné",
            cells.one_of(YES, NO, blank=""),
        ),
        Column(
            "left_as", cells.one_of(GRADUATED, LEFT, blank=""), "left_as", may_lack=True,
            about="Comment elle a quitté le réseau : graduated (incubation réussie) ou left (autrement) ; "
            "vide : selon la colonne active",
        ),
    ),
    ("tenant", "year"),
    {"tenant": "tenants"},
    (("EXEMPLE", "2026", "7", "0.25", "82", "yes", ""),),
    may_lack=True,
)  # fmt: skip
_USAGE = Layout(
    "usage",
    models.usage_event,
    (
        _code("event_id", "Numéro unique de la consommation"),
        _code("tenant", "Code du locataire"),
        _code("site", "Code du site"),
        _code("service", "Code du service"),
        Column("quantity", cells.quantity, "quantity", format_quantity, "Quantité, dans l'unité du service"),
        _day("occurred_on", "Jour de la consommation"),
    ),
    ("event_id",),
    {"tenant": "tenants", "site": "sites", "service": "services"},
    (("EX-CONSO", "EXEMPLE", "EXEMPLE", "MEAL", "4", "2026-01-12"),),
)
_GRANTS = Layout(
    "grants",
    models.subsidy_grant,
    (
        _code("code", "Code de la subvention"),
        _text("funder", "Financeur"),
        _text("site", "Code du site ; vide : tout le réseau", optional(cells.code)),
        Column("amount", cells.amount, "amount", format_amount, "Montant en dirhams"),
        _day("granted_on", "Jour de l'octroi"),
    ),
    ("code",),
    {"site": "sites"},
    (("EX-SUBV", "Région d'exemple", "EXEMPLE", "1000.00", "2026-01-05"),),
)
_APPLICATIONS = Layout(
    "applications",
    models.application,
    (
        _code("code", "Code de la candidature"),
        _text("tenant", "Code du locataire, s'il en a ou en aura un", optional(cells.code)),
        _text("legal_name", "Raison sociale ; vide : celle du locataire"),
        _text(
            "kind", "startup, sme (PME), large (grande) ou subsidiary (filiale) ; vide : celui du locataire",
            cells.one_of(*KINDS, blank=""),
        ),
        _code("site", "Code du site demandé"),
        Column("area_m2", cells.quantity, "area", format_quantity, "Surface demandée, en m²"),
        _day("received_on", "Jour de réception"),
        _text(
            "state",
            "received (reçue), accepted (acceptée), waiting (en attente d'un local), admitted (admise), declined "
            "(refusée) ou withdrawn (retirée)",
            cells.one_of(*APPLICATION_STATES),
        ),
        _day("decided_on", "Jour de la décision ; en attente : jour de l'acceptation", optional(cells.day)),
        Column(
            "incorporated_on", optional(cells.day), "incorporated_on", date.isoformat, may_lack=True,
            about="Jour d'immatriculation, dont dépend le prix d'une jeune entreprise",
        ),
    ),
    ("code",),
    {"site": "sites"},
    (("EX-CAND", "", "Société candidate", "startup", "EXEMPLE", "20", "2026-01-10", "received", "", "2025-11-02"),),
    may_lack=True,
)  # fmt: skip

# In the order they are read and written: what is referred to comes first.
LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        layout.stem: layout
        for layout in (
            _SITES,
            _UNITS,
            _SERVICES,
            _VAT_RATES,
            _RATES,
            _TENANTS,
            _LEASES,
            _USAGE,
            _GRANTS,
            _SURVEYS,
            _APPLICATIONS,
        )
    }
)
