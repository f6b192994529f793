"""An admission makes tenant and lease of an application, by the import's own rules (R35)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlalchemy import Connection

from billing.frame.database import change_facts
from billing.frame.errors import Fault, Refused
from billing.frame.shapes import Shape
from billing.register.applications.deciding import STEM, step_fault, stored_application
from billing.register.applications.shapes import APPLICATIONS, LEASES, TENANTS, Admitted
from billing.register.network_import import ImportReport, apply_records, stored_record
from billing.register.queries import find_row
from billing.register.shapes import Resource, stored_as

SOURCE = "applications admitted"


@dataclass(frozen=True, slots=True)
class Admission:
    """The terms of an admission, as texts of the network folder's cells; None: as the application says.

    `tenant` and `lease` are the codes they are entered by: the application's tenant, and its own code. `firm` are
    further columns of the tenant's row, where it is not in the register yet.
    """

    unit: str
    starts_on: str
    ends_on: str | None = None
    area_m2: str | None = None
    tenant: str | None = None
    lease: str | None = None
    firm: Mapping[str, str] = field(default_factory=dict)


def admit(connection: Connection, code: str, order: Admission, *, now: datetime, today: date) -> Admitted:
    """Admit the firm: enter it as a tenant unless it is one, and its lease; all or nothing.

    Imports and other admissions wait meanwhile, so that no unit is let twice. Raises Unknown, and Refused with every
    fault of the import.
    """
    change_facts(connection)
    row = stored_application(connection, code)
    fault = step_fault(code, row["state"], "admitted")
    if fault is not None:
        raise Refused([fault])
    firm = _firm_of(row, order)
    # A lease is entered by a code of its own; that of the application is as good as any.
    lease = order.lease or code
    records = {
        "leases": [
            {
                "code": lease, "tenant": firm, "site": row["site"], "unit": order.unit, "starts_on": order.starts_on,
                "ends_on": order.ends_on or "", "area_m2": order.area_m2 or row["area_m2"],
            }
        ]
    }  # fmt: skip
    if stored_record(connection, "tenants", (firm,)) is None:
        names = ("legal_name", "kind", "incorporated_on")
        records["tenants"] = [{"code": firm, **{name: row[name] for name in names}, **order.firm}]
    elif order.firm:
        remedy = f"leave out {', '.join(order.firm)}, or correct the tenant itself"
        raise Refused([Fault(STEM, None, "tenant", firm, "stands in the register", remedy)])
    made = _applied(connection, records, now, create_only=True)
    admitted = {**row, "state": "admitted", "tenant": firm, "decided_on": today.isoformat()}
    said = _applied(connection, {STEM: [admitted]}, now)
    return Admitted(
        application=_stored(connection, APPLICATIONS, code),
        tenant=_stored(connection, TENANTS, firm),
        lease=_stored(connection, LEASES, lease),
        warnings=tuple(str(_placed(warning)) for warning in (*made.warnings, *said.warnings)),
    )


def _firm_of(row: Mapping[str, str], order: Admission) -> str:
    """Return the code under which the firm is a tenant; raise Refused where none is given, or another one."""
    if order.tenant and row["tenant"] and order.tenant != row["tenant"]:
        problem = f"is another than the application names, {row['tenant']}"
        raise Refused([Fault(STEM, None, "tenant", order.tenant, problem, "leave it out, or correct the application")])
    firm = row["tenant"] or order.tenant
    if not firm:
        raise Refused([Fault(STEM, None, "tenant", None, "is missing", "give the code it will be a tenant by")])
    return firm


def _applied(
    connection: Connection,
    records: Mapping[str, list[dict[str, str]]],
    now: datetime,
    *,
    create_only: bool = False,
) -> ImportReport:
    try:
        return apply_records(connection, records, now=now, source=SOURCE, create_only=create_only)
    except Refused as refused:
        raise Refused([_placed(fault) for fault in refused.faults]) from None


def _placed(fault: Fault) -> Fault:
    """Return a fault without a line: an admission has none."""
    return replace(fault, line=None, remedy=fault.remedy.replace(".csv", ""))


def _stored(connection: Connection, resource: Resource, code: str) -> Shape:
    return stored_as(resource, find_row(connection, resource, (code,)))
