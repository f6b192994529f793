"""The types of event there are: a thing, a full stop, what happened to it."""

from collections.abc import Sequence

# Kinds of added rows, and the subjects of acts, by their names in the feed (`queries`).
_THINGS = frozenset(
    (
        "allocation", "application", "approval", "bank_line", "bank_statement", "certificate", "closing", "cut_off",
        "debt", "delivery", "deposit", "deposit_movement", "document", "file", "fiscal_year", "grant", "lease",
        "lease_removal", "manual_entry", "message", "month", "one_off_invoice", "rate", "receipt", "refund",
        "reminder", "run", "run_hold", "service", "site", "survey", "take_on", "tenant", "tier_change_notice", "token",
        "unit", "usage", "usage_void", "user", "vat_rate", "voucher_file", "webhook_endpoint",
    )
)  # fmt: skip
_HAPPENINGS = frozenset(
    (
        "accepted", "admitted", "approved", "asked", "cancelled", "changed", "complete", "created", "decided",
        "declined", "issued", "made", "recorded", "refused", "removed", "running", "sent", "waiting", "withdrawn",
    )
)  # fmt: skip


def is_wanted_type(text: str) -> bool:
    """Return whether a text names a type of event, `receipt.recorded`, or all of a thing, `receipt.*`."""
    thing, _, happened = text.partition(".")
    return thing in _THINGS and (happened == "*" or happened in _HAPPENINGS)


def is_wanted(type_of_event: str, wanted: Sequence[str]) -> bool:
    """Return whether an event is among the types wanted; none wanted: all are."""
    return not wanted or type_of_event in wanted or f"{type_of_event.partition('.')[0]}.*" in wanted
