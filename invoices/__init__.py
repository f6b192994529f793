"""Documents: invoices and credit notes as snapshots, their numbers, their rendering, their delivery.

Owns: what a document says, its number, its PDF and XML, whether it reached the buyer.
Does not own: prices (pricing), accounts (ledger), who is billed when (billing).
"""
