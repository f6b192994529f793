"""The trail of a receipt: down to the bank line and the paper for cash, up to what it settled and what went back."""

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, or_, select

from billing.audit.trail.causes import causes_of
from billing.audit.trail.shapes import CauseKind, StepKind, Trail, TrailStep
from billing.audit.trail.steps import changes_written, entry_steps, step_of, with_endings
from billing.books.vat_return.tables import advance_vat
from billing.entries.advances import ADVANCE
from billing.entries.opening import CREDITS
from billing.entries.receivables import BROUGHT
from billing.frame.codes import RECEIPT, REFUND
from billing.frame.errors import Unknown
from billing.receivables.cash_desk.taking import cash_number
from billing.receivables.receipts.queries import receipt_story
from billing.receivables.receipts.shapes import ReceiptStory
from billing.receivables.tables.cash_desk import cash_receipt
from billing.receivables.tables.receipts import placement, placement_withdrawal, refund
from ledger.entry import BANK, CASH, MISCELLANEOUS, REVERSED

# What a receipt rests on, of what its entries book.
_ORIGINS = (CauseKind.BANK_LINE, CauseKind.CASH_RECEIPT, CauseKind.DEPOSIT, CauseKind.TAKE_ON)


def receipt_references(keys: Collection[int]) -> list[str]:
    """Return what the entries may be called that book receipts themselves, by their keys."""
    names = [f"{journal}/{RECEIPT.format(key)}" for key in keys for journal in (BANK, CASH, MISCELLANEOUS)]
    return with_endings(with_endings(names, "/encaissement", "/impaye"), REVERSED)


def follow_receipt(connection: Connection, number: str) -> Trail | None:
    """Return the trail of a receipt; None where none is called so."""
    try:
        key = RECEIPT.parse(number)
        story = receipt_story(connection, key)
    except Unknown:
        return None
    entries = entry_steps(connection, _references(connection, key, story))
    # Credit that was brought has the entry of the take-on, and one that waits for its bank line its own change.
    by = entries[0].written if entries else changes_written(connection, "receipts", [number]).get(number)
    text = f": {story.payer_text}" if story.payer_text else ""
    return Trail(
        kind="receipt",
        name=number,
        on=story.value_date,
        amount=story.amount,
        about=f"{story.means} {story.reference} of {story.tenant or 'somebody not known yet'}, {story.state}{text}",
        written=by,
        down=[*_origins(connection, [entry.name for entry in entries]), *_certificates(story)],
        up=[*entries, *_story_steps(story)],
    )


def _references(connection: Connection, key: int, story: ReceiptStory) -> list[str]:
    """Return what the entries may be called that book a receipt and all that was done with it."""
    p, w, r, c = placement.c, placement_withdrawal.c, refund.c, cash_receipt.c
    names = receipt_references([key])
    if story.means == BROUGHT:
        names.append(CREDITS)
    cash = connection.execute(select(c.year, c.serial).where(c.receipt_id == key)).one_or_none()
    if cash is not None:
        names += with_endings([f"{x}/{cash_number(*cash)}" for x in (CASH, MISCELLANEOUS)], REVERSED)
    placements = select(p.id).where(p.receipt_id == key)
    names += [f"{MISCELLANEOUS}/PL-{x}" for x in connection.scalars(placements)]
    withdrawals = connection.scalars(select(w.id).where(w.placement_id.in_(placements)))
    names += [f"{MISCELLANEOUS}/RP-{x}" for x in withdrawals]
    allocations = [f"{MISCELLANEOUS}/AF-{allocation.id}" for allocation in story.allocations]
    names += with_endings(allocations, REVERSED, "/encaissement")
    advances = select(advance_vat.c.id).where(advance_vat.c.receipt_id == key)
    names += [f"{ADVANCE}{x}" for x in connection.scalars(advances)]
    refunds = connection.scalars(select(r.id).where(or_(r.receipt_id == key, r.placement_id.in_(placements))))
    return names + with_endings([f"{x}/{REFUND.format(n)}" for n in refunds for x in (BANK, CASH)], REVERSED)


def _origins(connection: Connection, references: Collection[str]) -> list[TrailStep]:
    """Return the bank lines that show its money, the paper given for cash, the deposit it sets off, each once."""
    causes = (cause for of_entry in causes_of(connection, references).values() for cause in of_entry)
    return [step_of(0, cause) for cause in dict.fromkeys(causes) if cause.kind in _ORIGINS]


def _certificates(story: ReceiptStory) -> Iterator[TrailStep]:
    for leg in story.legs:
        if leg.certificate is not None:
            about = f"certificate of the {leg.kind.replace('_', ' ')}"
            yield TrailStep(0, StepKind.CERTIFICATE, leg.certificate, leg.certified_on, leg.amount, about, None)


def _story_steps(story: ReceiptStory) -> Iterator[TrailStep]:
    """Yield whose the money is, what it settles or settled, what was paid back of it, and that it was cancelled."""
    for placed in story.placements:
        about = f"is the tenant's, held on {placed.account}; {placed.left} settles nothing"
        yield TrailStep(0, StepKind.PLACEMENT, placed.tenant, placed.placed_on, placed.amount, about, None)
    for x in story.allocations:
        undone = "" if x.undone_on is None else f", taken back on {x.undone_on}: {x.undone_for}"
        about = f"settles it, allocation {x.id} ({x.how}){undone}"
        yield TrailStep(0, StepKind.DOCUMENT, x.invoice, x.allocated_on, x.amount, about, None)
    for back in story.refunds:
        cancelled = "" if back.cancelled_on is None else f", cancelled on {back.cancelled_on}: {back.cancelled_for}"
        yield TrailStep(
            0, StepKind.REFUND, back.number, back.refunded_on, back.amount, f"{back.reason}{cancelled}", None
        )
    for event in story.events:
        about = event.kind + (f": {event.reason}" if event.reason else "")
        yield TrailStep(0, StepKind.EVENT, story.number, event.happened_on, story.money, about, None)
    if story.cancellation is not None:
        about = f"cancelled: {story.cancellation.reason}"
        yield TrailStep(0, StepKind.EVENT, story.number, story.cancellation.cancelled_on, story.amount, about, None)
