"""What must hold of the offices billed in any history."""

from collections import Counter
from datetime import date, timedelta

from invoices.document import CREDIT_NOTE
from tests.oracle.reference import Oracle, civil, days_of, months_between
from tests.oracle.service import Service


def offices_stand_as_owed(service: Service, oracle: Oracle) -> None:
    """All invoices less all credit notes: each lease's days since R12, once, at what they cost by today's facts.

    The days are told from the documents and the lease rows alone, the sums from the entitlement computed
    afresh; for tenants billed after the last change.
    """
    standing: Counter[tuple[str, str | None, date]] = Counter()
    charged: Counter[tuple[str, str | None, str]] = Counter()
    for run in oracle.runs:
        for document in service.documents(run):
            sign = -1 if document.kind == CREDIT_NOTE else 1
            for line in document.lines:
                first, last = line.priced.first_day, line.priced.last_day
                if first is not None and last is not None:
                    for n in range((last - first).days + 1):
                        standing[document.buyer.code, line.priced.lease, first + timedelta(days=n)] += sign
                    charged[document.buyer.code, line.priced.lease, f"{first:%Y-%m}"] += sign * line.priced.amount
    billed = oracle.billed_in_full()
    months = months_between(oracle.first_month(), max(oracle.runs))
    owed = Counter(
        (lease["tenant"], lease["code"], day)
        for lease in oracle.register.all("leases")
        for month in months
        for day in days_of(month)
        if lease["tenant"] in billed
        and civil(lease["starts_on"]) <= day
        and (not lease["ends_on"] or day <= civil(lease["ends_on"]))
    )
    assert {key: count for key, count in standing.items() if count and key[0] in billed} == owed
    due: Counter[tuple[str, str | None, str]] = Counter()
    for tenant in billed:
        for month in months:
            for office in oracle.register.office_lines(tenant, month):
                due[tenant, office.lease, month] += int(office.amount * 100)
    assert {key: sum_ for key, sum_ in charged.items() if sum_ and key[0] in billed} == {
        key: sum_ for key, sum_ in due.items() if sum_
    }
