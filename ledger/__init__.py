"""Double-entry books: accounts, entries, balances, exports.

Owns: the chart of accounts, the one door through which entries are written, balances, the formats
accountants and auditors read. Does not own: why an entry exists. It knows no invoice, tenant or run;
from pricing it takes money and periods only, and can be lifted out.
"""
