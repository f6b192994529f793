"""The service: register, import, the monthly run, delivery, scheduler, HTTP API, command line.

Owns: the facts that are billed, the transaction of each act, the translation of documents and the
waterfall into entries. Does not own: prices (pricing), documents (invoices), books (ledger).
"""
