"""Tells Salesforce what each tenant owes and until when it pays the subsidised price: what it does not know yet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from sqlalchemy import Engine, select

from billing.documents.tenants.queries import tenant_summaries
from billing.documents.tenants.shapes import TenantSummary
from billing.frame.database import among, reading
from billing.frame.salesforce import WrittenObject
from billing.register.tables import tenant
from billing.sync.client import BATCH, PAUSES_S, Client, Wait

# Refusals of a record that may pass: another writer has it.
_PASSING = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"})


@dataclass
class Written:
    """What came of it: how many records were told (in a dry run, would be), how many knew; a sentence a refusal."""

    told: int = 0
    known: int = 0
    failures: list[str] = field(default_factory=list)


def write_back(
    engine: Engine, client: Client, wanted: WrittenObject, *, today: date, wait: Wait, dry_run: bool = False
) -> Written:
    """Tell Salesforce of every tenant it knows by code what it does not hold yet; repeating it tells nothing.

    Nothing is remembered here: what Salesforce holds is asked first, so what failed is told the next time. A record
    that another writer holds is tried again after each pause. Raises SalesforceFault.
    """
    written = Written()
    records = client.records(_query(wanted))
    while block := list(islice(records, BATCH)):
        told = list(_news(engine, wanted, block, today))
        written.known += len(block) - len(told)
        if dry_run:
            written.told += len(told)
        elif told:
            _tell(client, told, wait, written)
    return written


def _query(wanted: WrittenObject) -> str:
    fields = ", ".join(dict.fromkeys(["Id", wanted.code, *wanted.fields.values()]))
    condition = f" AND ({wanted.where})" if wanted.where else ""
    # The names are the operator's own, judged when they were loaded.
    return f"SELECT {fields} FROM {wanted.object} WHERE {wanted.code} != null{condition} ORDER BY Id"  # noqa: S608


def _news(
    engine: Engine, wanted: WrittenObject, records: Sequence[Mapping[str, Any]], today: date
) -> Iterator[dict[str, Any]]:
    """Yield what is to be told, record by record; those of no tenant of ours are left alone."""
    codes = [str(record[wanted.code]) for record in records]
    with reading(engine) as connection:
        rows = connection.execute(select(tenant).where(among(connection, tenant.c.code, codes))).all()
        summaries = {summary.code: summary for summary in tenant_summaries(connection, rows, today)}
    for record, code in zip(records, codes, strict=True):
        if code in summaries:
            values = _told(summaries[code])
            news = {
                name: values[what] for what, name in wanted.fields.items() if not _same(record.get(name), values[what])
            }
            if news:
                yield {"attributes": {"type": wanted.object}, "Id": record["Id"], **news}


def _told(summary: TenantSummary) -> dict[str, Any]:
    amounts = {name: Decimal(getattr(summary, name)) for name in ("balance", "open", "overdue", "credit")}
    state = "overdue" if amounts["overdue"] else "open" if amounts["open"] else "paid"
    window_end = None if summary.window is None else summary.window.last_day.isoformat()
    return {**amounts, "state": state, "tier": summary.tier, "window_end": window_end}


def _same(held: Any, value: Any) -> bool:
    """Return whether Salesforce holds a value already; it writes numbers in its own way."""
    if held is None or not isinstance(value, Decimal):
        return bool(held == value)
    try:
        return Decimal(str(held)) == value
    except InvalidOperation:
        return False


def _tell(client: Client, records: list[dict[str, Any]], wait: Wait, written: Written) -> None:
    """Update records; those that another writer holds again after each pause."""
    for pause in (*PAUSES_S, None):
        again = []
        for record, outcome in zip(records, client.update(records), strict=True):
            codes = {str(error.get("statusCode")) for error in outcome.get("errors", ())}
            if outcome.get("success"):
                written.told += 1
            elif pause is not None and codes & _PASSING:
                again.append(record)
            else:
                said = "; ".join(f"{error.get('statusCode')}: {error.get('message')}" for error in outcome["errors"])
                written.failures.append(f"{record['attributes']['type']} {record['Id']}: {said}")
        if not again or pause is None:
            return
        records = again
        wait(pause)
