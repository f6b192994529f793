"""What is open of documents and receipts, and what settles it."""
