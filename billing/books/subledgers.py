"""The subledger accounts as files and reports of the books name them: tenants, and funders of grants."""

from collections.abc import Mapping
from datetime import date
from functools import cache

from sqlalchemy import Connection, select

from billing.books.lettering import letters
from billing.entries.accounts import GRANTS, GRANTS_COUNTERPART
from billing.register.tables import subsidy_grant, tenant
from ledger.subledgers import Letter, NameOf, Subledgers

# The accounts whose auxiliaries are grants; everywhere else they are tenants (R20, R21).
ACCOUNTS_OF_GRANTS = (GRANTS, GRANTS_COUNTERPART)


def subledgers(connection: Connection) -> Subledgers:
    """Return what an export says of tenants and grants; letters are read once, when the first one is asked for."""

    @cache
    def until_day(until: date | None) -> Mapping[tuple[int, int], Letter]:
        return letters(connection, until or date.max)

    return Subledgers(
        name_of=names_of_subledgers(connection),
        letter_of=lambda number, line, until: until_day(until).get((number, line)),
    )


def names_of_subledgers(connection: Connection) -> NameOf:
    """Return what names subledger accounts; the names are read once, when the first one is asked for."""

    @cache
    def of_tenants() -> dict[str, str]:
        return dict(connection.execute(select(tenant.c.code, tenant.c.legal_name)).all())

    @cache
    def of_grants() -> dict[str, str]:
        return dict(connection.execute(select(subsidy_grant.c.code, subsidy_grant.c.funder)).all())

    def name_of(code: str, auxiliary: str) -> str:
        return (of_grants() if code in ACCOUNTS_OF_GRANTS else of_tenants()).get(auxiliary, "")

    return name_of
