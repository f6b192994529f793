"""These modules write a report as a page, on paper, as a table."""
