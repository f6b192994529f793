"""Every entry the service writes, made by pure functions of facts (R20, R21)."""
