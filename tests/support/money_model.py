"""What a person with a pencil would keep of money in: no account, no SQL, no VAT."""

from dataclasses import dataclass, field
from datetime import date

from invoices.document import CREDIT_NOTE, INVOICE


@dataclass
class Doc:
    """A document in the model: what is open of it, as a positive sum."""

    number: str
    kind: str
    tenant: str
    due: tuple[date, int]
    corrects: set[str]
    left: int
    lost: int = 0
    recovered: int = 0


@dataclass
class Money:
    """A part of a receipt that is a tenant's."""

    receipt: int
    tenant: str
    left: int


@dataclass
class Settled:
    """An allocation: from money or a credit note to an invoice."""

    source: Money | Doc
    target: Doc
    amount: int
    stands: bool = True


@dataclass
class Got:
    """A receipt: what nobody has placed of it, and whether it is a cheque, cleared, or came back; its value date."""

    cheque: bool
    unplaced: int
    on: date
    cleared: bool = False
    bounced: bool = False
    cancelled: bool = False
    # Credit from before this service, which is never cancelled.
    brought: bool = False


@dataclass
class PaidBack:
    """A refund: of a receipt that nobody had placed (its number), of a tenant's money, or of a credit note."""

    source: int | Money | Doc
    amount: int
    stands: bool = True


@dataclass
class Recovered:
    """Money of a lost debt, by the number in its name."""

    key: int
    target: Doc
    amount: int
    stands: bool = True


@dataclass
class Moved:
    """Money of the deposit: above zero where it came."""

    amount: int
    on: date
    stands: bool = True


@dataclass
class Model:
    """All that a person with a pencil would keep."""

    docs: dict[str, Doc] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)
    money: list[Money] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    paid_back: list[PaidBack] = field(default_factory=list)
    recovered: list[Recovered] = field(default_factory=list)
    deposit: list[Moved] = field(default_factory=list)

    @property
    def held(self) -> int:
        """What is held of the deposit."""
        return sum(moved.amount for moved in self.deposit if moved.stands)

    def held_on(self, day: date) -> int:
        """What is held of the deposit, less what came after a day."""
        return self.held - sum(m.amount for m in self.deposit if m.stands and m.amount > 0 and m.on > day)

    def owed(self, tenant: str) -> list[Doc]:
        """Its invoices with something open, oldest due first."""
        found = [d for d in self.docs.values() if d.kind == INVOICE and d.tenant == tenant and d.left]
        return sorted(found, key=lambda d: d.due)

    def settle(self, source: Money | Doc, target: Doc, amount: int) -> None:
        """Let money or a credit note settle so much of an invoice."""
        source.left -= amount
        target.left -= amount
        self.settled.append(Settled(source, target, amount))

    def pay_oldest(self, money: Money) -> None:
        """Let money settle its tenant's invoices, the oldest due first."""
        for target in self.owed(money.tenant):
            if part := min(money.left, target.left):
                self.settle(money, target, part)

    def apply(self, tenant: str | None = None) -> None:
        """Credit notes first, to what they correct, then money, to the oldest due."""
        for note in [d for d in self.docs.values() if d.kind == CREDIT_NOTE and tenant in (None, d.tenant)]:
            corrected = [d for d in self.owed(note.tenant) if d.number in note.corrects]
            for target in [*corrected, *self.owed(note.tenant)]:
                if part := min(note.left, target.left):
                    self.settle(note, target, part)
        for money in self.money:
            if tenant in (None, money.tenant) and money.left:
                self.pay_oldest(money)

    def take_back(self, settled: Settled) -> None:
        """Undo what settled."""
        settled.stands = False
        settled.source.left += settled.amount
        settled.target.left += settled.amount

    def take_all_back(self, key: int) -> None:
        """Undo all that a receipt settled, and let nothing of it be left."""
        self.got[key - 1].unplaced = 0
        for settled in self.settled:
            if settled.stands and isinstance(settled.source, Money) and settled.source.receipt == key:
                self.take_back(settled)
        for money in self.money:
            if money.receipt == key:
                money.left = 0

    def live(self) -> list[int]:
        """The receipts that neither came back nor were cancelled."""
        return [key for key, got in enumerate(self.got, 1) if not got.bounced and not got.cancelled]

    def with_credit(self) -> list[Money]:
        """Money of live receipts that settles nothing yet."""
        live = self.live()
        return [m for m in self.money if m.left and m.receipt in live]

    def cheques(self) -> list[int]:
        """The live cheques."""
        return [key for key in self.live() if self.got[key - 1].cheque]

    def is_money(self, key: int) -> bool:
        """Whether a receipt is no cheque still to be cleared."""
        return not self.got[key - 1].cheque or self.got[key - 1].cleared

    def is_paid_back(self, key: int) -> bool:
        """Whether a part of a receipt was paid back."""
        return any(
            paid.stands and key == (paid.source.receipt if isinstance(paid.source, Money) else paid.source)
            for paid in self.paid_back
            if not isinstance(paid.source, Doc)
        )

    def pay_back(self, source: int | Money | Doc, amount: int) -> None:
        """Pay so much back."""
        if isinstance(source, int):
            self.got[source - 1].unplaced -= amount
        else:
            source.left -= amount
        self.paid_back.append(PaidBack(source, amount))

    def take_back_paid(self, paid: PaidBack) -> None:
        """Cancel a refund: what it paid back is there again."""
        paid.stands = False
        if isinstance(paid.source, int):
            self.got[paid.source - 1].unplaced += paid.amount
        else:
            paid.source.left += paid.amount
