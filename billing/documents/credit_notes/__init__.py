"""Credit notes given by hand."""
