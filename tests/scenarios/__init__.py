"""Stories a bookkeeper can follow: what was entered, what was run, and the books as they then read."""
