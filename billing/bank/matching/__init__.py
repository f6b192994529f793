"""The matching of bank lines: whose a line is and what it pays, as proposals with a reason and a certainty each.

It is pure: what is open, who the payers are and what the books already hold go in, proposals come out. Everything is
looked up by what a line names, so that a line costs the same among a hundred invoices and a hundred thousand.

The certainty, in percent (docs/finance.md gives it to those who decide):
  100 structured reference, amount exact           97 number of an invoice, amount exact; the books hold it already
   95 structured reference, tax withheld; known account, amount exact
   90 named, but part or more than is open; known account, several invoices or tax withheld
   85 tenant's name, amount exact                  80 name, several invoices; the bank's own movement
   75 known account, other amount                  60 name, other amount                  55 amount alone, one invoice

Certain is what nothing else speaks against (R33). A reading beside which another stands is contested, bears a lower
certainty, and never books itself: an entry of the same amount within seven days waits for its line (75), or one of its
payer's within 31 days where it names no invoice (75), the payer is not whose number the line names (60), a number is
not whole, unknown or paid already (75), two readings explain the same amount (85). What the books hold already comes
first, whatever its certainty.
"""
