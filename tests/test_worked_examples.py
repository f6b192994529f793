"""The worked examples of the domain, by name (W1-W10)."""
