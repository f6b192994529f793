"""The shape of a take-on: what a park brought, and the entries that book it."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from billing.frame.shapes import Account, Count, Day, Money, Shape, Text, about
from ledger.entry import Entry
from pricing.money import format_amount


class OpeningPosting(Shape, frozen=True):
    """One movement of an opening entry."""

    account: Account
    auxiliary: Annotated[str | None, about("The tenant, or the grant, that it concerns; null: none")]
    site: Annotated[str | None, about("The site it concerns; null: none")]
    amount: Annotated[Money, about("Debit positive, credit negative")]


class OpeningEntry(Shape, frozen=True):
    """An entry of a take-on, in journal AN."""

    reference: Annotated[Text, about("`AN/reprise/` and what it books: one entry a kind")]
    label: Annotated[Text, about("What it books, in French")]
    postings: Annotated[list[OpeningPosting], about("Its movements, in order")]


class TakeOn(Shape, frozen=True):
    """What a park brought from before this service, on one day (R29)."""

    date: Annotated[Day, about("The day the books begin")]
    invoices: Annotated[Count, about("Open invoices")]
    open: Annotated[Money, about("What is open of them, VAT included")]
    vat_not_due: Annotated[Money, about("The VAT of what is open")]
    credits: Annotated[Count, about("Tenants in credit")]
    credit: Annotated[Money, about("Their credit")]
    deposits: Annotated[Count, about("Deposits held")]
    deposited: Annotated[Money, about("What is held")]
    balances: Annotated[Count, about("Rows of balances, the reserve among them")]
    grants: Annotated[Count, about("Grants of which something was used before")]
    used: Annotated[Money, about("What was used of them")]
    entries: Annotated[list[OpeningEntry], about("The entries: one a kind, each balanced by itself")]

    @classmethod
    def of(cls, summary: dict[str, Any], entries: Sequence[Entry]) -> "TakeOn":
        """Return a take-on as it was, or would be, carried out; `summary` is `taking.summary`'s."""
        return cls(
            **{**summary, "date": date.fromisoformat(summary["date"])},
            entries=[
                OpeningEntry(
                    reference=e.reference,
                    label=e.label,
                    postings=[
                        OpeningPosting(
                            account=p.account, auxiliary=p.auxiliary, site=p.site, amount=format_amount(p.amount)
                        )
                        for p in e.postings
                    ],
                )
                for e in entries
            ],
        )
