"""Rows written for good come under proof: one act names each that stands, by its key and a digest of what it holds.

As `billing.frame.added_rows` digests the rows of later acts; written out here, since both are for ever.
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from alembic import op
from sqlalchemy import Connection, text

revision = "0035"
down_revision = "0034"

# Table, key, other columns.
_TABLES = (
    (
        "allocation", "id",
        "placement_id credit_note_id document_id tenant amount doubtful allocated_on how in_receipt "
        "recorded_at",
    ),
    ("allocation_undoing", "allocation_id", "undone_on reason in_return recorded_at"),
    ("api_token", "name", "token_sha256 scope created_at expires_at revoked_at user_name sites"),
    ("app_user", "name", "email role os_user password_hash created_at disabled_at"),
    ("approval_decision", "order_id", "ordered_by outcome decided_by role decided_at reason result"),
    ("approval_order", "id", "kind content preview digest ordered_by ordered_at"),
    ("approvals_begun", "id", "begun_at"),
    (
        "bank_line", "statement_id line_no",
        "booked_on value_on amount bank_reference end_to_end_id structured_reference counterparty "
        "counterparty_account text code is_reversal fingerprint occurrence",
    ),
    ("bank_statement", "id", "account place reference file opening closed_on closing line_count digest recorded_at"),
    ("bank_statement_withdrawal", "statement_id", "reason recorded_at"),
    ("billing_run", "period", "issued_on status attempt deliver started_at completed_at cross_subsidy"),
    ("brought_invoice", "document_id", "taken_on"),
    ("cancellation_count", "credit_note_id", "period"),
    ("cash_receipt", "receipt_id", "year serial taken_on tenant amount stamp_duty stamp_on_top content recorded_at"),
    ("certificate_withdrawal", "receipt_id kind version", "reason recorded_at"),
    (
        "debt_act", "id",
        "document_id tenant kind decided_on amount vat from_doubtful reason asked_by approved_by "
        "recorded_at reference booked_on",
    ),
    ("debt_cancellation", "debt_act_id", "cancelled_on booked_on vat reason recorded_at"),
    ("delivery_attempt", "document_id attempt", "attempted_at outcome detail"),
    (
        "deposit", "id",
        "lease tenant site site_name office months monthly_rent amount asked_on due_on seller buyer "
        "recorded_at",
    ),
    ("deposit_cancellation", "deposit_id movement_no", "cancelled_on booked_on reason recorded_at"),
    (
        "deposit_movement", "deposit_id movement_no",
        "kind moved_on amount money_account reference reason recorded_at booked_on occurrence",
    ),
    ("deposit_set_off", "receipt_id", "deposit_id amount reason recorded_at"),
    ("dunning_act", "id", "message_id tenant acted_on total recorded_at"),
    ("dunning_hold", "id", "kind tenant document_id since until reason recorded_by recorded_at"),
    ("dunning_hold_end", "hold_id", "ended_on reason recorded_by recorded_at"),
    ("dunning_step", "document_id days", "act_id step_no ladder due_on amount fine interest"),
    ("final_statement", "id", "lease tenant closed_on balance content recorded_at"),
    ("import_log", "id", "imported_at source summary"),
    ("interest_clause", "id", "tenant lease effective_from rate reason recorded_by recorded_at"),
    ("line_decision", "statement_id line_no decision_no", "kind confidence why decided_on tenant recorded_at"),
    ("line_entry", "statement_id line_no decision_no entry", "receipt_id"),
    ("manual_entry", "id", "effective_on label voucher voucher_sha256 reason recorded_at"),
    ("manual_posting", "manual_entry_id line_no", "account auxiliary site amount"),
    ("manual_reversal", "manual_entry_id", "reversed_on reason recorded_at"),
    ("message", "id", "kind key tenant written_on recipient recipient_name content queued_at"),
    ("message_attempt", "message_id attempt", "attempted_at outcome detail"),
    ("message_file", "message_id paper_no", "path sha256 size_bytes rendered_at"),
    ("opening_balance", "line_no", "account site amount"),
    ("opening_grant", "grant_code", "used"),
    ("placement", "id", "receipt_id tenant amount account placed_on in_receipt recorded_at"),
    ("placement_withdrawal", "id", "placement_id amount withdrawn_on reason recorded_at"),
    (
        "receipt", "id",
        "means reference value_date tenant site amount payer_text asked recorded_at booked_on occurrence",
    ),
    ("receipt_cancellation", "receipt_id", "cancelled_on booked_on reason recorded_at"),
    ("receipt_certificate", "receipt_id kind version", "number certified_on recorded_at"),
    ("receipt_event", "receipt_id kind", "happened_on booked_on account reason recorded_at"),
    ("receipt_leg", "receipt_id kind", "amount account"),
    (
        "refund", "id",
        "means reference refunded_on receipt_id placement_id credit_note_id tenant amount account reason "
        "recorded_at booked_on occurrence",
    ),
    ("refund_cancellation", "refund_id", "cancelled_on booked_on reason recorded_at"),
    ("run_batch", "period attempt batch_no", "first_tenant last_tenant status"),
    ("run_hold", "period tenant act_no", "reason recorded_at"),
    ("run_outcome", "period tenant", "status message invoice_id credit_note_id fingerprint usage_watermark"),
    (
        "settlement", "document_id act act_id rate",
        "settled_on base vat vat_released base_due vat_due exact exact_due",
    ),
    ("take_on", "id", "taken_on recorded_at"),
    ("tier_change_announcement", "message_id", "tenant switches_on step announced_on corrects"),
    ("usage_void", "usage_event_id", "reason voided_at"),
    ("voucher_file", "sha256", "name content recorded_at"),
)  # fmt: skip
_INSTANTS = frozenset(
    (
        "attempted_at", "begun_at", "completed_at", "created_at", "decided_at", "disabled_at", "expires_at",
        "imported_at", "ordered_at", "queued_at", "recorded_at", "rendered_at", "revoked_at", "started_at", "voided_at",
    )
)  # fmt: skip
_ROWS_OF_A_CHANGE = 1_000
_CHANGE = text(
    "INSERT INTO audit_change (act_id, seq, subject, key, after) "
    "SELECT last, :seq, 'rows', :table, :after FROM audit_counter WHERE id = 1"
)


def upgrade() -> None:
    """Record the act, where any row stands."""
    connection = op.get_bind()
    seq = 0
    for table, key, others in _TABLES:
        rows = _digests(connection, table, key.split(), others.split())
        while named := dict(islice(rows, _ROWS_OF_A_CHANGE)):
            seq += 1
            if seq == 1:
                _record_act(connection)
            connection.execute(_CHANGE, {"seq": seq, "table": table, "after": json.dumps(named, ensure_ascii=False)})


def _record_act(connection: Connection) -> None:
    connection.execute(text("UPDATE audit_counter SET last = last + 1 WHERE id = 1"))
    connection.execute(
        text(
            "INSERT INTO audit_event (id, recorded_at, actor, origin, operation, request_id, reason) "
            "SELECT last, CURRENT_TIMESTAMP, 'migrate', 'program', 'put rows under proof', '0035', "
            "'rows recorded before they were under proof' FROM audit_counter WHERE id = 1"
        )
    )


def _digests(connection: Connection, table: str, key: list[str], others: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the key and the digest of each row, in the order of keys."""
    names = [*key, *others]
    query = f"SELECT {', '.join(names)} FROM {table} ORDER BY {', '.join(key)}"  # noqa: S608 - constants
    for row in connection.execute(text(query).execution_options(yield_per=_ROWS_OF_A_CHANGE)):
        cells = {name: _cell(name, cell) for name, cell in zip(names, row, strict=True) if cell is not None}
        # The table comes first, then the columns by name.
        members = {"table": table, **dict(sorted(cells.items()))}
        written = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
        yield "/".join(str(cells[name]) for name in key), sha256(written.encode()).hexdigest()[:32]


def _cell(name: str, cell: Any) -> str | int:
    """Write a cell as JSON holds it: the instants of SQLite are texts without zone, all of them UTC."""
    if name in _INSTANTS:
        instant = cell if isinstance(cell, datetime) else datetime.fromisoformat(cell)
        utc = instant.astimezone(UTC) if instant.tzinfo else instant
        return f"{utc:%Y-%m-%dT%H:%M:%S.%f}Z"
    if isinstance(cell, bytes):
        return cell.hex()
    return cell.isoformat() if isinstance(cell, date) else cell
