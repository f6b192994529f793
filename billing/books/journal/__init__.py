"""Entries and accounts as they are read, and their proof."""
