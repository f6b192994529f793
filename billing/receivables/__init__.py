"""Money in: what tenants owe, what they paid, what becomes of the difference."""
