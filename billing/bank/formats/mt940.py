"""MT940 (SWIFT customer statement) into statements: what a statement needs is there once, or the file is refused.

Needed are an opening and a closing balance, and of each movement its day, mark and amount. What else a bank writes is
read where it can be, and stops no file.
"""

import logging
import re
from collections.abc import Sequence

from mt940.models import Transactions

from billing.bank.formats.mt940_fields import SwiftBalance, balance_of, line_of, new_library
from billing.bank.formats.mt940_structure import Message, SwiftField, messages
from billing.bank.formats.statement import (
    FAULTS_MAX,
    FILE_LINES_MAX,
    LINES_MAX,
    STATEMENTS_MAX,
    BadText,
    BankLine,
    FileContent,
    LeftOut,
    Statement,
    account,
    decoded,
    is_of,
    reference,
    refuse,
)
from billing.frame.errors import Fault, Refused

_NUMBER = re.compile(r"(\d{1,5})(?:/?(\d{1,5}))?", re.ASCII)
_ASK = "ask the bank for the file again"


def parse_mt940(content: bytes, file: str, own_account: str = "") -> FileContent:
    """Return the statements of an MT940 file in its order, those of `own_account` alone where it is given.

    Raises Refused with every fault.
    """
    # The library's log repeats the bank's data, and says no more than the error it raises.
    logging.getLogger("mt940").setLevel(logging.CRITICAL)
    if max(content.count(b"\n"), content.count(b"\r")) > FILE_LINES_MAX:
        raise refuse(file, f"has more than {FILE_LINES_MAX} lines", "import it in parts")
    reading = _Reading(file, own_account)
    held: list[Message] = []
    movements = 0
    for message in messages(decoded(content)):
        held.append(message)
        movements += len(message.movements)
        if len(held) > STATEMENTS_MAX or movements > LINES_MAX:
            most = f"{STATEMENTS_MAX} statements or {LINES_MAX} movements"
            raise refuse(file, f"holds more than {most}", "import it in parts")
    if not held:
        raise refuse(file, "holds no message of MT940 (:20:, :25:, :60F:)", _ASK)
    statements = [statement for message in held if (statement := reading.statement(message)) is not None]
    if reading.faults:
        raise Refused(reading.faults)
    return FileContent(tuple(statements), tuple(reading.left_out))


class _Reading:
    """One file while it is read: what is asked of it, what is left out of it, its faults so far."""

    def __init__(self, file: str, own_account: str) -> None:
        self.file = file
        self.own_account = own_account
        self.left_out: list[LeftOut] = []
        self.faults: list[Fault] = []
        self._library: Transactions = new_library()

    def statement(self, message: Message) -> Statement | None:
        """Return the statement of a message; None where it is another account's, or adds faults."""
        before = len(self.faults)
        number = account(self._only(message.account).first_line if message.account else "")
        name = _name(message)
        if not is_of(number, self.own_account):
            self.left_out.append(LeftOut(number, "", name, len(message.movements)))
            return None
        opening = self._balance(message, message.openings, "opening", ":60F:")
        closing = self._balance(message, message.closings, "closing", ":62F:")
        if opening is None or closing is None:
            return None
        if closing.on is None:
            self._fault(message.closings[0], "has no day that can be read")
            return None
        lines: list[BankLine] = []
        for movement in message.movements:
            # The last movement was once read with the text on the whole statement.
            late_texts = message.texts if movement is message.movements[-1] else ()
            try:
                line = line_of(movement, closing.on, self._library, late_texts)
            except BadText as error:
                self._fault(movement.head, str(error))
                continue
            if line.amount:
                lines.append(line)
        if opening.currency != closing.currency:
            self._fault(message.closings[0], f"is in {closing.currency}, the opening balance in {opening.currency}")
        if len(self.faults) > before:
            return None
        return Statement(
            self.file, number, closing.currency, name, opening.on, opening.amount, closing.on, closing.amount,
            tuple(lines),
        )  # fmt: skip

    def _balance(self, message: Message, given: Sequence[SwiftField], which: str, tag: str) -> SwiftBalance | None:
        """Return the final balance, or that of a page where the statement has no other; None adds the fault."""
        for end in ("F", "", "M"):
            ranked = [of for of in given if of.tag[2:] == end]
            if ranked:
                break
        else:
            problem = f"holds no {which} balance ({tag})"
            self._add(Fault(self.file, message.line, tag, None, problem, "ask the bank for a whole statement"))
            return None
        of = self._only(ranked)
        try:
            return balance_of(of)
        except BadText as error:
            self._fault(of, str(error))
            return None

    def _only(self, given: Sequence[SwiftField]) -> SwiftField:
        """Return the one value of a field that may be repeated; adds a fault where it is given twice otherwise."""
        first, *others = given
        for other in others:
            if other.first_line != first.first_line:
                self._fault(other, f"is not {first.first_line!r}, which the same statement says on line {first.line}")
                break
        return first

    def _fault(self, of: SwiftField, problem: str) -> None:
        self._add(Fault(self.file, of.line, f":{of.tag}:", of.first_line[:100], problem, _ASK))

    def _add(self, fault: Fault) -> None:
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(fault)


def _name(message: Message) -> str:
    """Return the bank's name for a statement: its number and page, or else the reference of the message."""
    number = _NUMBER.fullmatch(message.numbers[0].first_line) if message.numbers else None
    if number is not None:
        return "/".join(part for part in number.groups() if part)
    return reference(message.references[0].first_line if message.references else "")
