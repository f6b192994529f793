"""Proof of receipts: what became of each, told once in the settlements and booked by just the entries it demands."""
