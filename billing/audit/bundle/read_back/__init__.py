"""Reads the bundle's files as any other program would: from their bytes alone, with nothing of what wrote them.

Each reader is handed a file piece by piece and keeps sums by account and month; of the file it holds a line, or a row.
It names as a fault what it cannot read.
"""
