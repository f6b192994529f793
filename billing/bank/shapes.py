"""The shapes of bank statements: files, statements, lines with decisions and proposals, the reconciliation."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, UnsetType
from sqlalchemy import Row

from billing.bank import reconciling
from billing.bank.importing import ImportedFile
from billing.bank.matching import values
from billing.bank.matching.values import LineKind
from billing.bank.naming import line_name, statement_name
from billing.bank.queries import LineRow
from billing.frame.codes import RECEIPT
from billing.frame.shapes import (
    Account,
    BankLineName,
    BankStatementName,
    Count,
    Day,
    Instant,
    InvoiceNumber,
    Money,
    ReceiptNumber,
    Serial,
    Shape,
    TenantCode,
    Text,
    about,
    instant,
)
from pricing.money import format_amount

EntryReference: TypeAlias = Annotated[Text, about("The entry's reference")]


class Statement(Shape, frozen=True):
    """A statement as it was taken in."""

    name: BankStatementName
    account: Annotated[str, about("Our account at the bank")]
    reference: Annotated[Text, about("The bank's own name for it; blank where it has none")]
    file: Annotated[Text, about("The file it came in")]
    opening: Annotated[Money, about("The balance before its lines; negative where we owe the bank")]
    closed_on: Annotated[Day, about("The day of the closing balance")]
    closing: Annotated[Money, about("The balance after its lines; negative where we owe the bank")]
    lines: Annotated[Count, about("The number of its lines")]
    withdrawn: Annotated[bool, about("Whether it was withdrawn: its lines count no more")]
    recorded_at: Instant

    @classmethod
    def of(cls, row: Row[Any]) -> "Statement":
        """Return the statement of a row of `bank_statement`."""
        return cls(
            name=statement_name(row.id),
            account=row.account,
            reference=row.reference,
            file=row.file,
            opening=format_amount(row.opening),
            closed_on=row.closed_on,
            closing=format_amount(row.closing),
            lines=row.line_count,
            withdrawn=bool(row.is_withdrawn),
            recorded_at=instant(row.recorded_at),
        )


class TakenStatement(Shape, frozen=True):
    """The outcome of one statement of a file."""

    statement: Annotated[BankStatementName | None, about("The statement; null: all of it stood already")]
    name: Annotated[Text, about("The file, and the bank's own name for the statement")]
    new: Annotated[Count, about("The number of lines that were not known before")]
    known: Annotated[Count, about("The number of lines that stood already")]


class LeftOutStatement(Shape, frozen=True):
    """A statement of a file that is not of our account, and so was not taken."""

    account: Annotated[Text, about("The account it is of")]
    currency: Annotated[Text, about("Its currency; blank where the file doesn't say")]
    reference: Annotated[Text, about("The bank's own name for it; blank where it has none")]
    lines: Annotated[Count, about("The number of its lines")]


class Taken(Shape, frozen=True):
    """The outcome of a file."""

    statements: Annotated[list[TakenStatement], about("The statements of our account in the file, in its order")]
    new: Annotated[Count, about("The number of lines that were not known before")]
    known: Annotated[Count, about("The number of lines that stood already")]
    booked: Annotated[Count, about("The number of new lines that were certain and booked themselves")]
    waiting: Annotated[Count, about("The number of new lines that wait for a person")]
    left_out: (
        Annotated[list[LeftOutStatement], about("What the file holds of other accounts; absent where it holds nothing")]
        | UnsetType
    ) = UNSET

    @classmethod
    def of(cls, imported: ImportedFile) -> "Taken":
        """Return what became of an imported file."""
        statements = [
            TakenStatement(
                statement=None if statement.statement is None else statement_name(statement.statement),
                name=statement.name,
                new=statement.new,
                known=statement.known,
            )
            for statement in imported.statements
        ]
        return cls(
            statements=statements,
            new=imported.new,
            known=imported.known,
            booked=imported.booked,
            waiting=imported.waiting,
            left_out=[LeftOutStatement(**statement._asdict()) for statement in imported.left_out] or UNSET,
        )


class LineAllocation(Shape, frozen=True):
    """An invoice that a line pays, and how much of it."""

    invoice: InvoiceNumber
    amount: Annotated[Money, about("The amount of the invoice that the line pays")]


class Proposal(Shape, frozen=True):
    """A reading of a line, its reason, and how certain it is in percent."""

    kind: LineKind
    confidence: Annotated[Count, about("How certain it is, in percent")]
    why: Annotated[Text, about("The reason, in French, for whoever decides")]
    reason: Annotated[str, about("The reason as a code, such as structured/exact")]
    tenant: Annotated[TenantCode | None, about("The tenant whose the line is; null: nobody's, or not known")]
    allocations: Annotated[list[LineAllocation], about("The invoices that it pays")]
    rent_withheld: Annotated[Money, about("The tax on the rent that the payer withheld")]
    vat_withheld: Annotated[Money, about("The VAT that the payer withheld")]
    receipt: Annotated[ReceiptNumber | None, about("The cheque or bill that it clears or returns; null: none")]
    entry: Annotated[Text | None, about("The first of the entries that book it already; null: none")]
    entries: Annotated[list[EntryReference], about("The entries that book it already, together exactly its amount")]
    account: Annotated[Account | None, about("The account that the bank's own movement is booked to; null: none")]

    @classmethod
    def of(cls, proposal: values.Proposal) -> "Proposal":
        """Return a proposal as it is answered."""
        return cls(
            kind=proposal.kind,
            confidence=proposal.confidence,
            why=proposal.why.text,
            reason=proposal.why.code,
            tenant=proposal.tenant,
            allocations=[
                LineAllocation(invoice=part.invoice, amount=format_amount(part.amount)) for part in proposal.parts
            ],
            rent_withheld=format_amount(proposal.rent_withheld),
            vat_withheld=format_amount(proposal.vat_withheld),
            receipt=None if proposal.receipt is None else RECEIPT.format(proposal.receipt),
            entry=proposal.entry,
            entries=list(proposal.entries),
            account=proposal.account,
        )


class LineDecision(Shape, frozen=True):
    """A decision about a line."""

    number: Serial
    kind: Annotated[
        Literal["received", "cleared", "bounced", "booked", "recorded", "undone"],
        about("What it was found to be; undone: the decision before it was taken back"),
    ]
    confidence: Annotated[
        int | None, about("How certain the proposal was that was followed, in percent; null: a person decided")
    ]
    why: Annotated[Text, about("The reason")]
    decided_on: Day
    tenant: Annotated[TenantCode | None, about("The tenant who pays, where that is one; null: none")]
    entries: Annotated[list[EntryReference], about("The entries that book the line, by their references")]
    recorded_at: Instant

    @classmethod
    def of(cls, row: Row[Any], entries: Sequence[Row[Any]]) -> "LineDecision":
        """Return the decision of a row of `line_decision`, with its rows of `line_entry`."""
        return cls(
            number=row.decision_no,
            kind=row.kind,
            confidence=row.confidence,
            why=row.why,
            decided_on=row.decided_on,
            tenant=row.tenant,
            entries=[entry.entry for entry in entries],
            recorded_at=instant(row.recorded_at),
        )


class StatementLine(Shape, frozen=True):
    """A line: what the bank says, what was found, or what is proposed as things stand."""

    name: BankLineName
    statement: BankStatementName
    line: Annotated[Serial, about("Its number in the statement")]
    booked_on: Annotated[Day, about("The day on which the bank booked it")]
    value_on: Annotated[Day, about("The bank's value date")]
    amount: Annotated[Money, about("The amount; negative where money left")]
    bank_reference: Annotated[Text | None, about("The bank's reference; null: none, as in all texts below")]
    end_to_end_id: Annotated[Text | None, about("The payer's own reference of the transfer")]
    structured_reference: Annotated[Text | None, about("The structured reference that it carries")]
    counterparty: Annotated[Text | None, about("The name of the payer or payee")]
    counterparty_account: Annotated[Text | None, about("The account of the payer or payee: a RIB where it is Moroccan")]
    text: Annotated[Text | None, about("What the bank says of it")]
    code: Annotated[Text | None, about("The bank's kind of movement")]
    is_reversal: Annotated[bool, about("Whether it takes another movement back")]
    decisions: Annotated[list[LineDecision], about("Every decision about it, in order; the last counts")]
    proposals: Annotated[list[Proposal], about("What it may be, where it waits; the most certain first")]

    @classmethod
    def of(cls, row: LineRow, decisions: list[LineDecision], proposals: list[Proposal]) -> "StatementLine":
        """Return a line with its decisions and proposals."""
        key, line = row
        return cls(
            name=line_name(*key),
            statement=statement_name(key[0]),
            line=key[1],
            booked_on=line.booked_on,
            value_on=line.value_on,
            amount=format_amount(line.amount),
            bank_reference=line.bank_reference or None,
            end_to_end_id=line.end_to_end_id or None,
            structured_reference=line.structured_reference or None,
            counterparty=line.counterparty or None,
            counterparty_account=line.counterparty_account or None,
            text=line.text or None,
            code=line.code or None,
            is_reversal=line.is_reversal,
            decisions=decisions,
            proposals=proposals,
        )


class AcceptedLine(Shape, frozen=True):
    """A waiting line with the proposal that it was, or would be, decided by."""

    name: BankLineName
    booked_on: Annotated[Day, about("The day on which the bank booked it")]
    amount: Annotated[Money, about("The amount; negative where money left")]
    counterparty: Annotated[Text | None, about("The name of the payer or payee")]
    text: Annotated[Text | None, about("What the bank says of it")]
    proposal: Proposal

    @classmethod
    def of(cls, row: LineRow, proposal: values.Proposal) -> "AcceptedLine":
        """Return a line with its proposal."""
        key, line = row
        return cls(
            name=line_name(*key),
            booked_on=line.booked_on,
            amount=format_amount(line.amount),
            counterparty=line.counterparty or None,
            text=line.text or None,
            proposal=Proposal.of(proposal),
        )


class AcceptedLines(Shape, frozen=True):
    """The waiting lines whose first proposal is certain enough."""

    dry_run: Annotated[bool, about("Whether nothing was decided")]
    lines: Annotated[list[AcceptedLine], about("The lines, in order")]


class Parting(Shape, frozen=True):
    """One thing that parts the two balances."""

    kind: reconciling.PartingKind
    reference: Annotated[Text, about("The bank line, the entry, or the first statement")]
    on: Annotated[Day, about("The day of the bank line or the entry")]
    text: Annotated[Text | None, about("What the bank or the entry says")]
    amount: Annotated[Money, about("How much more the bank has by it")]


class Reconciliation(Shape, frozen=True):
    """The bank's balance against ours, and all that parts them."""

    statement: Annotated[BankStatementName, about("The latest statement")]
    on: Annotated[Day, about("The day of its closing balance")]
    bank: Annotated[Money, about("The bank's closing balance")]
    books: Annotated[Money, about("The balance of account 5141 on that day")]
    difference: Annotated[Money, about("How much more the bank says than the books do")]
    unexplained: Annotated[Money, about("The difference that nothing explains: 0.00, or `check` says why not")]
    partings: Annotated[list[Parting], about("The lines and entries that part the balances")]

    @classmethod
    def of(cls, reconciliation: reconciling.Reconciliation) -> "Reconciliation":
        """Return a reconciliation as it is answered."""
        return cls(
            statement=reconciliation.statement,
            on=reconciliation.on,
            bank=format_amount(reconciliation.bank),
            books=format_amount(reconciliation.books),
            difference=format_amount(reconciliation.difference),
            unexplained=format_amount(reconciliation.unexplained),
            partings=[
                Parting(
                    kind=parting.kind,
                    reference=parting.reference,
                    on=parting.on,
                    text=parting.text or None,
                    amount=format_amount(parting.amount),
                )
                for parting in reconciliation.partings
            ],
        )
