"""The letter of an account statement: line by line, its balance carried from page to page, its ages."""

from billing.receivables.reports.ages import LABELS, Ages
from billing.receivables.reports.statement import Statement, StatementLine
from invoices import formats
from invoices.document import Party
from invoices.formats import FRENCH
from invoices.rendering.letter import Column, Letter
from invoices.rendering.sheet import RIB_GROUPS, Fact, Note
from invoices.wording import wording

_COLUMNS = (
    Column("Date", "20mm", True),
    Column("Pièce", "30mm", True),
    Column("Libellé", "50mm", True),
    Column("Échéance", "20mm", True),
    Column("Débit", "19mm", False),
    Column("Crédit", "19mm", False),
    Column("Solde (DH)", "22mm", False),
)


def statement_letter(account: Statement, ages: Ages, seller: Party, buyer: Party) -> Letter:
    """Lay out the statement; `ages` say how old the invoices are that it leaves open."""
    rows = [_row(line) for line in account.lines]
    carried = [_carried(line.balance) for line in account.lines]
    if account.start is not None:
        rows.insert(0, ("", "", f"Solde au {formats.day(account.start)}", "", "", "", formats.amount(account.opening)))
        carried.insert(0, _carried(account.opening))
    return Letter(
        issued_on=account.until,
        seller=seller,
        buyer=buyer,
        subject=f"Relevé de compte au {formats.day(account.until)}",
        title="Relevé de compte",
        number=f"Au {formats.day(account.until)}",
        addressee="Client",
        facts=(
            Fact("Compte client", account.tenant),
            Fact("Période", _period(account)),
            Fact("Montants", "dirhams (DH), TTC"),
        ),
        paragraphs=() if account.lines else ("Aucun mouvement sur la période.",),
        columns=_COLUMNS,
        rows=tuple(rows),
        sums=(
            ("Total débit", formats.dirhams(account.debit)),
            ("Total crédit", formats.dirhams(account.credit)),
            _balance(account.closing),
        ),
        in_words=None,
        notes=(_payment(seller), _ages(ages)),
        carried=tuple(carried),
        continued=f"Relevé de compte {account.tenant} au {formats.day(account.until)}, suite",
        is_compact=True,
    )


def _row(line: StatementLine) -> tuple[str, ...]:
    return (
        formats.numeric_day(line.on),
        line.piece,
        line.label,
        "" if line.due_on is None else formats.numeric_day(line.due_on),
        formats.amount(line.amount) if line.amount > 0 else "",
        formats.amount(-line.amount) if line.amount < 0 else "",
        formats.amount(line.balance),
    )


def _carried(balance: int) -> tuple[str, str]:
    t = wording(FRENCH)
    amount = t.amount(balance)
    return t("À reporter  {amount}", amount=amount), t("Report  {amount}", amount=amount)


def _period(account: Statement) -> str:
    if account.start is None:
        return f"jusqu’au {formats.day(account.until)}"
    return formats.days(account.start, account.until)


def _balance(closing: int) -> tuple[str, str]:
    if closing < 0:
        return "Solde en votre faveur", formats.dirhams(-closing)
    return "Solde à régler" if closing else "Compte soldé", formats.dirhams(closing)


def _payment(seller: Party) -> Note:
    rib = formats.grouped(seller.rib, RIB_GROUPS)
    lines = ("Par virement, en rappelant le numéro de la facture", seller.bank, f"RIB {rib}" if rib else "")
    return Note("Règlement", tuple(line for line in lines if line))


def _ages(ages: Ages) -> Note:
    if not ages.total:
        return Note("Factures non réglées", ("Aucune",))
    lines = (f"{label} : {formats.dirhams(amount)}" for label, amount in zip(LABELS, ages, strict=True) if amount)
    return Note("Factures non réglées", tuple(lines))
