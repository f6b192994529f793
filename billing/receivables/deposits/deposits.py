"""Deposits asked, received and returned; what is held of each is what came in less what went back.

A deposit is no price: it bears no VAT and stands on 1487, by tenant, until it goes back (law.md sections 2, 5).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, Select, and_, case, cast, exists, func, not_, select

from billing.entries.deposits import ACCOUNTS, MEANS_OF_ACCOUNT, RECEIVED, RETURNED, Movement, movement_entry
from billing.frame.added_rows import note_rows
from billing.frame.audit_log import record_change
from billing.frame.bounds import PAST_DAYS_AHEAD_MAX, too_far_ahead
from billing.frame.civil_time import today
from billing.frame.codes import DEPOSIT
from billing.frame.codes import deposit_movement as deposit_movement_name
from billing.frame.database import change_facts, insert_rows
from billing.frame.errors import Conflict, Fault, Refused, Unknown
from billing.frame.settings import Operator
from billing.frame.terms import Terms
from billing.receivables.deposits import shapes
from billing.receivables.deposits.printout import deposit_call
from billing.receivables.mailed_papers import DEPOSIT_CALL, mail_paper
from billing.receivables.tables.deposits import deposit, deposit_cancellation, deposit_movement, deposit_set_off
from billing.receivables.tables.receipts import receipt_cancellation
from billing.register.catalogue import load_catalogue
from billing.register.parties import buyer_of
from billing.register.tables import lease, site, tenant
from invoices.links import LINK_SECRET
from ledger.journal import post
from ledger.periods import first_open_day
from pricing.eligibility import tenancy
from pricing.money import format_amount, line_amount
from pricing.rating import OFFICE

REFERENCE_LENGTH_MAX = 100
DEPOSIT_KEY = (deposit.c.id,)
_MOVEMENT_COLUMNS = (
    "deposit_id", "movement_no", "kind", "moved_on", "amount", "money_account", "reference", "reason", "recorded_at",
    "booked_on", "occurrence",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asking:
    """The circumstances in which a deposit is asked: the day, the instant, the operator, the dated settings."""

    asked_on: date
    recorded_at: datetime
    operator: Operator
    terms: Terms


def ask_deposit(connection: Connection, lease_code: str, asking: Asking) -> int:
    """Ask for the deposit of a lease: months of its rent on its first day; gives its key.

    Asked again, the deposit that stands is given. Raises Unknown, Refused, NoRateInForce.
    """
    change_facts(connection)
    let = connection.execute(
        select(lease, site.c.name.label("site_name"))
        .join(site, site.c.code == lease.c.site)
        .where(lease.c.code == lease_code)
    ).one_or_none()
    if let is None:
        raise Unknown(f"no lease has the code {lease_code}")
    standing = connection.scalar(select(deposit.c.id).where(deposit.c.lease == lease_code))
    if standing is not None:
        return int(standing)
    who = connection.execute(select(tenant).where(tenant.c.code == let.tenant)).one()
    months = _months(asking.terms.at("deposits.months_of_rent", asking.asked_on), let.site, who.kind)
    rent = _monthly_rent(connection, let, who, asking)
    if months * rent == 0:
        remedy = "terms.toml, deposits.months_of_rent, and the rates say what is asked"
        raise Refused([Fault("deposit", None, "lease", lease_code, "asks for no deposit", remedy)])
    buyer = buyer_of(who)
    due_on = asking.asked_on + timedelta(days=asking.terms.at("deposits.payment_days", asking.asked_on))
    key = connection.scalar(
        deposit.insert()
        .values(
            lease=lease_code, tenant=who.code, site=let.site, site_name=let.site_name, office=let.unit, months=months,
            monthly_rent=rent, amount=months * rent, asked_on=asking.asked_on, due_on=due_on,
            seller=json.dumps(asdict(asking.operator.party)), buyer=json.dumps(asdict(buyer)),
            recorded_at=asking.recorded_at,
        )
        .returning(deposit.c.id)
    )  # fmt: skip
    note_rows(connection, deposit, [key])
    call = deposit_call(find_deposit(connection, int(key or 0)))
    number = DEPOSIT.format(int(key or 0))
    mail_paper(connection, DEPOSIT_CALL, number, call, is_to_pay=True, queued_at=asking.recorded_at)
    return int(key or 0)


def _months(by_place: Mapping[str, int], site_code: str, kind: str) -> int:
    """Return the months of rent asked at a site of a kind of tenant: the closest of what the setting names."""
    for key in (f"{site_code}/{kind}", site_code, f"*/{kind}", "*"):
        if key in by_place:
            return by_place[key]
    return 0


def _monthly_rent(connection: Connection, let: Row[Any], who: Row[Any], asking: Asking) -> int:
    """Return the rent of a whole month without VAT, in centimes, by the prices of the lease's first day (R5-R7)."""
    starts = connection.scalars(select(lease.c.starts_on).where(lease.c.tenant == who.code)).all()
    terms = tenancy(who.kind, who.incorporated_on, who.admitted_on, list(starts))
    rate = load_catalogue(connection).rates.at(let.site, OFFICE, who.kind, let.starts_on)
    charged = asking.terms.at("deposits.rent", asking.asked_on) == "charged"
    price = rate.charged(terms.tier(let.starts_on)) if charged else rate.full_price
    return line_amount(price, let.area)


def move_deposit(connection: Connection, key: int, movement: Movement, *, recorded_at: datetime) -> None:
    """Record money of a deposit that came in or went back, and book it; recorded again, it is left as it stands.

    In a closed month it keeps its day and is booked on the first open one. Never more is received than was asked, nor
    returned than is held. Raises Unknown, Refused, Conflict where the reference stands for another movement,
    PeriodNotYetOpen.
    """
    change_facts(connection)
    standing = find_deposit(connection, key)
    m = deposit_movement.c
    alike = connection.execute(
        select(deposit_movement, is_cancelled().label("is_cancelled")).where(
            m.deposit_id == key, m.kind == movement.kind, m.reference == movement.reference
        )
    ).all()
    same = next((row for row in alike if not row.is_cancelled), None)
    account = ACCOUNTS[movement.means]
    if same is not None:
        if (same.amount, same.moved_on, same.money_account) != (movement.amount, movement.moved_on, account):
            raise Conflict(
                f"{movement.reference} stands for another movement of {DEPOSIT.format(key)}: use its own reference"
            )
        return
    _require_possible(standing, movement, today(recorded_at), _received_after(connection, key, movement.moved_on))
    movement_no = standing.movements + 1
    booked_on = first_open_day(connection, movement.moved_on)
    movement = movement._replace(booked_on=None if booked_on == movement.moved_on else booked_on)
    row = (
        key, movement_no, movement.kind, movement.moved_on, movement.amount, account, movement.reference,
        movement.reason, recorded_at, movement.booked_on, len(alike) + 1,
    )  # fmt: skip
    insert_rows(connection, deposit_movement, _MOVEMENT_COLUMNS, [row])
    told = {"kind": movement.kind, "amount": format_amount(movement.amount), "moved_on": str(movement.moved_on)}
    record_change(connection, "deposit-movements", deposit_movement_name(key, movement_no), None, told)
    entry = movement_entry(key, movement_no, standing.tenant, movement)
    post(connection, [entry], recorded_at=recorded_at, insert=insert_rows)


def _received_after(connection: Connection, key: int, day: date) -> int:
    """Sum what came of a deposit after a day."""
    m = deposit_movement.c
    came = select(func.coalesce(func.sum(m.amount), 0)).where(
        m.deposit_id == key, m.kind == RECEIVED, m.moved_on > day, not_(is_cancelled())
    )
    return int(connection.scalar(came) or 0)


def _require_possible(standing: Row[Any], movement: Movement, present_day: date, received_after: int) -> None:
    faults = []
    wrong = too_far_ahead(movement.moved_on, present_day, PAST_DAYS_AHEAD_MAX)
    if wrong is not None:
        faults.append(Fault("deposit", None, "moved_on", str(movement.moved_on), *wrong))
    most = standing.amount - standing.held if movement.kind == RECEIVED else standing.held
    if movement.amount > most:
        problem = f"is more than can be {movement.kind}"
        remedy = f"at most {format_amount(most)} can be {movement.kind}"
        faults.append(Fault("deposit", None, "amount", format_amount(movement.amount), problem, remedy))
    elif movement.kind == RETURNED and movement.amount > most - received_after:
        problem = f"is a day on which {format_amount(max(most - received_after, 0))} of the deposit was there to return"
        remedy = "give the day on which it went back, after the money came"
        faults.append(Fault("deposit", None, "moved_on", str(movement.moved_on), problem, remedy))
    if not 0 < len(movement.reference) <= REFERENCE_LENGTH_MAX or not movement.reference.isprintable():
        problem = f"must be 1 to {REFERENCE_LENGTH_MAX} characters that can be printed"
        faults.append(Fault("deposit", None, "reference", None, problem, "give the bank's or the till's own reference"))
    if movement.kind == RETURNED and not movement.reason:
        faults.append(Fault("deposit", None, "reason", None, "must say why it is returned", "give a reason"))
    if faults:
        raise Refused(faults)


def is_cancelled() -> ColumnElement[bool]:
    """Return the condition that a movement of a deposit was cancelled."""
    m, x = deposit_movement.c, deposit_cancellation.c
    return exists().where(x.deposit_id == m.deposit_id, x.movement_no == m.movement_no)


def deposits(*, tenant_code: str | None = None) -> Select[Any]:
    """Return every deposit of a tenant (None: of all) with what is held of it and what was set off, in order."""
    m = deposit_movement.c
    held = case((is_cancelled(), 0), (m.kind == RECEIVED, m.amount), else_=-m.amount)
    moved = (
        select(
            m.deposit_id,
            func.sum(held).label("held"),
            func.count().label("movements"),
        )
        .group_by(m.deposit_id)
        .subquery()
    )
    o = deposit_set_off.c
    cancelled = exists().where(receipt_cancellation.c.receipt_id == o.receipt_id)
    used = (
        select(o.deposit_id, func.sum(o.amount).label("amount"))
        .where(not_(cancelled))
        .group_by(o.deposit_id)
        .subquery()
    )
    set_off = func.coalesce(used.c.amount, 0)
    selected = (
        select(
            deposit,
            cast(func.coalesce(moved.c.held, 0) - set_off, BigInteger).label("held"),
            func.coalesce(moved.c.movements, 0).label("movements"),
            cast(set_off, BigInteger).label("set_off"),
            LINK_SECRET,
        )
        .outerjoin(moved, moved.c.deposit_id == deposit.c.id)
        .outerjoin(used, used.c.deposit_id == deposit.c.id)
        .order_by(*DEPOSIT_KEY)
    )
    return selected if tenant_code is None else selected.where(deposit.c.tenant == tenant_code)


def find_deposit(connection: Connection, key: int) -> Row[Any]:
    """Return a deposit with what is held of it; raises Unknown."""
    row = connection.execute(deposits().where(deposit.c.id == key)).one_or_none()
    if row is None:
        raise Unknown(f"there is no deposit {DEPOSIT.format(key)}")
    return row


def deposit_of_lease(connection: Connection, lease_code: str) -> int:
    """Return the key of a lease's deposit; raises Unknown."""
    key = connection.scalar(select(deposit.c.id).where(deposit.c.lease == lease_code))
    if key is None:
        raise Unknown(f"no deposit was asked for lease {lease_code}: `technopark-billing deposits ask {lease_code}`")
    return int(key)


def deposit_shapes(connection: Connection, heads: Sequence[Row[Any]]) -> list[shapes.Deposit]:
    """Return the deposits whose rows are `heads`, in that order, each with its movements."""
    m, x = deposit_movement.c, deposit_cancellation.c
    moved = connection.execute(
        select(deposit_movement, x.cancelled_on, x.reason.label("cancelled_for"))
        .outerjoin(deposit_cancellation, and_(x.deposit_id == m.deposit_id, x.movement_no == m.movement_no))
        .where(m.deposit_id.in_([head.id for head in heads]))
        .order_by(m.movement_no)
    )
    movements: dict[int, list[shapes.DepositMovement]] = {head.id: [] for head in heads}
    for row in moved:
        movements[row.deposit_id].append(
            shapes.DepositMovement(
                number=deposit_movement_name(row.deposit_id, row.movement_no),
                kind=row.kind,
                moved_on=row.moved_on,
                booked_on=row.booked_on or row.moved_on,
                amount=format_amount(row.amount),
                means=MEANS_OF_ACCOUNT[row.money_account],  # type: ignore[arg-type]
                reference=row.reference,
                reason=row.reason,
                cancelled_on=row.cancelled_on,
                cancelled_for=row.cancelled_for,
            )
        )
    return [
        shapes.Deposit(
            number=DEPOSIT.format(head.id),
            lease=head.lease,
            tenant=head.tenant,
            site=head.site,
            months=head.months,
            monthly_rent=format_amount(head.monthly_rent),
            amount=format_amount(head.amount),
            asked_on=head.asked_on,
            due_on=head.due_on,
            set_off=format_amount(head.set_off),
            held=format_amount(head.held),
            movements=movements[head.id],
        )
        for head in heads
    ]


def deposit_shape(connection: Connection, key: int) -> shapes.Deposit:
    """Return a deposit, with its movements; raises Unknown."""
    (shape,) = deposit_shapes(connection, [find_deposit(connection, key)])
    return shape


def deposits_listed(connection: Connection) -> list[shapes.Deposit]:
    """Return all deposits, in order."""
    return deposit_shapes(connection, connection.execute(deposits()).all())
