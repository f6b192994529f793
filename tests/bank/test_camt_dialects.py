"""camt.053 as banks really write it: batches, charges on the entry, days left out, several accounts and pages."""

from datetime import date

import pytest

from billing.bank.formats.camt import parse_camt
from billing.bank.formats.statement import BankLine, faults_of
from billing.frame.errors import Refused
from tests.support.bank_dialects import ON, details, one_entry
from tests.support.bank_files import RIB, balance, camt

OTHER = "007780000151200000031512"
T01, T05 = "RF48FA2026000011", "RF37FA2026000015"


def _lines(content: bytes) -> tuple[BankLine, ...]:
    (statement,) = parse_camt(content, "releve.xml", RIB).statements
    assert list(faults_of(statement)) == []
    return statement.lines


def _payment(reference: str, name: str, amounts: str = '<Amt Ccy="MAD">3480.00</Amt>') -> str:
    return (
        f"{amounts}<RltdPties><Dbtr><Nm>{name}</Nm></Dbtr></RltdPties>"
        f"<RmtInf><Ustrd>L</Ustrd><Strd><CdtrRefInf><Ref>{reference}</Ref></CdtrRefInf></Strd></RmtInf>"
    )


def _charge(amount: str, sign: str = "DBIT", more: str = "") -> str:
    return f'<Chrgs><Amt Ccy="MAD">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{more}</Chrgs>'


def _record(amount: str, more: str = "") -> str:
    record = f'<Rcrd><Amt Ccy="MAD">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>{more}</Rcrd>'
    return f'<Chrgs><TtlChrgsAndTaxAmt Ccy="MAD">{amount}</TtlChrgsAndTaxAmt>{record}</Chrgs>'


_TRANSACTED = '<AmtDtls><TxAmt><Amt Ccy="MAD">3480.00</Amt></TxAmt></AmtDtls>'
_CREDITED = '<Amt Ccy="MAD">3475.00</Amt>'
BATCH = details(_payment(T01, "NOOR SANTE"), _payment(T05, "ZAGORA"))


# --- charges -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "charges",
    [
        _charge("10.00"), _charge("6.00") + _charge("4.00"), _record("10.00"),
        '<Chrgs><TtlChrgsAndTaxAmt Ccy="MAD">10.00</TtlChrgsAndTaxAmt></Chrgs>',
        _charge("12.00") + _charge("2.00", "CRDT"),
    ],
)  # fmt: skip
def test_charges_on_the_entry_of_a_batch_are_a_line_beside_its_payments(charges: str) -> None:
    entry = f"<AcctSvcrRef>BATCH1</AcctSvcrRef>{charges}{BATCH}"
    lines = _lines(one_entry(entry, "6950.00", closing=795_000))
    assert [(line.amount, line.bank_reference, line.counterparty, line.structured_reference) for line in lines] == [
        (348_000, "BATCH1/1", "NOOR SANTE", T01), (348_000, "BATCH1/2", "ZAGORA", T05), (-1_000, "BATCH1/0", "", ""),
    ]  # fmt: skip
    assert lines[2].text == "Frais"


def test_charges_told_on_the_entry_and_on_its_details_are_one() -> None:
    parts = details(_payment(T01, "A") + _charge("6.00"), _payment(T05, "B") + _charge("4.00"))
    lines = _lines(one_entry(_charge("10.00") + parts, "6950.00", closing=795_000))
    assert [line.amount for line in lines] == [348_000, 348_000, -1_000]
    lines = _lines(one_entry(_charge("10.00") + parts, "6940.00", closing=794_000))
    assert [line.amount for line in lines] == [348_000, 348_000, -2_000]


@pytest.mark.parametrize(
    "inner",
    [
        details(_payment(T01, "NOOR SANTE") + _charge("5.00")),
        _charge("5.00") + details(_payment(T01, "NOOR SANTE")),
        details(_payment(T01, "NOOR SANTE", _TRANSACTED) + _charge("5.00")),
        details(
            _payment(
                T01, "NOOR SANTE",
                '<Amt Ccy="MAD">3475.00</Amt><AmtDtls><InstdAmt><Amt Ccy="MAD">3480.00</Amt></InstdAmt></AmtDtls>',
            )
            + _charge("5.00")
        ),
        details(_payment(T01, "NOOR SANTE", "") + _record("5.00", "<ChrgInclInd>true</ChrgInclInd>")),
        details(_payment(T01, "NOOR SANTE", _CREDITED) + _record("5.00", "<ChrgInclInd>true</ChrgInclInd>")),
    ],
)  # fmt: skip
def test_what_the_bank_kept_of_one_payment_is_a_line_beside_what_was_sent(inner: str) -> None:
    paid, kept = _lines(one_entry(f"<AcctSvcrRef>B7</AcctSvcrRef>{inner}", "3475.00", closing=447_500))
    assert (paid.amount, paid.structured_reference, paid.counterparty, paid.bank_reference) == (
        348_000, T01, "NOOR SANTE", "B7",
    )  # fmt: skip
    assert (kept.amount, kept.text, kept.bank_reference, kept.structured_reference) == (-500, "Frais", "B7/0", "")


def test_an_order_at_the_entry_itself_is_read_too() -> None:
    inner = f'<AmtDtls><InstdAmt><Amt Ccy="MAD">3480.00</Amt></InstdAmt></AmtDtls>{_charge("5.00")}'
    assert [line.amount for line in _lines(one_entry(inner, "3475.00", closing=447_500))] == [348_000, -500]


@pytest.mark.parametrize(
    "inner",
    [
        details(_payment(T01, "A", '<Amt Ccy="MAD">3475.00</Amt>') + _charge("5.00")),
        details(_payment(T01, "A", '<Amt Ccy="EUR">348.00</Amt>') + _charge("5.00")),
        details(_payment(T01, "A", '<Amt Ccy="MAD">3490.00</Amt>') + _charge("5.00")),
        details(_payment(T01, "A") + '<Chrgs><Amt Ccy="EUR">5.00</Amt></Chrgs>'),
        details(_payment(T01, "A", "") + _record("5.00", "<ChrgInclInd>false</ChrgInclInd>")),
    ],
)  # fmt: skip
def test_charges_that_do_not_explain_the_amount_change_nothing(inner: str) -> None:
    (line,) = _lines(one_entry(inner, "3475.00", closing=447_500))
    assert (line.amount, line.structured_reference) == (347_500, T01)


def test_what_a_payment_of_ours_cost_is_a_line_beside_it() -> None:
    inner = details('<Amt Ccy="MAD">100.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>' + _charge("5.00"))
    content = one_entry(inner, "105.00", closing=89_500).replace(
        b"<CdtDbtInd>CRDT</CdtDbtInd><Sts>", b"<CdtDbtInd>DBIT</CdtDbtInd><Sts>"
    )
    assert [line.amount for line in _lines(content)] == [-10_000, -500]


# --- details -----------------------------------------------------------------------------------------


def test_details_without_amounts_keep_their_texts_in_one_line() -> None:
    inner = details(_payment(T01, "NOOR SANTE", ""), _payment(T05, "ZAGORA", ""))
    (line,) = _lines(one_entry(inner, "6960.00", closing=796_000))
    assert (line.amount, line.counterparty, line.text) == (696_000, "NOOR SANTE / ZAGORA", f"{T01} L / {T05} L")


def test_details_of_which_one_has_no_amount_stay_one_line() -> None:
    (line,) = _lines(one_entry(details(_payment(T01, "A"), _payment(T05, "B", "")), "6960.00", closing=796_000))
    assert (line.amount, T01 in line.text, T05 in line.text) == (696_000, True, True)


# --- days --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "booked_on", "value_on"),
    [
        ("", ON, ON), ("<ValDt><Dt>2026-11-18</Dt></ValDt>", ON, date(2026, 11, 18)),
        ("<ValDt><Dt>2026-11-14</Dt></ValDt>", date(2026, 11, 14), date(2026, 11, 14)),
        ("<BookgDt><DtTm>2026-11-15T10:00:00</DtTm></BookgDt>", date(2026, 11, 15), date(2026, 11, 15)),
    ],
)  # fmt: skip
def test_an_entry_without_booking_day_is_booked_on_its_value_day_or_the_closing_day(
    days: str, booked_on: date, value_on: date
) -> None:
    told = f"<BookgDt><Dt>{ON}</Dt></BookgDt><ValDt><Dt>{ON}</Dt></ValDt>"
    (line,) = _lines(one_entry("").replace(told.encode(), days.encode()))
    assert (line.booked_on, line.value_on) == (booked_on, value_on)


def test_nothing_rests_on_the_day_of_the_opening_balance() -> None:
    content = one_entry("").replace(f"<Dt><Dt>{ON}</Dt></Dt>".encode(), b"", 1)
    assert len(_lines(content)) == 1
    with pytest.raises(Refused, match=r"releve.xml:1: Bal/Dt '' is not a day"):
        parse_camt(content.replace(f"<Dt><Dt>{ON}</Dt></Dt>".encode(), b"", 1), "releve.xml")


# --- several accounts, pages -------------------------------------------------------------------------


def _statements(*accounts: str) -> bytes:
    parts = [camt([], opening=0, closing=0, on=ON, account=account).decode() for account in accounts]
    bodies = [part[part.index("<Stmt>") : part.index("</BkToCstmrStmt>")] for part in parts]
    return parts[0].replace(bodies[0], "".join(bodies)).encode()


def test_of_several_accounts_ours_is_taken_and_faults_of_the_others_stop_nothing() -> None:
    content = _statements(OTHER, RIB, OTHER).replace(b"<Cd>CLBD</Cd>", b"<Cd>XXXX</Cd>", 1)
    found = parse_camt(content, "releve.xml", RIB)
    assert [statement.account for statement in found.statements] == [RIB]
    assert found.left_out == ((OTHER, "MAD", "REL-1", 0),) * 2


def test_a_page_without_its_balance_says_which_page_it_is() -> None:
    content = one_entry("").replace(b"<Cd>CLBD</Cd>", b"<Cd>ITBD</Cd>")
    content = content.replace(b"<Acct>", b"<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn><Acct>", 1)
    with pytest.raises(Refused, match=r"closing balance .* \(it is page 1 of a statement in several files: ask"):
        parse_camt(content, "releve.xml")


def test_a_page_of_a_statement_may_close_with_the_balance_of_the_page() -> None:
    page = balance("CLBD", 448_000, ON).replace("</CdOrPrtry>", "</CdOrPrtry><SubTp><Cd>INTM</Cd></SubTp>")
    content = one_entry("").decode().replace(balance("CLBD", 448_000, ON), page)
    assert len(_lines(content.encode())) == 1
