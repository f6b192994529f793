"""Prints documents and other papers: texts, page, PDF/A-3. A pure function of the snapshot, byte for byte."""
