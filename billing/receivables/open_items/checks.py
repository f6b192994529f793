"""Proof of open items: no document is over-settled, and the balances are what documents and money come to.

3421 is proved tenant by tenant with the documents (`billing.documents.checks.tenants`), 3424 with the debts.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, and_, case, exists, func, not_, or_, select

from billing.entries.accounts import UNPLACED, VAT_NOT_YET_DUE
from billing.entries.debts import RECOVERED, WRITTEN_OFF
from billing.entries.receivables import MONEY, TO_BE_CLEARED, WITHHOLDINGS
from billing.frame.checking import Proof, Step, streamed
from billing.frame.codes import DEBT_ACT, RECEIPT
from billing.receivables.open_items.open_items import credits, open_items_select, placements_left  # noqa: A004
from billing.receivables.open_items.standing import exact_shares
from billing.receivables.tables.debts import debt_act, debt_cancellation, decision_booked_on
from billing.receivables.tables.receipts import (
    DECIDED,
    SettlementAct,
    allocation,
    looked_through,
    placement,
    receipt,
    receipt_cancellation,
    receipt_certificate,
    receipt_event,
    receipt_leg,
    refund,
    refund_cancellation,
    settlement,
    unsettled_document,
    unsettled_placement,
)
from invoices.document import CREDIT_NOTE
from invoices.models import document, document_vat
from ledger.models import posting
from pricing.money import format_amount, format_rate
from pricing.running_shares import Exact


def receivables(connection: Connection, _step: Step) -> Iterator[str]:
    """Prove that documents are settled within their sums; 44551, 4421, 4428, 4497, 5111 and 3425 are what is left."""
    yield from _over_settled(connection)
    yield from _of_no_act(connection)
    yield from _running_shares(connection)
    yield from _decisions(connection)
    yield from _recoveries_cancelled(connection)
    yield from _vat_not_yet_due(connection)
    yield from _credits(connection)
    yield from _to_be_cleared(connection)
    yield from _certificates(connection)
    yield from _overlooked(connection)


def _over_settled(connection: Connection) -> Iterator[str]:
    """Prove that of no document more is settled, at any rate, than it says, nor less than zero; VAT likewise."""
    s, v, d = settlement.c, document_vat.c, document.c
    sums = (
        select(
            s.document_id,
            s.rate,
            func.sum(s.base).label("base"),
            func.sum(s.vat).label("vat"),
            func.sum(s.vat_released).label("released"),
        )
        .group_by(s.document_id, s.rate)
        .subquery()
    )
    over_settled = (
        select(d.number, sums, v.base.label("base_of"), v.amount.label("vat_of"))
        .join(document, d.id == sums.c.document_id)
        .outerjoin(document_vat, and_(v.document_id == sums.c.document_id, v.rate == sums.c.rate))
        .where(
            or_(
                v.rate.is_(None),
                sums.c.base < 0,
                sums.c.vat < 0,
                sums.c.released < 0,
                sums.c.base > v.base,
                sums.c.vat > v.amount,
                sums.c.released > v.amount,
            )
        )
        .order_by(sums.c.document_id, sums.c.rate)
    )
    for row in connection.execute(over_settled):
        if row.base_of is None:
            yield f"{row.number} is settled at a VAT rate it does not have"
            continue
        yield (
            f"{row.number}: {format_amount(int(row.base))} and VAT {format_amount(int(row.vat))} are settled at "
            f"{format_rate(row.rate)}, {format_amount(int(row.released))} VAT moved; it says "
            f"{format_amount(row.base_of)} and {format_amount(row.vat_of)}"
        )


def _of_no_act(connection: Connection) -> Iterator[str]:
    """Prove that every settlement is of an act that stands, about that document."""
    s, a, r = settlement.c, allocation.c, refund.c
    of_allocation = s.act.in_((SettlementAct.ALLOCATED, SettlementAct.UNDONE, SettlementAct.CLEARED))
    without_act = (
        select(s.act, s.act_id, document.c.number)
        .outerjoin(document, document.c.id == s.document_id)
        .outerjoin(
            allocation,
            and_(
                of_allocation, a.id == s.act_id, or_(a.document_id == s.document_id, a.credit_note_id == s.document_id)
            ),
        )
        .outerjoin(refund, and_(s.act == SettlementAct.REFUNDED, r.id == s.act_id, r.credit_note_id == s.document_id))
        .outerjoin(
            debt_act,
            and_(
                s.act.in_((WRITTEN_OFF, RECOVERED)),
                debt_act.c.id == s.act_id,
                debt_act.c.kind == s.act,
                debt_act.c.document_id == s.document_id,
            ),
        )
        .where(
            a.id.is_(None),
            r.id.is_(None),
            debt_act.c.id.is_(None),
            s.act.not_in((SettlementAct.ISSUED, SettlementAct.BROUGHT)),
            not_(exists().where(s.act == SettlementAct.UNREFUNDED, refund_cancellation.c.refund_id == s.act_id)),
            not_(exists().where(s.act == SettlementAct.UNRECOVERED, debt_cancellation.c.debt_act_id == s.act_id)),
        )
    )
    for act, key, number in connection.execute(without_act):
        yield f"{number or 'a document'} is settled by {act} {key}, which does not stand"


def _running_shares(connection: Connection) -> Iterator[str]:
    """Prove that what is settled of a document, and what fell due of it, are its exact shares, rounded once (R26)."""
    s, d = settlement.c, document.c
    rows = connection.execute(
        select(settlement, d.number)
        .join(document, d.id == s.document_id)
        .where(s.document_id.in_(select(s.document_id).where(or_(s.exact.is_not(None), s.exact_due.is_not(None)))))
        .where(s.act.not_in((*DECIDED, SettlementAct.ISSUED)))
        .order_by(s.document_id, s.act, s.act_id, s.rate)
    )
    for number, of_document in groupby(rows, key=lambda row: row.number):
        settled = list(of_document)
        try:
            for (act, key), of_act in groupby(settled, key=lambda row: (row.act, row.act_id)):
                rows_of_act = list(of_act)
                exact, exact_due = (sum((x.base + x.vat for x in x.values()), 0) for x in exact_shares(rows_of_act))
                moved = sum(row.base + row.vat for row in rows_of_act)
                due = sum(row.base_due + row.vat_due for row in rows_of_act)
                if (exact, exact_due) != (moved, due):
                    yield f"{number}: the exact shares of {act} {key} do not make up what it moved"
            yield from _rounded_otherwise(number, settled)
        except ValueError:
            yield f"{number}: an exact share is no share: {[row.exact or row.exact_due for row in settled]}"


def _rounded_otherwise(number: str, settled: Sequence[Any]) -> Iterator[str]:
    """A sum is the exact one rounded; it may lag behind by a centime where an act, or what is open, is hardly more."""
    bound = len({row.rate for row in settled})
    for what, shares, base, vat in zip(
        ("settled", "fallen due"), exact_shares(settled), ("base", "base_due"), ("vat", "vat_due"), strict=True
    ):
        for rate, share in shares.items():
            of_rate = [row for row in settled if row.rate == rate]
            difference = share.plus(
                Exact.of(-sum(getattr(row, base) for row in of_rate), -sum(getattr(row, vat) for row in of_rate))
            )
            if max(abs(difference.base), abs(difference.vat)) > bound:
                yield f"{number}: what is {what} at {format_rate(rate)} is not the exact share, rounded once"


def _decisions(connection: Connection) -> Iterator[str]:
    """Prove that a decision to write off or recover, and its cancellation, is settled by rate, on its day."""
    s, a, d = settlement.c, debt_act.c, document.c
    at_issue = select(s.document_id).where(s.act == SettlementAct.ISSUED)
    lost = a.kind == WRITTEN_OFF
    amount = func.coalesce(func.sum(case((lost, s.base + s.vat), else_=s.base_due + s.vat_due)), 0)
    vat = func.coalesce(func.sum(case((lost, s.vat_released), else_=s.vat_due)), 0)
    day = decision_booked_on()
    decisions = (
        select(
            d.number, a.id, a.kind, a.amount, a.vat, day.label("day"), amount.label("settled"),
            vat.label("settled_vat"), func.min(s.settled_on).label("first"), func.max(s.settled_on).label("last"),
            d.id.in_(at_issue).label("at_issue"),
        )
        .join(document, d.id == a.document_id)
        .outerjoin(settlement, and_(s.document_id == a.document_id, s.act == a.kind, s.act_id == a.id))
        .where(a.kind.in_((WRITTEN_OFF, RECOVERED)))
        .group_by(d.id, d.number, a.id, a.kind, a.amount, a.vat, day)
    )  # fmt: skip
    for row in connection.execute(decisions):
        recovered_at_issue = row.at_issue and row.kind == RECOVERED
        same = int(row.settled) == row.amount or recovered_at_issue
        if not same or int(row.settled_vat) != row.vat or {row.first, row.last} != {row.day}:
            yield (
                f"the decision {row.id} about {row.number} is of {format_amount(row.amount)} and VAT "
                f"{format_amount(row.vat)}; by rate it is {format_amount(int(row.settled))} and "
                f"{format_amount(int(row.settled_vat))} on {row.first}"
            )


def _recoveries_cancelled(connection: Connection) -> Iterator[str]:
    """Prove that the cancellation of what was recovered takes just that back by rate, on its day."""
    s, a, x = settlement.c, debt_act.c, debt_cancellation.c
    at_issue = select(s.document_id).where(s.act == SettlementAct.ISSUED)
    rows = connection.execute(
        select(
            debt_cancellation, a.kind, a.amount, decision_booked_on().label("day"),
            func.coalesce(func.sum(s.base_due + s.vat_due), 0).label("back"),
            func.coalesce(func.sum(s.vat_due), 0).label("back_vat"),
            func.min(s.settled_on).label("first"), func.max(s.settled_on).label("last"),
            a.document_id.in_(at_issue).label("at_issue"),
        )
        .join(debt_act, a.id == x.debt_act_id)
        .outerjoin(
            settlement,
            and_(s.document_id == a.document_id, s.act == SettlementAct.UNRECOVERED, s.act_id == x.debt_act_id),
        )
        .group_by(*debt_cancellation.columns, a.kind, a.amount, a.document_id, decision_booked_on())
        .order_by(x.debt_act_id)
    )  # fmt: skip
    for row in rows:
        name = DEBT_ACT.format(row.debt_act_id)
        same = -int(row.back) == row.amount or row.at_issue
        if not same or -int(row.back_vat) != row.vat or {row.first, row.last} != {row.booked_on}:
            yield (
                f"{name} was cancelled: by rate {format_amount(-int(row.back))} and VAT "
                f"{format_amount(-int(row.back_vat))} are taken back on {row.first}"
            )
        if row.kind != RECOVERED or not row.day <= row.cancelled_on <= row.booked_on:
            yield f"{name}, {row.kind} on {row.day}, was cancelled on {row.cancelled_on} and booked on {row.booked_on}"


def _balance(connection: Connection, account: str) -> int:
    balance = connection.scalar(select(func.sum(posting.c.amount)).where(posting.c.account == account))
    return int(balance or 0)


def _vat_not_yet_due(connection: Connection) -> Iterator[str]:
    """Prove that 44551 is the VAT of documents that has not moved yet."""
    s, d = settlement.c, document.c
    sign = case((d.kind == CREDIT_NOTE, -1), else_=1)
    taxed = int(connection.scalar(select(func.sum(sign * d.tax))) or 0)
    moved = select(func.sum(sign * s.vat_released)).select_from(settlement).join(document, d.id == s.document_id)
    left = taxed - int(connection.scalar(moved) or 0)
    stands = -_balance(connection, VAT_NOT_YET_DUE)
    if stands != left:
        yield (
            f"account {VAT_NOT_YET_DUE} stands at {format_amount(-stands)}, the VAT of documents that has not moved is "
            f"{format_amount(left)}"
        )


def _credits(connection: Connection) -> Iterator[str]:
    """Prove that tenants' credit, and what nobody has placed, is the money that settles nothing."""
    due: Counter[tuple[str, str | None]] = Counter()
    accounts = {UNPLACED, *connection.scalars(select(placement.c.account).distinct())}
    for credit in credits(connection):
        due[credit.account, credit.tenant] += credit.left
        if credit.left < 0:
            yield f"more of {RECEIPT.format(credit.receipt)} is used than there is"
    p = posting.c
    stands = {
        (account, code): -int(balance)
        for account, code, balance in streamed(
            connection,
            select(p.account, p.auxiliary, func.sum(p.amount))
            .where(p.account.in_(sorted(accounts)))
            .group_by(p.account, p.auxiliary),
        )
    }
    for account, code in sorted({*due, *stands}, key=str):
        if due[account, code] != stands.get((account, code), 0):
            yield (
                f"account {account} of {code or 'nobody'} holds {format_amount(stands.get((account, code), 0))}, "
                f"the money that settles nothing is {format_amount(due[account, code])}"
            )


def _to_be_cleared(connection: Connection) -> Iterator[str]:
    """Prove that the accounts of cheques and bills hold those that wait: not cleared, bounced or cancelled."""
    r, leg, e = receipt.c, receipt_leg.c, receipt_event.c
    ended = select(e.receipt_id).union_all(select(receipt_cancellation.c.receipt_id))
    held = case((r.id.in_(ended), 0), else_=leg.amount)
    rows = connection.execute(
        select(leg.account, func.sum(held))
        .join(receipt, r.id == leg.receipt_id)
        .where(r.means.in_(TO_BE_CLEARED), leg.kind == MONEY)
        .group_by(leg.account)
    )
    for account, waiting in rows:
        stands = _balance(connection, account)
        if stands != int(waiting):
            yield (
                f"account {account} stands at {format_amount(stands)}, cheques and bills to be cleared are "
                f"{format_amount(int(waiting))}"
            )


def _certificates(connection: Connection) -> Iterator[str]:
    """Prove that every certificate is of a tax that was withheld."""
    c, leg = receipt_certificate.c, receipt_leg.c
    of_nothing = (
        select(c.receipt_id, c.kind)
        .outerjoin(receipt_leg, and_(leg.receipt_id == c.receipt_id, leg.kind == c.kind, leg.kind.in_(WITHHOLDINGS)))
        .where(leg.receipt_id.is_(None))
    )
    for key, kind in connection.execute(of_nothing):
        yield f"the certificate of {RECEIPT.format(key)} is of no tax withheld: {kind}"


def _overlooked(connection: Connection) -> Iterator[str]:
    """Prove that the index of open items (`open_item_index`) holds every document and placement that is open."""
    looked = connection.execute(select(looked_through)).one_or_none()
    if looked is None:
        yield "nobody remembers what was looked at: the row of looked_through is missing"
        return
    newest = connection.execute(
        select(
            select(func.max(document.c.id)).scalar_subquery().label("document_id"),
            select(func.max(placement.c.id)).scalar_subquery().label("placement_id"),
        )
    ).one()
    if looked.document_id > (newest.document_id or 0) or looked.placement_id > (newest.placement_id or 0):
        yield "looked_through says that documents or placements were looked at that do not exist yet"
    items = open_items_select().subquery()
    u, v = unsettled_document.c, unsettled_placement.c
    documents = (
        select(items.c.number)
        .outerjoin(unsettled_document, u.document_id == items.c.document_id)
        .where(u.document_id.is_(None), items.c.document_id <= looked.document_id)
        .order_by(items.c.document_id)
    )
    for number in connection.scalars(documents):
        yield f"{number} is open and would be overlooked: unsettled_document does not name it"
    left = placements_left(placement.c.id <= looked.placement_id).subquery()
    money = (
        select(left.c.receipt_id)
        .outerjoin(unsettled_placement, v.placement_id == left.c.id)
        .where(v.placement_id.is_(None))
        .order_by(left.c.id)
    )
    for key in connection.scalars(money):
        yield f"{RECEIPT.format(key)} has money left that would be overlooked: unsettled_placement does not name it"
    d, p = document.c, placement.c
    of_another = select(d.number).join(unsettled_document, and_(u.document_id == d.id, u.tenant != d.tenant))
    for number in connection.scalars(of_another.order_by(d.id)):
        yield f"{number} would be overlooked: unsettled_document names another tenant"
    of_another = select(p.receipt_id).join(unsettled_placement, and_(v.placement_id == p.id, v.tenant != p.tenant))
    for key in connection.scalars(of_another.order_by(p.id)):
        yield f"{RECEIPT.format(key)} would be overlooked: unsettled_placement names another tenant"


CHECKS: tuple[Proof, ...] = (receivables,)
