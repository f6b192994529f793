"""Usage events entered by mistake: voided for a reason, and what the next run makes of it (R10)."""
