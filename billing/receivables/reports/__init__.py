"""What tenants owe, paid and dispute, as people read it: statements, aged balance, receipts and what they lack."""
