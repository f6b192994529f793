"""Manual entries: what an accountant adds to the books, in journal OD (R30)."""
