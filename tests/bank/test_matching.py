"""What lines of statements are matched with: the reasons, how certain they are, and that they cost what lines do."""

from datetime import date, timedelta
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.bank.formats.statement import BankLine
from billing.bank.matching.pool import Pool
from billing.bank.matching.values import (
    BookedEntry,
    Cheque,
    LineKind,
    OpenInvoice,
    Proposal,
    Rates,
    Withheld,
)
from billing.bank.matching.words import name_words
from billing.receivables.receipts.orders import Part
from invoices.structured_reference import rf_of
from tests.support.examples import examples

DAY = date(2026, 11, 3)
NAMES = {"T1": "Noor Santé", "T2": "Atlas Code Studio", "T3": "Atlas Code", "T4": "Énergie du Sahara", "T5": "ABC"}


def _line(amount: int, text: str = "", **told: Any) -> BankLine:
    fields: dict[str, Any] = {
        "booked_on": DAY, "value_on": DAY, "bank_reference": "", "end_to_end_id": "", "structured_reference": "",
        "counterparty": "", "counterparty_account": "", "code": "", "is_reversal": False,
    } | told  # fmt: skip
    return BankLine(amount=amount, text=text, **fields)


def _invoice(sequence: int, tenant: str, left: int, gross: int | None = None, due: int = 0) -> OpenInvoice:
    number = f"FA-2026-{sequence:06d}"
    return OpenInvoice(number, tenant, DAY + timedelta(days=due), left if gross is None else gross, left)


def _pool(*invoices: OpenInvoice, **more: Any) -> Pool:
    return Pool(NAMES, {"RIB1": frozenset(["T1"])}, invoices, **more)


def _first(pool: Pool, line: BankLine) -> Proposal:
    return pool.proposals(line)[0]


ONE, TWO, THREE = _invoice(1, "T1", 12_000), _invoice(2, "T1", 5_000, due=30), _invoice(3, "T2", 7_000)


def test_a_structured_reference_with_the_exact_amount_is_certain() -> None:
    found = _first(_pool(ONE, TWO, THREE), _line(12_000, structured_reference=rf_of(ONE.number)))
    assert (found.confidence, found.tenant, found.parts) == (100, "T1", (Part(ONE.number, 12_000),))
    assert found.why == (
        "structured/exact", "Référence structurée de FA-2026-000001 : exactement le reste dû",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "confidence", "parts"),
    [
        (_line(12_000, f"VIR {rf_of(ONE.number)} LOYER"), 100, {1: 12_000}),
        (_line(12_000, "facture fa 2026-000001"), 97, {1: 12_000}),
        (_line(19_000, "FA-2026-000001, FA-2026-000003"), 97, {1: 12_000, 3: 7_000}),
        (_line(10_000, rf_of(ONE.number)), 90, {1: 10_000}),
        (_line(13_000, "FA-2026-000001 et FA-2026-000003"), 88, {1: 12_000, 3: 1_000}),
        # The rest is exactly the tenant's other invoice; or its credit.
        (_line(17_000, rf_of(ONE.number)), 92, {1: 12_000, 2: 5_000}),
        (_line(12_500, rf_of(ONE.number)), 88, {1: 12_000}),
        (_line(12_000, counterparty_account="RIB1"), 95, {1: 12_000}),
        (_line(17_000, counterparty_account="RIB1"), 90, {1: 12_000, 2: 5_000}),
        (_line(3_000, counterparty_account="RIB1"), 75, {1: 3_000}),
        (_line(5_000, counterparty="NOOR SANTE SARL AU"), 85, {2: 5_000}),
        (_line(17_000, "VIR RECU NOOR SANTE"), 80, {1: 12_000, 2: 5_000}),
        (_line(99_000, counterparty="Noor Santé"), 60, {1: 12_000, 2: 5_000}),
        (_line(7_000, "VIREMENT"), 55, {3: 7_000}),
    ],
)  # fmt: skip
def test_a_line_is_proposed_with_how_certain_it_is(line: BankLine, confidence: int, parts: dict[int, int]) -> None:
    found = _first(_pool(ONE, TWO, THREE), line)
    assert found.confidence == confidence, found.why
    assert {int(part.invoice[-6:]): part.amount for part in found.parts} == parts


def test_a_unit_of_another_tenant_is_shown_and_the_line_waits() -> None:
    pool = _pool(ONE, TWO, THREE)
    pool.payments.units = {"C103": frozenset(["T2"]), "C101": frozenset(["T1"])}
    for text in ("BUREAU C-103", "LOYERBUREAUC-103TECHNOPARK", "C 103", "C103"):
        found = _first(pool, _line(12_000, text, structured_reference=rf_of(ONE.number)))
        assert (found.confidence, found.is_contested) == (75, True)
        assert found.why.text.endswith("; mais le libellé nomme un local de T2")
    for text in ("BUREAU C-101", "BUREAU C-1031", "B-103"):
        assert not _first(pool, _line(12_000, text, structured_reference=rf_of(ONE.number))).is_contested


def test_nothing_is_proposed_where_nothing_speaks_for_anything() -> None:
    assert _pool(ONE, TWO, THREE).proposals(_line(4_242, "VIREMENT RECU")) == ()


def test_an_amount_that_several_invoices_have_says_little_and_names_them() -> None:
    found = _pool(ONE, _invoice(4, "T2", 12_000)).proposals(_line(12_000))
    assert [(one.confidence, one.tenant) for one in found] == [(30, "T1"), (30, "T2")]


def test_sums_that_several_choices_make_are_less_certain_than_one() -> None:
    four = [_invoice(n, "T1", left, due=n) for n, left in enumerate((100, 300, 200, 400), 1)]
    assert _first(_pool(*four), _line(500, counterparty_account="RIB1")).confidence == 80  # 100+400, 300+200
    assert _first(_pool(*four), _line(800, counterparty_account="RIB1")).confidence == 90  # 100+300+400 alone
    assert _first(_pool(*four), _line(400, counterparty_account="RIB1")).confidence == 95


def test_tax_kept_back_at_source_explains_an_amount_to_the_centime() -> None:
    invoice = _invoice(1, "T1", 348_000)
    bases = {invoice.number: Withheld(290_000, 58_000)}
    pool = _pool(invoice, withheld=bases, rates=Rates(500, (7_500, 10_000)))
    for amount, rent, vat, certainty in (
        (333_500, 14_500, 0, 95),
        (304_500, 0, 43_500, 95),
        # Three quarters of the VAT and the tax on the rent are as much as all of the VAT.
        (290_000, 14_500, 43_500, 85),
    ):
        line = _line(amount, structured_reference=rf_of(invoice.number))
        assert pool.payments.may_withhold(line) == [invoice.number]
        found = _first(pool, line)
        assert (found.rent_withheld, found.vat_withheld, found.parts) == (
            rent,
            vat,
            (Part(invoice.number, 348_000),),
        )
        assert (found.confidence, found.is_contested) == (certainty, certainty < 95)
    # The last of them: both taxes, as an accountant reads it.
    assert found.why.text == (
        "Référence structurée de FA-2026-000001 : le reste dû moins 145,00 DH de retenue sur le loyer et "
        "435,00 DH de TVA retenue ; mais une autre lecture est aussi probable"
    )
    assert pool.proposals(line)[1].vat_withheld == 58_000
    by_account = _first(pool, _line(333_500, counterparty_account="RIB1"))
    assert (by_account.confidence, by_account.rent_withheld) == (90, 14_500)
    rounded = _first(pool, _line(333_600, structured_reference=rf_of(invoice.number)))
    assert (rounded.confidence, rounded.rent_withheld, rounded.is_contested) == (85, 14_400, True)
    assert rounded.why.text.endswith("moins 144,00 DH de retenue sur le loyer ; arrondi au dirham par le payeur")
    assert _first(pool, _line(333_600, counterparty_account="RIB1")).confidence == 80
    assert _first(pool, _line(333_601, counterparty_account="RIB1")).confidence == 75


def test_what_one_line_pays_is_gone_for_the_next() -> None:
    pool = _pool(ONE, TWO)
    line = _line(12_000, structured_reference=rf_of(ONE.number))
    pool.take(_first(pool, line))
    again = _first(pool, line)
    assert (again.confidence, again.parts, again.is_contested) == (75, (), True)
    assert again.why == (
        "structured/more/settled",
        "Référence structurée de FA-2026-000001 : plus que le reste dû, qui est de 0,00 DH ; mais une facture nommée "
        "est inconnue ou déjà réglée",
    )


@pytest.mark.parametrize(
    ("counterparty", "text", "tenant"),
    [
        ("S.A.R.L. NOOR-SANTE", "", "T1"),
        ("STE NOOR SANTE SARL AU", "", "T1"),
        ("", "VIR DE NOOR SANTE CASABLANCA", "T1"),
        ("ATLAS CODE STUDIO", "", "T2"),
        ("ATLAS CODE", "", "T3"),
        ("", "LOYER ATLAS CODE STUDIO", "T2"),
        ("Energie Sahara", "", "T4"),
        ("NOOR", "", None),
        ("", "VIREMENT ABC", None),
    ],
)  # fmt: skip
def test_a_payer_is_known_by_name_whatever_its_spelling(counterparty: str, text: str, tenant: str | None) -> None:
    pool = _pool(*(_invoice(n, f"T{n}", 1_000 + n) for n in range(1, 6)))
    found = pool.proposals(_line(999, text, counterparty=counterparty))
    assert (found[0].tenant if found else None) == tenant


def test_names_are_compared_without_what_tells_nobody_apart() -> None:
    assert name_words("Société Énergie du Sahara, S.A.R.L.") == ("ENERGIE", "SAHARA")
    assert name_words("SARL") == ("SARL",)


def test_cheques_are_cleared_by_credits_and_come_back_by_debits() -> None:
    cheque = Cheque(7, "CHQ 4411207", "T1", 12_000, DAY)
    pool = _pool(waiting=[cheque], cleared=[Cheque(8, "5500123", "T2", 9_000, DAY)])
    found = _first(pool, _line(12_000, "REMISE CHEQUE 4411207"))
    assert (found.kind, found.confidence, found.receipt, found.tenant) == (LineKind.CLEARED, 96, 7, "T1")
    assert _first(pool, _line(12_000, "REMISE CHEQUE")).confidence == 75
    assert _first(pool, _line(12_000)).confidence == 50
    before = {"booked_on": DAY - timedelta(days=1)}
    assert pool.proposals(_line(12_000, "REMISE CHEQUE 4411207", **before)) == ()
    assert pool.proposals(_line(-9_000, "CHEQUE IMPAYE 5500123", **before)) == ()
    back = _first(pool, _line(-9_000, "CHEQUE IMPAYE 5500123"))
    assert (back.kind, back.confidence, back.receipt) == (LineKind.BOUNCED, 96, 8)
    pool.take(found)
    assert pool.proposals(_line(12_000, "REMISE CHEQUE 4411207")) == ()


@pytest.mark.parametrize(
    ("days", "tenant", "text", "confidence", "why"),
    [
        (7, "T1", "", 75, "account/exact_of/entry"),
        (8, "T1", "", 75, "account/exact_of/entry"),
        (31, "T1", "", 75, "account/exact_of/entry"),
        (32, "T1", "", 95, "account/exact_of"),
        (8, "T2", "", 95, "account/exact_of"),
        (8, "T1", ONE.number, 97, "number/exact"),
    ],
)
def test_a_sum_recorded_for_its_payer_waits_for_its_line(
    days: int, tenant: str, text: str, confidence: int, why: str
) -> None:
    entry = BookedEntry("BQ/RG-000001", DAY + timedelta(days=days), 12_000, tenants=frozenset([tenant]))
    line = _line(12_000, text, counterparty_account="RIB1")
    payment = next(made for made in _pool(ONE, entries=[entry]).proposals(line) if made.kind == LineKind.RECEIVED)
    assert (payment.confidence, payment.why.code) == (confidence, why)


def test_what_the_books_hold_already_is_told_and_what_is_the_banks_own() -> None:
    entries = [BookedEntry("BQ/DG-000001/1", DAY, 5_000, frozenset(["VIR-8841"])), BookedEntry("X", DAY, 1)]
    pool = _pool(entries=entries, own_movements={"6147": ["COMMISSION", "TENUE DE COMPTE"]})
    found = _first(pool, _line(5_000, bank_reference="vir-8841"))
    assert (found.kind, found.confidence, found.entry) == (LineKind.RECORDED, 97, "BQ/DG-000001/1")
    assert _first(pool, _line(5_000)).confidence == 80
    assert pool.proposals(_line(5_000, booked_on=DAY - timedelta(days=8), value_on=DAY - timedelta(days=8))) == ()
    fee = _first(pool, _line(-1_065, "FRAIS DE TENUE DE COMPTE"))
    assert (fee.kind, fee.confidence, fee.account) == (LineKind.BOOKED, 80, "6147")
    assert pool.proposals(_line(-1_065, "COMMISSIONNAIRE")) == ()


def test_a_movement_that_takes_another_back_is_never_a_payment() -> None:
    assert _pool(ONE).proposals(_line(12_000, rf_of(ONE.number), is_reversal=True)) == ()


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=8),
    st.integers(1, 2_000),
    st.sampled_from(["", "FA-2026-000001", "FA-2026-000001 FA-2026-000002", "NOOR SANTE"]),
    st.sampled_from(["", "RIB1"]),
)
@settings(max_examples=examples(300))
def test_no_proposal_gives_more_than_came_or_is_open(lefts: list[int], amount: int, text: str, account: str) -> None:
    invoices = [_invoice(n, "T1", left, gross=left + n % 2) for n, left in enumerate(lefts, 1)]
    bases = {one.number: Withheld(one.open // 2, one.open // 6) for one in invoices}
    pool = _pool(*invoices, withheld=bases, rates=Rates(500, (7_500, 10_000)))
    opens = {one.number: one.open for one in invoices}
    for found in pool.proposals(_line(amount, text, counterparty_account=account)):
        assert all(0 < part.amount <= opens[part.invoice] for part in found.parts)
        assert len({part.invoice for part in found.parts}) == len(found.parts)
        assert sum(part.amount for part in found.parts) <= amount + found.rent_withheld + found.vat_withheld
        assert 0 <= found.confidence <= 100
        assert found.why.text
        assert "{" not in found.why.text


def test_a_line_costs_the_same_among_many_invoices() -> None:
    invoices = [_invoice(n, f"T{n % 5_000}", 1_000 + n) for n in range(1, 50_001)]
    names = {f"T{n}": f"Société {n:x} Atlas Conseil" for n in range(5_000)}
    large, small = Pool(names, {}, invoices), Pool(names, {}, invoices[:500])
    lines = [_line(1_000 + n, f"VIR {rf_of(invoices[n].number)}" if n % 2 else "VIR ATLAS") for n in range(400)]

    def seconds(pool: Pool) -> float:
        began = perf_counter()
        for line in lines:
            pool.proposals(line)
        return perf_counter() - began

    seconds(small)
    assert min(seconds(large) for _ in range(3)) < 4 * min(seconds(small) for _ in range(3))
