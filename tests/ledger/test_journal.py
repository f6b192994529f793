"""The journal's one door, and what the databases refuse to whoever goes past it (R22), on both of them."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date
from threading import Barrier

import pytest
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DatabaseError

from billing.frame.database import insert_rows, reading, writing
from ledger.entry import Entry, Posting, reversal
from ledger.errors import MixedEntry, ReferenceTaken, UnbalancedEntry, UnknownAccount
from ledger.journal import load_entry, post
from ledger.models import account, account_day, entry, posting
from tests.support.books import RECORDED_AT, SEPTEMBER, invoice, odd_books, post_all, small_books


def entry_numbers(connection: Connection) -> list[int]:
    return list(connection.scalars(select(entry.c.id).order_by(entry.c.id)))


@pytest.fixture
def posted(engine: Engine) -> Engine:
    """A database with entries 1 to 7."""
    with writing(engine) as connection:
        assert post_all(connection, small_books()) == [1, 2, 3, 4, 5, 6, 7]
    return engine


# --- the constructor ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "postings",
    [
        (),
        (Posting("3421", 0),),
        (Posting("3421", 100), Posting("71243", -99)),
        (Posting("3421", 100), Posting("71243", 100)),
    ],
    ids=["no posting", "one posting", "one centime short", "two debits"],
)
def test_r22_an_entry_that_does_not_balance_cannot_be_made(postings: tuple[Posting, ...]) -> None:
    with pytest.raises(UnbalancedEntry, match="VTE/1"):
        Entry("VTE/1", "VTE", SEPTEMBER, "Facture", "1", postings)


def test_r21_class_9_never_stands_beside_the_general_ledger() -> None:
    with pytest.raises(MixedEntry, match="class 9"):
        Entry("PER/1", "PER", SEPTEMBER, "x", "1", (Posting("3421", 100), Posting("9201", -100)))


# --- the door ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("insert", [None, insert_rows], ids=["by core", "by driver"])
def test_an_entry_reads_back_as_it_was_posted(engine: Engine, insert: object) -> None:
    entries = [*small_books(), *odd_books()]
    with writing(engine) as connection:
        if insert is None:
            post(connection, entries, recorded_at=RECORDED_AT)
        else:
            post_all(connection, entries)
    with reading(engine) as connection:
        assert [load_entry(connection, e.reference) for e in entries] == entries
        assert load_entry(connection, "VTE/none") is None
        assert {at.replace(tzinfo=None) for at in connection.scalars(select(entry.c.recorded_at))} == {
            RECORDED_AT.replace(tzinfo=None)
        }


def test_a_whole_month_is_posted_at_once_whatever_its_size(engine: Engine) -> None:
    entries = [invoice(number) for number in range(1, 1235)]
    with writing(engine) as connection:
        assert post_all(connection, entries) == list(range(1, 1235))
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(posting)) == 3 * 1234
        assert load_entry(connection, "VTE/FA-2026-001234") == entries[-1]


def test_posting_the_same_reference_again_changes_nothing_and_gives_its_number(posted: Engine) -> None:
    again = [invoice(9), *reversed(small_books())]
    with writing(posted) as connection:
        assert post_all(connection, again) == [8, 7, 6, 5, 4, 3, 2, 1]
    with writing(posted) as connection:
        assert post_all(connection, again) == [8, 7, 6, 5, 4, 3, 2, 1]
        assert entry_numbers(connection) == list(range(1, 9))


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (invoice(1, net=100), "postings"),
        (invoice(1, on=date(2026, 9, 2)), "effective_on"),
        (replace(invoice(1), label="Autre"), "label"),
        (replace(invoice(1), piece="Autre"), "piece"),
        (replace(invoice(1), journal="PER"), "journal"),
    ],
    ids=["postings", "day", "label", "piece", "journal"],
)
def test_another_entry_under_a_taken_reference_is_refused_and_what_differs_is_named(
    posted: Engine, other: Entry, named: str
) -> None:
    with pytest.raises(ReferenceTaken, match=rf"VTE/FA-2026-000001 .*{named}.*reversal"), writing(posted) as connection:
        post_all(connection, [invoice(9), other])
    with reading(posted) as connection:
        assert entry_numbers(connection) == list(range(1, 8))
        assert load_entry(connection, "VTE/FA-2026-000001") == invoice(1)


def test_references_in_capitals_accents_and_small_letters_are_found_again_among_new_ones(engine: Engine) -> None:
    """Bytes put `a` after `Z`; a server that sorts as French does, such as that of `scripts/test`, puts it before."""
    names = ("A", "Z", "a", "z", "É", "\U0001f40c", "2")
    named = {name: replace(invoice(1), reference=f"VTE/{name}") for name in names}
    with writing(engine) as connection:
        assert post_all(connection, [named["Z"], named["É"]]) == [1, 2]
    for number, new in enumerate(("a", "\U0001f40c", "A", "2", "z"), 3):
        with writing(engine) as connection:
            assert post_all(connection, [named["Z"], named[new], named["É"]]) == [1, number, 2]


def test_one_reference_twice_in_a_posting_is_refused(engine: Engine) -> None:
    with pytest.raises(ReferenceTaken, match="twice"), writing(engine) as connection:
        post_all(connection, [invoice(1), invoice(1)])


def test_posting_nothing_takes_no_number(engine: Engine) -> None:
    with writing(engine) as connection:
        assert post_all(connection, []) == []
        assert post_all(connection, [invoice(1)]) == [1]


def test_an_account_outside_the_chart_is_refused(engine: Engine) -> None:
    stray = Entry("VTE/1", "VTE", SEPTEMBER, "x", "1", (Posting("3421", 100), Posting("6999", -100)))
    with pytest.raises(UnknownAccount, match="6999"), writing(engine) as connection:
        post_all(connection, [stray])


def test_an_account_below_one_of_the_chart_is_opened_with_its_label(engine: Engine) -> None:
    below = Entry("VTE/1", "VTE", SEPTEMBER, "x", "1", (Posting("3421", 100), Posting("712439", -100)))
    with writing(engine) as connection:
        post_all(connection, [below, replace(below, reference="VTE/2")])
    with reading(engine) as connection:
        labels = dict(connection.execute(select(account.c.code, account.c.label)).all())
    assert labels["712439"] == labels["71243"]


def test_r22_a_reversal_takes_back_what_was_posted_and_leaves_it_standing(posted: Engine) -> None:
    october = date(2026, 10, 2)
    taken_back = reversal(invoice(1), "VTE/FA-2026-000001/annulation", october, "Annulation")
    with writing(posted) as connection:
        post_all(connection, [taken_back])
    with reading(posted) as connection:
        assert load_entry(connection, "VTE/FA-2026-000001") == invoice(1)
        found = load_entry(connection, "VTE/FA-2026-000001/annulation")
    assert found is not None
    assert found.effective_on == october
    assert [p.amount for p in found.postings] == [-p.amount for p in invoice(1).postings]


def test_r22_a_posting_rolled_back_burns_no_number(posted: Engine) -> None:
    with suppress(ZeroDivisionError), writing(posted) as connection:
        assert post_all(connection, [invoice(10), invoice(11)]) == [8, 9]
        raise ZeroDivisionError
    with writing(posted) as connection:
        assert post_all(connection, [invoice(12)]) == [8]
        assert connection.scalar(select(func.count()).where(posting.c.entry_id > 8)) == 0


def test_r22_eight_writers_at_once_get_numbers_without_gap_and_none_waits_for_ever(engine: Engine) -> None:
    """pitfalls: ERPNext #8765, OCA #1405, pretix #1080."""
    start = Barrier(8)

    def write(writer: int) -> list[int]:
        numbers = []
        start.wait()
        for turn in range(10):
            # Every other writer posts its accounts in the other order; every third transaction fails.
            references = [writer * 1000 + turn * 10 + i for i in range(3)]
            entries = [invoice(r, tenant=f"T{writer:04d}") for r in (references if writer % 2 else references[::-1])]
            with suppress(ZeroDivisionError), writing(engine) as connection:
                given = post_all(connection, entries)
                if turn % 3 == 2:
                    raise ZeroDivisionError
                numbers += given
        return numbers

    with ThreadPoolExecutor(8) as pool:
        given = [number for numbers in pool.map(write, range(1, 9)) for number in numbers]
    assert len(given) == 8 * 7 * 3
    with reading(engine) as connection:
        assert entry_numbers(connection) == sorted(given) == list(range(1, 8 * 7 * 3 + 1))
        days = connection.execute(select(account_day.c.account, account_day.c.debit - account_day.c.credit))
        sums = connection.execute(select(posting.c.account, func.sum(posting.c.amount)).group_by(posting.c.account))
        assert dict(days.all()) == dict(sums.all())


def test_eight_writers_posting_the_same_entries_at_once_post_them_once(engine: Engine) -> None:
    """The loser finds what the winner posted, and leaves no gap behind."""
    start = Barrier(8)

    def write(writer: int) -> list[list[int]]:
        given = []
        for turn in range(6):
            start.wait()
            with writing(engine) as connection:
                own = invoice(1000 + writer * 10 + turn)
                given.append(post_all(connection, [own, *(invoice(turn * 3 + i) for i in range(3))])[1:])
        return given

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(write, range(8)))
    assert all(numbers == given[0] for numbers in given)
    with reading(engine) as connection:
        assert entry_numbers(connection) == list(range(1, 8 * 6 + 6 * 3 + 1))


# --- past the door -----------------------------------------------------------------------------------

NUMBER = "UPDATE entry_counter SET last = last + 1"
HEAD = (
    "INSERT INTO entry (id, reference, journal, effective_on, recorded_at, label, piece, posting_count) "
    "VALUES ({id}, '{reference}', 'VTE', '2026-09-01', '2026-09-01 06:00:00', 'x', 'x', {count})"
)


def line(number: int, line_no: int, amount: int, account: str = "3421", on: str = "2026-09-01") -> str:
    return (
        "INSERT INTO posting (entry_id, line_no, account, effective_on, amount) "
        f"VALUES ({number}, {line_no}, '{account}', '{on}', {amount})"
    )


def head(number: int = 8, reference: str = "past the door", count: int = 2) -> str:
    return HEAD.format(id=number, reference=reference, count=count)


PAST_THE_DOOR = {
    "no posting": [NUMBER, head()],
    "one posting": [NUMBER, line(8, 1, 0), head(count=1)],
    "unbalanced": [NUMBER, line(8, 1, 100), line(8, 2, -99), head()],
    "a posting missing": [NUMBER, line(8, 1, 100), line(8, 2, -100), head(count=3)],
    "a posting too many": [NUMBER, line(8, 1, 100), line(8, 2, -100), line(8, 3, 0), head()],
    "lines not numbered from 1": [NUMBER, line(8, 0, 100), line(8, 2, -100), head()],
    "class 9 beside the general ledger": [NUMBER, line(8, 1, 100), line(8, 2, -100, "9201"), head()],
    "a posting on another day": [NUMBER, line(8, 1, 100), line(8, 2, -100, on="2026-09-02"), head()],
    "a reference that is taken": [NUMBER, line(8, 1, 1), line(8, 2, -1), head(reference="VTE/FA-2026-000001")],
    "a number that is taken": [NUMBER, line(8, 1, 1), line(8, 2, -1), head(number=7)],
    "a number left out": [NUMBER, NUMBER, line(9, 1, 1), line(9, 2, -1), head(number=9)],
    "a number before the first": [NUMBER, line(0, 1, 1), line(0, 2, -1), head(number=0)],
    "postings without an entry": [NUMBER, line(8, 1, 100), line(8, 2, -100)],
    "postings without a number": [line(8, 1, 100), line(8, 2, -100), head()],
    "a number taken and not used": [NUMBER],
    "a late posting": [line(2, 4, 0)],
    "a late pair of postings": [line(2, 4, 100), line(2, 5, -100)],
    "an amount changed": ["UPDATE posting SET amount = 0 WHERE entry_id = 2"],
    "a label changed": ["UPDATE entry SET label = 'y' WHERE id = 2"],
    "a posting deleted": ["DELETE FROM posting WHERE entry_id = 2"],
    "an entry deleted": ["DELETE FROM entry WHERE id = 7"],
    "the counter set back": ["UPDATE entry_counter SET last = 6"],
    "the counter deleted": ["DELETE FROM entry_counter"],
}
IN_DIALECT = {
    "sqlite": {
        "a posting replaced": [line(2, 1, 999).replace("INSERT", "INSERT OR REPLACE")],
        "an entry replaced": [NUMBER, head(number=2).replace("INSERT", "INSERT OR REPLACE")],
        "an entry replaced through its reference": [
            NUMBER,
            line(8, 1, 1),
            line(8, 2, -1),
            head(reference="VTE/FA-2026-000001").replace("INSERT", "INSERT OR REPLACE"),
        ],
        "an update that replaces": ["UPDATE OR REPLACE posting SET entry_id = 3 WHERE entry_id = 2"],
    },
    "postgresql": {
        "postings emptied": ["TRUNCATE posting"],
        "entries emptied": ["TRUNCATE entry CASCADE"],
        "an upsert": [line(2, 1, 999) + " ON CONFLICT (entry_id, line_no) DO UPDATE SET amount = 999"],
    },
}


def books(connection: Connection) -> list[object]:
    return [*connection.execute(select(posting).order_by("entry_id", "line_no")), *connection.execute(select(entry))]


def assert_refused(engine: Engine, statements: list[str]) -> None:
    """The statements, in one transaction, fail; nothing has changed; and the door is still open."""
    with reading(engine) as connection:
        before = books(connection)
    with pytest.raises(DatabaseError, match=r"R22|R15|ck_entry|ck_posting|uq_entry|pk_entry|(?i:foreign key)"):
        run(engine, statements)
    with writing(engine) as connection:
        assert books(connection) == before
        savepoint = connection.begin_nested()
        assert post_all(connection, [invoice(9)]) == [8]
        savepoint.rollback()


def run(engine: Engine, statements: list[str]) -> None:
    with writing(engine) as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.mark.parametrize("act", PAST_THE_DOOR)
def test_r22_the_database_itself_refuses(posted: Engine, act: str) -> None:
    assert_refused(posted, PAST_THE_DOOR[act])


def test_r22_the_database_refuses_what_only_its_own_dialect_can_say(posted: Engine) -> None:
    for statements in IN_DIALECT[posted.dialect.name].values():
        assert_refused(posted, statements)


def test_what_is_done_as_the_door_does_it_is_accepted(posted: Engine) -> None:
    """Or the refusals above would prove nothing."""
    with writing(posted) as connection:
        for statement in (NUMBER, line(8, 1, 100), line(8, 2, -100, "71243"), head()):
            connection.execute(text(statement))
    with reading(posted) as connection:
        assert entry_numbers(connection) == list(range(1, 9))
