"""The month of a park by the client that openapi-python-client made of the document; prints what it saw as JSON.

Run by tests/api/test_generated_clients.py with the client's folder on the path: ADDRESS TOKEN PERIOD TENANT.
"""

import json
import sys
from datetime import date
from typing import Any

from technopark_client import AuthenticatedClient
from technopark_client.api.billing_runs import create_run, get_cross_subsidy
from technopark_client.api.documents import get_document_pdf, list_documents
from technopark_client.api.leases import create_lease
from technopark_client.api.ledger import get_trial_balance
from technopark_client.api.periods import close_one_period
from technopark_client.api.receipts import create_receipt
from technopark_client.api.tenants import create_tenant
from technopark_client.api.usage_events import create_usage_events
from technopark_client.models import (
    ClosingOrder,
    Lease,
    ReceiptOrderBody,
    RunOrder,
    Tenant,
    UsageEvent,
    UsageEventBatch,
)
from technopark_client.types import File

address, token, period, code = sys.argv[1:]
client = AuthenticatedClient(base_url=address, token=token, raise_on_unexpected_status=True, timeout=60)
first = date.fromisoformat(f"{period}-01")


def done(response: Any, status: int) -> Any:
    """Return what was answered, which must have this status."""
    assert response.status_code == status, response
    return response.parsed


tenant = Tenant.from_dict({"code": code, "legal_name": "Python & fils", "kind": "large"})
done(create_tenant.sync_detailed(client=client, body=tenant), 201)
lease = Lease(code=f"L-{code}", tenant=code, site="TNG", unit=f"U-{code}", area_m2="20", starts_on=first)
done(create_lease.sync_detailed(client=client, body=lease), 201)
events = [
    UsageEvent(event_id=f"E-{code}-{n}", tenant=code, site="TNG", service="MEAL", quantity="2", occurred_on=first)
    for n in (1, 2)
]
done(create_usage_events.sync_detailed(client=client, body=UsageEventBatch(events=events)), 201)
run = done(create_run.sync_detailed(client=client, body=RunOrder(period=period, issue_date=first, catch_up=True)), 201)
(invoice,) = done(list_documents.sync_detailed(client=client, period=period, tenant=code), 200).items
paper = done(get_document_pdf.sync_detailed(invoice.number, client=client), 200)
assert isinstance(paper, File)
order = ReceiptOrderBody.from_dict(
    {
        "means": "transfer", "reference": f"VIR-{code}", "value_date": str(invoice.issued_on),
        "tenant": code, "amount": invoice.gross,
    }
)  # fmt: skip
received = done(create_receipt.sync_detailed(client=client, body=order), 201)
pool = done(get_cross_subsidy.sync_detailed(period, client=client), 200)
balance = done(get_trial_balance.sync_detailed(client=client), 200)
closed = done(close_one_period.sync_detailed(period, client=client, body=ClosingOrder()), 200)
seen = {
    "period": pool.period, "invoices": run.invoices.count, "number": invoice.number, "gross": invoice.gross,
    "receipt": received.number, "pdf": paper.payload.read(5).decode(), "debit": balance.totals.general.debit,
    "credit": balance.totals.general.credit, "state": closed.state,
}  # fmt: skip
sys.stdout.write(json.dumps(seen))
