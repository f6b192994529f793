"""Bank lines that are of receipts entered before: several behind one line, returned ones, many accepted at once."""

import pytest

from billing.bank.accepting import accept_certain
from billing.bank.facts import propose
from billing.bank.linking import choice_of_receipts
from billing.bank.matching.values import LineKind
from billing.bank.queries import lines_of_statements, require_line
from billing.check import check
from billing.frame.database import reading, writing
from billing.frame.errors import Refused, Unknown
from invoices.structured_reference import rf_of
from tests.oracle.service import NOW
from tests.support.bank import accepts, decides, found, says, statement, takes, undoes_line
from tests.support.park import Park, text
from tests.support.statements_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.till import clears, order, receives, still_open


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    return park


def _is_of(park: Park, *receipts: int) -> LineKind:
    """Say that the first line is of these receipts."""
    with reading(park.engine) as connection:
        choice = choice_of_receipts(connection, require_line(connection, (1, 1)), receipts)
    decides(park, (1, 1), choice.kind, receipts=choice.receipts, recorded=choice.entries)
    return choice.kind


def _first_proposals(park: Park) -> list[tuple[str, int, tuple[str, ...]]]:
    with reading(park.engine) as connection:
        rows = lines_of_statements(connection, [1])
        proposed = propose(connection, [row.line for row in rows], park.settings.terms)
    return [(one[0].kind, one[0].confidence, one[0].entries) if one else ("", 0, ()) for one in proposed]


def test_one_transfer_is_linked_to_the_receipts_that_were_entered_for_it(billed: Park) -> None:
    receives(
        billed,
        order("3480.00", reference="VIR-1", on="2026-06-16", pays={FIRST: "3480.00"}),
        order("1740.00", reference="VIR-2", on="2026-06-16", tenant="T2", pays={SECOND: "1740.00"}),
        order("100.00", reference="VIR-3", on="2026-06-16", tenant="T2", pays="none"),
    )
    takes(billed, statement([says("5220.00", text="GROUPE HOLDING LOYERS JUIN")], opening="0", closing="5220"))
    assert _first_proposals(billed) == [("recorded", 70, ("BQ/RG-000001", "BQ/RG-000002"))]
    with pytest.raises(Refused, match=r"move 5141 by 3480.00, the line is 5220.00"):
        _is_of(billed, 1)
    assert _is_of(billed, 1, 2) == "recorded"
    assert billed.balances()["5141"] == "5320.00"
    assert check(billed.engine) == []
    undoes_line(billed, (1, 1))
    accepts(billed, (1, 1))
    assert found(billed) == {"RE-000001/1": "5220.00 recorded 70"}
    assert check(billed.engine) == []


def test_receipts_of_a_tenant_that_make_a_line_together_stand_against_booking_it_anew(billed: Park) -> None:
    for n, amount in enumerate(("1000.00", "740.00"), 1):
        receives(billed, order(amount, reference=f"VIR-{n}", on="2026-06-16", tenant="T2", pays="none"))
    takes(billed, statement([says("1740.00", structured=rf_of(SECOND))], opening="0", closing="1740"))
    assert found(billed) == {"RE-000001/1": "1740.00 ?"}
    assert _first_proposals(billed) == [("recorded", 85, ("BQ/RG-000001", "BQ/RG-000002"))]


def test_what_a_receipt_says_of_a_line_depends_on_what_became_of_it(billed: Park) -> None:
    receives(
        billed,
        order("1000.00", means="cheque", reference="C1", on="2026-06-15"),
        order("740.00", means="cheque", reference="C2", on="2026-06-15"),
        order("740.00", reference="V3", on="2026-06-15"),
        order("12.00", means="cash", reference="K1", on="2026-06-15"),
    )
    takes(billed, statement([says("1740.00", text="REMISE")], opening="0", closing="1740"))
    with pytest.raises(Unknown, match="there is no receipt RG-000099"):
        _is_of(billed, 99)
    with pytest.raises(Refused, match="is still to be cleared, unlike the others"):
        _is_of(billed, 1, 3)
    with pytest.raises(Refused, match="has no entry of the bank's account that waits"):
        _is_of(billed, 3, 4)
    clears(billed, 1, on="2026-06-19")
    clears(billed, 2, on="2026-06-19")
    assert _is_of(billed, 1, 2) == "recorded"
    assert check(billed.engine) == []


def test_a_returned_transfer_takes_the_receipt_back_that_it_returns(billed: Park) -> None:
    lines = [says("3480.00", structured=rf_of(FIRST), debtor="NOOR SANTE"), says("1740.00", structured=rf_of(SECOND))]
    takes(billed, statement(lines, opening="0", closing="5220"))
    back = says("-3480.00", "2026-06-25", debtor="NOOR SANTE", text="VIREMENT RETOURNE")
    takes(billed, statement([back], opening="5220", closing="1740", on="2026-06-25", name="REL-2"))
    assert found(billed, (2,)) == {"RE-000002/1": "-3480.00 ?"}
    accepts(billed, (2, 1))
    assert found(billed, (2,)) == {"RE-000002/1": "-3480.00 bounced 80"}
    assert still_open(billed) == {FIRST: "3480.00"}
    assert billed.booked("BQ", "2026-06-25") == text("""
        2026-06-25 BQ/RG-000001/impaye
          3421  T1                3480.00
          5141                   -3480.00
          44551                   -580.00
          4455                     580.00
        """)
    assert check(billed.engine) == []


def test_a_return_that_the_bank_marks_is_no_payment_and_waits(billed: Park) -> None:
    takes(billed, statement([says("3480.00", structured=rf_of(FIRST))], opening="0", closing="3480"))
    entry = says("-3480.00", "2026-06-25").replace("<Sts>", "<RvslInd>true</RvslInd><Sts>")
    takes(billed, statement([entry], opening="3480", closing="0", on="2026-06-25", name="REL-2"))
    assert found(billed, (2,)) == {"RE-000002/1": "-3480.00 ?"}
    accepts(billed, (2, 1))
    assert still_open(billed) == {FIRST: "3480.00", SECOND: "1740.00"}
    assert "5141" not in billed.balances()
    assert check(billed.engine) == []


def test_two_numbers_in_two_styles_are_read_together(billed: Park) -> None:
    """5 % of the rent is kept back of both, since July 2026."""
    billed.bills("2026-07")
    billed.bills("2026-08")
    july, august = "FA-2026-000003", "FA-2026-000005"
    takes(
        billed,
        statement([says("6670.00", "2026-08-03", text=f"{rf_of(july)} ET {august}")], opening="0", closing="6670",
                  on="2026-08-03"),
    )  # fmt: skip
    accepts(billed, (1, 1))
    assert found(billed) == {"RE-000001/1": "6670.00 received 93"}
    assert billed.balances()["3453"] == "290.00"
    assert not {july, august} & set(still_open(billed))
    assert check(billed.engine) == []


def test_a_withholding_rounded_to_the_dirham_is_explained_and_waits_for_a_person(billed: Park) -> None:
    billed.bills("2026-07")
    takes(
        billed,
        statement([says("1668.00", "2026-07-02", text="VIR ATLAS CODE FA-2026-000004")], opening="0", closing="1668",
                  on="2026-07-02"),
    )  # fmt: skip
    assert found(billed) == {"RE-000001/1": "1668.00 ?"}
    accepts(billed, (1, 1))
    assert found(billed) == {"RE-000001/1": "1668.00 received 85"}
    assert billed.balances()["3453"] == "72.00"
    assert "FA-2026-000004" not in still_open(billed)


def test_first_proposals_are_accepted_at_once_from_a_certainty_on(billed: Park) -> None:
    receives(billed, order("870.00", reference="VIR-9", tenant="T2", pays={SECOND: "870.00"}))
    lines = [
        says("3480.00", debtor="NOOR SANTE"), says("870.00", debtor="ATLAS CODE"), says("-10.65", text="COMMISSION"),
        says("77.00"), says("3480.00", text="NOOR SANTE"),
    ]  # fmt: skip
    takes(billed, statement(lines, opening="0", closing="7896.35"))
    terms = billed.settings.terms
    with reading(billed.engine) as connection:
        would = accept_certain(connection, 80, recorded_at=NOW, terms=terms, dry_run=True)
    assert [(one.row.key[1], one.proposal.kind) for one in would] == [(1, "received"), (2, "recorded"), (3, "booked")]
    assert set(found(billed).values()) == {"3480.00 ?", "870.00 ?", "-10.65 ?", "77.00 ?"}
    with writing(billed.engine) as connection:
        assert accept_certain(connection, 80, recorded_at=NOW, terms=terms) == would
    assert found(billed) == {
        "RE-000001/1": "3480.00 received 85", "RE-000001/2": "870.00 recorded 90", "RE-000001/3": "-10.65 booked 80",
        "RE-000001/4": "77.00 ?", "RE-000001/5": "3480.00 ?",
    }  # fmt: skip
    assert check(billed.engine) == []
