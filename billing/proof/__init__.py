"""The proof of the books: a canonical form and hash of every record, a Merkle log over them, signed checkpoints."""
