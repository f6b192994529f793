"""Quotes: what a tenant would pay month by month."""
