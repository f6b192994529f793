"""Applications: firms that ask for a place, what is decided, and the waiting list of each site (R35)."""
