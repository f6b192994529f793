"""Dunning: which tenant is reminded of what, when, how far; letters, disputes, promises, contractual interest.

`ladder` and `fine` are pure: open items, settings and a day in; what is due to be sent out. `sending` does a day: one
mail a tenant, queued with its acts in one transaction (`invoices.messages`), sent after it like every other mail.
"""
