"""Leases entered by mistake: removed before anything was billed by them; a billed one is ended."""
