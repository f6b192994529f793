"""Messages as finance staff see them: lists, papers, deliveries."""
