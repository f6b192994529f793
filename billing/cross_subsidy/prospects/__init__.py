"""Prospects: what an applicant would pay month by month, and what its admission would do to the pool (R35)."""
