"""The cross-subsidy: forecasts, tier changes, each tenant's own account, the annual report, indicators."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("tier_changes.tables",),
    checks=("tier_changes.checks",),
    resources=(
        "resources",
        "tier_changes.resources",
        "forecast.resources",
        "indicators.resources",
        "prospects.resources",
        "grants_report.resources",
    ),
    jobs=("tier_changes.jobs", "accounts.jobs"),
    commands={
        "forecast": "forecast.commands",
        "tier-changes": "tier_changes.commands",
        "cross-subsidy": "accounts.commands",
        "applications show": "prospects.commands",
        "report cross-subsidy-year": "annual_report.commands",
        "report grants": "grants_report.commands",
        "report indicators": "indicators.commands",
    },
)
