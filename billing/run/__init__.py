"""The monthly run (R9-R19): batches of tenants, each one transaction; final when complete."""

from billing.run.month import preview_month, run_month
from billing.run.report import RunReport, Totals

__all__ = ["RunReport", "Totals", "preview_month", "run_month"]
