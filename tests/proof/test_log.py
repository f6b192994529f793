"""The log: everything committed, once, in the order of acts, whoever posts and appends at the same time."""

from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError

from billing.check import check
from billing.frame.audit_log import API, Act, on_behalf, record_change
from billing.frame.database import maintenance_transaction, reading, writing
from billing.frame.errors import Unknown
from billing.frame.proof_errors import BrokenLog, NoProofKey, NotYetProved
from billing.proof import log
from billing.proof.checkpoints import checkpoint_line, make_checkpoint, with_checkpoint
from billing.proof.forms import ACT, ENTRY
from billing.proof.keeping import CHECKPOINT_EVERY, keep_up
from billing.proof.log import Name
from billing.proof.proving import named, prove_consistency, prove_inclusion
from ledger.entry import Entry, Posting
from ledger.journal import post
from ledger.proof.merkle import leaf_hash
from ledger.proof.notes import new_key_file
from tests.support.merkle import GrowingTree, is_consistent, is_included
from tests.support.proofs import Proved
from tests.support.proved_park import signing_settings
from tests.support.queued import settings
from tests.support.spoiling import behind_its_back

NOW = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)
DAY = date(2026, 8, 1)


def opening(reference: str) -> Entry:
    return Entry(reference, "VTE", DAY, "À nouveau", reference, (Posting("5141", 10_00), Posting("4497", -10_00)))


def post_some(engine: Engine, *references: str) -> None:
    with writing(engine) as connection:
        post(connection, [opening(reference) for reference in references], recorded_at=NOW)


def faults(engine: Engine, documents_url: str | None = None) -> list[str]:
    """What `check` says of the log. (What is posted here is no document's: it says other things too.)"""
    told = ("the log", "logged", "checkpoint", "leaves", "no act has")
    return [problem for problem in check(engine, documents_url=documents_url) if any(word in problem for word in told)]


def names(engine: Engine) -> list[Name]:
    with reading(engine) as connection:
        return [leaf.name for leaf in log.leaves(connection, 0, log.size_of(connection))]


def test_an_act_follows_what_it_has_added(engine: Engine) -> None:
    post_some(engine, "A", "B")
    with writing(engine) as connection:
        record_change(connection, "notes", "1", None, {})
    post_some(engine, "C")
    assert log.append(engine) == 6
    assert names(engine) == [
        Name(ENTRY, 1), Name(ENTRY, 2), Name(ACT, 1), Name(ACT, 2), Name(ENTRY, 3), Name(ACT, 3),
    ]  # fmt: skip
    assert log.append(engine) == 0


def test_the_same_books_give_the_same_log_however_often_it_was_appended_to(engine: Engine) -> None:
    roots = []
    for number in range(40):
        post_some(engine, *(f"{number}/{k}" for k in range(number % 3 + 1)))
        log.append(engine)
        with reading(engine) as connection:
            roots.append((log.size_of(connection), log.root(connection, log.size_of(connection))))
    behind_its_back(engine, "DELETE FROM proof_node", "DELETE FROM proof_leaf")
    log.append(engine)
    with reading(engine) as connection:
        assert [(size, log.root(connection, size)) for size, _ in roots] == roots
    assert faults(engine) == []


def test_no_leaf_is_lost_or_doubled_however_many_post_and_append_at_once(engine: Engine) -> None:
    done = Event()

    def work(number: int) -> None:
        mine = on_behalf(engine, Act(f"poster-{number}", API, "post", str(number)), lambda: NOW)
        for turn in range(8):
            post_some(mine, *(f"{number}/{turn}/{k}" for k in range(turn % 3 + 1)))

    def follow(_number: int) -> int:
        added = 0
        while not done.is_set():
            added += log.append(engine)
        return added + log.append(engine)

    with ThreadPoolExecutor(7) as pool:
        followers = [pool.submit(follow, number) for number in range(3)]
        list(pool.map(work, range(4)))
        done.set()
        added = sum(follower.result() for follower in followers)
    found = names(engine)
    assert len(found) == len(set(found)) == added == 4 * 15 + 4 * 8
    for kind in (ENTRY, ACT):
        keys = [name.key for name in found if name.kind == kind]
        assert keys == list(range(1, len(keys) + 1))
    with reading(engine) as connection:
        assert list(log.sequence(connection)) == found
    assert faults(engine) == []


def test_blocks_may_end_within_an_act(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "BLOCK", 7)
    post_some(engine, *(str(number) for number in range(50)))
    post_some(engine, "last")
    assert log.append(engine) == 53
    assert faults(engine) == []


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO proof_leaf (position, kind, key, form, hash) SELECT position + 2, kind, key + 9, form, hash "
        "FROM proof_leaf ORDER BY position DESC LIMIT 1",
        "INSERT INTO proof_leaf (position, kind, key, form, hash) SELECT position + 1, kind, key, form, hash "
        "FROM proof_leaf ORDER BY position DESC LIMIT 1",
        "UPDATE proof_leaf SET key = key + 1",
        "DELETE FROM proof_leaf WHERE position > 0",
        "DELETE FROM proof_node",
        "UPDATE proof_checkpoint SET size = 0",
        "DELETE FROM proof_checkpoint",
    ],
)
def test_r22_the_database_refuses_gaps_doubles_and_changes(proved: Proved, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"R22|duplicate key"), maintenance_transaction(proved.engine) as connection:
        connection.execute(text(statement))


def test_every_record_is_proved_under_every_checkpoint(proved: Proved) -> None:
    with reading(proved.engine) as connection:
        size = log.size_of(connection)
        leaves, tree, roots = log.leaves(connection, 0, size), GrowingTree(), {}
        for leaf in leaves:
            tree.add(leaf.hash)
            roots[tree.size] = tree.root()
        for leaf in leaves:
            found = prove_inclusion(connection, leaf.name)
            path = [b64decode(text) for text in found.path]
            assert is_included(leaf_hash(found.record), found.position, found.size, roots[size], path)
            assert found.checkpoint is not None
            assert found.checkpoint.root == found.root
        for older in range(1, size + 1):
            grown = prove_consistency(connection, older)
            path = [b64decode(text) for text in grown.path]
            assert is_consistent(older, size, roots[older], roots[size], path)
        with pytest.raises(Unknown):
            prove_consistency(connection, size + 1)


def test_what_lies_under_no_checkpoint_is_not_proved_yet(proved: Proved) -> None:
    post_some(proved.engine, "new")
    log.append(proved.engine)
    with reading(proved.engine) as connection:
        number = connection.execute(text("SELECT max(id) FROM entry")).scalar_one()
        with pytest.raises(NotYetProved, match=f"entry {number} lies under no checkpoint yet"):
            prove_inclusion(connection, named(connection, "entry", str(number)))
    make_checkpoint(proved.settings, proved.engine, lambda: NOW)
    with reading(proved.engine) as connection:
        assert prove_inclusion(connection, named(connection, "entry", str(number))).checkpoint is not None


def test_a_record_that_was_changed_is_not_proved(proved: Proved) -> None:
    behind_its_back(proved.engine, "UPDATE entry SET label = 'autre' WHERE id = 1")
    with reading(proved.engine) as connection, pytest.raises(BrokenLog, match="entry 1 is not what was logged"):
        prove_inclusion(connection, Name(ENTRY, 1))


def drop_last(engine: Engine, acts: int) -> None:
    """Drop the last acts with everything that hangs on them, the log's end and its checkpoints too."""
    with reading(engine) as connection:
        kept = connection.execute(text("SELECT max(id) FROM audit_event")).scalar_one() - acts
        entries = connection.execute(
            text("SELECT coalesce(max(last_entry), 0) FROM audit_event WHERE id <= :kept"), {"kept": kept}
        ).scalar_one()
        size = connection.execute(
            text("SELECT position + 1 FROM proof_leaf WHERE kind = 'act' AND key = :kept"), {"kept": kept}
        ).scalar_one()
    behind_its_back(
        engine,
        f"DELETE FROM posting WHERE entry_id > {entries}",
        f"DELETE FROM entry WHERE id > {entries}",
        f"UPDATE entry_counter SET last = {entries}",
        f"DELETE FROM audit_change WHERE act_id > {kept}",
        f"DELETE FROM audit_event WHERE id > {kept}",
        f"UPDATE audit_counter SET last = {kept}",
        "DELETE FROM account_day",
        "INSERT INTO account_day SELECT account, effective_on, sum(CASE WHEN amount > 0 THEN amount ELSE 0 END), "
        "sum(CASE WHEN amount < 0 THEN -amount ELSE 0 END) FROM posting GROUP BY account, effective_on",
        *(f"DELETE FROM proof_node WHERE level = {level} AND position >= {size >> level}" for level in (4, 8, 12)),
        f"DELETE FROM proof_leaf WHERE position >= {size}",
        f"DELETE FROM proof_checkpoint WHERE size > {size}",
    )


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_last_acts_dropped_are_found_by_the_head_kept_outside(engine: Engine, tmp_path: Path, count: int) -> None:
    mine = signing_settings(engine, tmp_path)
    for number in range(8):
        post_some(engine, f"{number}/a", f"{number}/b")
        make_checkpoint(mine, engine, lambda: NOW)
    assert faults(engine, mine.documents_url) == []
    drop_last(engine, count)
    # Inside, what is left is a whole and valid log.
    assert faults(engine) == []
    problems = check(engine, documents_url=mine.documents_url)
    assert any(
        f"over 24 records, the log has {24 - 3 * count}: the last {3 * count} were dropped" in p for p in problems
    )
    with pytest.raises(BrokenLog, match="its end was dropped"):
        make_checkpoint(mine, engine, lambda: NOW)
    # Whoever then goes on as if nothing had been, until the log is longer than before, is found as well.
    for number in range(8):
        post_some(engine, f"again/{number}")
    log.append(engine)
    problems = check(engine, documents_url=mine.documents_url)
    assert any("is not of this log" in problem for problem in problems)


def test_a_checkpoint_is_signed_anew_when_the_log_or_the_keys_have_changed(proved: Proved) -> None:
    first = make_checkpoint(proved.settings, proved.engine, lambda: NOW)
    assert first.id == 1
    pem = proved.folder / "proof.pem"
    new_key_file(proved.folder / "new.pem")
    pem.write_bytes((proved.folder / "new.pem").read_bytes() + pem.read_bytes())
    second = make_checkpoint(proved.settings, proved.engine, lambda: NOW)
    assert (second.id, second.size, len(second.verifier_keys)) == (2, first.size, 2)
    assert second.verifier_keys[1:] == first.verifier_keys
    pem.write_bytes((proved.folder / "new.pem").read_bytes())
    post_some(proved.engine, "new")
    third = make_checkpoint(proved.settings, proved.engine, lambda: NOW)
    assert third.verifier_keys == second.verifier_keys[:1]
    assert faults(proved.engine, proved.settings.documents_url) == []


def test_checkpoints_need_a_key_and_the_log_does_not(engine: Engine, tmp_path: Path) -> None:
    mine = settings(engine, tmp_path)
    post_some(engine, "A")
    assert keep_up(mine, engine, lambda: NOW) == (2, None)
    with pytest.raises(NoProofKey, match="proof new-key"):
        make_checkpoint(mine, engine, lambda: NOW)
    with reading(engine) as connection:
        found = prove_inclusion(connection, Name(ENTRY, 1))
        assert (found.checkpoint, found.size) == (None, 2)
        assert checkpoint_line(connection) is None
    assert faults(engine, mine.documents_url) == []


def test_the_clock_signs_a_log_that_grows_every_hour(engine: Engine, tmp_path: Path) -> None:
    mine = signing_settings(engine, tmp_path)
    post_some(engine, "A")
    assert keep_up(mine, engine, lambda: NOW)[1] is not None
    post_some(engine, "B")
    later = NOW + CHECKPOINT_EVERY
    assert keep_up(mine, engine, lambda: NOW) == (2, None)
    _, signed = keep_up(mine, engine, lambda: later)
    assert signed is not None
    assert signed.size == 4
    assert keep_up(mine, engine, lambda: NOW + 9 * CHECKPOINT_EVERY) == (0, None)


def test_exports_with_comments_name_the_checkpoint(proved: Proved) -> None:
    with reading(proved.engine) as connection:
        line = checkpoint_line(connection)
        assert line is not None
        assert line.startswith("books.example.ma/1 ")
        assert list(with_checkpoint(connection, "hledger", iter([b"x\n"]))) == [
            b"x\n",
            f"\n; checkpoint: {line}\n".encode(),
        ]
        assert list(with_checkpoint(connection, "fec", iter([b"x\n"]))) == [b"x\n"]


@pytest.mark.parametrize(
    ("statement", "named_so"),
    [
        (
            "UPDATE proof_leaf SET hash = (SELECT hash FROM proof_leaf WHERE position = 1) WHERE position = 0",
            "at position 0",
        ),
        ("UPDATE proof_leaf SET key = 999 WHERE position = 3", "999 stands in the log at position 3"),
        ("DELETE FROM proof_leaf WHERE position = 3", "the log lacks its leaf at position 3: the next one is at 4"),
        (
            "UPDATE proof_leaf SET position = 9000000000000000000 WHERE position = 3",
            "the log lacks its leaf at position 3",
        ),
        ("DELETE FROM proof_node WHERE position = 0", "the log's node 0 of level 4"),
        (
            "UPDATE proof_node SET hash = (SELECT hash FROM proof_leaf WHERE position = 1) WHERE position = 0",
            "the log's node 0 of level 4",
        ),
        ("UPDATE proof_checkpoint SET root = 'x'", "checkpoint 1: its note says other than its row"),
        ("UPDATE proof_checkpoint SET note = replace(note, 'books', 'bokos')", "checkpoint 1: "),
        ("UPDATE proof_checkpoint SET id = 2", "checkpoint 2 stands where checkpoint 1 should"),
        ("DELETE FROM audit_change WHERE subject = 'files'", "the file of FA-2026-000001 was recorded by no act"),
    ],
)
def test_check_names_what_is_wrong_with_the_log_itself(proved: Proved, statement: str, named_so: str) -> None:
    behind_its_back(proved.engine, statement)
    problems = check(proved.engine, documents_url=proved.settings.documents_url)
    assert any(named_so in problem for problem in problems), problems


def test_a_checkpoint_that_is_not_kept_outside_is_told(proved: Proved) -> None:
    folder = proved.folder / "documents" / "checkpoints"
    (path,) = folder.iterdir()
    note = path.read_text()
    path.unlink()
    assert "checkpoint 1 is not kept outside" in check(proved.engine, documents_url=proved.settings.documents_url)[0]
    path.write_text(note.replace("books", "bokos"))
    assert any(
        "no known key has" in p or "does not verify" in p
        for p in check(proved.engine, documents_url=proved.settings.documents_url)
    )
    path.unlink()
    make_checkpoint(proved.settings, proved.engine, lambda: NOW)
    assert path.read_text() == note
