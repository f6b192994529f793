"""Texts that documents could not print as they were entered, and rows that only showed how to enter them."""

import unicodedata
from collections.abc import Iterable

from billing.register.network_import.plausibility.warning import Unlikely
from billing.register.network_import.sheet import Row, Sheet

# The columns that stand on documents, letters and reports.
_PRINTED = {
    "sites": ("name", "city"),
    "services": ("label",),
    "tenants": ("legal_name", "legal_form", "tax_id", "trade_register", "address", "city"),
    "leases": ("unit",),
    "grants": ("funder",),
}


def review_texts(sheets: Iterable[Sheet], unlikely: Unlikely) -> None:
    """Warn of characters that our fonts lack (printed □) and of marks that reorder or hide text."""
    for sheet in sheets:
        columns = _PRINTED.get(sheet.layout.stem, ())
        for row in sheet.by_key.values() if columns else ():
            if not row.is_news:
                continue
            for column in columns:
                text = row.values[column] or ""
                if not text.isascii():
                    _review(sheet, row, column, text, unlikely)


def review_examples(sheets: Iterable[Sheet], unlikely: Unlikely) -> None:
    """Warn of the template's own rows: firms and leases that nobody knows would be billed."""
    for sheet in sheets:
        codes = {example[0] for example in sheet.layout.examples if example[0].startswith("EX")}
        for row in sheet.by_key.values() if sheet.layout.key == ("code",) else ():
            if row.is_news and row.values["code"] in codes:
                sentence = "is an example of the template", "take it out of the file before you import it"
                unlikely.note(sheet, row, "code", sentence[0], sentence)


def _review(sheet: Sheet, row: Row, column: str, text: str, unlikely: Unlikely) -> None:
    # What prints knows no more than Python and Jinja need until something is printed.
    from invoices.rendering.pdf import MISSING, printable

    for character in dict.fromkeys(unicodedata.normalize("NFC", text)):
        if unicodedata.category(character) == "Cf":
            problem = f"holds the invisible mark U+{ord(character):04X}, which documents leave out"
            unlikely.note(sheet, row, column, "holds an invisible mark", (problem, "type the text again without it"))
        elif printable(character) == MISSING != character:
            problem = f"holds {character} (U+{ord(character):04X}), which documents print as {MISSING}"
            remedy = "write it in letters that documents have: Latin, Arabic or Tifinagh"
            unlikely.note(sheet, row, column, "holds characters that documents lack", (problem, remedy))
