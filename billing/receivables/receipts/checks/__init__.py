"""Proof of receipts: all that became of each has its settlements, and just the entries it demands."""
