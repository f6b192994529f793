"""Templates of manual entries, with the amounts that the books hold on a day; an accountant completes and posts them.

They settle what receipts and the till leave with the State, book grants, open a bank account, appropriate a result.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection

from billing.books.manual_entries.files import LAYOUT
from billing.books.manual_entries.shapes import EntryTemplate, EntryTemplates, TemplateRow
from billing.entries.accounts import BANK_ACCOUNT, GRANTS, INVOICED_AHEAD, STAMP_DUTY_DUE, VAT_DUE
from ledger.balances import account_balance
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table
from ledger.openings import AWAITING_APPROPRIATION, LOSS, PROFIT
from pricing.money import format_amount, settle

# Debit positive; None where the books can't know it.
_Moves: TypeAlias = list[tuple[str, int | None]]
# What an account holds at the end of the day, debit positive.
_Held: TypeAlias = Callable[[str], int]

VAT_DECLARED, INCOME_TAX = "4456", "4453"
WITHHELD_TAX, WITHHELD_VAT = "3453", "3458"
GRANTS_RECEIVABLE, OPERATING_GRANTS, INVESTMENT_GRANTS = "3451", "7161", "1311"
LIAISON, LEGAL_RESERVE, CARRIED_FORWARD, CARRIED_LOSS = "1601", "114", "1161", "1169"
# A twentieth of a profit goes to the legal reserve, until that is a tenth of the capital (law 17-95, art. 329).
_LEGAL_RESERVE_OF = 20


class Template(NamedTuple):
    """What a template is called in French, and its entries, by label."""

    title: str
    entries: Mapping[str, Callable[[_Held], _Moves]]


def _pair(debit: str, credit: str, amount: int | None) -> _Moves:
    return [(debit, amount), (credit, None if amount is None else -amount)]


def _paid(held: _Held) -> _Moves:
    """Return the payment of the VAT declared, less what payers withheld of it."""
    return _pair(VAT_DECLARED, BANK_ACCOUNT, max(-held(VAT_DUE) - max(held(WITHHELD_VAT), 0), 0))


def _appropriated(held: _Held) -> _Moves:
    profit, loss = -held(AWAITING_APPROPRIATION[PROFIT]), held(AWAITING_APPROPRIATION[LOSS])
    if loss > 0 >= profit:
        return _pair(CARRIED_LOSS, AWAITING_APPROPRIATION[LOSS], loss)
    reserved = settle(max(profit, 0), _LEGAL_RESERVE_OF)
    return [
        (AWAITING_APPROPRIATION[PROFIT], max(profit, 0)),
        (LEGAL_RESERVE, -reserved),
        (CARRIED_FORWARD, reserved - max(profit, 0)),
    ]


TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        "vat-settlement": Template(
            "Déclaration et paiement de la TVA",
            {
                "Déclaration de TVA": lambda held: _pair(VAT_DUE, VAT_DECLARED, -held(VAT_DUE)),
                "Paiement de la TVA": _paid,
            },
        ),
        "withholding-credits": Template(
            "Imputation des retenues à la source",
            {
                "Imputation de la TVA retenue": lambda held: _pair(VAT_DECLARED, WITHHELD_VAT, held(WITHHELD_VAT)),
                "Imputation de la retenue sur loyers": lambda held: _pair(INCOME_TAX, WITHHELD_TAX, held(WITHHELD_TAX)),
            },
        ),
        "stamp-duty": Template(
            "Versement du droit de timbre",
            {"Droit de timbre": lambda held: _pair(STAMP_DUTY_DUE, BANK_ACCOUNT, -held(STAMP_DUTY_DUE))},
        ),
        "grant-notified": Template(
            "Subvention d'exploitation notifiée",
            {"Subvention notifiée": lambda _held: _pair(GRANTS_RECEIVABLE, OPERATING_GRANTS, None)},
        ),
        "investment-grant-notified": Template(
            "Subvention d'investissement notifiée",
            {"Subvention notifiée": lambda _held: _pair(GRANTS_RECEIVABLE, INVESTMENT_GRANTS, None)},
        ),
        "grant-received": Template(
            "Encaissement d'une subvention",
            {"Subvention encaissée": lambda held: _pair(BANK_ACCOUNT, GRANTS_RECEIVABLE, held(GRANTS_RECEIVABLE))},
        ),
        "grant-carried-over": Template(
            "Part non utilisée des subventions, reportée (à contre-passer au 1er janvier)",
            {"Subventions non utilisées": lambda held: _pair(OPERATING_GRANTS, INVOICED_AHEAD, max(-held(GRANTS), 0))},
        ),
        "bank-opening": Template(
            "Solde d'ouverture de la banque",
            {"Solde d'ouverture de la banque": lambda _held: _pair(BANK_ACCOUNT, LIAISON, None)},
        ),
        "result-appropriation": Template(
            "Affectation du résultat (assemblée générale)", {"Affectation du résultat": _appropriated}
        ),
    }
)  # fmt: skip
_COLUMNS = tuple(
    Column(name, Kind.DAY if name == "date" else Kind.AMOUNT if name in ("debit", "credit") else Kind.TEXT)
    for name in LAYOUT.names
)


class _Row(NamedTuple):
    """A row of a file of manual entries; amounts in centimes."""

    date: date
    label: str
    voucher: str
    account: str
    auxiliary: str
    site: str
    debit: int | None
    credit: int | None


def template_file(connection: Connection, name: str, on: date, file_format: str) -> Iterator[bytes]:
    """Return a template as a file of manual entries (`csv`, `csv-fr`, `xlsx`)."""
    return table(file_format, LAYOUT.stem, _COLUMNS, _rows(connection, name, on))


def template_shapes(connection: Connection, on: date) -> EntryTemplates:
    """Return every template as it is answered in JSON."""
    return EntryTemplates(
        date=on,
        templates=[
            EntryTemplate(
                name=name,
                title=template.title,
                rows=[
                    TemplateRow(**{**row._asdict(), "debit": _shown(row.debit), "credit": _shown(row.credit)})
                    for row in _rows(connection, name, on)
                ],
            )
            for name, template in TEMPLATES.items()
        ],
    )


def _rows(connection: Connection, name: str, on: date) -> Iterator[_Row]:
    for label, moves in TEMPLATES[name].entries.items():
        for place, (account, amount) in enumerate(moves(lambda code: account_balance(connection, code, on))):
            is_debit = place == 0 if not amount else amount > 0
            shown = None if not amount else abs(amount)
            yield _Row(on, label, "", account, "", "", *((shown, None) if is_debit else (None, shown)))


def _shown(amount: int | None) -> str:
    return "" if amount is None else format_amount(amount)
