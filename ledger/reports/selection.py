"""A selection says which postings a report is about: days, accounts, an auxiliary, a site."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement

from ledger.models import entry, posting


class Selection(NamedTuple):
    """Postings effective from `start` to `until`, both included, of the accounts that begin with `account`.

    `not_of` are accounts whose auxiliaries are of another kind, so that a tenant and a grant of one code stay apart.
    """

    start: date | None = None
    until: date | None = None
    account: str | None = None
    auxiliary: str | None = None
    site: str | None = None
    not_of: tuple[str, ...] = ()

    @property
    def is_narrowed(self) -> bool:
        """Return whether only some postings of an account are meant."""
        return self.auxiliary is not None or self.site is not None

    def of_accounts(self, column: ColumnElement[str]) -> list[ColumnElement[bool]]:
        """Return the condition on a column that holds accounts."""
        return [] if self.account is None else [column.startswith(self.account, autoescape=True)]

    def of_postings(self) -> list[ColumnElement[bool]]:
        """Return the conditions on postings, days apart."""
        p = posting.c
        conditions = self.of_accounts(p.account)
        if self.auxiliary is not None:
            conditions.append(p.auxiliary == self.auxiliary)
            if self.not_of:
                conditions.append(p.account.not_in(self.not_of))
        if self.site is not None:
            conditions.append(p.site == self.site)
        return conditions

    def of_days(self, column: ColumnElement[date]) -> list[ColumnElement[bool]]:
        """Return the conditions on a column that holds days."""
        return [
            *([] if self.start is None else [column >= self.start]),
            *([] if self.until is None else [column <= self.until]),
        ]

    def of_entries(self) -> list[ColumnElement[bool]]:
        """Return the conditions on postings joined with their entries, days included."""
        return [*self.of_postings(), *self.of_days(entry.c.effective_on)]
