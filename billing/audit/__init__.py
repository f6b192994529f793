"""The audit: the feed of what happened, webhooks of it, the trail to a person, a year's books in one bundle."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("webhooks.tables",),
    checks=("checks", "webhooks.checks"),
    resources=("trail.resources", "feed.resources", "webhooks.resources", "bundle.resources"),
    jobs=("webhooks.jobs",),
    commands={
        "trail": "trail.commands",
        "audit-bundle": "bundle.commands",
        "webhooks": "webhooks.commands",
    },
)
