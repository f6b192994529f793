"""What must hold of the reference itself, for any history: it is held to the rules before it judges."""

from collections import Counter
from datetime import timedelta
from fractions import Fraction

from hypothesis import HealthCheck, given, settings

from tests.oracle.reference import NIL, Oracle, civil, days_of, months_between
from tests.oracle.strategies import Enter, Step, histories
from tests.support.examples import examples


def played(history: tuple[Step, ...]) -> Oracle:
    oracle = Oracle()
    for step in history:
        if isinstance(step, Enter):
            oracle.enter(step.files)
        elif not step.dry:
            oracle.run(step.month)
    return oracle


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(histories())
def test_the_reference_keeps_the_rules_it_states(history: tuple[Step, ...]) -> None:
    oracle = played(history)
    if not oracle.runs:
        return
    latest = oracle.runs[max(oracle.runs)]
    balances = oracle.balances()
    assert sum(map(Fraction, balances.values()), NIL) == 0
    # R22: the pools are nil, the reserve and the grants are what the last run says.
    assert "9205" not in balances
    assert "9206" not in balances
    assert -Fraction(balances.get("9207", "0")) == latest.reserve_after >= 0
    for run in oracle.runs.values():
        assert min([NIL, *run.grants_left.values()]) == 0
        for funding in run.funding.values():
            parts = sum((funding[name] for name in funding if name not in ("contributions", "draws")), NIL)
            assert parts == funding["draws"]
    # R9, R13: what stands is each day of each lease of the tenants billed after the last change, once.
    billed = oracle.billed_in_full()
    standing = Counter(
        (b.tenant, b.line.lease, civil(b.line.first_day) + n * timedelta(days=1))
        for b in oracle.standing
        if b.tenant in billed
        for n in range((civil(b.line.last_day) - civil(b.line.first_day)).days + 1)
    )
    assert standing == Counter(
        (lease["tenant"], lease["code"], day)
        for lease in oracle.register.all("leases")
        for month in months_between(oracle.first_month(), latest.month)
        for day in days_of(month)
        if lease["tenant"] in billed
        and civil(lease["starts_on"]) <= day
        and (not lease["ends_on"] or day <= civil(lease["ends_on"]))
    )
    # R14: run again, the month gives nothing to whoever was not in error.
    documents = [document.shape() for document in latest.documents if document.tenant not in latest.errors]
    again = oracle.run(latest.month)
    assert [document.shape() for document in again.documents if document.tenant not in latest.errors] == documents
