"""Files of banks, read into statements: camt.053, MT940, CSV."""
