"""Tenants held from the run of a month, with a reason: the next run bills them (R24)."""
