"""Tenants' own accounts of the cross-subsidy, on paper and by mail."""
