"""Money in, for the demonstration: half of the last month's invoices paid through bank statements made up for it.

Most payers quote the structured reference, some the number, some nothing: then amount and name must do. One keeps back
tax on its rent, one pays too much, one nobody can place, one names an invoice of another firm and waits (R33); a
cheque is credited and comes back. Lines that are certain are booked at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from xml.sax.saxutils import escape

from sqlalchemy import Connection, Engine

from billing.bank.files import reconciliation_file, waiting_file
from billing.bank.formats.statement import account
from billing.bank.importing import ImportedFile, ImportOrder, import_file
from billing.bank.reconciling import reconcile
from billing.frame.database import reading, writing
from billing.frame.settings import Settings
from billing.receivables.receipts.orders import Leg, ReceiptOrder
from billing.receivables.receipts.receiving import receive
from invoices.document import INVOICE, Document
from invoices.reading import document_ids, load_documents
from pricing.money import RATE_SCALE, format_amount, settle

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
OPENING = 125_000_000
PAID_ON, RETURNED_ON = date(2026, 11, 16), date(2026, 11, 23)
# The statements are imported as of this instant, if the clock is earlier.
KNOWN_AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
# The bank's reference of the payment that names one firm's invoice and another firm as payer.
CONTRADICTION = "VC0001"
CHEQUE, CHEQUE_ON = "CHQ 4411207", date(2026, 11, 10)
# Of eight invoices paid: five by reference, one by number, two by nothing but amount and name.
_HOW = ("reference", "reference", "number", "reference", "name", "reference", "reference", "name")


@dataclass(frozen=True, slots=True)
class Banking:
    """The outcome of the bank's statements: lines in all, booked, waiting; and what still parts bank and books."""

    folder: Path
    lines: int
    booked: int
    waiting: int
    difference: int
    unexplained: int


def bank_demonstration(settings: Settings, engine: Engine, period: date, folder: Path, *, now: datetime) -> Banking:
    """Pay half of a month's invoices through camt.053 files left in `folder`, with what waits, and reconcile."""
    folder.mkdir()
    at = max(now, KNOWN_AT)
    with reading(engine) as connection:
        documents = load_documents(connection, document_ids(connection, period))
    invoices = [document for _, document in documents if document.kind == INVOICE]
    by_cheque, *others = [document for place, document in enumerate(invoices) if place % 2 == 0]
    unpaid, payer = invoices[1], invoices[3].buyer
    with writing(engine) as connection:
        cheque = ReceiptOrder(
            "cheque", CHEQUE, CHEQUE_ON, by_cheque.buyer.code, (Leg("money", by_cheque.gross),), "automatic",
            by_cheque.number,
        )  # fmt: skip
        receive(connection, [cheque], recorded_at=at, terms=settings.terms)
    rib = settings.operator.party.rib
    contradiction = _entry(
        unpaid.gross, PAID_ON, CONTRADICTION, payer=payer.legal_name.upper(), text=f"Règlement {unpaid.number}"
    )
    first = _payments(others, PAID_ON)
    first += [contradiction, _entry(by_cheque.gross, PAID_ON, "RC0001", text=f"REMISE {CHEQUE}")]
    closing = OPENING + sum(amount for amount, _ in first)
    second = [
        _entry(-by_cheque.gross, RETURNED_ON, "IM0001", text=f"{CHEQUE} IMPAYE SANS PROVISION"),
        _entry(-3_300, RETURNED_ON, "CM0001", text="COMMISSION SUR IMPAYE"),
    ]
    after = closing + sum(amount for amount, _ in second)
    files = {
        "releve-2026-11-16.xml": _camt("REL-2026-46", rib, PAID_ON, OPENING, closing, first),
        "releve-2026-11-23.xml": _camt("REL-2026-47", rib, RETURNED_ON, closing, after, second),
    }
    taken = []
    for name, content in files.items():
        (folder / name).write_bytes(content)
        with writing(engine) as connection:
            taken.append(import_file(connection, content, name, ImportOrder(rib, settings.terms, at)))
    return _left(settings, engine, folder, taken)


def _left(settings: Settings, engine: Engine, folder: Path, taken: Sequence[ImportedFile]) -> Banking:
    own = account(settings.operator.party.rib)
    with reading(engine) as connection:
        for name, content in _tables(connection, own, settings).items():
            (folder / name).write_bytes(content)
        reconciliation = reconcile(connection, own)
    new, booked = sum(file.new for file in taken), sum(file.booked for file in taken)
    return Banking(folder, new, booked, new - booked, reconciliation.difference, reconciliation.unexplained)


def _tables(connection: Connection, own: str, settings: Settings) -> dict[str, bytes]:
    return {
        "rapprochement.xlsx": b"".join(reconciliation_file(connection, own, None, "xlsx")),
        "rapprochement.json": b"".join(reconciliation_file(connection, own, None, "json")),
        "lignes-en-attente.xlsx": b"".join(waiting_file(connection, settings.terms, "xlsx")),
        "lignes-en-attente.csv": b"".join(waiting_file(connection, settings.terms, "csv")),
    }


def _payments(invoices: Sequence[Document], on: date) -> list[tuple[int, str]]:
    """Return what comes in on a day: an entry an invoice, and one that nobody can place."""
    withheld = next(
        place for place, invoice in enumerate(invoices) if _HOW[place % 8] == "reference" and _rent(invoice)
    )
    too_much = next(place for place in range(len(invoices)) if place > withheld and _HOW[place % 8] == "reference")
    entries = []
    for place, invoice in enumerate(invoices):
        amount = invoice.gross
        if place == withheld:
            # 5 % of the rent without VAT, kept back at source since July 2026 (law.md section 3).
            amount -= settle(_rent(invoice) * 500, RATE_SCALE)
        elif place == too_much:
            amount += 50_000
        how = _HOW[place % 8]
        entries.append(
            _entry(
                amount,
                on,
                f"VR{place:06d}",
                payer=invoice.buyer.legal_name.upper(),
                structured=invoice.payment_reference if how == "reference" else "",
                text=f"Règlement facture {invoice.number}" if how == "number" else "VIREMENT RECU",
            )
        )
    return [*entries, _entry(123_457, on, "VS0001", text="VERSEMENT GUICHET AGENCE MAARIF")]


def _rent(document: Document) -> int:
    return sum(line.priced.amount for line in document.lines if line.priced.lease is not None)


def _entry(
    amount: int, on: date, reference: str, *, payer: str = "", structured: str = "", text: str = ""
) -> tuple[int, str]:
    """Return the amount of a movement, and its entry in XML."""
    party = f"<Dbtr><Pty><Nm>{escape(payer)}</Nm></Pty></Dbtr>" if payer else ""
    remittance = f"<Ustrd>{escape(text)}</Ustrd>" if text else ""
    if structured:
        remittance += f"<Strd><CdtrRefInf><Ref>{structured}</Ref></CdtrRefInf></Strd>"
    return amount, (
        f'<Ntry><Amt Ccy="MAD">{format_amount(abs(amount))}</Amt>'
        f"<CdtDbtInd>{'CRDT' if amount > 0 else 'DBIT'}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{on}</Dt></BookgDt><ValDt><Dt>{on}</Dt></ValDt><AcctSvcrRef>{reference}</AcctSvcrRef>"
        f"<NtryDtls><TxDtls><RltdPties>{party}</RltdPties><RmtInf>{remittance}</RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def _camt(name: str, rib: str, on: date, opening: int, closing: int, entries: Iterable[tuple[int, str]]) -> bytes:
    """Return the camt.053 file of one statement, an entry a line."""
    balances = "\n".join(
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="MAD">{format_amount(amount)}</Amt>'
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>"
        for code, amount in (("OPBD", opening), ("CLBD", closing))
    )
    lines = "\n".join(text for _, text in entries)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}"><BkToCstmrStmt>\n<Stmt><Id>{name}</Id>'
        f"<Acct><Id><Othr><Id>{rib}</Id></Othr></Id><Ccy>MAD</Ccy></Acct>\n{balances}\n{lines}\n"
        "</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()
