"""What became of grants in a year: received, used for whom, carried over; for those who gave them (R18, R21)."""
