"""The fields of requests and the shapes of answers about the register: read off the import's own layouts.

The examples are rows of the sample network, so that they can be tried on it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from marshmallow import Schema, fields, validate
from msgspec import defstruct
from msgspec.structs import asdict
from sqlalchemy import Date, Integer, Row, String

from billing.frame.http import fields as texts
from billing.frame.http.addresses import EVERY_KIND
from billing.frame.http.fields import Cell, Code, WholeNumber
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.shapes import Account, Count, Day, Money, Price, Quantity, Rate, Shape, Text, about
from billing.register.listings import LISTINGS
from billing.register.network_import.layout import (
    ADVANCE,
    APPLICATION_STATES,
    ARREARS,
    GRADUATED,
    LANGUAGES,
    LAYOUTS,
    LEFT,
    NO,
    UNIT_KINDS,
    UNITS,
    YES,
    Column,
    Layout,
)
from pricing.eligibility import KINDS
from pricing.vat import TREATMENTS


class Resource(NamedTuple):
    """One resource of the register: its address, its file's stem, and its words in the documentation.

    `required` are the fields besides the key that must be given; `filters` those a list can be asked for.
    """

    path: str
    stem: str
    one: str
    required: tuple[str, ...]
    filters: tuple[str, ...] = ()
    changeable: bool = True

    @property
    def layout(self) -> Layout:
        """The columns and the table."""
        return LAYOUTS[self.stem]

    @property
    def example(self) -> dict[str, Any]:
        """One of them, as a request holds it."""
        return dict(zip(self.layout.names, _EXAMPLES[self.stem], strict=True))

    @property
    def key_example(self) -> list[dict[str, Any]]:
        """Its key, as parts of an address are documented."""
        return [
            {"in": "path", "name": name, "example": str(self.example[name] or EVERY_KIND)} for name in self.layout.key
        ]

    @property
    def many(self) -> str:
        """What a batch of them is called in its body."""
        return "events" if self.stem == "usage" else self.stem

    @property
    def site_column(self) -> str | None:
        """The column that says of which site a row is; None: no row is of one site, or not every row is."""
        return _SITE_COLUMNS.get(self.stem)

    @property
    def name(self) -> str:
        """Its name in the names of schemas."""
        return self.one.title().replace(" ", "")

    @property
    def address(self) -> str:
        """The address of one of them, as a rule."""
        key = self.layout.key
        if len(key) == 1:
            return f"/{self.path}/<code:{key[0]}>"
        parts = ({"effective_from": "day", "year": "year"}.get(name, "part") for name in key)
        return f"/{self.path}/" + "/".join(f"<{kind}:{name}>" for kind, name in zip(parts, key, strict=True))

    def key_of(self, record: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the key of a record of a request, as stored; the request has been judged."""
        cells = ((self.layout.table.c[name].type, record.get(name) or "") for name in self.layout.key)
        return tuple(date.fromisoformat(cell) if isinstance(kind, Date) else cell for kind, cell in cells)

    def key_in(self, address: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the key in an address, as stored."""
        return tuple(
            "" if name == "tenant_kind" and address[name] == EVERY_KIND else address[name] for name in self.layout.key
        )


RESOURCES = (
    Resource("sites", "sites", "site", ("name",)),
    Resource("units", "units", "unit", ("kind", "area_m2"), ("site", "kind")),
    Resource("services", "services", "service", ("label", "unit", "billing", "revenue_account")),
    Resource("vat-rates", "vat_rates", "VAT rate", ("rate",), ("service",)),
    Resource("rates", "rates", "rate", ("market", "subsidised", "full_cost"), ("site", "service", "tenant_kind")),
    Resource("tenants", "tenants", "tenant", ("legal_name", "kind"), ("kind",)),
    Resource("leases", "leases", "lease", ("tenant", "site", "unit", "area_m2", "starts_on"), ("tenant", "site")),
    Resource("grants", "grants", "grant", ("amount", "granted_on"), ("site",)),
    Resource("surveys", "surveys", "survey", (), ("tenant",)),
    Resource(
        "applications", "applications", "application", ("site", "area_m2", "received_on", "state"),
        ("site", "state", "tenant"),
    ),
    Resource(
        "usage-events", "usage", "usage event", ("tenant", "site", "service", "quantity", "occurred_on"),
        ("tenant", "site", "service"), changeable=False,
    ),
)  # fmt: skip
USAGE = RESOURCES[-1]
_SITE_COLUMNS: Mapping[str, str] = {
    "sites": "code",
    "units": "site",
    "rates": "site",
    "leases": "site",
    "applications": "site",
    "usage": "site",
}
# A row of each, in the order of the layout's columns.
_EXAMPLES: Mapping[str, Sequence[Any]] = MappingProxyType(
    {
        "sites": ("TNG", "Technopark Tanger", "Tanger", 100, "2015-09-01"),
        "units": ("TNG", "TNG-101", "office", "22.5", "1"),
        "services": ("MEAL", "Repas", "each", "arrears", "71243", "20.00"),
        "vat_rates": ("MEAL", "2017-01-01", "0.10", "standard", None),
        "rates": ("CAS", "MEAL", None, "2015-01-01", "34.00", "17.50", "31.50", "contrat de restauration", None),
        "tenants": (
            "T0001", "Noor Santé", "SARL AU", "startup", "2024-05-26", None, "000380478000073", "83960310",
            "455140 Casablanca", "31 avenue Hassan II", "Casablanca", "facturation@t0001.example", "fr",
        ),
        "leases": ("L00001", "T0001", "CAS", "CAS-101", "18", "2025-07-11", "2026-10-08"),
        "grants": ("G2026-SM", "Région Souss-Massa", "SOU", "60000.00", "2026-06-01"),
        "surveys": ("T0001", 2026, 7, "0.25", "82", "yes", None),
        "applications": (
            "C2026-001", None, "Argan Robotique", "startup", "CAS", "22.5", "2026-05-11", "received", None,
            "2026-02-03",
        ),
        "usage": ("E0000001", "T0001", "CAS", "MEAL", "4", "2026-05-01"),
    }
)  # fmt: skip

# The description of a column, for requests and answers: of that file, or wherever it stands.
_DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "code": "Its code: never changes",
        "name": "Its name",
        "city": "The city",
        "capacity": "How many firms there is room for",
        "opened_on": "The day it opened",
        "units.code": "Its code, as leases name it",
        "units.kind": "What it is; offices, desks and shops are let",
        "floor": "The floor it is on",
        "label": "What lines say of it",
        "services.unit": "The unit it is billed in",
        "billing": "advance: from leases; arrears: from usage, in the month after",
        "revenue_account": "The account of class 7 it is booked to",
        "price_ceiling_incl_vat": "The most a tenant may be charged for a unit, VAT included",
        "service": "The service's code",
        "effective_from": "The first day it holds",
        "vat_rates.rate": "The VAT rate: 0.20 is 20 %",
        "treatment": "Why no VAT is charged, at the rate 0; null or left out: standard",
        "reason": "The article, or the attestation with its number and day: printed in place of the VAT",
        "site": "The site's code",
        "grants.site": "The site it is for; null: any",
        "tenant_kind": "The kind of tenant it is for; null: every kind",
        "market": "The full price of a unit, without VAT",
        "subsidised": "The subsidised price: an amount, or a fraction of the market price",
        "full_cost": "What a unit costs the network in full",
        "source": "Where it was decided",
        "in_kind": "yes: given in kind, free of charge in every tier, worth the full price; null: it is charged",
        "legal_name": "The name on its documents",
        "legal_form": "SARL, SA …",
        "kind": "The kind of firm: it decides who has a claim to the subsidised price",
        "incorporated_on": "The day it was founded",
        "admitted_on": "First day of an earlier stay in the network",
        "ice": "Identifiant commun de l'entreprise",
        "tax_id": "Identifiant fiscal",
        "trade_register": "Number in the trade register",
        "address": "The address on its documents",
        "email": "Where its documents are sent",
        "language": "The language it is written to",
        "tenant": "The tenant's code",
        "applications.tenant": "The code under which the firm is a tenant or will be one; null: none is given yet",
        "applications.legal_name": "The firm's name; null: as the register has the tenant",
        "applications.kind": "The kind of firm; null: as the register has the tenant",
        "applications.site": "The site it applies to",
        "applications.area_m2": "The area it wants",
        "received_on": "The day it was received",
        "state": "What has become of it",
        "decided_on": "The day of the decision; of one that waits, the day it was accepted",
        "leases.unit": "The office let",
        "area_m2": "Its area",
        "starts_on": "First day of the lease",
        "ends_on": "Last day of the lease, included; null: it goes on",
        "funder": "Who grants it",
        "amount": "What is granted",
        "granted_on": "The day it can first be drawn on",
        "year": "The year it is about",
        "jobs": "The jobs at the end of the year; null: not known, as with the fields that follow",
        "export_share": "The part of its turnover that is exported: 0.25 is 25 %",
        "satisfaction": "How content it is, from 0 to 100",
        "active": "Whether the firm still trades, even where it left",
        "left_as": "How it left: graduated, or otherwise; null: as active says",
        "event_id": "Its code: the same event is billed once",
        "quantity": "How much was used, in the service's unit",
        "occurred_on": "The day it was used",
    }
)


def _description(resource: Resource, column: Column) -> str:
    return _DESCRIPTIONS.get(f"{resource.stem}.{column.name}") or _DESCRIPTIONS[column.name]


_CODES = frozenset({"code", "event_id", "tenant", "site", "service", "unit"})
_WORDS: Mapping[tuple[str, str], Sequence[str]] = {
    ("units", "kind"): UNIT_KINDS,
    ("services", "unit"): UNITS,
    ("services", "billing"): (ADVANCE, ARREARS),
    ("vat_rates", "treatment"): TREATMENTS,
    ("rates", "tenant_kind"): KINDS,
    ("rates", "in_kind"): (YES,),
    ("tenants", "kind"): KINDS,
    ("applications", "kind"): KINDS,
    ("applications", "state"): APPLICATION_STATES,
    ("tenants", "language"): LANGUAGES,
    ("surveys", "active"): (YES, NO),
    ("surveys", "left_as"): (GRADUATED, LEFT),
}
# Words that may be none, and columns that decisions change, each with its reason, not corrections.
_OPTIONAL_WORDS = frozenset(
    {
        ("rates", "tenant_kind"), ("rates", "in_kind"), ("applications", "kind"), ("surveys", "active"),
        ("surveys", "left_as"),
    }
)  # fmt: skip
_DECIDED = frozenset({("applications", "state"), ("applications", "decided_on")})
_DECIMALS: Mapping[str, Mapping[str, Any]] = {
    "price_ceiling_incl_vat": texts.AMOUNT_DOC, "amount": texts.AMOUNT_DOC, "rate": texts.RATE_DOC,
    "market": texts.PRICE_DOC, "full_cost": texts.PRICE_DOC, "area_m2": texts.QUANTITY_DOC,
    "quantity": texts.QUANTITY_DOC, "export_share": texts.RATE_DOC, "satisfaction": texts.QUANTITY_DOC,
    "subsidised": {
        "pattern": r"^([0-9]+(\.[0-9]{1,4})?|[0-9]{1,9}/[0-9]{1,9})$", "example": "1/3",
    },
    "revenue_account": {"pattern": "^7[0-9]{3,15}$", "example": "71243"},
}  # fmt: skip


def _field(resource: Resource, column: Column, *, required: bool) -> fields.Field[Any]:
    """Return the field of a column: a JSON text or whole number; the import judges what it says."""
    may_be_none = not required
    kind = resource.layout.table.c[column.field].type
    doc = {"description": _description(resource, column), "example": resource.example[column.name]}
    if isinstance(kind, Integer) and column.show is str:
        limits = {"minimum": 0, "maximum": 1_000_000, **doc}
        return WholeNumber(required=required, allow_none=may_be_none, metadata=limits)
    words = _WORDS.get((resource.stem, column.name))
    if words is not None:
        # `null` is one of the words where it is allowed at all.
        allowed = [*words, None] if may_be_none else list(words)
        return Cell(
            {"enum": allowed, **doc},
            required=required,
            allow_none=may_be_none,
            validate=validate.OneOf(words),
        )
    form = _DECIMALS.get(column.name) or (
        texts.DAY_DOC if isinstance(kind, Date) else texts.CODE_DOC if column.name in _CODES else texts.TEXT_DOC
    )
    return Cell({**form, **doc}, required=required, allow_none=may_be_none)


@cache
def record_schema(resource: Resource) -> type[Schema]:
    """Return one of them, whole."""
    required = {*resource.layout.key, *resource.required} - {"tenant_kind"}
    return strict_schema(
        resource.name, {c.name: _field(resource, c, required=c.name in required) for c in resource.layout.columns}
    )


@cache
def change_schema(resource: Resource) -> type[Schema]:
    """Return some of its fields, none of its key."""
    changed = {}
    for column in resource.layout.columns:
        if column.name not in resource.layout.key and (resource.stem, column.name) not in _DECIDED:
            field = _field(resource, column, required=column.name in resource.required)
            field.required = False
            changed[column.name] = field
    if resource.stem == "rates":
        changed["reason"] = Reason("Why a price that has begun is changed", required=False)
    return strict_schema(f"{resource.name}Change", changed)


_SHOWN: Mapping[str, Any] = {
    "price_ceiling_incl_vat": Money, "amount": Money, "rate": Rate, "market": Price, "full_cost": Price,
    "area_m2": Quantity, "quantity": Quantity, "revenue_account": Account, "export_share": Rate,
    "satisfaction": Quantity,
}  # fmt: skip


@cache
def stored_shape(resource: Resource) -> type[Shape]:
    """Make the shape of its answers: all fields are always there; what may be blank may be null."""
    return defstruct(  # type: ignore[return-value]
        f"{resource.name}Stored",
        [*((column.name, _type(resource, column)) for column in resource.layout.columns), *_shown_besides(resource)],
        bases=(Shape,),
        namespace={"__doc__": f"A {resource.one} of the register."},
        frozen=True,
    )


def _shown_besides(resource: Resource) -> list[tuple[str, Any]]:
    """Return what answers show besides the columns of the file."""
    if resource is not USAGE:
        return []
    return [("void_reason", Annotated[Text | None, about("Why it is void, and not billed; null: it is not void")])]


def _type(resource: Resource, column: Column) -> Any:
    stored = resource.layout.table.c[column.field]
    words = _WORDS.get((resource.stem, column.name))
    if isinstance(stored.type, Date):
        kind: Any = Day
    elif isinstance(stored.type, Integer) and column.show is str:
        kind = Count
    elif words is not None:
        kind = Literal[*words]
    else:
        kind = _SHOWN.get(column.name, str)
    if stored.nullable or _may_be_blank(resource, column):
        kind = kind | None
    return Annotated[kind, about(_description(resource, column))]


def stored_as(resource: Resource, row: Row[Any]) -> Shape:
    """Return a stored row as answers show it: texts, whole numbers, days; null for none and for every kind."""
    values = row._mapping
    besides = (values[name] for name, _ in _shown_besides(resource))
    shown = (_shown(resource, column, values[column.field]) for column in resource.layout.columns)
    return stored_shape(resource)(*shown, *besides)


def _may_be_blank(resource: Resource, column: Column) -> bool:
    """Return whether a text of a column may be none: an answer then says null."""
    named = {*resource.layout.key, *resource.required} - {"tenant_kind"}
    kind = resource.layout.table.c[column.field].type
    word = resource.stem, column.name
    is_word = word in _WORDS and word not in _OPTIONAL_WORDS
    return isinstance(kind, String) and column.name not in named and not is_word


def _shown(resource: Resource, column: Column, value: Any) -> Any:
    if value is None or column.show is str or isinstance(value, date):
        return None if value == "" and _may_be_blank(resource, column) else value
    return column.show(value)


Warnings = Annotated[
    tuple[str, ...], about("What was taken and yet is unlikely, each with its field: look at it; mostly there is none")
]


@cache
def taken_shape(resource: Resource) -> type[Shape]:
    """Make the shape of the answer to one that was added or changed: as stored, with warnings."""
    return defstruct(  # type: ignore[return-value]
        f"{resource.name}Taken",
        [("warnings", Warnings)],
        bases=(stored_shape(resource),),
        namespace={"__doc__": f"A {resource.one} as it is stored now, and what is unlikely about it."},
        frozen=True,
    )


def taken_as(resource: Resource, stored: Shape, warnings: tuple[str, ...]) -> Shape:
    """Return what `stored_as` gave, with the warnings of what has just been written."""
    return taken_shape(resource)(**asdict(stored), warnings=warnings)


class BatchTaken(Shape, frozen=True):
    """How many records of a batch were new, and how many were known."""

    added: Annotated[Count, about("Those that are new")]
    known: Annotated[Count, about("Those that stood already, just so")]
    warnings: Warnings


def list_query_schema(resource: Resource) -> type[Schema]:
    """Return the query of its list."""
    filters = {name: _filter(resource, name) for name in resource.filters}
    return query_schema(f"{resource.name}Query", filters, LISTINGS.get(resource.stem))


def _filter(resource: Resource, name: str) -> fields.Field[Any]:
    words = _WORDS.get((resource.stem, name))
    metadata = {"description": f"Only those with this {name}"}
    if words is None:
        return Code(metadata=metadata)
    if name == "tenant_kind":
        words = (*words, EVERY_KIND)
    return fields.String(validate=validate.OneOf(words), metadata=metadata)
