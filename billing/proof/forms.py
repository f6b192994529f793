"""The form of every record under proof: all its columns, with a version tag (`billing.proof.records` writes them).

A form is frozen: its columns are written out here, never read off the tables, since what was hashed once must hash
the same for ever. A table that gains a column gets a new version of the form; the log says which version each of its
leaves has. Numbers people count with (amounts, prices, quantities) are decimal strings; keys and counts are JSON
numbers; days and instants (UTC) are ISO texts; blank is null.
"""

from collections.abc import Mapping
from typing import NamedTuple

DOCUMENT, ENTRY, USAGE, CLOSING, FILE, ACT = "document", "entry", "usage", "closing", "file", "act"


class Part(NamedTuple):
    """Rows that belong to a record: their table, the column that names the record, and the order they stand in.

    `columns` are sorted by name, as RFC 8785 wants them; the record's own key is not repeated in each.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    owner: str
    order: str
    # SQL for its rows, with `owner` and the columns, where they are not those of one table.
    source: str | None = None


class Form(NamedTuple):
    """The content of a record in one version: its own row, and its parts by name."""

    kind: str
    version: int
    table: str
    key: str
    columns: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def tag(self) -> str:
        """Return the record's own name for its form, so that it cannot be taken for one of another kind or version."""
        return f"technopark-{self.kind}/{self.version}"


_PARTIES = " UNION ALL ".join(
    f"SELECT document.id AS owner, '{role}' AS role, party.content AS content, party.digest AS digest "  # noqa: S608 - constants
    f"FROM document JOIN party ON party.digest = document.{role}"
    for role in ("buyer", "seller")
)

_DOCUMENT_1 = Form(
    DOCUMENT, 1, "document", "id",
    (
        "advantage", "buyer", "contribution", "discount_ends_on", "due_on", "edition", "gross", "id", "issued_on",
        "kind", "net", "number", "period", "seller", "tax", "tenant",
    ),
    (
        Part("credit_reason", "credit_reason", ("issued_by", "reason"), "document_id", "document_id"),
        Part(
            "credited_parts", "credited_part", ("invoice_id", "invoice_line_no", "line_no"), "document_id", "line_no"
        ),
        Part(
            "lines", "document_line",
            (
                "amount", "corrects_document_id", "corrects_line_no", "cost_amount", "days", "days_in_month",
                "first_day", "full_amount", "full_price", "last_day", "lease", "line_no", "month", "office", "quantity",
                "revenue_account", "service", "service_label", "site", "site_name", "tier", "unit_cost",
                "unit_of_measure", "unit_price", "vat_rate",
            ),
            "document_id", "line_no",
        ),
        Part("parties", "party", ("content", "digest", "role"), "owner", "role", _PARTIES),
        Part("vat", "document_vat", ("amount", "base", "rate"), "document_id", "rate"),
        Part(
            "withdrawals", "credit_withdrawal", ("credit_line_no", "credit_note_id", "line_no"), "document_id",
            "line_no",
        ),
    ),
)  # fmt: skip
# Since version 0034 of the schema a line says why no VAT is charged, where none is.
_DOCUMENT_2 = _DOCUMENT_1._replace(
    version=2,
    parts=tuple(
        part._replace(columns=(*part.columns, "vat_reason", "vat_treatment")) if part.name == "lines" else part
        for part in _DOCUMENT_1.parts
    ),
)
_ENTRY_1 = Form(
    ENTRY, 1, "entry", "id",
    ("effective_on", "id", "journal", "label", "piece", "posting_count", "recorded_at", "reference"),
    (
        Part(
            "postings", "posting", ("account", "amount", "auxiliary", "effective_on", "line_no", "site"), "entry_id",
            "line_no",
        ),
    ),
)  # fmt: skip
_USAGE_1 = Form(
    USAGE, 1, "usage_event", "id", ("event_id", "id", "occurred_on", "quantity", "service", "site", "tenant"), ()
)
_CLOSING_1 = Form(
    CLOSING, 1, "period_act", "id",
    ("action", "closed_through", "digest", "id", "month", "open_through", "reason", "recorded_at"),
    (Part("balances", "period_balance", ("account", "credit", "debit"), "closing", "account"),),
)  # fmt: skip
_FILE_1 = Form(
    FILE, 1, "document_file", "document_id", ("document_id", "path", "rendered_at", "sha256", "size_bytes"), ()
)
_ACT_1 = Form(
    ACT, 1, "audit_event", "id",
    (
        "actor", "first_document", "first_entry", "first_import", "first_usage_event", "id", "last_document",
        "last_entry", "last_import", "last_usage_event", "operation", "origin", "reason", "recorded_at", "request_id",
    ),
    (Part("changes", "audit_change", ("after", "before", "key", "seq", "subject"), "act_id", "seq"),),
)  # fmt: skip
# Since version 0021 of the schema an act names its user.
_ACT_2 = _ACT_1._replace(version=2, columns=(*_ACT_1.columns, "user_name"))

# Every version there ever was, by kind and number; the last of a kind is the one that new records get.
FORMS: Mapping[tuple[str, int], Form] = {
    (form.kind, form.version): form
    for form in (_DOCUMENT_1, _DOCUMENT_2, _ENTRY_1, _USAGE_1, _CLOSING_1, _FILE_1, _ACT_1, _ACT_2)
}
NEWEST: Mapping[str, Form] = {form.kind: form for form in FORMS.values()}

# Decimals of the columns people count with (`pricing.money`): everything else that is whole is a key or a count.
DECIMALS: Mapping[str, int] = {
    **dict.fromkeys(
        (
            "advantage", "amount", "base", "contribution", "cost_amount", "credit", "debit", "full_amount", "gross",
            "net", "tax",
        ),
        2,
    ),
    **dict.fromkeys(("full_price", "rate", "unit_cost", "unit_price", "vat_rate"), 4),
    "quantity": 6,
}  # fmt: skip
