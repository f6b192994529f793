"""Months and years: closing, reopening, year end."""
