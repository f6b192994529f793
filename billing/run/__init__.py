"""The monthly run (R9-R19): batches of tenants, each one transaction; final when complete."""

from billing.frame.subject import Subject
from billing.run.month import preview_month, run_month
from billing.run.report import RunReport, Totals

__all__ = ["RunReport", "Totals", "preview_month", "run_month"]

SUBJECT = Subject(
    __name__,
    tables=("tables",),
    checks=("checks.funding",),
    resources=("resources", "quotes.resources"),
    jobs=("jobs",),
    commands={"run": "commands"},
)
