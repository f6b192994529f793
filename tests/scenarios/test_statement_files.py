"""Files of banks taken in: what is in another file already, what is another account's, what the bank kept."""

import pytest

from billing.bank.lines import lines_listed
from billing.bank.reconciling import reconcile
from billing.check import check
from billing.frame.database import reading, writing
from billing.frame.errors import Refused
from invoices.structured_reference import rf_of
from ledger.year_end import close_year
from tests.oracle.service import NOW
from tests.support.bank import accepts, decides, found, says, statement, takes
from tests.support.bank_dialects import ON, details, one_entry, swift
from tests.support.bank_files import RIB, camt, entry
from tests.support.park import Park
from tests.support.statements_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.till import still_open

OTHER = "007780000151200000031512"
OVERLAP = (
    "Date opération;Date valeur;Libellé;Débit;Crédit;Solde\n"
    "16/11/2026;16/11/2026;VIR NOOR SANTE;;3480,00;4480,00\n16/11/2026;16/11/2026;FRAIS TENUE;12,00;;4468,00\n"
).encode()


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    return park


# --- MT940 -------------------------------------------------------------------------------------------


def test_a_text_on_the_whole_statement_books_nothing(billed: Park) -> None:
    content = swift(
        ":61:2611161116C3480,00NTRFNONREF//B77", ":86:VIR", closing="4480,00",
        behind=f":64:C261116MAD4480,00\n:86:{rf_of(FIRST)} INFO DU RELEVE",
    )  # fmt: skip
    assert takes(billed, content).booked == 0
    assert found(billed) == {"RE-000001/1": "3480.00 ?"}


# --- charges -----------------------------------------------------------------------------------------


def test_payments_of_a_batch_settle_their_invoices_and_its_charges_are_the_banks_own(billed: Park) -> None:
    parts = [
        f'<Amt Ccy="MAD">{amount}</Amt><RmtInf><Ustrd>{rf_of(number)}</Ustrd></RmtInf>'
        for amount, number in (("3480.00", FIRST), ("1740.00", SECOND))
    ]
    charges = '<Chrgs><Amt Ccy="MAD">10.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Chrgs>'
    takes(billed, one_entry(charges + details(*parts), "5210.00", closing=621_000))
    accepts(billed, (1, 3))
    assert found(billed) == {
        "RE-000001/1": "3480.00 received 100", "RE-000001/2": "1740.00 received 100", "RE-000001/3": "-10.00 booked 80",
    }  # fmt: skip
    assert still_open(billed) == {}
    assert (billed.balances()["6147"], billed.balances()["5141"]) == ("10.00", "5210.00")
    assert check(billed.engine) == []


# --- several accounts --------------------------------------------------------------------------------


def test_of_a_file_with_two_accounts_ours_is_taken(billed: Park) -> None:
    ours = swift(":61:2611161116C77,00NTRFNONREF//B77", closing="1077,00")
    theirs = swift(":61:2611161116C9,00NTRFNONREF//C1", closing="1009,00").replace(RIB.encode(), OTHER.encode())
    taken = takes(billed, theirs + ours)
    assert [(left.account, left.lines) for left in taken.left_out] == [(OTHER, 1)]
    assert found(billed) == {"RE-000001/1": "77.00 ?"}
    with pytest.raises(Refused, match="is no account of ours"):
        takes(billed, theirs)


# --- statements that overlap -------------------------------------------------------------------------


def _days(*amounts: int, opening: int, closing: int, last: int = 20) -> bytes:
    """A camt.053 from the 16th to a later day: amounts of the 16th, and one of the last day."""
    lines = [entry(amount, ON, reference=f"B{place}", text="VIR") for place, amount in enumerate(amounts[:-1], 1)]
    lines.append(entry(amounts[-1], ON.replace(day=last), reference="B9", text="VIR"))
    return camt(lines, opening=opening, closing=closing, on=ON.replace(day=last), name="S1")


def test_of_another_kind_of_file_that_overlaps_the_new_line_alone_is_taken(billed: Park) -> None:
    takes(billed, OVERLAP, "ov.csv")
    taken = takes(billed, _days(348_000, -1_200, 348_000, opening=100_000, closing=794_800), "ov.xml")
    assert (taken.new, taken.known) == (1, 2)
    assert list(found(billed, (2,)).values()) == ["3480.00 ?"]
    again = takes(billed, _days(348_000, -1_200, 348_000, opening=100_000, closing=794_800), "ov.xml")
    assert (again.new, again.known) == (0, 3)
    assert check(billed.engine) == []


def test_the_whole_of_an_earlier_statement_in_another_kind_of_file_adds_nothing(billed: Park) -> None:
    takes(billed, OVERLAP, "ov.csv")
    takes(billed, statement([says("1.00", "2026-11-18")], opening="4468", closing="4469", on="2026-11-18"))
    lines = [entry(348_000, ON, reference="B1"), entry(-1_200, ON, reference="B2")]
    taken = takes(billed, camt(lines, opening=100_000, closing=446_800, on=ON, name="S1"))
    assert (taken.new, taken.known) == (0, 2)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        # Of two equal amounts nothing shows which one stands already.
        (_days(348_000, 348_000, -1_200, 100, opening=100_000, closing=794_900), "two alike"),
        # What stands as one is told as two, with the bank's charge apart.
        (_days(348_500, -500, -1_200, 100, opening=100_000, closing=446_900), "told otherwise"),
        (_days(348_000, -1_300, 100, opening=100_000, closing=446_800), "another amount"),
    ],
)
def test_a_statement_that_overlaps_without_proof_is_refused_and_the_lines_are_named(
    billed: Park, content: bytes, why: str
) -> None:
    takes(billed, OVERLAP, "ov.csv")
    with pytest.raises(
        Refused, match=r"is not the balance 4468.00 .* it overlaps what stands: .*RE-000001/[12] \(2026"
    ) as told:
        takes(billed, content)
    assert "no line is taken twice" in str(told.value), why
    assert found(billed, (1, 2)) == {"RE-000001/1": "3480.00 ?", "RE-000001/2": "-12.00 ?"}


def test_a_statement_of_the_same_name_day_and_balances_told_otherwise_adds_nothing(billed: Park) -> None:
    """A batch that an earlier version of the service read as one line is told in parts by this one."""
    takes(billed, statement([says("5220.00", reference="BATCH1")], opening="1000", closing="6220", name="S1"))
    parts = [says("3480.00", reference="BATCH1/1"), says("1740.00", reference="BATCH1/2")]
    taken = takes(billed, statement(parts, opening="1000", closing="6220", name="S1"))
    assert (taken.new, taken.known) == (0, 2)


def test_a_statement_that_moves_nothing_and_stands_in_other_words_is_not_taken_twice(billed: Park) -> None:
    rows = (
        "16/11/2026;16/11/2026;VIR;;12,00;1012,00\n16/11/2026;16/11/2026;FRAIS;5,00;;1007,00\n"
        "16/11/2026;16/11/2026;TIMBRE;7,00;;1000,00\n"
    )
    takes(billed, OVERLAP[: OVERLAP.index(b"16/11")] + rows.encode(), "ov.csv")
    lines = [entry(amount, ON, reference=f"B{amount}") for amount in (1_200, -500, -700)]
    with pytest.raises(
        Refused, match=r"moves nothing in all, and lines of its days and amounts stand already: RE-000001/1"
    ):
        takes(billed, camt(lines, opening=100_000, closing=100_000, on=ON, name="S1"))


# --- the year's end ----------------------------------------------------------------------------------


def test_the_entries_of_a_years_end_are_no_movements_of_the_bank(billed: Park) -> None:
    takes(billed, statement([says("500.00", "2025-12-20")], opening="0", closing="500", on="2025-12-31"))
    decides(billed, (1, 1), "received", "inconnu")
    with writing(billed.engine) as connection:
        close_year(connection, 2025, recorded_at=NOW)
    taken = takes(
        billed, statement([says("500.00", "2026-01-02")], opening="500", closing="1000", on="2026-01-02", name="S2")
    )
    assert taken.booked == 0
    with reading(billed.engine) as connection:
        reconciliation = reconcile(connection, RIB)
        waiting = lines_listed(connection, billed.settings.terms, statement=2, waiting=True)
    assert [(parting.reference, parting.amount) for parting in reconciliation.partings] == [("RE-000002/1", 50_000)]
    assert reconciliation.unexplained == 0
    assert [proposal.entry for proposal in waiting[0].proposals if proposal.entry] == []
    assert check(billed.engine) == []
