"""The way from a balance down to whoever caused it, and back up."""
