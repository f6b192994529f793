"""The cash desk: the law on cash, stamp duty, and numbered receipts (`RC-2026-000001`) on paper."""
