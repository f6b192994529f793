"""Tier changes, announced: windows that end, what changes on the bills, and who is told when (R5).

Owns the list of tier changes ahead, the bills before and after one, the ladder of announcements and their letters.
Does not own prices (the run's engine), nor the queue (`invoices.messages`).
"""
