"""The accounts that the service books to by itself, each code once (CGNC; law.md section 5; R20, R21).

Revenue accounts are their services', and some are settings (`terms.toml`): where money of each means comes to, taxes
withheld, credit notes by hand.
"""

from collections.abc import Mapping
from types import MappingProxyType

DEPOSITS_HELD = "1487"

CLIENTS = "3421"
DOUBTFUL_CLIENTS = "3424"
BILLS_TO_BE_CLEARED = "3425"
INVOICES_TO_ISSUE = "3427"
# VAT declared on tenants' credit before it settles anything; nothing is left once it has.
ADVANCES_VAT = "34587"
PROVISION_FOR_CLIENTS = "3942"

# A tenant's money that settles nothing: paid before its first invoice, and later.
ADVANCES = "4421"
OVERPAYMENTS = "4428"
CREDIT_NOTES_TO_ISSUE = "4427"
VAT_DUE = "4455"
VAT_NOT_YET_DUE = "44551"
STAMP_DUTY_DUE = "4457"
# The entries of a take-on balance on it; together they leave nothing (R29).
OPENING_TRANSIT = "3497"
INVOICED_AHEAD = "4491"
# Money that came in and has not been placed with a tenant.
UNPLACED = "4497"

CHEQUES_TO_BE_CLEARED = "5111"
# Where bills lie that are handed to the bank at once, if the settings say so.
BILLS_AT_THE_BANK = "5113"
BANK_ACCOUNT = "5141"
TILL = "5161"

# Taxes of the year's expenses: where stamp duty goes that the operator bears itself.
TAXES_AND_DUTIES = "6167"
BAD_DEBT_LOSS = "6182"
PROVISION_CHARGE = "6196"
PROVISION_RELEASE = "7196"
BAD_DEBT_RECOVERY = "7585"

# The cross-subsidy, beside the books of the law.
CONTRIBUTIONS = "9201"
SUPPORT = "9202"
SITE_POOL = "9205"
NETWORK_POOL = "9206"
RESERVE = "9207"
GRANTS = "9208"
BORNE_BY_OPERATOR = "9209"
GRANTS_COUNTERPART = "9210"
ADVANTAGE = "9301"
ADVANTAGE_COUNTERPART = "9309"

# Groups of accounts: clients and what is kept with them; clients in credit and their advances.
CLIENTS_GROUP = "342"
CLIENTS_IN_CREDIT_GROUP = "442"

# Accounts that `check` computes to the centime from the service's own facts, and what moves each: nobody books to them,
# or to one below them, by hand (R30).
PROVED: Mapping[str, str] = MappingProxyType(
    {
        DEPOSITS_HELD: "a deposit moves it (`deposits`)",
        CLIENTS: "documents and receipts move it (`documents issue`, `credit-notes give`, `payments receive`)",
        DOUBTFUL_CLIENTS: "decisions about debts move it (`debts decide`)",
        BILLS_TO_BE_CLEARED: "bills received and cleared move it (`payments receive`, `payments clear`)",
        PROVISION_FOR_CLIENTS: "decisions about debts move it (`debts decide`)",
        ADVANCES_VAT: "the closing of a month moves it, where advances bear VAT on receipt (`vat.advances_on_receipt`)",
        ADVANCES: "money received and placed moves it (`payments receive`)",
        OVERPAYMENTS: "money received and placed moves it (`payments receive`, `payments refund`)",
        VAT_NOT_YET_DUE: "documents and what settles them move it; the VAT that is due stands on 4455",
        UNPLACED: "money that nobody has placed moves it (`payments place`)",
        BILLS_AT_THE_BANK: "bills received and cleared move it (`payments receive`, `payments clear`)",
        CHEQUES_TO_BE_CLEARED: "cheques received and cleared move it (`payments receive`, `payments clear`)",
    }
)
