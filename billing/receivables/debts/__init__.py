"""Doubtful and lost debts: set apart, provided for, written off, recovered; two people answer for each act."""
