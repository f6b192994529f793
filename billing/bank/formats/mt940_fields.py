"""The values of one field of MT940, by the library mt-940: a movement, a balance, a text with its sub-fields.

The library makes days, amounts and the parts of a text. What it drops of a text is added here; what it alone makes of
it is what a line is known by, as all lines once were.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from mt940.models import Amount, Date, Transactions
from mt940.options import Options
from mt940.processors import date_cleanup_post_processor, date_fixup_pre_processor, transaction_details_post_processor
from mt940.tags import Statement as MovementTag
from mt940.tags import TransactionDetails

from billing.bank.formats.mt940_structure import Movement, SwiftField
from billing.bank.formats.statement import (
    NAME_LENGTH_MAX,
    BadText,
    BankLine,
    account,
    centimes,
    identity,
    reference,
    sensible,
    tidy,
)

# Value day, booking day if given, mark (R: takes back another), third letter of the currency, amount, kind, references.
_MOVEMENT = re.compile(
    r"(?P<year>\d{2})(?P<month>\d{2})(?P<day>\d{2})(?:(?P<entry_month>\d{2})(?P<entry_day>\d{2})| {0,4})"
    r"(?P<status>R?[DC])(?P<funds_code>[A-Z])? ?(?P<amount>[\d.,]+)(?P<id>[A-Z][A-Z0-9 ]{3})?(?P<references>.*)",
    re.ASCII | re.IGNORECASE,
)
_BALANCE = re.compile(r"(?P<mark>[CD])(?P<day>.{6})(?P<currency>[A-Z]{3})(?P<amount>[\d.,]+)", re.ASCII | re.IGNORECASE)
# SWIFT writes a comma. A point may part centimes or thousands: two digits behind it are centimes.
_AMOUNT = re.compile(r"(?=.*\d)0*\d{0,15}(?:,\d*|\.\d{1,2})?", re.ASCII)
_NO_AMOUNT_YET = re.compile(r"\d{6}(?:\d{4}| {0,4})R?[DC][A-Z]?", re.ASCII | re.IGNORECASE)
_NO_DAY = "0000"
_CUSTOMER_LENGTH, _BANK_LENGTH = 16, 23
# Sub-fields with a name, within a text: /NAME/NOOR SANTE/REMI/FA-2026-000012. Banks have others, of four letters too.
_NAMES = frozenset(
    ("NAME", "ORDP", "BENM", "IBAN", "ACCT", "REMI", "EREF", "PREF", "BIC", "ADDR", "TRTP", "CSID", "MARF", "ISDT",
     "PURP", "RTRN", "CNTP", "ULTD", "ULTB", "ULTC", "SVCL", "NRTX")
)  # fmt: skip
_NAME = re.compile(r"[A-Z]{4}", re.ASCII)
_NAMED_BEFORE = re.compile(r"/(NAME|ORDP|BENM|IBAN|ACCT|REMI|EREF)/")
# A text of numbered sub-fields: three digits for the kind of movement, a sign, and the number of the first.
_NUMBERED = re.compile(r"(\d{3})?([?<>~^|@])(?=[0-7]\d)", re.ASCII)
# What stands in other fields of a line: the bank's own numbers, the other side's bank, account, name.
_NO_TEXT = frozenset({"10", "30", "31", "32", "33", "34"})
_TEXT_BEFORE = frozenset({"00"})
# Names of parts within the sub-fields 20 to 29 (EREF+, SVWZ+): the library reads them; these it leaves no place for.
_PART = re.compile(r"(?:IBAN|BIC |EREF|MREF|CRED|PURP|SVWZ|MDAT|ABWA|ABWE|SQTP|ORCR|ORMR|DDAT|KREF|DEBT|COAM|OAMT)\+")
_PARTS_LEFT = (
    "additional_position_reference", "applicant_creditor_id", "purpose_code", "additional_position_date",
    "deviate_applicant", "deviate_recipient", "old_SEPA_CI", "old_SEPA_additional_position_reference",
    "debitor_identifier", "compensation_amount", "original_amount",
)  # fmt: skip
# A numbered sub-field holds so many signs at most.
_WIDTH = 27
# A sign that no bank's text holds stands for the library's own where the text holds that.
_MASK = "\0"


class SwiftBalance(NamedTuple):
    """A balance: its day (None: none that can be read), currency, and amount in centimes."""

    on: date | None
    currency: str
    amount: int


class _Numbered(NamedTuple):
    """The numbered sub-fields of a text, in their order; repeated ones are one."""

    code: str
    parts: Mapping[str, str]

    def name(self) -> str:
        """Return the name of the other side: where the first part is not full, a word ends with it."""
        first, second = self.parts.get("32", ""), self.parts.get("33", "")
        return f"{first}{' ' if len(first) < _WIDTH else ''}{second}"

    def as_the_library_reads_it(self) -> str:
        """Return the text as the library takes it: its own sign, and that sign nowhere else."""
        return self.code + "".join(f"?{number}{value.replace('?', _MASK)}" for number, value in self.parts.items())


def balance_of(of: SwiftField) -> SwiftBalance:
    """Return the balance a field holds; raises BadText."""
    match = _BALANCE.fullmatch(of.first_line)
    if match is None:
        raise BadText("is no balance: C or D, a day YYMMDD, a currency and an amount")
    try:
        on = sensible(Date(year=match["day"][:2], month=match["day"][2:4], day=match["day"][4:]))
    except ValueError:
        on = None
    return SwiftBalance(on, match["currency"].upper(), _centimes(match["amount"], match["mark"]))


def line_of(
    movement: Movement, closed_on: date, library: Transactions, on_the_whole: Sequence[SwiftField] = ()
) -> BankLine:
    """Return a movement as a line. Without booking day it was booked on its value day, at the latest on `closed_on`.

    `on_the_whole` are texts that are not its own, but were once read as such. Raises BadText.
    """
    head, *more = movement.head.text.split("\n")
    if more and _NO_AMOUNT_YET.fullmatch(head):
        head, more = head + more[0].lstrip(), more[1:]
    match = _MOVEMENT.fullmatch(head)
    if match is None:
        raise BadText("is no movement: a day YYMMDD, C or D (RC or RD where it takes another back), and an amount")
    fields = _head_fields(match, library)
    value_on = sensible(fields["date"])
    customer, bank, extra = _references(match["references"])
    fields |= {"customer_reference": customer, "bank_reference": bank, "extra_details": "\n".join([*extra, *more])}
    texts = [of.text for of in movement.texts if of.tag == "86"]
    numbered = [_numbered(text) for text in texts]
    asked = [text if of is None else of.as_the_library_reads_it() for text, of in zip(texts, numbered, strict=True)]
    read = _with_texts(fields, asked, library)
    if any(numbered):
        read = {name: _unmasked(value) for name, value in read.items()}
    names = [of.name().strip() for of in numbered if of is not None]
    line = _line(
        {**read, "applicant_name": " ".join(filter(None, names))} if any(names) else read,
        _parts(_text(read)),
        booked_on=sensible(fields["entry_date"]) if "entry_date" in fields else min(value_on, closed_on),
        value_on=value_on,
        amount=_centimes(match["amount"], match["status"]),
        text="\n".join(_texts(read, numbered, [of.text for of in movement.texts if of.tag != "86"])),
    )
    texts += [of.text for of in on_the_whole if of.tag == "86"]
    before = _line_before(line, fields, match["references"], more, texts, library)
    return line if before is None or identity(before) == identity(line) else line._replace(known_by=identity(before))


def new_library() -> Transactions:
    """Return what the library's functions ask for: its options."""
    return Transactions(options=_OPTIONS)


def _head_fields(match: re.Match[str], library: Transactions) -> dict[str, Any]:
    """Return the days, mark and kind of a movement; the year of a booking day is the nearest. Raises BadText."""
    fields: dict[str, Any] = match.groupdict()
    del fields["references"]
    fields["amount"] = "0"
    if f"{fields['entry_month']}{fields['entry_day']}" == _NO_DAY:
        fields["entry_month"] = fields["entry_day"] = None
    try:
        fields = date_fixup_pre_processor(library, _MOVEMENT_TAG, fields)
        return date_cleanup_post_processor(library, _MOVEMENT_TAG, fields, _MOVEMENT_TAG(library, fields))
    except ValueError:
        raise BadText("has a day that is none (YYMMDD, then MMDD of the booking where it is given)") from None


def _centimes(text: str, mark: str) -> int:
    if _AMOUNT.fullmatch(text) is None:
        raise BadText(f"has an amount that can be read in two ways, {text}: SWIFT writes it like 1234,56")
    return centimes(f"{_exact(text, mark):f}")


def _exact(text: str, mark: str) -> Decimal:
    return Amount(text, mark, options=_OPTIONS).amount


def _references(text: str) -> tuple[str, str, list[str]]:
    """Return the customer's reference, the bank's, and what stands behind the first where blanks fill it up."""
    customer, _, bank = text.partition("//")
    if len(customer) > _CUSTOMER_LENGTH and " " in customer.strip():
        return customer[:_CUSTOMER_LENGTH], bank, [customer[_CUSTOMER_LENGTH:].strip()]
    return customer, bank, []


def _with_texts(fields: Mapping[str, Any], texts: Sequence[str], library: Transactions) -> dict[str, Any]:
    """Return the fields of a movement with those of its texts, as the library puts them together."""
    merged = {name: value for name, value in fields.items() if value != ""}
    for text in texts:
        details = {"transaction_details": text}
        for name, value in transaction_details_post_processor(library, _TEXT_TAG, details, dict(details)).items():
            known = merged.get(name)
            if isinstance(known, str) and isinstance(value, str):
                merged[name] = f"{known}\n{value.strip()}"
            elif value is not None or name not in merged:
                merged[name] = value
    return merged


def _numbered(text: str) -> _Numbered | None:
    """Return the numbered sub-fields of a text; None where it has none."""
    joined = text.replace("\n", "")
    match = _NUMBERED.match(joined)
    if match is None:
        return None
    _, *pieces = re.split(rf"{re.escape(match[2])}([0-7]\d)", joined[match.end(2) - 1 :])
    parts: dict[str, str] = {}
    for number, value in zip(pieces[::2], pieces[1::2], strict=True):
        parts[number] = parts.get(number, "") + value
    return _Numbered(match[1] or "000", parts)


def _text(read: Mapping[str, Any]) -> str:
    """Return the text of a movement as it was always read: whole, or its purpose; then what the movement adds."""
    return "\n".join(str(read[name]) for name in ("transaction_details", "purpose", "extra_details") if read.get(name))


def _texts(read: Mapping[str, Any], numbered: Sequence[_Numbered | None], others: Sequence[str]) -> Iterator[str]:
    """Yield all texts of a movement: the bank's words for it, the payer's, and what else it holds."""
    subfields = [of.parts for of in numbered if of is not None]
    yield from (value for parts in subfields for number, value in parts.items() if number in _TEXT_BEFORE)
    for parts in subfields:
        purpose = "".join(value for number, value in parts.items() if number.startswith("2"))
        named = _PART.search(purpose)
        yield purpose[: named.start()] if named is not None else ""
    yield _text(read)
    yield from (str(read[name]) for name in _PARTS_LEFT if read.get(name))
    for parts in subfields:
        kept = [
            (number, value) for number, value in parts.items()
            if number not in _NO_TEXT | _TEXT_BEFORE and not number.startswith("2")
        ]  # fmt: skip
        yield "".join(value for number, value in kept if number.startswith("6"))
        yield from (value for number, value in kept if not number.startswith("6"))
    yield from others


def _parts(text: str) -> dict[str, str]:
    """Return the texts behind /NAME/, /IBAN/ and their like, up to the next one.

    What stands first behind one is its text, though it be of four letters: /NAME/ONEE/REMI/…
    """
    if "/" not in text:
        return {}
    parts: dict[str, list[str]] = {}
    value: list[str] = []
    _, *pieces = text.replace("\n", "").split("/")
    for piece in pieces[:-1]:
        if piece in _NAMES or (any(value) and _NAME.fullmatch(piece)):
            value = parts.setdefault(piece, [])
            value.clear()
        else:
            value.append(piece)
    value += pieces[-1:]
    joined = {name: "/".join(value).strip(" /") for name, value in parts.items()}
    return {name: value for name, value in joined.items() if value}


def _parts_before(text: str) -> dict[str, str]:
    """Return the texts behind the names that were once known, up to the next of these."""
    _, *parts = _NAMED_BEFORE.split(text.replace("\n", ""))
    return {name: value.strip(" /") for name, value in zip(parts[::2], parts[1::2], strict=True) if value.strip(" /")}


def _line(
    read: Mapping[str, Any], parts: Mapping[str, str], *, booked_on: date, value_on: date, amount: int, text: str
) -> BankLine:
    return BankLine(
        booked_on=booked_on,
        value_on=value_on,
        amount=amount,
        bank_reference=reference(read.get("bank_reference")),
        end_to_end_id=reference(
            read.get("end_to_end_reference") or parts.get("EREF") or read.get("customer_reference")
        ),
        structured_reference="",
        counterparty=tidy(
            read.get("applicant_name") or parts.get("NAME") or parts.get("ORDP") or parts.get("BENM"), NAME_LENGTH_MAX
        ),
        counterparty_account=account(read.get("applicant_iban") or parts.get("IBAN") or parts.get("ACCT")),
        text=tidy(text),
        code=tidy(read.get("id"), 35),
        is_reversal=str(read["status"]).upper().startswith("R"),
    )


def _line_before(
    line: BankLine, fields: Mapping[str, Any], references: str, more: Sequence[str], texts: Sequence[str],
    library: Transactions,
) -> BankLine | None:  # fmt: skip
    """Return the line as the library alone reads it, as all lines once were; None where that is of no use."""
    customer, mark, bank = references.partition("//")
    if line.bank_reference and len(customer) <= _CUSTOMER_LENGTH and len(bank) <= _BANK_LENGTH:
        # It is known by the bank's reference, whatever its texts.
        return None
    if len(customer) > _CUSTOMER_LENGTH:
        customer, mark, bank, extra = customer[:_CUSTOMER_LENGTH], "", "", references[_CUSTOMER_LENGTH:]
    else:
        bank, extra = bank[:_BANK_LENGTH], bank[_BANK_LENGTH:]
    if len(more) + bool(extra) > 1:
        return None
    own = {
        "customer_reference": customer,
        "bank_reference": bank if mark else "",
        "extra_details": extra or "".join(more),
    }
    read = _with_texts({**fields, **own}, texts, library)
    text = _text(read)
    return _line(
        read, _parts_before(text), booked_on=line.booked_on, value_on=line.value_on, amount=line.amount, text=text
    )


def _unmasked(value: Any) -> Any:
    return value.replace(_MASK, "?") if isinstance(value, str) else value


_MOVEMENT_TAG, _TEXT_TAG, _OPTIONS = MovementTag(), TransactionDetails(), Options.all()
