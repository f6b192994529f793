"""Receipts: recorded, placed, allocated, cleared, refunded; and the taxes withheld from them."""
