"""The cash desk: what law says of cash, stamp duty, and numbered receipts (`RC-2026-000001`) on paper."""
