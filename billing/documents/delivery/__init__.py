"""Delivery: what is queued is rendered and sent."""
