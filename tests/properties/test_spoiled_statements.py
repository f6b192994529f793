"""Statements as banks might write them otherwise: the same movements are read, or the file is refused; never others."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.bank.formats.comma_separated import csv_mapping
from billing.bank.formats.reading import CsvReading, read_statements
from billing.bank.formats.statement import FileContent, faults_of
from billing.frame.errors import Refused
from billing.frame.terms import load_terms
from pricing.money import format_amount
from tests.support.bank_files import IBAN, NAMESPACE, RIB, balance
from tests.support.examples import QUIET, examples

ON = date(2026, 11, 16)
FRENCH = csv_mapping(load_terms(None).at("statements.csv_mappings", ON), "fr")
# What the bank keeps of some payments, in centimes.
CHARGE = 500
_WORDS = st.lists(
    st.sampled_from(["LOYER", "NOOR", "SANTE", "FA-2026-000011", "RF48FA2026000011", "N°", "A/B"]), max_size=5
)


@dataclass(frozen=True)
class _Told:
    """A movement as it is told: amount in centimes, booking day, value day, text."""

    amount: int
    booked_on: date
    value_on: date
    text: str


_MOVEMENTS = st.lists(
    st.builds(
        _Told,
        st.integers(-(10**9), 10**9).filter(bool),
        st.just(ON),
        st.integers(12, 20).map(lambda day: ON.replace(day=day)),
        _WORDS.map(" ".join),
    ),
    max_size=5,
)


# --- MT940 -------------------------------------------------------------------------------------------

# What is done to one field of a message, by its tag: None leaves it out.
_KEEP: Callable[[str], str | None] = str
_SPOILINGS: dict[str, list[Callable[[str], str | None]]] = {
    "20": [_KEEP, lambda _: None, lambda text: f"{text} OF MORE THAN SIXTEEN"],
    "25": [_KEEP, lambda _: None, lambda text: f"BMCEMAMC/{text}", lambda text: f"MA64{text}"],
    "28C": [_KEEP, lambda _: None, lambda _: " /1", lambda _: "JOURNAL"],
    "34F": [lambda _: None, lambda _: "MADnull", lambda _: "MADD0,"],
    "60F": [_KEEP],
    "61": [
        _KEEP, lambda text: text.replace("1116C", "C").replace("1116D", "D"), lambda text: f"{text}\nSUPPLEMENT",
        lambda text: text.replace("NTRFNONREF", "NTRF"), lambda text: text.replace("NONREF", IBAN),
        lambda text: text.replace(",", "."), str.lower,
    ],
    "86": [
        _KEEP, lambda _: None, lambda text: f"166?00VIR?20{text}?32NOM", lambda text: f"?20{text[:7]}?21{text[7:]}",
        lambda text: f"/NAME/X/REMI/{text}", lambda text: f"999>20{text}", lambda text: text.replace(" ", "\n"),
        lambda text: text + "\n\n:99:SUITE",
    ],
    "62F": [_KEEP],
    "64": [lambda _: None, lambda text: text, lambda _: ""],
    "65": [lambda _: None, lambda _: "Dnullnull7414,3"],
    "end": [lambda _: None, lambda _: "RF48FA2026000011 INFO 1234567,89"],
}  # fmt: skip
_LINE_ENDS = ["\n", "\r\n", "\r", "\n\n", " \n"]


def _mt940_amount(amount: int) -> str:
    return format_amount(abs(amount)).replace(".", ",")


@st.composite
def _mt940(draw: st.DrawFn, told: list[_Told], opening: int) -> bytes:
    closing = opening + sum(one.amount for one in told)
    sign = {True: "C", False: "D"}
    fields = [
        ("20", "R1"), ("25", RIB), ("28C", "1/1"), ("34F", ""),
        ("60F", f"{sign[opening >= 0]}261116MAD{_mt940_amount(opening)}"),
    ]  # fmt: skip
    for one in told:
        head = f"{one.value_on:%y%m%d}{one.booked_on:%m%d}{sign[one.amount > 0]}{_mt940_amount(one.amount)}NTRFNONREF"
        fields += [("61", head), ("86", one.text)]
    last = f"{sign[closing >= 0]}261116MAD{_mt940_amount(closing)}"
    fields += [("62F", last), ("64", last), ("65", ""), ("end", "")]
    lines = []
    for tag, text in fields:
        spoiled = draw(st.sampled_from(_SPOILINGS[tag]))(text)
        if spoiled is not None:
            lines.append(f":{'86' if tag == 'end' else tag}:{spoiled}")
    return (draw(st.sampled_from(_LINE_ENDS)).join(lines) + "\n-}").encode()


# --- camt.053 ----------------------------------------------------------------------------------------


@st.composite
def _camt(draw: st.DrawFn, told: list[_Told], opening: int) -> bytes:
    closing = opening + sum(one.amount for one in told)
    balances = [balance("OPBD", opening, ON), balance("CLBD", closing, ON), balance("CLAV", 999, ON)]
    entries = []
    for one in told:
        charge = draw(st.sampled_from([0, 0, CHARGE]))
        charges = f"<Chrgs>{_amount(-charge)}</Chrgs>" if charge else ""
        remittance = f"<RmtInf><Ustrd>{one.text}</Ustrd></RmtInf>"
        in_parts = [
            "",
            f"<NtryDtls><TxDtls>{remittance}</TxDtls></NtryDtls>",
            f"<NtryDtls><TxDtls>{_amount(one.amount + charge)}{remittance}</TxDtls></NtryDtls>",
            f'<NtryDtls><TxDtls><Amt Ccy="EUR">1.00</Amt></TxDtls><TxDtls>{remittance}</TxDtls></NtryDtls>',
        ]
        value = f"<ValDt><Dt>{one.value_on}</Dt></ValDt>"
        days = draw(st.sampled_from(["", value, f"<BookgDt><Dt>{ON}</Dt></BookgDt>"]))
        entries.append(
            f"<Ntry>{_amount(one.amount)}<Sts>BOOK</Sts>{days}{charges}{draw(st.sampled_from(in_parts))}</Ntry>"
        )
    account = draw(st.sampled_from(["", f"<Acct><Id><Othr><Id>{RIB}</Id></Othr></Id></Acct>"]))
    version = draw(st.sampled_from([2, 4, 8]))
    body = "".join([account, *draw(st.permutations(balances)), *entries])
    namespace = NAMESPACE.format(version=version)
    return f'<Document xmlns="{namespace}"><BkToCstmrStmt><Stmt>{body}</Stmt></BkToCstmrStmt></Document>'.encode()


def _amount(amount: int) -> str:
    sign = "CRDT" if amount > 0 else "DBIT"
    return f'<Amt Ccy="MAD">{format_amount(abs(amount))}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'


# --- what holds --------------------------------------------------------------------------------------


def _read(content: bytes) -> FileContent:
    return read_statements(content, "releve", CsvReading(FRENCH), own_account=RIB)


@given(st.data(), _MOVEMENTS, st.integers(-(10**9), 10**9), st.sampled_from([_mt940, _camt]))
@settings(max_examples=examples(80), suppress_health_check=QUIET)
def test_a_statement_written_otherwise_is_the_same_movements(
    data: st.DataObject, told: list[_Told], opening: int, write: Callable[..., st.SearchStrategy[bytes]]
) -> None:
    """Nothing that is left out, wrapped or repeated here makes an amount doubtful: none of it is a reason to refuse."""
    statements, left_out = _read(data.draw(write(told, opening)))
    (statement,) = statements
    assert (left_out, list(faults_of(statement))) == ((), [])
    assert (statement.opening, statement.closing) == (opening, opening + sum(one.amount for one in told))
    payments = [line for line in statement.lines if not line.text.startswith("Frais")]
    assert len(payments) == len(told)
    for line, one in zip(payments, told, strict=True):
        assert line.amount in (one.amount, one.amount + CHARGE)
        assert line.booked_on <= statement.closed_on
        assert "INFO 1234567,89" not in line.text


@given(st.data(), _MOVEMENTS.filter(bool), st.integers(-(10**6), 10**6), st.sampled_from([_mt940, _camt]))
@settings(max_examples=examples(80), suppress_health_check=QUIET)
def test_a_statement_of_which_bytes_are_lost_or_changed_moves_the_same_or_is_refused(
    data: st.DataObject, told: list[_Told], opening: int, write: Callable[..., st.SearchStrategy[bytes]]
) -> None:
    content = data.draw(write(told, opening))
    at, lost = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 30))
    new = data.draw(st.sampled_from([b"", b"0", b",", b".", b"C", b"D", b"\n", b"1"]))
    try:
        statements = _read(content[:at] + new + content[at + lost :]).statements
    except Refused:
        return
    moved = [(statement.opening, statement.closing) for statement in statements if not list(faults_of(statement))]
    assert moved in ([], [(opening, opening + sum(one.amount for one in told))])
