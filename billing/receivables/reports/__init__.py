"""Reports on what tenants owe and paid: account statements, aged balance, receipts and what they lack."""
