"""Statements of the bank: kept once, in order, matched with a reason; certain lines book themselves, others wait."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text as sql

from billing.bank.facts import propose
from billing.bank.queries import lines_of_statements
from billing.check import check
from billing.frame.database import reading, writing
from billing.frame.errors import Conflict, Refused, Unknown
from billing.receivables.receipts.receiving import receive
from invoices.structured_reference import rf_of
from tests.oracle.service import NOW
from tests.support import bank_files as files
from tests.support.bank import accepts, decides, found, says, statement, takes, undoes_line, without_booking
from tests.support.bank_files import french
from tests.support.park import Park, text
from tests.support.statements_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.till import carried, clears, closes, order, receives, still_open

RIB_OF_T1 = "007780000151200000031512"


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    return park


def test_a_line_with_the_structured_reference_books_itself(billed: Park) -> None:
    taken = takes(
        billed,
        statement(
            [says("3480.00", structured=rf_of(FIRST), debtor="NOOR SANTE", reference="VR1"), says("77.00")],
            opening="0.00",
            closing="3557.00",
        ),
    )
    assert (taken.new, taken.booked, taken.waiting) == (2, 1, 1)
    assert found(billed) == {"RE-000001/1": "3480.00 received 100", "RE-000001/2": "77.00 ?"}
    assert billed.booked("BQ") == text("""
        2026-06-20 BQ/RG-000001
          5141                    3480.00
          3421  T1               -3480.00
          44551                    580.00
          4455                    -580.00
        """)
    assert still_open(billed) == {SECOND: "1740.00"}
    assert check(billed.engine) == []


def test_rent_tax_kept_back_at_source_is_a_leg_of_its_own(billed: Park) -> None:
    """5 % of the rent without VAT, since 1 July 2026 (law.md section 3)."""
    billed.bills("2026-07")
    third = "FA-2026-000003"
    takes(
        billed,
        statement(
            [says("3335.00", "2026-07-02", structured=rf_of(third))], opening="0", closing="3335", on="2026-07-02"
        ),
    )
    assert found(billed) == {"RE-000001/1": "3335.00 received 95"}
    assert billed.balances()["3453"] == "145.00"
    assert third not in still_open(billed)
    assert check(billed.engine) == []


def test_nothing_books_itself_where_the_setting_says_so(billed: Park) -> None:
    taken = takes(
        without_booking(billed),
        statement([says("3480.00", structured=rf_of(FIRST))], opening="0.00", closing="3480.00"),
    )
    assert (taken.new, taken.booked) == (1, 0)
    accepts(billed, (1, 1))
    assert found(billed) == {"RE-000001/1": "3480.00 received 100"}


def test_the_same_statement_twice_adds_nothing_whatever_file_brings_it(billed: Park) -> None:
    first = files.CAMT_02.encode().replace(b"2026-11", b"2026-06").replace(b"CAM", b"XYZ")
    taken = takes(billed, first)
    assert (taken.new, taken.known) == (5, 0)
    again = takes(billed, first)
    assert (again.new, again.known) == (0, 5)
    mt940 = files.MT940.replace("2611", "2606").replace("1104C", "0604C").replace("1103", "0603").encode()
    # The bank's references make its lines the same ones; its sum is that of fewer lines.
    with pytest.raises(Refused, match=r"comes before|is not the balance"):
        takes(billed, mt940.replace(b"VR26307000411", b"OTHER"))
    assert check(billed.engine) == []


def test_lines_that_one_file_brought_are_known_in_another(billed: Park) -> None:
    morning = [says("100.00", reference="A"), says("200.00", reference="B")]
    takes(billed, statement(morning, opening="0.00", closing="300.00", name="MATIN"))
    evening = [*morning, says("50.00", reference="C")]
    taken = takes(billed, statement(evening, opening="0.00", closing="350.00", name="SOIR"))
    assert (taken.new, taken.known) == (1, 2)
    assert found(billed, (1, 2)) == {
        "RE-000001/1": "100.00 ?", "RE-000001/2": "200.00 ?", "RE-000002/1": "50.00 ?",
    }  # fmt: skip


def test_two_movements_alike_on_one_day_are_two(billed: Park) -> None:
    takes(billed, statement([says("100.00"), says("100.00")], opening="0.00", closing="200.00"))
    taken = takes(billed, statement([says("100.00")], opening="200.00", closing="300.00", name="REL-2"))
    assert (taken.new, taken.known) == (1, 0)


def test_a_statement_that_does_not_go_on_from_the_last_one_is_refused_whole(billed: Park) -> None:
    takes(billed, statement([says("100.00")], opening="0.00", closing="100.00"))
    gap = statement([says("50.00", "2026-06-22")], opening="150.00", closing="200.00", on="2026-06-22")
    with pytest.raises(Refused) as refused:
        takes(billed, gap)
    assert "is not the balance 100.00 that the last statement, RE-000001 of 2026-06-20, ended with" in str(
        refused.value
    )
    assert "50.00 are not told of" in str(refused.value)
    late = statement([says("1.00", "2026-06-10")], opening="0.00", closing="1.00", on="2026-06-10")
    with pytest.raises(Refused, match="comes before the last statement"):
        takes(billed, late)
    assert set(found(billed, (1, 2))) == {"RE-000001/1"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (statement([says("1.00")], opening="0", closing="1", account=RIB_OF_T1), "is no account of ours"),
        (statement([says("1.00")], opening="0", closing="2"), "lines of 1.00 are missing or wrong"),
        (statement([says("1.00", currency="EUR")], opening="0", closing="1", currency="EUR"), "is not MAD"),
        (statement([says("1.00", "2099-01-01")], opening="0", closing="1", on="2099-01-01"), "is still to come"),
        (b"<Document/>", "is no camt.053"),
        (french({"10,65;;11": "10,655;;11"}), "has parts of a centime"),
    ],
)  # fmt: skip
def test_a_bad_statement_is_refused_whole_with_a_sentence_a_fault(billed: Park, content: bytes, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        takes(billed, content)
    assert found(billed) == {}


def test_a_person_decides_otherwise_than_proposed(billed: Park) -> None:
    takes(billed, statement([says("5220.00", debtor="HOLDING X")], opening="0.00", closing="5220.00"))
    decides(billed, (1, 1), "received", "la holding paie pour deux filiales", pays={FIRST: "3480.00", SECOND: "1740"})
    assert still_open(billed) == {}
    with pytest.raises(Conflict, match="is decided already"):
        decides(billed, (1, 1), "received", pays={FIRST: "3480.00"})
    assert check(billed.engine) == []


def test_money_that_nobody_can_place_waits_on_4497_once_a_person_says_so(billed: Park) -> None:
    takes(billed, statement([says("55.00")], opening="0.00", closing="55.00"))
    decides(billed, (1, 1), "received", "inconnu")
    assert carried(billed) == ["RG-000001 ? 55.00"]
    assert check(billed.engine) == []


def test_an_account_that_paid_before_is_known_again(billed: Park) -> None:
    takes(billed, statement([says("3480.00", structured=rf_of(FIRST), account=RIB_OF_T1)], opening="0", closing="3480"))
    billed.bills("2026-07")
    taken = takes(
        billed,
        statement([says("3480.00", "2026-07-02", account=RIB_OF_T1)], opening="3480", closing="6960", on="2026-07-02",
                  name="REL-2"),
    )  # fmt: skip
    assert taken.booked == 1
    assert found(billed, (2,)) == {"RE-000002/1": "3480.00 received 95"}


def test_the_banks_own_movements_are_booked_to_the_account_a_person_names(billed: Park) -> None:
    lines = [says("-10.65", text="COMMISSION"), says("-500.00", text="VIREMENT INTERNE")]
    takes(billed, statement(lines, opening="1000.00", closing="489.35"))
    accepts(billed, (1, 1))
    decides(billed, (1, 2), "booked", "vers le compte à terme", account="5115")
    assert billed.booked("BQ") == text("""
        2026-06-20 BQ/RE-000001/1/1
          5141                     -10.65
          6147                      10.65
        2026-06-20 BQ/RE-000001/2/1
          5141                    -500.00
          5115                     500.00
        """)
    assert check(billed.engine) == []


@pytest.mark.parametrize(
    "account",
    ["3421", "44551", "5141", "4497", "9201", "no", "", "999999", "1487", "1191", "1117", "71243", "342", "6"],
)
def test_accounts_that_documents_prove_are_not_booked_to_by_hand(billed: Park, account: str) -> None:
    takes(billed, statement([says("-10.65")], opening="10.65", closing="0.00"))
    with pytest.raises(Refused, match=r"is no account of the chart|is proved by|is no account that bank lines"):
        decides(billed, (1, 1), "booked", account=account)
    assert found(billed) == {"RE-000001/1": "-10.65 ?"}


def test_a_decision_is_undone_and_both_stay_on_record(billed: Park) -> None:
    takes(
        billed,
        statement(
            [says("3480.00", structured=rf_of(FIRST)), says("-10.65", text="FRAIS")], opening="0", closing="3469.35"
        ),
    )
    accepts(billed, (1, 2))
    undoes_line(billed, (1, 1))
    undoes_line(billed, (1, 2))
    assert found(billed) == {"RE-000001/1": "3480.00 ?", "RE-000001/2": "-10.65 ?"}
    assert still_open(billed) == {FIRST: "3480.00", SECOND: "1740.00"}
    assert carried(billed) == ["RG-000001 ? 3480.00"]
    assert "6147" not in billed.balances()
    assert check(billed.engine) == []
    decides(billed, (1, 1), "received", "c'est T2", tenant="T2", pays={SECOND: "1740.00"})
    decides(billed, (1, 2), "booked", "frais", account="6147")
    assert still_open(billed) == {FIRST: "3480.00"}
    assert carried(billed) == ["RG-000001 T2 1740.00"]
    undoes_line(billed, (1, 1))
    with pytest.raises(Conflict, match="nothing to undo"):
        undoes_line(billed, (1, 1))
    assert check(billed.engine) == []


def test_a_cheque_is_cleared_by_its_credit_and_comes_back_by_its_debit(billed: Park) -> None:
    receives(billed, order("3480.00", means="cheque", reference="CHQ 4411207", on="2026-06-15"))
    takes(billed, statement([says("3480.00", text="REMISE CHEQUE 4411207")], opening="0", closing="3480"))
    assert found(billed) == {"RE-000001/1": "3480.00 cleared 96"}
    assert billed.balances()["44551"] == "-290.00"
    back = statement([says("-3480.00", "2026-06-25", text="CHEQUE 4411207 IMPAYE")], opening="3480", closing="0",
                     on="2026-06-25", name="REL-2")  # fmt: skip
    takes(billed, back)
    assert found(billed, (2,)) == {"RE-000002/1": "-3480.00 bounced 96"}
    assert still_open(billed) == {FIRST: "3480.00", SECOND: "1740.00"}
    assert "5141" not in billed.balances()
    assert check(billed.engine) == []
    with pytest.raises(Conflict, match="happens once"):
        undoes_line(billed, (2, 1))


def test_a_cheque_the_bank_knew_before_we_did_waits_instead_of_refusing_the_statement(billed: Park) -> None:
    receives(billed, order("3480.00", means="cheque", reference="CHQ 4411207", on="2026-06-22"))
    taken = takes(billed, statement([says("3480.00", text="REMISE CHEQUE 4411207")], opening="0", closing="3480"))
    assert (taken.new, taken.booked) == (1, 0)


def test_the_same_statement_taken_eight_times_at_once_is_kept_once(billed: Park) -> None:
    content = statement([says("3480.00", structured=rf_of(FIRST)), says("77.00")], opening="0", closing="3557")
    with ThreadPoolExecutor(8) as clients:
        done = list(clients.map(lambda _: takes(billed, content), range(8)))
    assert sorted((taken.new, taken.booked) for taken in done) == [(0, 0)] * 7 + [(2, 1)]
    assert still_open(billed) == {SECOND: "1740.00"}
    assert check(billed.engine) == []


def test_one_credit_clears_a_slip_of_cheques(billed: Park) -> None:
    for number, (tenant, amount) in enumerate((("T1", "3480.00"), ("T2", "1740.00")), 1):
        receives(billed, order(amount, means="cheque", reference=f"C{number}", tenant=tenant))
    takes(billed, statement([says("5220.00", text="REMISE DE 2 CHEQUES")], opening="0", closing="5220"))
    with pytest.raises(Refused, match=r"move 5141 by 3480.00, the line is 5220.00"):
        decides(billed, (1, 1), "cleared", receipts=(1,))
    decides(billed, (1, 1), "cleared", receipts=(1, 2))
    assert "5111" not in billed.balances()
    assert check(billed.engine) == []


def test_what_the_books_held_before_is_not_booked_twice(billed: Park) -> None:
    receives(billed, order("3480.00", reference="VR-77"))
    clears_nothing = statement([says("3480.00", reference="VR-77")], opening="0", closing="3480")
    takes(billed, clears_nothing)
    assert found(billed) == {"RE-000001/1": "3480.00 recorded 97"}
    assert billed.balances()["5141"] == "3480.00"
    assert check(billed.engine) == []
    undoes_line(billed, (1, 1))
    with pytest.raises(Unknown, match="no entry has the reference"):
        decides(billed, (1, 1), "recorded", entry="BQ/RG-000099")
    decides(billed, (1, 1), "recorded", entry="BQ/RG-000001")


def _proposed(park: Park, statement_key: int = 1) -> list[list[tuple[str, int, str | None]]]:
    """What is proposed for each line: kind, how certain, and the entry or invoices."""
    with reading(park.engine) as connection:
        rows = lines_of_statements(connection, [statement_key])
        proposed = propose(connection, [row.line for row in rows], park.settings.terms)
    return [
        [(one.kind, one.confidence, one.entry or ", ".join(part.invoice for part in one.parts)) for one in proposals]
        for proposals in proposed
    ]


def test_money_recorded_by_hand_is_not_booked_again_by_its_line(billed: Park) -> None:
    receives(billed, order("870.00", reference="VIR-9", on="2026-06-16", tenant="T2", pays={SECOND: "870.00"}))
    takes(
        billed, statement([says("870.00", structured=rf_of(SECOND), debtor="ATLAS CODE")], opening="0", closing="870")
    )
    assert found(billed) == {"RE-000001/1": "870.00 ?"}
    (proposals,) = _proposed(billed)
    assert proposals == [("recorded", 90, "BQ/RG-000001"), ("received", 75, SECOND)]
    accepts(billed, (1, 1))
    assert found(billed) == {"RE-000001/1": "870.00 recorded 90"}
    assert billed.balances()["5141"] == "870.00"
    assert check(billed.engine) == []


@pytest.mark.parametrize(("on", "waits"), [("2026-06-13", True), ("2026-06-27", True), ("2026-06-12", False)])
def test_any_entry_of_the_amount_within_seven_days_makes_a_line_wait(billed: Park, on: str, *, waits: bool) -> None:
    """A deposit, a recovered debt, a slip of cheques, another tenant's money: R33 makes no difference."""
    receives(billed, order("3480.00", reference="VIR-9", on=on, tenant="T2", pays="none"))
    takes(billed, statement([says("3480.00", structured=rf_of(FIRST))], opening="0", closing="3480"))
    assert found(billed) == {"RE-000001/1": "3480.00 ?" if waits else "3480.00 received 100"}


def test_an_entry_of_another_tenant_is_no_reason_to_doubt_whose_a_line_is(billed: Park) -> None:
    receives(billed, order("3480.00", reference="VIR-9", tenant="T2", pays="none"))
    takes(billed, statement([says("3480.00", structured=rf_of(FIRST))], opening="0", closing="3480"))
    (proposals,) = _proposed(billed)
    assert proposals == [("received", 75, FIRST), ("recorded", 40, "BQ/RG-000001")]


def test_an_entry_that_was_reversed_waits_for_no_line(billed: Park) -> None:
    takes(billed, statement([says("-10.65", text="FRAIS"), says("5.00")], opening="10", closing="4.35"))
    decides(billed, (1, 1), "booked", "frais", account="6147")
    undoes_line(billed, (1, 1))
    decides(billed, (1, 2), "received", "inconnu")
    undoes_line(billed, (1, 2))
    (fee, unknown) = _proposed(billed)
    assert fee == [("booked", 80, "")]
    assert unknown == []


@pytest.mark.parametrize(
    ("text", "debtor", "proposed"),
    [
        # The bank cut FA-2026-000002 into FA-2026-0000 and 02; or lost its end.
        ("FA-2026-0000 02", "ATLAS CODE", [("received", 75, SECOND)]),
        ("FA-2026-00000", "", []),
        ("FA-2026-00001", "NOOR SANTE", [("received", 60, FIRST)]),
        # The payer is not whose number it writes: both readings are shown.
        (FIRST, "ATLAS CODE", [("received", 60, FIRST), ("received", 60, SECOND)]),
        (f"{FIRST} ATLAS CODE", "", [("received", 60, FIRST), ("received", 60, SECOND)]),
        (rf_of(FIRST), "ATLAS", [("received", 60, FIRST), ("received", 60, SECOND)]),
        # A digit was mistyped, or nobody has that number.
        (rf_of(FIRST).replace("RF", "RF9", 1)[:4] + rf_of(FIRST)[4:], "", []),
        ("FA-2026-000077", "", []),
    ],
)
def test_a_line_waits_whose_number_is_not_whole_or_not_its_payers(
    billed: Park, text: str, debtor: str, proposed: list[tuple[str, int, str]]
) -> None:
    amount = "1741.00" if not proposed else "1740.00" if "02" in text else "3480.00"
    takes(billed, statement([says(amount, text=text, debtor=debtor)], opening="0", closing=amount))
    assert list(found(billed).values()) == [f"{amount} ?"]
    assert _proposed(billed) == [proposed]


def test_a_cut_number_typed_by_hand_places_money_with_nobody(billed: Park) -> None:
    receives(billed, order("3480.00", tenant=None, text="LOYER FA-2026-00000 1"))
    assert carried(billed) == ["RG-000001 ? 3480.00"]
    receives(billed, order("3480.00", tenant=None, text="LOYER FA-2026-\n000001", reference="V2"))
    assert still_open(billed) == {SECOND: "1740.00"}


def test_a_reference_like_a_lines_name_neither_blocks_the_line_nor_fails_the_check(billed: Park) -> None:
    receives(billed, order("10.00", reference="RE-2026/118"))
    assert check(billed.engine) == []
    with pytest.raises(Refused, match="is the name of a bank line here"):
        receives(billed, order("10.00", reference="RE-000001/1"))
    # Such a name was given before it was refused.
    with writing(billed.engine) as connection:
        receive(
            connection, [order("10.00", reference="RE-000001/1")], recorded_at=NOW, terms=billed.settings.terms,
            source="statements",
        )  # fmt: skip
    takes(billed, statement([says("1740.00", structured=rf_of(SECOND))], opening="0", closing="1740"))
    assert found(billed) == {"RE-000001/1": "1740.00 received 100"}
    assert check(billed.engine) == []
    undoes_line(billed, (1, 1))
    decides(billed, (1, 1), "received", tenant="T2", pays={SECOND: "1740.00"})
    assert check(billed.engine) == []


def test_a_word_of_a_label_is_no_reference_of_the_bank(billed: Park) -> None:
    receives(billed, order("3480.00", reference="VIR-9"))
    takes(billed, statement([says("3480.00", reference="VIREMENT"), says("9.00")], opening="0", closing="3489"))
    assert found(billed)["RE-000001/1"] == "3480.00 ?"


def test_lines_of_closed_months_wait(billed: Park) -> None:
    closes(billed, "2026-06")
    taken = takes(billed, statement([says("3480.00", structured=rf_of(FIRST))], opening="0", closing="3480"))
    assert (taken.new, taken.booked) == (1, 0)
    accepts(billed, (1, 1))
    assert billed.booked("BQ").startswith("2026-07-01 BQ/RG-000001")
    assert check(billed.engine) == []


def test_what_a_statement_said_and_what_was_decided_never_changes(billed: Park) -> None:
    takes(billed, statement([says("3480.00", structured=rf_of(FIRST))], opening="0", closing="3480"))
    for change in (
        "UPDATE bank_statement SET closing = 0", "DELETE FROM bank_statement", "UPDATE bank_line SET amount = 1",
        "DELETE FROM bank_line", "UPDATE line_decision SET why = 'x'", "DELETE FROM line_decision",
        "UPDATE line_entry SET entry = 'x'", "DELETE FROM line_entry",
    ):  # fmt: skip
        with pytest.raises(Exception, match="never changed or deleted"), writing(billed.engine) as connection:
            connection.execute(sql(change))


def test_clearing_by_hand_first_leaves_the_line_to_be_recorded(billed: Park) -> None:
    receives(billed, order("3480.00", means="cheque", reference="C1", on="2026-06-15"))
    clears(billed, 1, on="2026-06-19")
    takes(billed, statement([says("3480.00", text="REMISE CHEQUE")], opening="0", closing="3480"))
    assert found(billed) == {"RE-000001/1": "3480.00 ?"}
    accepts(billed, (1, 1))
    assert found(billed) == {"RE-000001/1": "3480.00 recorded 80"}
