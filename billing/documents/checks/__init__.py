"""Proofs of documents and of all a tenant has to do with."""
