"""Webhooks: what the feed tells is sent, signed, to addresses of other systems, in order and until it has arrived."""
