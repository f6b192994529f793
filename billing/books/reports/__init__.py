"""The books as an accountant expects them, in French."""
