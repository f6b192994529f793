"""What a request may hold of the register, and what an answer holds: read off the import's own layouts.

The examples are rows of the sample network, so that they can be tried on it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from marshmallow import Schema, fields, validate
from msgspec import Meta, defstruct
from sqlalchemy import ColumnElement, Date, Integer

from billing.frame.http import fields as texts
from billing.frame.http.addresses import EVERY_KIND
from billing.frame.http.fields import Cell, Code, WholeNumber
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.shapes import Count, Day, Shape
from billing.register.network_import.layout import ADVANCE, ARREARS, LANGUAGES, LAYOUTS, UNITS, Column, Layout
from pricing.eligibility import KINDS


class Resource(NamedTuple):
    """One resource of the register: its address, its file's stem, and what the documentation says of it.

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
            {
                "in": "path",
                "name": name,
                "example": self.example[name] or EVERY_KIND,
                "description": self.meaning(name),
            }
            for name in self.layout.key
        ]

    def meaning(self, column: str) -> str:
        """What a field says."""
        return _MEANINGS.get((self.stem, column)) or _MEANINGS["", column]

    @property
    def name(self) -> str:
        """What schemas call it."""
        return self.one.title().replace(" ", "")

    @property
    def address(self) -> str:
        """The address of one of them, as a rule."""
        key = self.layout.key
        if len(key) == 1:
            return f"/{self.path}/<{'event' if self.stem == 'usage' else 'code'}:{key[0]}>"
        parts = ("day" if name == "effective_from" else "part" for name in key)
        return f"/{self.path}/" + "/".join(f"<{kind}:{name}>" for kind, name in zip(parts, key, strict=True))

    @property
    def order(self) -> tuple[ColumnElement[Any], ...]:
        """What its lists are ordered by: the key, or the order of arrival."""
        table = self.layout.table
        return (table.c.id,) if self.stem == "usage" else tuple(table.c[name] for name in self.layout.key)


RESOURCES = (
    Resource("sites", "sites", "site", ("name",)),
    Resource("services", "services", "service", ("label", "unit", "billing", "revenue_account")),
    Resource("vat-rates", "vat_rates", "VAT rate", ("rate",), ("service",)),
    Resource("rates", "rates", "rate", ("market", "subsidised", "full_cost"), ("site", "service", "tenant_kind")),
    Resource("tenants", "tenants", "tenant", ("legal_name", "kind"), ("kind",)),
    Resource("leases", "leases", "lease", ("tenant", "site", "unit", "area_m2", "starts_on"), ("tenant", "site")),
    Resource("grants", "grants", "grant", ("amount", "granted_on"), ("site",)),
    Resource(
        "usage-events", "usage", "usage event", ("tenant", "site", "service", "quantity", "occurred_on"),
        ("tenant", "site", "service"), changeable=False,
    ),
)  # fmt: skip
USAGE = RESOURCES[-1]
# A row of each, in the order of the layout's columns.
_EXAMPLES: Mapping[str, Sequence[Any]] = MappingProxyType(
    {
        "sites": ("TNG", "Technopark Tanger", "Tanger", 100, "2015-09-01"),
        "services": ("MEAL", "Repas", "each", "arrears", "71243", "20.00"),
        "vat_rates": ("MEAL", "2017-01-01", "0.10"),
        "rates": ("CAS", "MEAL", None, "2015-01-01", "34.00", "17.50", "31.50", "contrat de restauration"),
        "tenants": (
            "T0001", "Noor Santé", "SARL AU", "startup", "2024-05-26", None, "000380478000073", "83960310",
            "455140 Casablanca", "31 avenue Hassan II", "Casablanca", "facturation@t0001.example", "fr",
        ),
        "leases": ("L00001", "T0001", "CAS", "CAS-101", "18", "2025-07-11", "2026-10-08"),
        "grants": ("G2026-SM", "Région Souss-Massa", "SOU", "60000.00", "2026-06-01"),
        "usage": ("E0000001", "T0001", "CAS", "MEAL", "4", "2026-05-01"),
    }
)  # fmt: skip

# What a column says in any file, or in one.
_MEANINGS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("", "code"): "The code it is named by: it never changes",
        ("", "site"): "The site's code",
        ("", "service"): "The service's code",
        ("", "tenant"): "The tenant's code",
        ("", "city"): "The city it is in",
        ("", "effective_from"): "The day from which it holds, until the next one",
        ("sites", "name"): "The site's name",
        ("sites", "capacity"): "How many offices it has; null: not known",
        ("sites", "opened_on"): "The day it opened",
        ("services", "label"): "What invoices call it",
        ("services", "unit"): "The unit that is priced",
        ("services", "billing"): "Whether a month is billed before it or after it",
        ("services", "revenue_account"): "The account its revenue is booked on",
        ("services", "price_ceiling_incl_vat"): "The price of a unit with VAT that may not be exceeded, in dirhams",
        ("vat_rates", "rate"): "The rate of VAT: 0.20 is 20 %",
        ("rates", "tenant_kind"): "The kind of tenant it is for; null: for every kind",
        ("rates", "market"): "The market price of a unit without VAT, in dirhams",
        ("rates", "subsidised"): "The subsidised price: an amount, or a fraction of the market price",
        ("rates", "full_cost"): "The full cost of a unit without VAT, in dirhams",
        ("rates", "source"): "Where the price comes from",
        ("tenants", "legal_name"): "The legal name, as printed",
        ("tenants", "legal_form"): "The legal form, as printed",
        ("tenants", "kind"): "The kind of tenant: it decides the price",
        ("tenants", "incorporated_on"): "The day it was incorporated",
        ("tenants", "admitted_on"): "The day it was admitted to the park",
        ("tenants", "ice"): "The common identifier of enterprises: 15 digits",
        ("tenants", "tax_id"): "The tax identifier",
        ("tenants", "trade_register"): "The number in the trade register",
        ("tenants", "address"): "The street address",
        ("tenants", "email"): "The address its documents are mailed to",
        ("tenants", "language"): "The language of its documents",
        ("leases", "unit"): "The office's code",
        ("leases", "area_m2"): "The area, in square metres",
        ("leases", "starts_on"): "The first day of the lease",
        ("leases", "ends_on"): "The last day of the lease; null: it runs on",
        ("usage", "event_id"): "The id it is named by, given by the sender",
        ("usage", "quantity"): "How much was used, in the service's unit",
        ("usage", "occurred_on"): "The day it was used",
        ("grants", "funder"): "Who gives the grant",
        ("grants", "site"): "The code of the site it is for; null: for the network",
        ("grants", "amount"): "Dirhams",
        ("grants", "granted_on"): "The day it was granted",
    }
)
_CODES = frozenset({"code", "event_id", "tenant", "site", "service", "unit"})
_WORDS: Mapping[tuple[str, str], Sequence[str]] = {
    ("services", "unit"): UNITS,
    ("services", "billing"): (ADVANCE, ARREARS),
    ("rates", "tenant_kind"): KINDS,
    ("tenants", "kind"): KINDS,
    ("tenants", "language"): LANGUAGES,
}
_DECIMALS: Mapping[str, Mapping[str, Any]] = {
    "price_ceiling_incl_vat": texts.AMOUNT_DOC, "amount": texts.AMOUNT_DOC, "rate": texts.RATE_DOC,
    "market": texts.PRICE_DOC, "full_cost": texts.PRICE_DOC, "area_m2": texts.QUANTITY_DOC,
    "quantity": texts.QUANTITY_DOC,
    "subsidised": {
        "pattern": r"^([0-9]+(\.[0-9]{1,4})?|[0-9]{1,9}/[0-9]{1,9})$", "example": "1/3",
    },
    "revenue_account": {"pattern": "^7[0-9]{3,15}$", "example": "71243"},
}  # fmt: skip


def _field(resource: Resource, column: Column, *, required: bool) -> fields.Field[Any]:
    """The field of a column: a JSON text or whole number; the import judges what it says."""
    may_be_none = not required
    kind = resource.layout.table.c[column.field].type
    said = {"example": resource.example[column.name], "description": resource.meaning(column.name)}
    if isinstance(kind, Integer) and column.show is str:
        limits = {"minimum": 0, "maximum": 1_000_000, **said}
        return WholeNumber(required=required, allow_none=may_be_none, metadata=limits)
    words = _WORDS.get((resource.stem, column.name))
    if words is not None:
        # `null` is one of the words where it is allowed at all.
        listed = [*words, None] if may_be_none else list(words)
        return Cell(
            {"enum": listed, **said},
            required=required,
            allow_none=may_be_none,
            validate=validate.OneOf(words),
        )
    return Cell({**_form(resource, column), **said}, required=required, allow_none=may_be_none)


def _form(resource: Resource, column: Column) -> Mapping[str, Any]:
    """The form of a column's text."""
    if column.name in _DECIMALS:
        return _DECIMALS[column.name]
    if isinstance(resource.layout.table.c[column.field].type, Date):
        return texts.DAY_DOC
    return texts.CODE_DOC if column.name in _CODES else texts.TEXT_DOC


@cache
def record_schema(resource: Resource) -> type[Schema]:
    """One of them, whole."""
    required = {*resource.layout.key, *resource.required} - {"tenant_kind"}
    found = {c.name: _field(resource, c, required=c.name in required) for c in resource.layout.columns}
    return strict_schema(resource.name, found)


def change_schema(resource: Resource) -> type[Schema]:
    """Some of its fields, none of its key."""
    found = {}
    for column in resource.layout.columns:
        if column.name not in resource.layout.key:
            field = _field(resource, column, required=column.name in resource.required)
            field.required = False
            found[column.name] = field
    return strict_schema(f"{resource.name}Change", found)


@cache
def stored_shape(resource: Resource) -> type[Shape]:
    """One of them, as answers show it: all fields are always there; what may be blank may be null."""
    return defstruct(
        f"{resource.name}Stored",
        [(column.name, _stored_type(resource, column)) for column in resource.layout.columns],
        bases=(Shape,),
        namespace={"__doc__": f"A {resource.one}, as it stands."},
        frozen=True,
    )


def _stored_type(resource: Resource, column: Column) -> Any:
    """The type of a column's field in answers, with what the documentation says of it."""
    stored = resource.layout.table.c[column.field]
    words = _WORDS.get((resource.stem, column.name))
    kind: Any = str
    if isinstance(stored.type, Integer) and column.show is str:
        kind = Count
    elif isinstance(stored.type, Date):
        kind = Day
    elif words is not None:
        kind = Literal[tuple(words)]
    elif column.name in _DECIMALS:
        kind = Annotated[str, Meta(pattern=_DECIMALS[column.name]["pattern"])]
    if stored.nullable or column.name == "tenant_kind":
        kind = kind | None
    example = resource.example[column.name]
    examples = None if example is None else [example]
    return Annotated[kind, Meta(description=resource.meaning(column.name), examples=examples)]


def list_query_schema(resource: Resource) -> type[Schema]:
    """What its list can be asked for."""
    return query_schema(f"{resource.name}Query", {name: _filter(resource, name) for name in resource.filters})


def _filter(resource: Resource, name: str) -> fields.Field[Any]:
    words = _WORDS.get((resource.stem, name))
    if words is None:
        return Code(metadata={"description": resource.meaning(name)})
    if name == "tenant_kind":
        words = (*words, EVERY_KIND)
    return fields.String(validate=validate.OneOf(words), metadata={"description": resource.meaning(name)})
