"""Proofs of runs: who funded whom."""
