"""A list asks the database as much for two rows as for all of them: nothing is read row by row."""

import pytest
from sqlalchemy import Engine

from tests.support.api import Caller
from tests.support.statements import counted_statements

# Lists of which the billed park has more than two rows.
LISTS = (
    "/v1/acts", "/v1/changes", "/v1/tokens",
    "/v1/ledger/accounts", "/v1/ledger/accounts/3421/entries", "/v1/ledger/accounts/9208/entries", "/v1/ledger/entries",
    "/v1/billing-runs", "/v1/billing-runs/2026-08/outcomes", "/v1/documents", "/v1/services", "/v1/rates",
    "/v1/vat-rates", "/v1/tenants", "/v1/leases", "/v1/usage-events", "/v1/tenant-summaries",
)  # fmt: skip


@pytest.mark.parametrize("address", LISTS)
def test_a_list_takes_the_same_statements_for_two_rows_and_for_all(park: Caller, engine: Engine, address: str) -> None:
    # The first request of a process asks who calls; the answer is remembered.
    park.get("/v1/acts?limit=1", "admin")
    counts = {}
    for limit in (2, 500):
        with counted_statements(engine) as statements:
            rows = len(park.get(f"{address}?limit={limit}", "admin")["items"])
        counts[rows] = len(statements)
    assert len(counts) == 2, f"{address} has no more than {max(counts)} rows"
    assert min(counts) == 2
    assert len(set(counts.values())) == 1, counts
    assert 0 < max(counts.values()) < 12
