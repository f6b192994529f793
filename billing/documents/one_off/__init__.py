"""Invoices made by hand, outside the runs (R27)."""
