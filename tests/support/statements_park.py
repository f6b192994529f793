"""The park that stories of bank statements are told of."""

from tests.support.networks import Row

TENANTS: list[Row] = [
    {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Noor Santé"},
    {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Atlas Code"},
]


LEASES: list[Row] = [
    {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"},
    {"code": "L2", "tenant": "T2", "site": "CAS", "area_m2": "10", "starts_on": "2024-01-01"},
]


# T1 owes 2,900.00 and VAT 580.00, T2 1,450.00 and 290.00.
FIRST, SECOND = "FA-2026-000001", "FA-2026-000002"
