"""The park that stories of reminders are told of."""

from tests.support.networks import Row

TENANTS: list[Row] = [
    {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01", "email": "t1@tenants.example"},
    {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01", "email": "t2@tenants.example", "language": "ar"},
]


LEASES: list[Row] = [
    {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"},
    {"code": "L2", "tenant": "T2", "site": "TNG", "area_m2": "10", "starts_on": "2024-01-01", "ends_on": "2026-06-30"},
]


# T1 owes 3,480.00 a month, T2 1,800.00 of June alone; June is due on 31 July, July on 30 August.
JUNE_T1, JUNE_T2, JULY_T1 = "FA-2026-000001", "FA-2026-000002", "FA-2026-000003"
