"""Decide what is billed, at which price, and who funds whom: pure functions of their arguments (R1-R11, R16-R19).

Owns: money and rounding, civil periods, eligibility, rates and VAT in force, the workings of every
line, the waterfall. Does not own: storage, numbers, documents, entries, the clock.
"""
