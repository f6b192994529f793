"""The HTTP API (contract, "HTTP"): every view loads, opens a transaction, calls one function, dumps.

Owns: addresses, schemas, problems, bearer tokens at the door, idempotency keys, cursors, the log line
and the metrics of a request. Does not own: any rule about what is billed, issued or booked.
"""
