"""Tenants at a glance: what the register says of each, its leases and window, what it owes, its last documents."""
