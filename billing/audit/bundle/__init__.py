"""A year's books for an auditor, as one archive that proves itself."""
