"""The descriptions of parts of addresses and fields of requests, by name, where they say nothing of themselves.

A name means the same everywhere; a field that means something else says so in its own metadata.
"""

from collections.abc import Mapping
from types import MappingProxyType

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "account": "The account's number",
        "act": "The number of the transaction in the audit log",
        "allocated": "The number of the allocation",
        "allocations": "The invoices that are paid, and how much of each",
        "approval": "The number of the order that waits",
        "amount": "Dirhams, to the centime",
        "decision": "The number in the name of what was recovered: 7 of CR-7",
        "effective_from": "The day from which it holds",
        "endpoint": "The webhook endpoint's number",
        "entry": "The number of the entry",
        "event_id": "The usage event's id",
        "hold": "The number of the dispute or promise",
        "invoice": "The invoice's number",
        "job_id": "The job's id",
        "kind": "What kind it is",
        "lease": "The lease's code",
        "line": "The number of the line in its statement, from 1",
        "manual_entry": "The manual entry's number",
        "means": "How it was paid",
        "message": "The message's number",
        "movement": "The number of the movement of its deposit, from 1",
        "name": "The name of the token, or of the user",
        "number": "The document's number",
        "on": "The civil day of it",
        "paid": "The refund's number",
        "paper": "The number of the paper in its message, from 1",
        "period": "The month",
        "reason": "Why it is done",
        "received": "The receipt's number",
        "receipt": "The receipt's number",
        "reference": "What the payment is known by: the number of a transfer, a cheque, a bill",
        "report": "The name of the report",
        "service": "The service's code",
        "sha256": "The SHA-256 of the file, in hexadecimal digits",
        "site": "The site's code",
        "slug": "The end of the problem's type",
        "statement": "The bank statement's number",
        "template": "The template's name",
        "tenant": "The tenant's code",
        "tenant_kind": "The kind of tenant; `any` for the rate of every kind",
        "token": "The end of the link that a paper bears",
        "year": "The year",
    }
)
