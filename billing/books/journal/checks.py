"""Proofs of the books by themselves: entries, their numbers, the accounts' days, the pools (R21, R22)."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Connection,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
)

from billing.entries.accounts import CLIENTS, NETWORK_POOL, SITE_POOL
from billing.entries.grants import GRANTS_RECEIVED
from billing.frame.checking import Proof, Step, is_postgresql, month_text
from billing.register.tables import billing_run
from billing.run.tables import run_outcome
from invoices.models import document
from ledger.accounts import chart, label_of
from ledger.entry import CROSS_SUBSIDY, JOURNAL_LABELS, SALES
from ledger.errors import UnknownAccount
from ledger.models import account, account_day, entry, entry_counter, posting
from pricing.money import format_amount

_ENTRIES_AT_A_TIME = 50_000
# The references of all entries of one run begin with `PER/2026-09`.
_RUN_PREFIX = len("PER/2026-09")


def entries(connection: Connection, step: Step) -> Iterator[str]:
    """Every entry balances, is complete, keeps class 9 apart, and is numbered 1, 2, 3 … (R21, R22)."""
    counted = connection.scalar(select(entry_counter.c.last).where(entry_counter.c.id == 1)) or 0
    last = 0
    while True:
        first = _next_number(connection, last)
        if first is None:
            break
        until = first + _ENTRIES_AT_A_TIME - 1
        if first > last + 1:
            yield _missing(last + 1, first - 1)
        yield from _ill_formed(connection, first, until)
        yield from _gaps(connection, first, until)
        last = _last_number(connection, first, until)
        step(until - first + 1)
    if last != counted:
        yield f"the entry counter stands at {counted}, the last entry is {last}: the last entries are missing"


def _missing(first: int, last: int) -> str:
    which = f"entry {first} is" if first == last else f"entries {first} to {last} are"
    return f"{which} missing: entry numbers have a gap"


def _next_number(connection: Connection, after: int) -> int | None:
    numbers = [
        connection.scalar(select(func.min(column)).where(column > after)) for column in (entry.c.id, posting.c.entry_id)
    ]
    return min((number for number in numbers if number is not None), default=None)


def _last_number(connection: Connection, first: int, until: int) -> int:
    numbers = [
        connection.scalar(select(func.max(column)).where(column.between(first, until)))
        for column in (entry.c.id, posting.c.entry_id)
    ]
    return max(int(number) for number in numbers if number is not None)


def _sums(first: int, until: int) -> Subquery:
    """Sum the postings of each entry of a range."""
    p = posting.c
    analytic = case((func.substr(p.account, 1, 1) == "9", 1), else_=0)
    return (
        select(
            p.entry_id,
            func.count().label("lines"),
            func.sum(p.amount).label("total"),
            func.min(p.line_no).label("lowest"),
            func.max(p.line_no).label("highest"),
            func.min(p.effective_on).label("earliest"),
            func.max(p.effective_on).label("latest"),
            func.min(analytic).label("least_class"),
            func.max(analytic).label("greatest_class"),
        )
        .where(p.entry_id.between(first, until))
        .group_by(p.entry_id)
        .subquery()
    )


def _ill_formed(connection: Connection, first: int, until: int) -> Iterator[str]:
    s, e = _sums(first, until), entry.c
    wrong = or_(
        s.c.entry_id.is_(None),
        s.c.lines < 2,
        s.c.lines != e.posting_count,
        s.c.lowest != 1,
        s.c.highest != s.c.lines,
        s.c.total != 0,
        s.c.least_class != s.c.greatest_class,
        s.c.earliest != e.effective_on,
        s.c.latest != e.effective_on,
        and_(s.c.least_class == 1, e.journal == SALES),
        and_(s.c.least_class == 0, e.journal == CROSS_SUBSIDY),
    )
    with_sums = select(entry, s).outerjoin(s, s.c.entry_id == e.id)
    for row in connection.execute(with_sums.where(e.id.between(first, until), wrong).order_by(e.id)):
        yield f"entry {row.id} ({row.reference}): {', '.join(_faults(row))}"
    orphans = select(s.c.entry_id).outerjoin(entry, e.id == s.c.entry_id).where(e.id.is_(None)).order_by(s.c.entry_id)
    for number in connection.scalars(orphans):
        yield f"postings stand for entry {number}, which does not exist"


def _faults(row: Any) -> Iterator[str]:
    if row.entry_id is None:
        yield "it has no postings"
        return
    if row.total:
        yield f"it does not balance: debits less credits are {format_amount(int(row.total))}"
    if row.lines < 2:
        yield "it has a single posting"
    if row.lines != row.posting_count or row.lowest != 1 or row.highest != row.lines:
        yield f"it says it has {row.posting_count} postings, {row.lines} stand, numbered {row.lowest} to {row.highest}"
    if row.least_class != row.greatest_class:
        yield "class 9 accounts stand beside others"
    elif (row.journal, row.least_class) in ((SALES, 1), (CROSS_SUBSIDY, 0)):
        yield f"its accounts don't belong in journal {row.journal}"
    if row.earliest != row.effective_on or row.latest != row.effective_on:
        yield f"it is dated {row.effective_on}, its postings {row.earliest} to {row.latest}"


def _gaps(connection: Connection, first: int, until: int) -> Iterator[str]:
    e = entry.c
    numbers = select(e.id, func.lag(e.id).over(order_by=e.id).label("before")).where(e.id.between(first, until))
    s = numbers.subquery()
    for number, before in connection.execute(select(s).where(s.c.id != s.c.before + 1).order_by(s.c.id)):
        yield _missing(before + 1, number - 1)


def account_days(connection: Connection, _step: Step) -> Iterator[str]:
    """The sums kept of each account and day are those of its postings (R22)."""
    p, d = posting.c, account_day.c
    posted = select(
        p.account,
        p.effective_on.label("day"),
        (-func.sum(case((p.amount > 0, p.amount), else_=0))).label("debit"),
        func.sum(case((p.amount < 0, p.amount), else_=0)).label("credit"),
    ).group_by(p.account, p.effective_on)
    both = union_all(select(d.account, d.day, d.debit, d.credit), posted).subquery()
    debit, credit = func.sum(both.c.debit), func.sum(both.c.credit)
    differing = (
        select(both.c.account, both.c.day, debit, credit)
        .group_by(both.c.account, both.c.day)
        .having(or_(debit != 0, credit != 0))
        .order_by(both.c.account, both.c.day)
    )
    for code, day, more_debit, more_credit in connection.execute(differing):
        yield (
            f"account {code} on {day}: account_day exceeds the postings by {format_amount(int(more_debit))} in debit "
            f"and {format_amount(int(more_credit))} in credit"
        )
    unknown = select(d.account).where(not_(exists().where(account.c.code == d.account))).distinct()
    for code in connection.scalars(unknown):
        yield f"account {code} has postings and is not in the chart of accounts"


def accounts(connection: Connection, _step: Step) -> Iterator[str]:
    """Every account of the chart can be posted to, and each account bears the label the chart gives it."""
    labels: dict[str, str] = dict(connection.execute(select(account.c.code, account.c.label)).all())
    for code in sorted(chart().keys() - labels.keys()):
        yield f"account {code} of the chart is not in the table of accounts: no entry can be posted to it"
    for code, label in sorted(labels.items()):
        try:
            shipped = label_of(code)
        except UnknownAccount:
            yield f"account {code} ({label}) is not an account of the chart, nor below one"
            continue
        if label != shipped:
            yield f"account {code} is labelled {label!r}, in the chart {shipped!r}"


def pools(connection: Connection, _step: Step) -> Iterator[str]:
    """9205, by site, and 9206 are at zero after every run, and no run's entries lie among another's (R22)."""
    p, e = posting.c, entry.c
    run = func.substr(e.reference, 1, _RUN_PREFIX).label("run")
    site = case((p.account == SITE_POOL, p.site)).label("site")
    moved = (
        select(run, p.account, site, func.sum(p.amount).label("total"))
        .join(entry, e.id == p.entry_id)
        .where(p.account.in_([SITE_POOL, NETWORK_POOL]))
        .group_by(run, p.account, site)
        .subquery()
    )
    running = {_prefix(period) for period in _periods(connection, complete=False)}
    for row in connection.execute(select(moved).where(moved.c.total != 0).order_by(moved.c.run, moved.c.account)):
        if row.run not in running:
            at = f" at site {row.site}" if row.site else ""
            yield f"account {row.account}{at} is left with {format_amount(int(row.total))} by the entries of {row.run}"
    spans = select(run, func.min(e.id), func.max(e.id)).where(e.journal == CROSS_SUBSIDY).group_by(run)
    known = {_prefix(period) for complete in (True, False) for period in _periods(connection, complete=complete)}
    highest, before = 0, ""
    for name, low, high in sorted(row for row in connection.execute(spans) if row[0] in known):
        if low < highest:
            yield f"entry {low} of {name} was posted before the last entry of {before}: a run begins when none is open"
        highest, before = max(high, highest), name


def _prefix(period: Any) -> str:
    return f"PER/{period:%Y-%m}"


def _periods(connection: Connection, *, complete: bool) -> list[Any]:
    is_complete = billing_run.c.status == "complete"
    return list(connection.scalars(select(billing_run.c.period).where(is_complete if complete else not_(is_complete))))


def unattributed_entries(connection: Connection, _step: Step) -> Iterator[str]:
    """Every sales entry has its document, every cross-subsidy entry its run, every client its tenant (R20, R21)."""
    e, o, d = entry.c, run_outcome.c, document.c
    sold = select(e.id, e.reference).where(
        e.journal == SALES,
        or_(
            func.substr(e.reference, 1, 4) != "VTE/",
            not_(exists().where(d.number == func.substr(e.reference, 5))),
        ),
    )
    for number, reference in connection.execute(sold.order_by(e.id)):
        yield f"entry {number} ({reference}) stands in journal {SALES} without its document"
    if is_postgresql(connection):
        same_month = month_text(connection, o.period) == func.substr(e.reference, 5, 7)
    else:
        # Written so that the key of run_outcome serves: an expression around its column would hide it.
        same_month = o.period == func.substr(e.reference, 5, 7).concat("-01")
    of_tenant = exists().where(same_month, o.tenant == func.substr(e.reference, 13))
    shared = select(e.id, e.reference).where(
        e.journal == CROSS_SUBSIDY,
        not_(e.reference.startswith(GRANTS_RECEIVED)),
        e.reference.not_like("PER/____-__:cascade/%"),
        not_(of_tenant),
    )
    for number, reference in connection.execute(shared.order_by(e.id)):
        yield f"entry {number} ({reference}) stands in journal {CROSS_SUBSIDY} without its run"
    others = select(e.id, e.reference, e.journal).where(e.journal.not_in(list(JOURNAL_LABELS)))
    for number, reference, journal in connection.execute(others.order_by(e.id)):
        yield f"entry {number} ({reference}) stands in journal {journal}, which does not exist"
    without_tenant = select(posting.c.entry_id, posting.c.line_no).where(
        posting.c.account == literal(CLIENTS), posting.c.auxiliary.is_(None)
    )
    for number, line_no in connection.execute(without_tenant.order_by(posting.c.entry_id)):
        yield f"entry {number}, posting {line_no}: account {CLIENTS} without the tenant it concerns"


CHECKS: tuple[Proof, ...] = (entries, account_days, accounts, pools, unattributed_entries)
