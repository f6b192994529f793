"""Open items: the documents and the money of which something is open, and how acts settle them."""
