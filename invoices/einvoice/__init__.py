"""Documents for machines: one model of EN 16931, written as UN/CEFACT CII and as UBL 2.1."""
