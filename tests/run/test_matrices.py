"""Who funded whom is kept with each run: compact, for good, proved by `check`, and made up for older runs (R17-R19)."""

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from billing.check import check
from billing.frame.database import reading
from billing.run.matrices import DamagedMatrix, KeptMatrix, canonical, kept_rows, standing_matrix, unpacked
from billing.run.recomputed_matrices import recomputed_funding
from billing.schema.migrating import migrate
from pricing.cross_subsidy import Position, waterfall
from pricing.funding_matrix import OPERATOR, OWN, TENANT, UNFUNDED, Funder, Funding, Pool, Supported, funding_of
from tests.support.networks import GROUND
from tests.support.park import Park
from tests.support.spoiling import OpenPark, behind_its_back

SITES = ("AGA", "CAS", "FES", "RBA", "TNG")
MONTHS = (date(2026, 6, 1), date(2026, 7, 1), date(2026, 8, 1))
AUGUST = MONTHS[-1]


@pytest.fixture
def park(open_park: OpenPark) -> Iterator[Engine]:
    with open_park() as engine:
        yield engine


def all_kept(engine: Engine) -> list[KeptMatrix]:
    with reading(engine) as connection:
        return [unpacked(row) for month in MONTHS for row in kept_rows(connection, month)]


def test_every_closing_keeps_a_matrix_and_the_last_of_a_run_is_what_stands(park: Engine) -> None:
    """August was tried again for E1: what its first closing found stays beside what stands."""
    assert [(kept.period, kept.attempt) for kept in all_kept(park)] == [
        (MONTHS[0], 1), (MONTHS[1], 1), (AUGUST, 1), (AUGUST, 2),
    ]  # fmt: skip
    first, second = all_kept(park)[2:]
    assert first.funding != second.funding
    assert first.through_entry < second.through_entry
    with reading(park) as connection:
        for month in MONTHS:
            kept = standing_matrix(connection, month)
            assert kept is not None
            assert kept.funding == recomputed_funding(connection, month)
    assert check(park) == []


def literal(engine: Engine, value: Any) -> str:
    if isinstance(value, bytes):
        return f"X'{value.hex()}'" if engine.dialect.name == "sqlite" else f"'\\x{value.hex()}'::bytea"
    return str(value) if isinstance(value, int) else f"'{value}'"


def rewrite(engine: Engine, period: date, attempt: int, **columns: Any) -> None:
    values = ", ".join(f"{name} = {literal(engine, value)}" for name, value in columns.items())
    behind_its_back(engine, f"UPDATE funding_matrix SET {values} WHERE period = '{period}' AND attempt = {attempt}")


def named(engine: Engine, pattern: str) -> None:
    problems = check(engine)
    assert any(re.search(pattern, problem) for problem in problems), "\n".join(problems) or "clean"


def replaced(park: Engine, period: date, attempt: int, old: str, new: str) -> None:
    """Rewrite the bytes of a matrix, with a SHA-256 to match."""
    with reading(park) as connection:
        row = kept_rows(connection, period)[attempt - 1]
    body = zlib.decompress(row.body)
    changed = body.replace(old.encode(), new.encode())
    assert changed != body
    rewrite(park, period, attempt, body=zlib.compress(changed), sha256=sha256(changed).hexdigest())


def row_of(kept: KeptMatrix) -> Any:
    """A matrix as its row keeps it."""
    body = canonical(kept)
    return SimpleNamespace(
        period=kept.period, attempt=kept.attempt, body=zlib.compress(body), sha256=sha256(body).hexdigest()
    )


def is_told(row: Any, body: bytes, digest: str) -> bool:
    """Whether a row with these columns can be told from the one that was written, or says the very same."""
    spoilt: Any = SimpleNamespace(period=row.period, attempt=row.attempt, body=body, sha256=digest)
    try:
        return unpacked(spoilt) == unpacked(row)
    except DamagedMatrix:
        return True


def test_one_bit_in_any_byte_of_a_matrix_is_found(park: Engine) -> None:
    with reading(park) as connection:
        row = kept_rows(connection, AUGUST)[0]
    for place in range(len(row.body)):
        bits = bytearray(row.body)
        bits[place] ^= 1 << place % 8
        assert is_told(row, bytes(bits), row.sha256), place
    for place in range(64):
        digest = row.sha256[:place] + f"{int(row.sha256[place], 16) ^ 1:x}" + row.sha256[place + 1 :]
        assert is_told(row, row.body, digest)
    rewrite(park, AUGUST, 1, body=row.body[:-1] + bytes([row.body[-1] ^ 1]))
    named(park, r"the run of 2026-08: its matrix of attempt 1 is spoilt: its bytes can't be decompressed")
    rewrite(park, AUGUST, 1, body=row.body, sha256="0" * 64)
    named(park, r"the run of 2026-08: its matrix of attempt 1 is spoilt: its bytes don't have the SHA-256")


def test_a_matrix_that_stands_in_another_place_is_named(park: Engine) -> None:
    behind_its_back(park, "UPDATE funding_matrix SET attempt = 3 WHERE period = '2026-08-01' AND attempt = 2")
    named(park, r"a matrix stands for attempt 3 of 2026-08, which no closing has found")
    named(park, r"its matrix of attempt 3 is spoilt: it is that of 2026-08, attempt 2")


def test_a_matrix_lost_is_named(park: Engine) -> None:
    behind_its_back(park, "DELETE FROM funding_matrix WHERE period = '2026-07-01'")
    named(park, r"the run of 2026-07 is complete and no matrix of who funded whom is kept")


def test_the_last_matrix_of_a_run_lost_leaves_one_that_does_not_stand(park: Engine) -> None:
    behind_its_back(park, "DELETE FROM funding_matrix WHERE period = '2026-08-01' AND attempt = 2")
    named(park, r"the run of 2026-08: its matrix is that of attempt 1, and PER/2026-08:cascade/2 is what stands")


def test_a_matrix_made_up_with_its_digest_is_named_by_run_step_and_tenant(park: Engine) -> None:
    """Both of a pool's sides by one centime: it still balances, and is not what the positions give."""
    kept = all_kept(park)[0]
    pool = next(pool for pool in kept.funding.pools if pool.gives[0][0].kind == TENANT)
    (funder, given), (supported, received) = pool.gives[0], pool.receives[0]
    forged = Pool(
        pool.step,
        ((funder, given + 1), *pool.gives[1:]),
        ((supported, received + 1), *pool.receives[1:]),
    )
    pools = tuple(forged if other is pool else other for other in kept.funding.pools)
    row = row_of(kept._replace(funding=Funding(pools, kept.funding.to_reserve)))
    rewrite(park, MONTHS[0], 1, body=row.body, sha256=row.sha256)
    for party, amount, verb in ((funder.code, given, "gives"), (supported.tenant, received, "receives")):
        sums = f"{amount // 100}.{amount % 100:02d}"
        named(
            park,
            rf"the run of 2026-06: its matrix of attempt 1 says that in {pool.step} .*{party} {verb} "
            rf".*, the positions give {re.escape(sums)}",
        )
    named(park, r"the run of 2026-06, its matrix against its entries: account 9201 ")
    named(park, r"the run of 2026-06, its matrix against its entries: account 9202 ")


def test_a_matrix_that_was_taken_back_is_proved_as_well(park: Engine) -> None:
    replaced(park, AUGUST, 1, '"step":"own"', '"step":"owm"')
    named(park, r"the run of 2026-08: its matrix of attempt 1 says that in ow[nm] at ")


def test_when_a_matrix_was_found_is_proved(park: Engine) -> None:
    with reading(park) as connection:
        kept = unpacked(kept_rows(connection, MONTHS[1])[0])
    replaced(park, MONTHS[1], 1, f'"through_entry":{kept.through_entry}', '"through_entry":1')
    named(park, r"the run of 2026-07: its matrix says it was found when entry 1 was the last")


def test_what_9201_holds_is_compared_with_the_matrix(park: Engine) -> None:
    posting = (
        "(SELECT entry_id FROM posting JOIN entry ON id = entry_id WHERE account = '9201' "
        "AND reference LIKE 'PER/2026-06/%' ORDER BY entry_id LIMIT 1)"
    )
    behind_its_back(
        park,
        f"UPDATE posting SET amount = amount + 100 WHERE account = '9201' AND entry_id = {posting}",
        f"UPDATE posting SET amount = amount - 100 WHERE account = '9205' AND amount < 0 AND entry_id = {posting}",
    )
    named(park, r"the run of 2026-06, its matrix against its entries: account 9201 ")


def test_runs_completed_before_matrices_were_kept_get_theirs_by_migrating(park: Engine) -> None:
    before = {kept.period: kept.funding for kept in all_kept(park)}
    behind_its_back(park, "DELETE FROM funding_matrix")
    migrate(park)
    after = all_kept(park)
    assert {kept.period: kept.funding for kept in after} == before
    assert [(kept.period, kept.attempt) for kept in after] == [(MONTHS[0], 1), (MONTHS[1], 1), (AUGUST, 2)]
    assert check(park) == []


def test_a_run_spoilt_before_does_not_keep_anybody_from_migrating(park: Engine) -> None:
    behind_its_back(
        park,
        "DELETE FROM funding_matrix WHERE period = '2026-06-01'",
        "UPDATE run_position SET draw = draw + 1 WHERE period = '2026-06-01' AND tenant = 'A1'",
    )
    migrate(park)
    named(park, r"the run of 2026-06 is complete and no matrix of who funded whom is kept")


def test_a_run_tried_again_in_vain_keeps_its_matrix(engine: Engine, tmp_path: Path) -> None:
    """E1 uses a service without VAT rate, and still has none when the month is run again."""
    park = Park(engine, tmp_path / "network")
    park.opens(
        services=[*GROUND["services"], ("COURSE", "Formation", "each", "arrears", "71243", None)],
        rates=[*GROUND["rates"], ("TNG", "COURSE", None, "2015-01-01", "500.00", "1/2", "400.00", "test")],
        tenants=[
            {"code": "N1", "incorporated_on": "2025-06-01"},
            {"code": "OLD", "kind": "large"},
            {"code": "E1", "kind": "large"},
        ],
        leases=[
            {"code": "L1", "tenant": "N1", "starts_on": "2026-01-01"},
            {"code": "L2", "tenant": "OLD", "area_m2": "300"},
        ],
        usage=[{"event_id": "U1", "tenant": "E1", "service": "COURSE", "occurred_on": "2026-05-04"}],
    )
    for _ in range(2):
        park.bills("2026-06")
    with reading(engine) as connection:
        assert [row.attempt for row in kept_rows(connection, MONTHS[0])] == [1]
    assert check(engine) == []


def test_a_month_without_tenants_keeps_an_empty_matrix(engine: Engine, tmp_path: Path) -> None:
    park = Park(engine, tmp_path / "network")
    park.opens()
    park.bills("2026-06")
    with reading(engine) as connection:
        kept = standing_matrix(connection, MONTHS[0])
    assert kept == KeptMatrix(MONTHS[0], 1, 0, Funding((), ()))
    assert check(engine) == []


def test_the_canonical_bytes_never_change() -> None:
    """A frozen vector: codes that are no ASCII, blanks, all kinds of funders; keys in order, no spaces (RFC 8785)."""
    operator = Funder(OPERATOR, None, None)
    kept = KeptMatrix(
        date(2026, 9, 1),
        2,
        41,
        Funding(
            (
                Pool(OWN, ((Funder(TENANT, "CAS", "É1"), 7_00),), ((Supported("CAS", 'N "1"'), 7_00),)),
                Pool(UNFUNDED, ((operator, 2**60),), ((Supported("CAS", "N2"), 2**60),)),
            ),
            ((Funder(TENANT, "TNG", "T1"), 1),),
        ),
    )
    assert canonical(kept).decode() == (
        '{"attempt":2,"period":"2026-09","pools":[{"gives":[["tenant","CAS","É1","7.00"]],'
        '"receives":[["CAS","N \\"1\\"","7.00"]],"step":"own"},'
        '{"gives":[["operator",null,null,"11529215046068469.76"]],"receives":[["CAS","N2","11529215046068469.76"]],'
        '"step":"unfunded"}],"through_entry":41,"to_reserve":[["tenant","TNG","T1","0.01"]],"version":1}'
    )


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=5), min_size=1, max_size=4, unique=True))
def test_the_bytes_are_those_of_rfc_8785_whatever_the_codes(codes: list[str]) -> None:
    gives = tuple((Funder(TENANT, "CAS", code), 1) for code in codes)
    kept = KeptMatrix(AUGUST, 1, 2**53 - 1, Funding((Pool(OWN, gives, ((Supported("CAS", "N"), len(codes)),)),), gives))
    assert canonical(kept) == rfc8785.dumps(orjson.loads(canonical(kept)))
    assert unpacked(row_of(kept)) == kept


def test_a_month_of_400_funders_and_200_supported_tenants_takes_a_few_kilobytes() -> None:
    positions = [(f"T{n:04d}", Position(SITES[n % 5], 90_011 + 37 * n, 0, 0)) for n in range(400)]
    positions += [(f"T{n:04d}", Position(SITES[n % 5], 0, 150_007 + 41 * n, 90_000)) for n in range(400, 600)]
    contributions, draws = Counter[str](), Counter[str]()
    for _, position in positions:
        contributions[position.site] += position.supply
        draws[position.site] += position.need
    funding = funding_of(positions, waterfall(contributions, draws, 0, (), AUGUST))
    body = zlib.compress(canonical(KeptMatrix(AUGUST, 1, 1234, funding)))
    assert len(body) < 8_000
