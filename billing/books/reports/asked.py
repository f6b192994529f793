"""The request for a report, judged against the register, and the facts at the head of the report."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection, select

from billing.books.subledgers import ACCOUNTS_OF_GRANTS, names_of_subledgers
from billing.entries.accounts import VAT_DUE, VAT_NOT_YET_DUE
from billing.frame.errors import Unknown
from billing.frame.reports.prepared import Asked, Fact, Prepared
from billing.register.tables import site, tenant
from invoices import formats
from ledger.balances import last_day
from ledger.errors import UnknownAccount
from ledger.models import account, entry_counter
from ledger.reports import REPORTS
from ledger.reports.selection import Selection


def prepare(connection: Connection, name: str, asked: Asked, lines_on_paper_max: int) -> Prepared:
    """Prepare a report to be read. Raises Unknown or UnknownAccount for a filter that names nothing."""
    filters = tuple(_filters(connection, asked))
    newest = int(connection.scalar(select(entry_counter.c.last)) or 0)
    until = asked.until or last_day(connection)
    not_of = ACCOUNTS_OF_GRANTS if asked.tenant is not None else ()
    selection = Selection(
        start=asked.start,
        until=asked.until,
        account=asked.account,
        auxiliary=asked.tenant,
        site=asked.site,
        not_of=not_of,
    )
    report = REPORTS[name](connection, selection, names_of_subledgers(connection))
    books = Fact("État des livres", f"écritures n° 1 à {formats.count(newest)}" if newest else "aucune écriture")
    facts = (Fact("Période", _period(asked.start, until)), *filters, Fact("Montants", "dirhams (DH)"), books)
    return Prepared(
        report=report,
        asked=asked,
        facts=facts,
        last_day=until,
        newest_entry=newest,
        lines_on_paper_max=lines_on_paper_max,
    )


def _period(start: date | None, until: date | None) -> str:
    if until is None:
        return "aucune écriture"
    if start is None:
        return f"jusqu'au {formats.day(until)}"
    if start > until:
        return f"à partir du {formats.day(start)}"
    return formats.days(start, until)


def _filters(connection: Connection, asked: Asked) -> Iterator[Fact]:
    """Yield in words what a report is limited to."""
    if asked.account is not None:
        code = account.c.code
        begins_so = select(code).where(code.startswith(asked.account, autoescape=True)).limit(1)
        if not asked.account or connection.scalar(begins_so) is None:
            raise UnknownAccount(f"no account begins with {asked.account}: see the chart of accounts")
        yield Fact("Comptes", f"{asked.account}…")
        if asked.account == VAT_DUE:
            # One lies below the other, so that their sum is of both.
            yield Fact("TVA exigible", f"{VAT_DUE} sans {VAT_NOT_YET_DUE}, qui est la TVA non encore exigible")
    if asked.tenant is not None:
        name = connection.scalar(select(tenant.c.legal_name).where(tenant.c.code == asked.tenant))
        if name is None:
            raise Unknown(f"{asked.tenant} is no tenant")
        yield Fact("Locataire", f"{asked.tenant} - {name}")
    if asked.site is not None:
        name = connection.scalar(select(site.c.name).where(site.c.code == asked.site))
        if name is None:
            raise Unknown(f"{asked.site} is no site")
        yield Fact("Site", f"{asked.site} - {name}")
