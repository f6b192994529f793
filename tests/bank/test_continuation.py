"""How statements go on from one another: as pure values, without a database."""

from datetime import date

from billing.bank.continuation import Chain, NewStatement, continuation, continuations, printed_statements
from billing.bank.formats.statement import BankLine, Statement
from billing.frame.errors import Fault

RIB = "011780000012345678901234"


def _line(amount: int, day: int, reference: str) -> BankLine:
    on = date(2026, 11, day)
    return BankLine(on, on, amount, reference, "", "", "", "", "", "", False)


def _statement(opening: int, day: int, *lines: BankLine) -> Statement:
    closing = opening + sum(line.amount for line in lines)
    return Statement("releve.xml", RIB, "MAD", "", None, opening, date(2026, 11, day), closing, lines)


def _chain(*statements: Statement) -> Chain:
    """The chain after statements that each go on from the one before."""
    chain = Chain()
    for printed in printed_statements(RIB, statements):
        outcome = continuation(chain, printed)
        assert isinstance(outcome, NewStatement)
        chain = chain.after(outcome)
    return chain


MONDAY = _statement(0, 2, _line(100, 2, "A"), _line(200, 2, "B"))
TUESDAY = _statement(300, 3, _line(50, 3, "C"))


def test_the_first_statement_begins_a_chain_whatever_its_balance() -> None:
    (printed,) = printed_statements(RIB, [TUESDAY])
    outcome = continuation(Chain(), printed)
    assert isinstance(outcome, NewStatement)
    assert (outcome.key, outcome.place, outcome.opening, len(outcome.lines)) == (1, 1, 300, 1)


def test_the_same_statement_again_is_nothing_new() -> None:
    (printed,) = printed_statements(RIB, [MONDAY])
    assert continuation(_chain(MONDAY, TUESDAY), printed) is None


def test_a_statement_that_overlaps_goes_on_behind_the_lines_that_are_known() -> None:
    both = _statement(0, 3, *MONDAY.lines, *TUESDAY.lines)
    (printed,) = printed_statements(RIB, [both])
    outcome = continuation(_chain(MONDAY), printed)
    assert isinstance(outcome, NewStatement)
    assert (outcome.place, outcome.opening) == (2, 300)
    assert [line.line.bank_reference for line in outcome.lines] == ["C"]


def test_a_line_like_a_known_one_is_new_where_the_balance_takes_it_in() -> None:
    (printed,) = printed_statements(RIB, [_statement(100, 2, _line(100, 2, "A"))])
    outcome = continuation(_chain(_statement(0, 2, _line(100, 2, "A"))), printed)
    assert isinstance(outcome, NewStatement)
    assert [line.occurrence for line in outcome.lines] == [2]


def test_a_gap_and_a_statement_of_before_are_faults() -> None:
    later, earlier = _statement(400, 4, _line(1, 4, "D")), _statement(300, 1, _line(1, 1, "E"))
    faults = list(continuations(_chain(MONDAY), printed_statements(RIB, [later, earlier])))
    assert [fault.column for fault in faults if isinstance(fault, Fault)] == ["opening", "closed_on"]


def test_the_statements_of_a_file_go_on_from_one_another() -> None:
    outcomes = list(continuations(Chain(), printed_statements(RIB, [MONDAY, TUESDAY, MONDAY])))
    assert [outcome.place if isinstance(outcome, NewStatement) else outcome for outcome in outcomes] == [1, 2, None]
