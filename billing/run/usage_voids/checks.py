"""Proof of voided usage: what is void is named in the audit log, is taken back, and only what is left is billed again.

The quantities of lines are proved with the documents, that a line is credited once with the series; here stands what
a void makes of them (R10).
"""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, not_, or_, select

from billing.frame.checking import Proof, Step
from billing.frame.tables import audit_change
from billing.register.tables import billing_run, usage_event, usage_void
from billing.run.tables import UNBILLED, USAGE_LINKS, cancellation_count, run_outcome, usage_rebilling
from billing.run.usage_voids.voiding import SUBJECT
from invoices.models import document, document_line

_NAMED = 20
_e, _v, _r, _x = usage_event.c, usage_void.c, usage_rebilling.c, document_line.c
_credit = document_line.alias("credit")
_credit_note = document.alias("credit_note")
# A run took lines back and billed again what is left; or counted what a person cancelled, and billed it anew (R28).
_is_done = or_(
    _credit_note.c.period.is_not(None), exists().where(cancellation_count.c.credit_note_id == _credit_note.c.id)
)
# What a line that bills events again has in common with the one taken back.
_KEPT = ("month", "site", "service", "tier", "unit_price", "full_price", "unit_cost", "vat_rate")


def voids(connection: Connection, _step: Step) -> Iterator[str]:
    """Each void is in the audit log, is no longer billed, and left the other events of its line billed."""
    yield from _unrecorded(connection)
    yield from _still_billed(connection)
    yield from _forgotten(connection)
    yield from _wrongly_again(connection)


def _unrecorded(connection: Connection) -> Iterator[str]:
    """Voids that no act explains, and acts whose void is missing or says something else (R32)."""
    c = audit_change.c
    recorded: dict[str, str | None] = dict(
        connection.execute(select(c.key, c.after).where(c.subject == SUBJECT).order_by(c.act_id, c.seq)).all()
    )
    rows = connection.execute(
        select(_e.event_id, _v.usage_event_id, _v.reason)
        .select_from(usage_void)
        .outerjoin(usage_event, _e.id == _v.usage_event_id)
        .order_by(_v.usage_event_id)
    )
    for event_id, key, reason in rows:
        if event_id is None:
            yield f"usage event key {key} is void and does not exist"
            continue
        after = recorded.pop(event_id, None)
        said = None if after is None else json.loads(after).get("reason")
        if said is None:
            yield f"usage event {event_id} is void, and no act in the audit log made it so"
        elif said != reason:
            yield f"usage event {event_id} is void because of {reason!r}, the audit log says {said!r}"
    for event_id in sorted(recorded):
        yield f"usage event {event_id} was voided by an act in the audit log, and is not void"


def _is_credited(document_id: ColumnElement[Any], line_no: ColumnElement[Any]) -> ColumnElement[bool]:
    return exists().where(_credit.c.corrects_document_id == document_id, _credit.c.corrects_line_no == line_no)


def _still_billed(connection: Connection) -> Iterator[str]:
    """Voided events whose line stands, although a run began since that did something for the tenant."""
    for links in USAGE_LINKS:
        link, o = links.c, run_outcome.c
        later = (
            exists()
            .where(o.period == billing_run.c.period, o.tenant == _e.tenant, o.status.not_in(UNBILLED))
            .where(billing_run.c.started_at > _v.voided_at)
            .correlate(usage_event, usage_void)
        )
        query = (
            select(_e.event_id, document.c.number, link.line_no)
            .select_from(usage_void)
            .join(usage_event, _e.id == _v.usage_event_id)
            .join(links, link.usage_event_id == _e.id)
            .join(document, document.c.id == link.document_id)
            .where(not_(_is_credited(link.document_id, link.line_no)), later)
            .order_by(_e.id)
            .limit(_NAMED)
        )
        for event_id, number, line_no in connection.execute(query):
            yield f"usage event {event_id} is void, and a run since has left it billed on {number} line {line_no}"


def _forgotten(connection: Connection) -> Iterator[str]:
    """Events of lines taken back by a run, or before it by hand, which are neither void nor billed again."""
    for links in USAGE_LINKS:
        link = links.c
        again = exists().where(
            _r.usage_event_id == link.usage_event_id,
            _r.former_document_id == link.document_id,
            _r.former_line_no == link.line_no,
        )
        if links is usage_rebilling:
            other = usage_rebilling.alias("other")
            again = exists().where(
                other.c.usage_event_id == link.usage_event_id,
                other.c.former_document_id == link.document_id,
                other.c.former_line_no == link.line_no,
            )
        query: Select[Any] = (
            select(_e.event_id, document.c.number, link.line_no)
            .select_from(_credit)
            .join(_credit_note, and_(_credit_note.c.id == _credit.c.document_id, _is_done))
            .join(document, document.c.id == _credit.c.corrects_document_id)
            .join(usage_event, _e.tenant == document.c.tenant)
            .join(
                links,
                and_(
                    link.usage_event_id == _e.id,
                    link.document_id == _credit.c.corrects_document_id,
                    link.line_no == _credit.c.corrects_line_no,
                ),
            )
            .where(
                _credit.c.lease.is_(None),
                _credit.c.corrects_document_id.is_not(None),
                not_(exists().where(_v.usage_event_id == _e.id)),
                not_(again),
            )
            .order_by(_e.id)
            .limit(_NAMED)
        )
        for event_id, number, line_no in connection.execute(query):
            line = f"{number} line {line_no}"
            yield f"usage event {event_id} was billed by {line}, which a run took back, and is billed by none since"


def _wrongly_again(connection: Connection) -> Iterator[str]:
    """Lines that bill events again that had not billed them, are not taken back, or are at another price."""
    former, again = document_line.alias("former"), document_line.alias("again")
    of_former, of_again = document.alias("of_former"), document.alias("of_again")
    billed_before = or_(
        *(
            exists().where(
                table.c.usage_event_id == _r.usage_event_id,
                table.c.document_id == _r.former_document_id,
                table.c.line_no == _r.former_line_no,
            )
            for table in (USAGE_LINKS[0], usage_rebilling.alias("before"))
        )
    )
    taken_back = (
        exists()
        .where(
            _credit.c.corrects_document_id == _r.former_document_id,
            _credit.c.corrects_line_no == _r.former_line_no,
            _credit.c.document_id == _credit_note.c.id,
            or_(_credit_note.c.period.is_(None), _credit_note.c.period == of_again.c.period),
        )
        .correlate(usage_rebilling, of_again)
    )
    # What a person cancelled is billed anew, as rates are now.
    by_hand = (
        exists()
        .where(
            _credit.c.corrects_document_id == _r.former_document_id,
            _credit.c.corrects_line_no == _r.former_line_no,
            _credit.c.document_id == cancellation_count.c.credit_note_id,
            cancellation_count.c.period == of_again.c.period,
        )
        .correlate(usage_rebilling, of_again)
    )
    at_its_price = and_(*(former.c[name] == again.c[name] for name in _KEPT))
    same_usage = and_(*(former.c[name] == again.c[name] for name in ("month", "site", "service")))
    alike = and_(or_(at_its_price, and_(by_hand, same_usage)), of_former.c.tenant == of_again.c.tenant)
    query = (
        select(_r.usage_event_id, of_again.c.number, _r.line_no)
        .select_from(usage_rebilling)
        .outerjoin(former, and_(former.c.document_id == _r.former_document_id, former.c.line_no == _r.former_line_no))
        .outerjoin(of_former, of_former.c.id == _r.former_document_id)
        .outerjoin(again, and_(again.c.document_id == _r.document_id, again.c.line_no == _r.line_no))
        .outerjoin(of_again, of_again.c.id == _r.document_id)
        .where(
            or_(
                former.c.line_no.is_(None),
                again.c.line_no.is_(None),
                not_(alike),
                not_(billed_before),
                not_(taken_back),
            )
        )
        .order_by(_r.usage_event_id)
        .limit(_NAMED)
    )
    for key, number, line_no in connection.execute(query):
        yield (
            f"{number} line {line_no} bills usage event key {key} again, which no line taken back with it had billed "
            f"at that price"
        )


CHECKS: tuple[Proof, ...] = (voids,)
