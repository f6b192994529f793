"""MT940 (SWIFT customer statement) into statements, by the library mt-940.

The library reads the tags; this module judges which message is a statement, and that no movement was lost on the way.
"""

import logging
import re
from decimal import Decimal
from typing import Any

import mt940
from mt940.models import Balance, Transaction, Transactions

from billing.bank.formats.statement import (
    FAULTS_MAX,
    LINES_MAX,
    NAME_LENGTH_MAX,
    BadText,
    BankLine,
    Statement,
    account,
    centimes,
    reference,
    refuse,
    sensible,
    tidy,
)
from billing.frame.errors import Fault, Refused

# A message begins with its reference; the envelope of SWIFT (`{1:…}{4:`, `-}`) is no part of it.
_MESSAGE = re.compile(r"^(?=:20:)", re.MULTILINE)
_MOVEMENT = re.compile(r"^:61:", re.MULTILINE)
# The sub-fields some banks write into the text of a movement: /NAME/NOOR SANTE/REMI/FA-2026-000012.
_SUB_FIELD = re.compile(r"/(NAME|ORDP|BENM|IBAN|ACCT|REMI|EREF)/")
_ASK = "ask the bank for the file again"


def parse_mt940(content: bytes, file: str) -> tuple[Statement, ...]:
    """Return the statements of an MT940 file, one a message, in its order; raises Refused with every fault."""
    # The library's log repeats the bank's data, and says no more than the error it raises.
    logging.getLogger("mt940").setLevel(logging.CRITICAL)
    text = _decoded(content).replace("\r\n", "\n").replace("\r", "\n")
    messages = [part for part in _MESSAGE.split(text) if part.startswith(":20:")]
    if not messages:
        raise refuse(file, "holds no message of MT940 (:20:)", _ASK)
    faults: list[Fault] = []
    statements = [statement for message in messages if (statement := _statement(message, file, faults)) is not None]
    if faults:
        raise Refused(faults)
    return tuple(statements)


def _decoded(content: bytes) -> str:
    """Return the text: UTF-8 where it is, otherwise the encoding of French banks' systems."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _statement(message: str, file: str, faults: list[Fault]) -> Statement | None:
    message = message.partition("\n-}")[0]
    before = len(faults)
    # Not `mt940.parse`, which would open a file of that name.
    parsed = Transactions(options=mt940.Options.all())
    try:
        parsed.parse(message)
    except Exception as error:  # The library raises whatever its regular expressions, dates and decimals do.
        faults.append(Fault(file, None, None, None, f"can't be read as MT940: {_first_line(error)}", _ASK))
        return None
    number = parsed.data.get("statement_number")
    name = reference("/".join(part for part in (number, parsed.data.get("sequence_number")) if part))
    name = name or reference(parsed.data.get("transaction_reference"))
    movements = len(_MOVEMENT.findall(message))
    if movements > LINES_MAX:
        faults.append(Fault(file, None, ":61:", str(movements), f"is more than {LINES_MAX}", "import it in parts"))
        return None
    if movements != len(parsed.transactions):
        problem = f"{movements - len(parsed.transactions)} of its {movements} movements (:61:) can't be told apart"
        faults.append(Fault(f"{file} {name}".strip(), None, ":61:", None, problem, _ASK))
        return None
    opening = _balance(parsed, "opening", file, faults)
    closing = _balance(parsed, "closing", file, faults)
    lines = []
    for place, movement in enumerate(parsed.transactions, 1):
        try:
            lines.append(_line(movement))
        except BadText as error:
            if len(faults) < FAULTS_MAX:
                faults.append(Fault(file, place, ":61:", None, str(error), "the movement of that number: ask the bank"))
    if opening is None or closing is None or len(faults) > before:
        return None
    return Statement(
        file, account(parsed.data.get("account_identification")), str(closing.amount.currency), name,
        sensible(opening.date), _exact(opening.amount.amount), sensible(closing.date), _exact(closing.amount.amount),
        tuple(line for line in lines if line.amount),
    )  # fmt: skip


def _balance(parsed: Transactions, which: str, file: str, faults: list[Fault]) -> Any:
    """Return the final balance, or that of a page where the statement has several; None adds the fault."""
    names = [f"{prefix}{which}_balance" for prefix in ("final_", "", "intermediate_")]
    balance = next((parsed.data[name] for name in names if isinstance(parsed.data.get(name), Balance)), None)
    if balance is None or balance.date is None or balance.amount is None:
        tag = ":60F:" if which == "opening" else ":62F:"
        faults.append(Fault(file, None, tag, None, f"holds no {which} balance", "ask the bank for a whole statement"))
        return None
    try:
        sensible(balance.date)
        _exact(balance.amount.amount)
    except BadText as error:
        faults.append(Fault(file, None, which, str(balance), f"{error}", _ASK))
        return None
    return balance


def _exact(amount: Decimal) -> int:
    return centimes(f"{amount:f}")


def _line(movement: Transaction) -> BankLine:
    tags = movement.data
    amount = tags.get("amount")
    value_on = tags.get("date")
    if amount is None or value_on is None:
        raise BadText("has no amount or no day")
    text = "\n".join(str(tags[name]) for name in ("transaction_details", "purpose", "extra_details") if tags.get(name))
    parts = _sub_fields(text.replace("\n", ""))
    status = str(tags.get("status") or "").upper()
    return BankLine(
        booked_on=sensible(tags.get("entry_date") or value_on),
        value_on=sensible(value_on),
        amount=_exact(amount.amount),
        bank_reference=reference(tags.get("bank_reference")),
        end_to_end_id=reference(
            tags.get("end_to_end_reference") or parts.get("EREF") or tags.get("customer_reference")
        ),
        structured_reference="",
        counterparty=tidy(
            tags.get("applicant_name") or parts.get("NAME") or parts.get("ORDP") or parts.get("BENM"), NAME_LENGTH_MAX
        ),
        counterparty_account=account(tags.get("applicant_iban") or parts.get("IBAN") or parts.get("ACCT")),
        text=tidy(text),
        code=tidy(tags.get("id"), 35),
        is_reversal=status.startswith("R"),
    )


def _sub_fields(text: str) -> dict[str, str]:
    """Return the texts behind /NAME/, /IBAN/ and their like, up to the next one."""
    _, *parts = _SUB_FIELD.split(text)
    return {name: value.strip(" /") for name, value in zip(parts[::2], parts[1::2], strict=True) if value.strip(" /")}


def _first_line(error: Exception) -> str:
    text = str(error.args[0]) if error.args else type(error).__name__
    return tidy(text, 200)
