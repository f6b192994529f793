"""What a request may hold of the register, and what an answer holds: read off the import's own layouts.

The examples are rows of the sample network, so that they can be tried on it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from marshmallow import Schema, fields, validate
from sqlalchemy import ColumnElement, Date, Integer

from billing.frame.http import fields as texts
from billing.frame.http.addresses import EVERY_KIND
from billing.frame.http.fields import Cell, Code, WholeNumber
from billing.frame.http.schemas import query_schema, strict_schema
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
        return [{"in": "path", "name": name, "example": self.example[name] or EVERY_KIND} for name in self.layout.key]

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
        "description": "An amount, or a fraction of the market price",
    },
    "revenue_account": {"pattern": "^7[0-9]{3,15}$", "example": "71243"},
}  # fmt: skip


def _field(resource: Resource, column: Column, *, required: bool) -> fields.Field[Any]:
    """The field of a column: a JSON text or whole number; the import judges what it says."""
    may_be_none = not required
    kind = resource.layout.table.c[column.field].type
    example = resource.example[column.name]
    if isinstance(kind, Integer) and column.show is str:
        limits = {"minimum": 0, "maximum": 1_000_000, "example": example}
        return WholeNumber(required=required, allow_none=may_be_none, metadata=limits)
    words = _WORDS.get((resource.stem, column.name))
    if words is not None:
        # `null` is one of the words where it is allowed at all.
        listed = [*words, None] if may_be_none else list(words)
        return Cell(
            {"enum": listed, "example": example},
            required=required,
            allow_none=may_be_none,
            validate=validate.OneOf(words),
        )
    doc = _DECIMALS.get(column.name) or (
        texts.DAY_DOC if isinstance(kind, Date) else texts.CODE_DOC if column.name in _CODES else texts.TEXT_DOC
    )
    return Cell({**doc, "example": example}, required=required, allow_none=may_be_none)


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


def answer_schema(resource: Resource) -> type[Schema]:
    """All fields are always there; what may be blank may be null."""
    found: dict[str, fields.Field[Any]] = {}
    for column in resource.layout.columns:
        stored = resource.layout.table.c[column.field]
        none = bool(stored.nullable) or column.name == "tenant_kind"
        is_count = isinstance(stored.type, Integer) and column.show is str
        kind = fields.Integer if is_count else fields.String
        found[column.name] = kind(required=True, allow_none=none)
    return Schema.from_dict(found, name=f"{resource.name}Stored")


def list_query_schema(resource: Resource) -> type[Schema]:
    """What its list can be asked for."""
    return query_schema(f"{resource.name}Query", {name: _filter(resource, name) for name in resource.filters})


def _filter(resource: Resource, name: str) -> fields.Field[Any]:
    words = _WORDS.get((resource.stem, name))
    if words is None:
        return Code()
    if name == "tenant_kind":
        words = (*words, EVERY_KIND)
    return fields.String(validate=validate.OneOf(words))
