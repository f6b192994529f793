"""What is decided on an application: accepted, waiting, declined, withdrawn, by legal steps (R35)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from billing.frame.audit_log import require_reason
from billing.frame.database import change_facts
from billing.frame.errors import Fault, Refused, Unknown
from billing.register.network_import import apply_records, stored_record
from billing.register.network_import.layout import APPLICATION_STEPS, ON_THE_LIST

STEM = "applications"
# What a decision may say; an admission says more (`admitting`).
DECISIONS = ("accepted", "waiting", "declined", "withdrawn")


def decide(
    connection: Connection, codes: Sequence[str], state: str, *, on: date | None, now: datetime, today: date
) -> list[str]:
    """Decide on applications, all or none, and return the codes of those that were not so already. `on` None: today.

    Whoever is told to wait keeps the day it was accepted, and with it the place on the list. Declining needs a reason.
    Raises Unknown, ReasonRequired, and Refused with every fault.
    """
    change_facts(connection)
    if state == "declined":
        require_reason(connection, "declining an application")
    records, faults = [], []
    if on is not None and on > today:
        faults.append(Fault(STEM, None, "decided_on", str(on), "is still to come", "give today or an earlier day"))
    for code in dict.fromkeys(codes):
        row = stored_application(connection, code)
        if row["state"] == state:
            continue
        fault = step_fault(code, row["state"], state)
        if fault is not None:
            faults.append(fault)
        keeps_day = state in ON_THE_LIST and row["state"] in ON_THE_LIST and on is None
        decided_on = row["decided_on"] if keeps_day else (on or today).isoformat()
        records.append({**row, "state": state, "decided_on": decided_on})
    if faults:
        raise Refused(faults)
    if records:
        apply_records(connection, {STEM: records}, now=now, source=f"{STEM} {state}")
    return [row["code"] for row in records]


def stored_application(connection: Connection, code: str) -> Mapping[str, str]:
    """Return an application as its file would hold it; raises Unknown."""
    row = stored_record(connection, STEM, (code,))
    if row is None:
        raise Unknown(f"there is no application {code}: `technopark-billing applications list` shows them")
    return row


def step_fault(code: str, was: str, state: str) -> Fault | None:
    """Return why an application can't become that, if it can't."""
    if state in APPLICATION_STEPS[was]:
        return None
    steps = ", ".join(APPLICATION_STEPS[was])
    remedy = f"it may become {steps}" if steps else "that is final: enter another application"
    return Fault(STEM, None, "state", was, f"is what {code} is: it can't become {state}", remedy)
