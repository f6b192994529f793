"""The audit: the feed of what happened, the trail from a balance to a person, a year's books in one bundle."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    checks=("checks",),
    resources=("trail.resources", "feed.resources", "bundle.resources"),
    commands={"trail": "trail.commands", "audit-bundle": "bundle.commands"},
)
