"""Proofs over all documents at once: numbers, dates, office days, and rows that hang in the air (R9, R13, R15)."""

from collections.abc import Iterator
from datetime import date
from hashlib import blake2b

from sqlalchemy import Connection, and_, exists, func, not_, or_, select

from billing.frame.checking import Proof, Step, streamed
from billing.register.tables import lease, tenant, usage_event
from billing.run.tables import USAGE_LINKS, run_outcome, run_position
from invoices.brought import is_ours
from invoices.document import EDITION, INVOICE, SERIES, format_number
from invoices.models import brought_invoice, document, document_line, document_vat, number_series, party
from invoices.numbering import EVERY_DOCUMENT, EVERY_YEAR


def numbers(connection: Connection, _step: Step) -> Iterator[str]:
    """Numbers run 1, 2, 3 … in each series and year, and issue dates never go back (R15)."""
    d = document.c
    last: dict[tuple[str, int], int] = {}
    latest: dict[str, tuple[date, str]] = {}
    days: dict[tuple[str, int], date] = {}
    # The year comes first; then shorter numbers: 1000000 follows 999999.
    in_order = (
        select(d.number, d.kind, d.issued_on)
        .where(is_ours())
        .order_by(func.substr(d.number, 1, 7), func.length(d.number), d.number)
    )
    for number, kind, issued_on in streamed(connection, in_order):
        if kind not in SERIES:
            yield f"{number} is a document of kind {kind!r}, which does not exist"
            continue
        series = SERIES[kind], issued_on.year
        expected = format_number(kind, issued_on.year, last.get(series, 0) + 1)
        if number != expected:
            yield f"{number} of {issued_on} stands where {expected} should: numbers have a gap or are of another series"
        before, its_number = latest.get(kind, (date.min, ""))
        if issued_on < before:
            yield f"{number} is dated {issued_on}, {its_number} before it {before}: issue dates never go back"
        latest[kind] = max((issued_on, number), (before, its_number))
        days[series] = max(issued_on, days.get(series, date.min))
        tail = number.rpartition("-")[2]
        last[series] = int(tail) if tail.isascii() and tail.isdigit() else last.get(series, 0) + 1
    yield from _counters(connection, last, days)


def _counters(
    connection: Connection, last: dict[tuple[str, int], int], days: dict[tuple[str, int], date]
) -> Iterator[str]:
    """Prove the series: the numbers they have given, and the days of their newest documents."""
    taken_on = connection.scalar(select(func.max(brought_invoice.c.taken_on)))
    newest_of_all = max((*days.values(), *([] if taken_on is None else [taken_on])), default=date.min)
    for row in connection.execute(select(number_series).order_by(number_series.c.series, number_series.c.year)):
        name, newest = f"{row.series}-{row.year}", days.get((row.series, row.year), date.min)
        if (row.series, row.year) == (EVERY_DOCUMENT, EVERY_YEAR):
            name, newest = row.series, newest_of_all
            highest = connection.scalar(select(func.max(document.c.id))) or 0
            count = connection.scalar(select(func.count()).select_from(document))
            if (highest, count) != (row.last, row.last):
                yield f"{row.last} documents were issued, {count} stand: the last key is {highest}"
        elif (standing := last.pop((row.series, row.year), 0)) != row.last:
            yield f"series {name} has given {row.last} numbers, the last document bears {standing}"
        if newest != row.latest_issued_on:
            yield f"series {name}: the newest document is of {newest}, the series says {row.latest_issued_on}"
    for series, year in sorted(last):
        yield f"documents {series}-{year} stand without their number series"


def editions(connection: Connection, _step: Step) -> Iterator[str]:
    """Each document is printed in an edition that there is, and in none older than one issued before it."""
    d = document.c
    before = func.max(d.edition).over(order_by=d.id, rows=(None, -1)).label("before")
    printed = select(d.number, d.edition, before).where(is_ours()).order_by(d.id).subquery()
    p = printed.c
    wrong = or_(not_(p.edition.between(1, EDITION)), p.edition < p.before)
    for number, edition, newest in connection.execute(select(p.number, p.edition, p.before).where(wrong)):
        if newest is not None and edition < newest:
            yield f"{number} is printed in edition {edition}, documents before it in edition {newest}"
        else:
            yield f"{number} is printed in edition {edition}, which this program has not"


def office_days(connection: Connection, _step: Step) -> Iterator[str]:
    """No day of a lease is billed twice to one tenant by lines that stand (R9, R13).

    To two tenants it may be, for a while: a lease moved to another is credited to the first by its next
    bill, which an error (R6), a month tried again (R14) or an interrupted run puts off.
    """
    d, x = document.c, document_line.c
    credit = document_line.alias("credit")
    taken_back = exists().where(credit.c.corrects_document_id == x.document_id, credit.c.corrects_line_no == x.line_no)
    order = (x.first_day, x.document_id, x.line_no)
    of_tenant = (d.tenant, x.lease)
    standing = (
        select(
            x.lease,
            d.number,
            x.line_no,
            x.first_day,
            x.last_day,
            func.max(x.last_day).over(partition_by=of_tenant, order_by=order, rows=(None, -1)).label("billed_until"),
            func.lag(d.number).over(partition_by=of_tenant, order_by=order).label("before"),
        )
        .join(document, d.id == x.document_id)
        .where(d.kind == INVOICE, x.lease.is_not(None), not_(taken_back))
        .subquery()
    )
    s = standing.c
    for row in connection.execute(select(standing).where(s.first_day <= s.billed_until).order_by(s.lease, s.first_day)):
        yield (
            f"{row.number} line {row.line_no} bills lease {row.lease} from {row.first_day}, "
            f"which {row.before} and others already bill until {row.billed_until}"
        )


def taken_back_once(connection: Connection, _step: Step) -> Iterator[str]:
    """A line is taken back once at most (R13)."""
    x = document_line.c
    doubled = (
        select(x.corrects_document_id, x.corrects_line_no, func.count().label("times"))
        .where(x.corrects_document_id.is_not(None))
        .group_by(x.corrects_document_id, x.corrects_line_no)
        .having(func.count() > 1)
        .subquery()
    )
    repeated = select(document.c.number, doubled.c.corrects_line_no, doubled.c.times).join(
        doubled, doubled.c.corrects_document_id == document.c.id
    )
    for number, line_no, times in connection.execute(repeated.order_by(document.c.number)):
        yield f"{number} line {line_no} is taken back {times} times"


def orphan_rows(connection: Connection, _step: Step) -> Iterator[str]:
    """No row is an orphan: lines have documents, documents and runs have tenants, links have both ends."""
    for child in (document_line, document_vat):
        orphans = select(child.c.document_id).where(not_(exists().where(document.c.id == child.c.document_id)))
        for key in connection.scalars(orphans.distinct().order_by(child.c.document_id)):
            yield f"rows of {child.name} stand for document {key}, which does not exist"
    missing_tenant = not_(exists().where(tenant.c.code == document.c.tenant))
    for number, code in connection.execute(select(document.c.number, document.c.tenant).where(missing_tenant)):
        yield f"{number} is of tenant {code}, who is not in the register"
    for table in (run_outcome, run_position):
        absent = select(table.c.tenant).where(not_(exists().where(tenant.c.code == table.c.tenant))).distinct()
        for code in connection.scalars(absent.order_by(table.c.tenant)):
            yield f"rows of {table.name} stand for tenant {code}, who is not in the register"
    x = document_line.c
    no_lease = not_(exists().where(lease.c.code == x.lease))
    orphans_of_leases = select(document.c.number, x.line_no, x.lease).join(document, document.c.id == x.document_id)
    for number, line_no, code in connection.execute(orphans_of_leases.where(x.lease.is_not(None), no_lease)):
        yield f"{number} line {line_no} is of lease {code}, which is not in the register"
    yield from _orphan_links(connection)


def _orphan_links(connection: Connection) -> Iterator[str]:
    for table in USAGE_LINKS:
        b, x = table.c, document_line.c
        no_event = not_(exists().where(usage_event.c.id == b.usage_event_id))
        no_line = not_(exists().where(and_(x.document_id == b.document_id, x.line_no == b.line_no)))
        links = select(b.usage_event_id, b.document_id, b.line_no).where(or_(no_event, no_line))
        for event, document_id, line_no in connection.execute(links.order_by(b.usage_event_id)):
            line = f"document key {document_id}, line {line_no}"
            yield f"usage event key {event} is billed by {line}: one of them is missing"
    unknown = not_(exists().where(tenant.c.code == usage_event.c.tenant))
    for event, code in connection.execute(select(usage_event.c.event_id, usage_event.c.tenant).where(unknown)):
        yield f"usage event {event} is of tenant {code}, who is not in the register"


def parties(connection: Connection, _step: Step) -> Iterator[str]:
    """Documents name seller and buyer as they were stored when they were issued."""
    for digest, content in streamed(connection, select(party.c.digest, party.c.content).order_by(party.c.digest)):
        if blake2b(content.encode(), digest_size=16).hexdigest() != digest:
            yield f"the party {digest} is not as it was kept: {content[:80]}"
    d = document.c
    # As sets: PostgreSQL reads a long list that is sought by NOT IN anew for each row.
    for digest in connection.scalars(select(party.c.digest).except_(select(d.seller), select(d.buyer))):
        yield f"the party {digest} is on no document"
    for digest in (d.seller, d.buyer):
        missing = select(d.number, digest).where(not_(exists().where(party.c.digest == digest)))
        for number, name in connection.execute(missing.order_by(d.number)):
            yield f"{number} names party {name}, which does not exist"


# A changed party changes every document that names it: it is named first.
CAUSES: tuple[Proof, ...] = (parties,)

CHECKS: tuple[Proof, ...] = (numbers, editions, parties, orphan_rows, office_days, taken_back_once)
