"""The numbers by which people call what the service keeps: `RG-000012`, counted up, at least six digits."""

import re
from dataclasses import dataclass

from billing.frame.errors import Unknown


@dataclass(frozen=True, slots=True)
class SerialCode:
    """A kind of number: its prefix, and what it names, for those who are told that there is none."""

    prefix: str
    thing: str
    digits: int = 6

    @property
    def pattern(self) -> str:
        """The regular expression of such a number."""
        return rf"{self.prefix}-[0-9]{{{self.digits},18}}"

    def format(self, key: int) -> str:
        """Return the number of a key: 12 gives `RG-000012`."""
        return f"{self.prefix}-{key:0{self.digits}d}"

    def parse(self, number: str) -> int:
        """Return the key of a number; raises Unknown for a text that is not written as `format` writes it."""
        if re.fullmatch(self.pattern, number, re.ASCII) is None:
            raise self._unknown(number)
        key = int(number[len(self.prefix) + 1 :])
        if number != self.format(key):
            raise self._unknown(number)
        return key

    def _unknown(self, number: str) -> Unknown:
        return Unknown(f"there is no {self.thing} {number}: they are called {self.format(12)}")


RECEIPT = SerialCode("RG", "receipt")
REFUND = SerialCode("RB", "refund")
MESSAGE = SerialCode("ME", "message")
BANK_STATEMENT = SerialCode("RE", "bank statement")
# The names of bank lines, `RE-000012/3`: receipts of lines bear them, so that no other receipt may.
BANK_LINE = re.compile(rf"{BANK_STATEMENT.pattern}/[0-9]+(/[0-9]+)?", re.ASCII)
DUNNING_BLOCK = SerialCode("SU", "dispute or promise")
DEPOSIT = SerialCode("DG", "deposit")
DEBT_ACT = SerialCode("CR", "decision about a debt", digits=1)
FINAL_STATEMENT = SerialCode("AC", "final statement")
MANUAL_ENTRY = SerialCode("EM", "manual entry")
CUT_OFF = SerialCode("REG", "cut-off")
WEBHOOK = SerialCode("WH", "webhook endpoint")


def deposit_movement(key: int, movement_no: int) -> str:
    """Return the name of a movement of a deposit: `DG-000012/2`."""
    return f"{DEPOSIT.format(key)}/{movement_no}"


def parse_deposit_movement(name: str) -> tuple[int, int]:
    """Return the keys of a movement of a deposit; raises Unknown for a text that is no such name."""
    number, _, movement_no = name.partition("/")
    if re.fullmatch(r"[1-9][0-9]{0,8}", movement_no, re.ASCII) is None:
        raise Unknown(f"there is no movement {name}: they are called {deposit_movement(12, 2)}")
    return DEPOSIT.parse(number), int(movement_no)
