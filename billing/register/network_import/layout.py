"""The files of a network folder: their columns, keys, references and tables (contract, "Network folder")."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table

from billing.frame import cells
from billing.frame.cells import Parser, optional
from billing.register import tables as models
from pricing.eligibility import KINDS
from pricing.money import format_amount, format_price, format_quantity, format_rate

UNITS = ("m2_month", "each", "hour")
ADVANCE, ARREARS = "advance", "arrears"
LANGUAGES = ("fr", "ar", "en")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: its name, the field of the table that holds it, and both directions of writing."""

    name: str
    parse: Parser
    field: str
    show: Callable[[Any], str] = str


@dataclass(frozen=True, slots=True)
class Layout:
    """A file: its stem, table, columns (key first), key, and which columns name rows of which other file.

    A key column bears the same name in the file and in the table.
    """

    stem: str
    table: Table
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    references: Mapping[str, str] = field(default_factory=dict)

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


def _text(name: str, parse: Parser = cells.text) -> Column:
    return Column(name, parse, name)


def _code(name: str) -> Column:
    return Column(name, cells.code, name)


def _day(name: str, parse: Parser = cells.day) -> Column:
    return Column(name, parse, name, date.isoformat)


_SITES = Layout(
    "sites",
    models.site,
    (
        _code("code"),
        _text("name", cells.required_text),
        _text("city"),
        _text("capacity", optional(cells.count)),
        _day("opened_on", optional(cells.day)),
    ),
    ("code",),
)
_SERVICES = Layout(
    "services",
    models.service,
    (
        _code("code"),
        _text("label", cells.required_text),
        _text("unit", cells.one_of(*UNITS)),
        _text("billing", cells.one_of(ADVANCE, ARREARS)),
        _text("revenue_account", cells.revenue_account),
        Column("price_ceiling_incl_vat", optional(cells.amount), "price_ceiling_incl_vat", format_amount),
    ),
    ("code",),
)
_VAT_RATES = Layout(
    "vat_rates",
    models.vat_rate,
    (_code("service"), _day("effective_from"), Column("rate", cells.vat_rate, "rate", format_rate)),
    ("service", "effective_from"),
    {"service": "services"},
)
_RATES = Layout(
    "rates",
    models.rate,
    (
        _code("site"),
        _code("service"),
        _text("tenant_kind", cells.one_of(*KINDS, blank="")),
        _day("effective_from"),
        Column("market", cells.price, "market", format_price),
        _text("subsidised", cells.subsidised),
        Column("full_cost", cells.price, "full_cost", format_price),
        _text("source"),
    ),
    ("site", "service", "tenant_kind", "effective_from"),
    {"site": "sites", "service": "services"},
)
_TENANTS = Layout(
    "tenants",
    models.tenant,
    (
        _code("code"),
        _text("legal_name", cells.required_text),
        _text("legal_form"),
        _text("kind", cells.one_of(*KINDS)),
        _day("incorporated_on", optional(cells.day)),
        _day("admitted_on", optional(cells.day)),
        _text("ice", cells.ice),
        _text("tax_id"),
        _text("trade_register"),
        _text("address"),
        _text("city"),
        _text("email"),
        _text("language", cells.one_of(*LANGUAGES, blank="fr")),
    ),
    ("code",),
)
_LEASES = Layout(
    "leases",
    models.lease,
    (
        _code("code"),
        _code("tenant"),
        _code("site"),
        _text("unit", cells.code),
        Column("area_m2", cells.quantity, "area", format_quantity),
        _day("starts_on"),
        _day("ends_on", optional(cells.day)),
    ),
    ("code",),
    {"tenant": "tenants", "site": "sites"},
)
_USAGE = Layout(
    "usage",
    models.usage_event,
    (
        _code("event_id"),
        _code("tenant"),
        _code("site"),
        _code("service"),
        Column("quantity", cells.quantity, "quantity", format_quantity),
        _day("occurred_on"),
    ),
    ("event_id",),
    {"tenant": "tenants", "site": "sites", "service": "services"},
)
_GRANTS = Layout(
    "grants",
    models.subsidy_grant,
    (
        _code("code"),
        _text("funder"),
        _text("site", optional(cells.code)),
        Column("amount", cells.amount, "amount", format_amount),
        _day("granted_on"),
    ),
    ("code",),
    {"site": "sites"},
)

# In the order they are read and written: what is referred to comes first.
LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {layout.stem: layout for layout in (_SITES, _SERVICES, _VAT_RATES, _RATES, _TENANTS, _LEASES, _USAGE, _GRANTS)}
)
