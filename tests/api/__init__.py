"""The HTTP API as its callers see it."""
