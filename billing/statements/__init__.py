"""Bank statements: read, kept, matched with what is open, decided line by line, reconciled with the books."""
