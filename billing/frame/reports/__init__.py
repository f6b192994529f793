"""How a report is written: as a page, on paper, as a table."""
