"""The command `payments cancel`: it stands here since a bank line that named the receipt waits again by it."""

from datetime import date
from typing import TYPE_CHECKING

import click

from billing.frame.codes import DEBT_ACT, DEPOSIT, RECEIPT, REFUND, parse_deposit_movement
from billing.frame.terminal.command import WritingCommand, clock, database, example
from billing.frame.terminal.parameters import DAY

if TYPE_CHECKING:
    from billing.receivables.receipts.cancelling import Cancelled


class _Cancellable(click.ParamType[str]):
    """The number of a receipt or a refund, or the name of a movement of a deposit or of what was recovered."""

    name = "RG-000012|RB-000003|DG-000004/1|CR-7"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as it is; a usage error for anything else."""
        from billing.frame.errors import Unknown

        code = next((code for code in (REFUND, DEBT_ACT) if value.startswith(code.prefix)), RECEIPT)
        try:
            if value.startswith(DEPOSIT.prefix):
                parse_deposit_movement(value)
            else:
                code.parse(value)
        except Unknown:
            self.fail(f"{value!r} is no receipt such as {RECEIPT.format(12)}", param, ctx)
        return value


@click.command(
    "cancel",
    cls=WritingCommand,
    epilog=example("technopark-billing payments cancel RG-000012 --reason 'saisi deux fois'"),
)
@click.argument("number", type=_Cancellable())
@click.option("--on", type=DAY, metavar="YYYY-MM-DD", help="The day it is cancelled on. Default: its own day.")
def cancel_command(number: str, on: date | None) -> None:
    """Cancel NUMBER: a receipt (RG-…) that should never have been entered, or a refund (RB-…) that was never paid.

    Or a movement of a deposit (DG-…/1), or what was recovered of a lost debt (CR-…), as their lists name them.

    What it settled is open again, its entry is reversed, its VAT goes back; a bank line that named it waits again. It
    counts nowhere any more, and both stay on record. In a closed month it is booked on the first open day. The reason
    is required. Above the amount of the settings all but refunds wait for an approval (`approvals`).
    """
    from billing.approvals.ordering import Waiting, place
    from billing.bank.approving import CANCELLATION, CancellationOrder
    from billing.bank.cancelling import cancel_paid_back
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    cancelled: Cancelled | None
    with database(settings) as engine, writing(engine) as connection:
        if number.startswith(REFUND.prefix):
            reason = require_reason(connection, "cancelling a refund")
            cancelled = cancel_paid_back(connection, REFUND.parse(number), reason=reason, recorded_at=clock(), on=on)
        else:
            reason = require_reason(connection, "cancelling a receipt")
            is_receipt = number.startswith(RECEIPT.prefix)
            order = CancellationOrder(
                RECEIPT.parse(number) if is_receipt else None, reason, on, None if is_receipt else number
            )
            placed = place(connection, CANCELLATION, order, clock=clock, settings=settings)
            cancelled = None if isinstance(placed, Waiting) else placed.answer
    if cancelled is None:
        click.echo(f"the cancellation of {number} {placed}")
        return
    lines = f"; {', '.join(cancelled.lines)} waits again" if cancelled.lines else ""
    click.echo(f"{number} is cancelled{cancelled.booked}{lines}")
