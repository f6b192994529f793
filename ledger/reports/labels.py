"""What a book prints as the label of an entry: names for codes, and no voucher, which has a column of its own."""

import re

from ledger.exports.journal_lines import JournalLine
from ledger.subledgers import NameOf

# `Facture FA-2026-000001 - T0042`, `Virement V1 - T0042 : FA-2026-000001`.
_CODE = re.compile(r" - (\S+)(?= : |$)")


def printed_label(line: JournalLine, name_of: NameOf) -> str:
    """Return a line's label as a book prints it: the subledger account's number stands once, beside it."""
    label = line.label.replace(f" {line.piece} - ", " - ", 1)
    return _CODE.sub(lambda match: f" - {name_of(line.account, match[1]) or match[1]}", label)
