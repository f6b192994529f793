"""The annual report on the cross-subsidy, tied to the ledger."""
