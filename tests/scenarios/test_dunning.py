"""Dunning over months, day by day: the ladder climbed; payments, disputes and promises in between (issue 3)."""

from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from billing.check import check
from billing.documents.delivery.settling import Settlement, settle_deliveries
from billing.documents.messages.queries import load_message
from billing.frame.audit_log import CLI, Act, on_behalf
from billing.frame.database import reading, writing
from billing.frame.errors import Conflict, ReasonRequired, Refused, Unknown
from billing.frame.terms import Term, Terms
from billing.receivables.dunning.blocks import BlockKind, BlockOrder, block_dunning
from billing.receivables.dunning.policy import EVERYBODY
from billing.receivables.tables.dunning import dunning_act, dunning_step
from invoices.delivery import UNKNOWN, claim, hand_over, queued, record_failure, record_sent, retry
from invoices.messages.message import Message
from invoices.messages.queueing import MESSAGES
from invoices.messages.tables import message, message_delivery
from invoices.rendering.letter import Letter
from tests.support.debts import decides
from tests.support.dunning_park import JUNE_T1, JUNE_T2, LEASES, TENANTS
from tests.support.park import Park
from tests.support.reminding import day, ends, holds, morning, reminds, reminds_daily
from tests.support.till import bounces, order, receives


def with_settings(park: Park, **values: object) -> None:
    """Let settings of dunning have these values ever since."""
    versions = {f"dunning.{name}": (Term(day("2000-01-01"), value, "test"),) for name, value in values.items()}
    park.settings = replace(park.settings, terms=Terms({**park.settings.terms.versions, **versions}))


def letters_of(told: Message) -> list[Letter]:
    """The letters a message carries."""
    return [paper.letter for paper in told.papers if isinstance(paper.letter, Letter)]


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    return park


def test_an_invoice_nobody_pays_climbs_the_ladder_to_its_end(billed: Park) -> None:
    assert reminds_daily(billed, "2026-06-01", "2026-12-31") == [
        "2026-07-28 T1: FA-2026-000001 -3; 0.00 and 3480.00 to come",
        "2026-07-28 T2: FA-2026-000002 -3; 0.00 and 1800.00 to come",
        "2026-08-03 T1: FA-2026-000001 +3; 3480.00",
        "2026-08-03 T2: FA-2026-000002 +3; 1800.00",
        "2026-08-15 T1: FA-2026-000001 +15; 3480.00",
        "2026-08-15 T2: FA-2026-000002 +15; 1800.00",
        "2026-08-30 T1: FA-2026-000001 +30; 3480.00",
        "2026-08-30 T2: FA-2026-000002 +30; 1800.00",
    ]
    assert check(billed.engine) == []


def test_it_stops_on_payment_and_goes_on_for_what_is_left(billed: Park) -> None:
    assert len(reminds_daily(billed, "2026-07-01", "2026-08-04")) == 4
    receives(
        billed,
        order("1800.00", tenant="T2", on="2026-08-05", pays={JUNE_T2: "1800.00"}),
        order("3000.00", reference="V2", on="2026-08-06", pays={JUNE_T1: "3000.00"}),
    )
    assert reminds_daily(billed, "2026-08-05", "2026-08-29") == ["2026-08-15 T1: FA-2026-000001 +15; 480.00"]
    receives(billed, order("480.00", reference="V3", on="2026-08-29", pays={JUNE_T1: "480.00"}))
    assert reminds_daily(billed, "2026-08-30", "2026-09-30") == []


def test_a_tenants_invoices_are_one_mail_a_day_each_at_its_own_step(billed: Park) -> None:
    billed.bills("2026-07")
    receives(billed, order("1800.00", tenant="T2", on="2026-06-20", pays={JUNE_T2: "1800.00"}))
    assert reminds_daily(billed, "2026-07-01", "2026-09-30") == [
        "2026-07-28 T1: FA-2026-000001 -3; 0.00 and 3480.00 to come",
        "2026-08-03 T1: FA-2026-000001 +3; 3480.00",
        "2026-08-15 T1: FA-2026-000001 +15; 3480.00",
        "2026-08-27 T1: FA-2026-000003 -3; 0.00 and 3480.00 to come",
        "2026-08-30 T1: FA-2026-000001 +30; 3480.00",
        "2026-09-02 T1: FA-2026-000003 +3; 3480.00",
        "2026-09-14 T1: FA-2026-000003 +15; 3480.00",
        "2026-09-29 T1: FA-2026-000003 +30; 3480.00",
    ]
    assert check(billed.engine) == []


def test_after_days_on_which_nothing_ran_one_mail_catches_up(billed: Park) -> None:
    billed.bills("2026-07")
    assert reminds_daily(billed, "2026-07-01", "2026-07-30") == [
        "2026-07-28 T1: FA-2026-000001 -3; 0.00 and 3480.00 to come",
        "2026-07-28 T2: FA-2026-000002 -3; 0.00 and 1800.00 to come",
    ]
    assert reminds_daily(billed, "2026-09-20", "2026-10-31") == [
        "2026-09-20 T1: FA-2026-000001 +30, FA-2026-000003 +15; 6960.00",
        "2026-09-20 T2: FA-2026-000002 +30; 1800.00",
        "2026-09-29 T1: FA-2026-000003 +30; 3480.00",
    ]


def mails(park: Park) -> list[str]:
    """Every message with the state of its delivery, and why it was not sent."""
    d = message_delivery.c
    found = select(message.c.written_on, message.c.tenant, d.state, d.last_error).join(
        message_delivery, d.message_id == message.c.id
    )
    with reading(park.engine) as connection:
        rows = connection.execute(found.order_by(message.c.id)).all()
    return [f"{on} {code}: {state}{'' if why is None else f', {why}'}" for on, code, state, why in rows]


def test_a_reminder_of_what_was_paid_before_it_went_out_is_not_sent(billed: Park) -> None:
    reminds(billed, "2026-08-03")
    receives(billed, order("1000.00", on="2026-08-03", pays={JUNE_T1: "1000.00"}))
    # Part of the debt is still a debt.
    assert mails(billed) == ["2026-08-03 T1: queued", "2026-08-03 T2: queued"]
    receives(billed, order("2480.00", reference="V2", on="2026-08-03", pays={JUNE_T1: "2480.00"}))
    assert mails(billed) == [
        "2026-08-03 T1: stopped, not sent: settled meanwhile: FA-2026-000001", "2026-08-03 T2: queued",
    ]  # fmt: skip
    with writing(billed.engine) as connection:
        assert retry(connection, [1, 2], now=morning(day("2026-08-04")), queue=MESSAGES) == [2]
    with pytest.raises(DBAPIError, match="states only move"), writing(billed.engine) as connection:
        connection.execute(text("UPDATE message_delivery SET state = 'queued' WHERE message_id = 1"))
    assert check(billed.engine) == []


def test_a_mail_that_names_something_paid_is_stopped_and_the_rest_reminded_of_at_its_next_step(billed: Park) -> None:
    billed.bills("2026-07")
    reminds(billed, "2026-08-30")
    receives(billed, order("3480.00", on="2026-08-30", pays={JUNE_T1: "3480.00"}))
    assert mails(billed) == [
        "2026-08-30 T1: stopped, not sent: settled meanwhile: FA-2026-000001", "2026-08-30 T2: queued",
    ]  # fmt: skip
    assert reminds_daily(billed, "2026-08-31", "2026-09-02") == ["2026-09-02 T1: FA-2026-000003 +3; 3480.00"]
    assert check(billed.engine) == []


def test_a_reminder_of_what_was_written_off_is_not_sent(billed: Park) -> None:
    reminds(billed, "2026-08-03")
    decides(billed, "written_off", on="2026-11-20")
    assert mails(billed)[0] == "2026-08-03 T1: stopped, not sent: settled meanwhile: FA-2026-000001"


def test_what_is_being_sent_is_not_stopped_and_what_is_stopped_is_not_sent(billed: Park) -> None:
    reminds(billed, "2026-08-03")
    now = morning(day("2026-08-03"))
    with writing(billed.engine) as connection:
        claim(connection, {1: 0, 2: 0}, by="a", now=now, queue=MESSAGES)
        assert hand_over(connection, [1], by="a", now=now, queue=MESSAGES) == {1}
    receives(
        billed,
        order("3480.00", on="2026-08-03", pays={JUNE_T1: "3480.00"}),
        order("1800.00", tenant="T2", reference="V2", on="2026-08-03", pays={JUNE_T2: "1800.00"}),
    )
    with writing(billed.engine) as connection:
        assert hand_over(connection, [2], by="a", now=now, queue=MESSAGES) == set()
        record_sent(connection, {1: "250 OK"}, now=now, queue=MESSAGES)
    assert mails(billed) == [
        "2026-08-03 T1: sent", "2026-08-03 T2: stopped, not sent: settled meanwhile: FA-2026-000002",
    ]  # fmt: skip


def test_a_reminder_that_may_have_arrived_is_not_sent_again_once_what_it_names_is_paid(billed: Park) -> None:
    reminds(billed, "2026-08-03")
    now = morning(day("2026-08-03"))
    with writing(billed.engine) as connection:
        for held in claim(connection, {1: 0, 2: 0}, by="a", now=now, queue=MESSAGES):
            hand_over(connection, [held.key], by="a", now=now, queue=MESSAGES)
            record_failure(connection, held, now=now, outcome=UNKNOWN, reason="no answer", queue=MESSAGES)
    receives(billed, order("3480.00", on="2026-08-04", pays={JUNE_T1: "3480.00"}))
    assert [line.partition(",")[0] for line in mails(billed)] == ["2026-08-03 T1: failed", "2026-08-03 T2: failed"]
    act = Act("mme.alaoui", CLI, "deliveries settle", "r1", "Journal du serveur")
    with writing(on_behalf(billed.engine, act, lambda: now)) as connection:
        assert settle_deliveries(connection, Settlement.AGAIN, None, now=now) == ["ME-000001", "ME-000002"]
    assert mails(billed)[0] == "2026-08-03 T1: stopped, not sent: settled meanwhile: FA-2026-000001"
    with reading(billed.engine) as connection:
        assert list(queued(connection, queue=MESSAGES)) == [2]
    assert check(billed.engine) == []


def test_what_was_settled_while_reminders_were_queued_is_found(billed: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receipt committed after the open items were read can't see the reminder: it is looked for again at the end."""
    monkeypatch.setattr("billing.receivables.receipts.recording.stop_settled", lambda *_: [])
    reminds(billed, "2026-08-03")
    receives(billed, order("3480.00", on="2026-08-03", pays={JUNE_T1: "3480.00"}))
    reminds(billed, "2026-08-03")
    assert mails(billed)[0] == "2026-08-03 T1: stopped, not sent: settled meanwhile: FA-2026-000001"


def test_a_dispute_holds_one_invoice_back_until_it_is_ended(billed: Park) -> None:
    key = holds(billed, BlockKind.DISPUTE, invoice=JUNE_T1, since="2026-08-01")
    assert reminds_daily(billed, "2026-07-29", "2026-08-20") == [
        "2026-07-29 T1: FA-2026-000001 -3; 0.00 and 3480.00 to come",
        "2026-07-29 T2: FA-2026-000002 -3; 0.00 and 1800.00 to come",
        "2026-08-03 T2: FA-2026-000002 +3; 1800.00",
        "2026-08-15 T2: FA-2026-000002 +15; 1800.00",
    ]
    ends(billed, key, "2026-08-21")
    assert reminds_daily(billed, "2026-08-21", "2026-08-29") == ["2026-08-21 T1: FA-2026-000001 +15; 3480.00"]


def test_a_promise_holds_all_of_a_tenants_back_until_its_day_and_no_longer(billed: Park) -> None:
    holds(billed, BlockKind.PROMISE, tenant="T1", since="2026-08-02", until="2026-08-20")
    found = reminds_daily(billed, "2026-08-02", "2026-09-30")
    assert [line for line in found if " T1:" in line] == [
        "2026-08-21 T1: FA-2026-000001 +15; 3480.00",
        "2026-08-30 T1: FA-2026-000001 +30; 3480.00",
    ]


def test_a_returned_cheque_lets_the_ladder_go_on_where_it_stood(billed: Park) -> None:
    reminds_daily(billed, "2026-07-28", "2026-08-03")
    [key] = receives(
        billed, order("3480.00", means="cheque", reference="C1", on="2026-08-10", pays={JUNE_T1: "3480.00"})
    )
    assert [one for one in reminds_daily(billed, "2026-08-10", "2026-08-19") if " T1:" in one] == []
    bounces(billed, key, on="2026-08-20")
    assert [one for one in reminds_daily(billed, "2026-08-20", "2026-09-30") if " T1:" in one] == [
        "2026-08-20 T1: FA-2026-000001 +15; 3480.00",
        "2026-08-30 T1: FA-2026-000001 +30; 3480.00",
    ]


def test_credit_that_covers_what_is_due_keeps_the_letter_back(billed: Park) -> None:
    receives(billed, order("3450.00", on="2026-07-01", pays="none"))
    assert [one for one in reminds_daily(billed, "2026-07-28", "2026-09-30") if " T1:" in one] == []
    with_settings(billed, least_amount="30.00")
    assert [one for one in reminds_daily(billed, "2026-10-01", "2026-10-02") if " T1:" in one] == [
        "2026-10-01 T1: FA-2026-000001 +30; 3480.00"
    ]


def test_nothing_is_sent_for_less_than_the_setting(billed: Park) -> None:
    receives(billed, order("3430.01", on="2026-07-01", pays={JUNE_T1: "3430.01"}))
    assert [one for one in reminds_daily(billed, "2026-07-28", "2026-09-30") if " T1:" in one] == []
    with_settings(billed, least_amount="49.99")
    assert [one for one in reminds_daily(billed, "2026-10-01", "2026-10-02") if " T1:" in one] == [
        "2026-10-01 T1: FA-2026-000001 +30; 49.99"
    ]


def test_sites_and_tenants_may_have_ladders_of_their_own(billed: Park) -> None:
    with_settings(billed, ladder={EVERYBODY: [3], "site/TNG": [5, 10], "tenant/T1": []})
    assert reminds_daily(billed, "2026-07-01", "2026-12-31") == [
        "2026-08-05 T2: FA-2026-000002 +5; 1800.00",
        "2026-08-10 T2: FA-2026-000002 +10; 1800.00",
    ]


def test_the_same_day_twice_sends_nothing_more(billed: Park) -> None:
    assert len(reminds(billed, "2026-08-03").sent) == 2
    assert reminds(billed, "2026-08-03").sent == ()
    with reading(billed.engine) as connection:
        assert len(connection.execute(select(message)).all()) == 2


def test_the_message_carries_letter_and_statement_in_the_tenants_language(billed: Park) -> None:
    reminds(billed, "2026-07-28")
    reminds(billed, "2026-08-03")
    with reading(billed.engine) as connection:
        ahead, late = load_message(connection, 1).message, load_message(connection, 4).message
        assert [row.recipient for row in connection.execute(select(message_delivery))] == [
            "t1@tenants.example", "t2@tenants.example",
        ] * 2  # fmt: skip
    assert [paper.file_name for paper in ahead.papers] == ["Releve-de-compte-2026-07-28.pdf"]
    assert ahead.text.subject.startswith("Rappel : échéance du 31 juillet 2026")
    assert (late.tenant, late.text.language) == ("T2", "ar")
    assert [paper.file_name for paper in late.papers] == ["Relance-2026-08-03.pdf", "Releve-de-compte-2026-08-03.pdf"]
    letter, statement = letters_of(late)
    assert (letter.title, letter.language) == ("تذكير", "ar")
    assert letter.rows == ((JUNE_T2, "01/06/2026", "31/07/2026", "3\u00a0أيام", "1.800,00", "1.800,00"),)
    assert "أي 40,50\u00a0درهم إلى اليوم" in letter.notes[1].lines[0]
    assert statement.sums[-1] == ("الرصيد الواجب أداؤه", "1.800,00\u00a0درهم")


def test_a_letter_that_is_the_first_to_be_sent_speaks_of_no_earlier_one(billed: Park) -> None:
    reminds(billed, "2026-10-01")
    with reading(billed.engine) as connection:
        late = load_message(connection, 1).message
    assert letters_of(late)[0].title == "Relance"


def test_acts_are_kept_with_what_was_open_and_what_it_cost(billed: Park) -> None:
    reminds(billed, "2026-09-05")
    with reading(billed.engine) as connection:
        acts = connection.execute(select(dunning_act).order_by(dunning_act.c.id)).all()
        steps = connection.execute(select(dunning_step).order_by(dunning_step.c.document_id)).all()
    assert [(row.tenant, row.acted_on, row.total) for row in acts] == [
        ("T1", day("2026-09-05"), 3480_00), ("T2", day("2026-09-05"), 1800_00),
    ]  # fmt: skip
    # Two months have begun: 2.25 % and 0.85 %.
    assert [(row.days, row.step_no, row.ladder, row.amount, row.fine, row.interest) for row in steps] == [
        (30, 4, "-3 3 15 30", 3480_00, 107_88, 0), (30, 4, "-3 3 15 30", 1800_00, 55_80, 0),
    ]  # fmt: skip


def test_a_step_is_never_recorded_twice_nor_changed(billed: Park) -> None:
    reminds(billed, "2026-08-03")
    for statement in (
        "UPDATE dunning_step SET amount = 1", "DELETE FROM dunning_step", "DELETE FROM dunning_act",
        "UPDATE dunning_act SET total = 1",
        "INSERT INTO dunning_step SELECT document_id, days, act_id, step_no, ladder, due_on, amount, fine, interest "
        "FROM dunning_step",
    ):  # fmt: skip
        with pytest.raises(DBAPIError), writing(billed.engine) as connection:
            connection.execute(text(statement))


def test_a_dispute_or_promise_that_cannot_be_is_refused(billed: Park) -> None:
    key = holds(billed, BlockKind.DISPUTE, invoice=JUNE_T1, since="2026-08-01")
    with pytest.raises(Refused, match="must say by when"):
        holds(billed, BlockKind.PROMISE, invoice=JUNE_T1, since="2026-08-01")
    with pytest.raises(Refused, match="it has no day"):
        holds(billed, BlockKind.DISPUTE, invoice=JUNE_T1, since="2026-08-01", until="2026-08-02")
    with pytest.raises(Refused, match="is past"):
        holds(billed, BlockKind.PROMISE, invoice=JUNE_T1, since="2026-08-02", until="2026-08-01")
    with pytest.raises(Refused, match="name one of them"):
        holds(billed, BlockKind.DISPUTE, since="2026-08-01")
    with pytest.raises(Refused, match="is not whose invoice"):
        holds(billed, BlockKind.DISPUTE, invoice=JUNE_T1, tenant="T2", since="2026-08-01")
    with pytest.raises(Unknown, match="FA-2026-000009"):
        holds(billed, BlockKind.DISPUTE, invoice="FA-2026-000009", since="2026-08-01")
    with pytest.raises(Unknown, match="T9"):
        holds(billed, BlockKind.DISPUTE, tenant="T9", since="2026-08-01")
    with pytest.raises(Refused, match="before it began"):
        ends(billed, key, "2026-07-31")
    ends(billed, key, "2026-08-01")
    with pytest.raises(Conflict, match="was ended on 2026-08-01 already"):
        ends(billed, key, "2026-08-02")
    order = BlockOrder(BlockKind.DISPUTE, "T1", None, day("2026-08-01"), None)
    with pytest.raises(ReasonRequired), writing(billed.engine) as connection:
        block_dunning(connection, order, recorded_at=morning(order.since))
