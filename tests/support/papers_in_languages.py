"""Every letter a tenant gets, in one language, and the golden pages of those in Arabic and English.

python -m tests.support.papers_in_languages      writes them again; look at what git then shows
"""

import dataclasses
import json
from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

from billing.receivables.cash_desk.printout import cash_receipt_letter
from billing.receivables.deposits.final_statement import final_statement_letter
from billing.receivables.deposits.printout import deposit_call
from billing.receivables.dunning.wording import letter_of
from billing.receivables.receipts.acknowledgement import acknowledgement_letter
from billing.receivables.receipts.shapes import Allocation, Placement, ReceiptState, ReceiptStory
from billing.receivables.reports.ages import Ages
from billing.receivables.reports.statement import Statement, StatementLine
from billing.receivables.reports.statement_paper import statement_letter
from billing.receivables.tables.receipts import AllocatedBy
from invoices.document import Party
from invoices.rendering.letter import Letter, render_letter
from invoices.wording import OF_TENANT_AND_FRENCH
from tests.support.documents import SELLER, STARTUP
from tests.support.letter_pages import claimed, dunned
from tests.support.pages import GOLDEN, OTHER_LANGUAGES, read_aloud


def papers(language: str, papers_in: str = OF_TENANT_AND_FRENCH) -> Iterator[tuple[str, Letter]]:
    """The letters by name, as they are made for a tenant who reads a language."""
    seller = dataclasses.replace(SELLER, language=papers_in)
    buyer = dataclasses.replace(STARTUP, language=language)
    yield "cash_receipt", _cash_receipt(seller, buyer)
    yield "acknowledgement", acknowledgement_letter(_cheque(), seller, buyer)
    yield "deposit_call", _deposit_call(seller, buyer)
    yield "final_statement", _final_statement(seller, buyer)
    reminder = dunned(claimed(101, 33, sent=15), claimed(102, 3), claimed(103, 3), claimed(104, -2), interest=26_63)
    yield "dunning_mixed", letter_of(reminder._replace(seller=seller, buyer=buyer))
    yield "statement_of_account", _statement(seller, buyer)


def _row(**values: Any) -> Any:
    return SimpleNamespace(**values)


def _cash_receipt(seller: Party, buyer: Party) -> Letter:
    content = {
        "seller": dataclasses.asdict(seller), "payer": dataclasses.asdict(buyer), "site": "Technopark Tanger",
        "settles": [{"number": "FA-2026-000001", "amount": "1000.00"}], "stamp_rate": 25, "reference": "EX-12",
        "notices": [{"threshold": "5000.00", "span": "day"}, {"threshold": "50000.00", "span": "month"}],
    }  # fmt: skip
    return cash_receipt_letter(
        _row(
            receipt_id=5, link_secret="",
            year=2026, serial=12, amount=1234_56, stamp_duty=3_09, stamp_on_top=True, taken_on=date(2026, 9, 1),
            cancelled_on=date(2026, 9, 2), cancelled_for="Montant erroné", content=json.dumps(content),
        )
    )  # fmt: skip


def _cheque() -> ReceiptStory:
    """A cheque that settles one invoice, once settled another, and leaves a part to the tenant's credit."""
    settled = Allocation(
        1, "RG-000005", None, "FA-2026-000001", STARTUP.code, "1000.00", date(2026, 9, 3), AllocatedBy.EXPLICIT, None,
        None,
    )  # fmt: skip
    undone = Allocation(
        2, "RG-000005", None, "FA-2026-000002", STARTUP.code, "99.00", date(2026, 9, 3), AllocatedBy.EXPLICIT,
        date(2026, 9, 4), "erreur",
    )  # fmt: skip
    return ReceiptStory(
        number="RG-000005", means="cheque", reference="7001", value_date=date(2026, 9, 3), booked_on=date(2026, 9, 3),
        tenant=STARTUP.code, site=None, amount="1200.00", money="1200.00", withheld="0.00", bank_charges="0.00",
        payer_text="", asked="automatic", state=ReceiptState.TO_CLEAR, legs=[], unplaced="0.00",
        placements=[Placement(STARTUP.code, "1200.00", "200.00", date(2026, 9, 3), "4421")],
        allocations=[settled, undone], refunds=[], events=[], cancellation=None, warnings=[],
    )  # fmt: skip


def _deposit_call(seller: Party, buyer: Party) -> Letter:
    parties = {"seller": json.dumps(dataclasses.asdict(seller)), "buyer": json.dumps(dataclasses.asdict(buyer))}
    return deposit_call(
        _row(
            id=3, link_secret="", asked_on=date(2026, 9, 1), due_on=date(2026, 9, 30), lease="L00007", office="TNG-101",
            site_name="Technopark Tanger", monthly_rent=3375_00, months=2, amount=6750_00, **parties,
        )
    )  # fmt: skip


def _final_statement(seller: Party, buyer: Party) -> Letter:
    invoice = {"number": "FA-2026-000012", "kind": "invoice", "issued_on": "2026-09-01", "due_on": "2026-10-31"}
    credit = {"number": "AV-2026-000001", "kind": "credit_note", "issued_on": "2026-10-01", "due_on": "2026-10-01"}
    content = {
        "seller": dataclasses.asdict(seller), "buyer": dataclasses.asdict(buyer), "office": "TNG-101",
        "site": "Technopark Tanger", "ends_on": "2026-09-30",
        "documents": [invoice | {"open": "1200.00"}, credit | {"open": "-300.00"}],
        "credit": "119.29", "set_off": "500.00", "deposit_left": "1000.00",
        "deposit": "DG-000003", "received": "2000.00", "returned": "500.00",
        "settled": [{"number": "FA-2026-000007", "amount": "500.00", "on": "2026-11-02"}],
    }  # fmt: skip
    content_row = json.dumps(content)
    return final_statement_letter(
        _row(id=2, link_secret="", lease="L00007", closed_on=date(2026, 11, 2), balance=-219_29, content=content_row)
    )


def _statement(seller: Party, buyer: Party) -> Letter:
    on = date(2026, 6, 1)
    lines = (
        StatementLine(on, "FA-2026-000007", "Facture, juin 2026", date(2026, 7, 31), 3240_00, 3240_00, on),
        StatementLine(date(2026, 8, 3), "RG-000001", "Virement VIR-1 : FA-2026-000007", None, -4000_00, -760_00),
    )
    return statement_letter(Statement(buyer.code, on, date(2026, 8, 31), 0, lines), Ages(), seller, buyer)


if __name__ == "__main__":
    for language in OTHER_LANGUAGES:
        for name, letter in papers(language):
            (GOLDEN / f"{name}.{language}.txt").write_text(read_aloud(render_letter(letter)), encoding="utf-8")
