"""PDFs are kept whole, never overwritten, and come back only as they were."""

import os
import uuid
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select

from billing.frame.database import reading, writing
from invoices.errors import FileDamaged, FileMissing, IllFormedDocument
from invoices.models import document, document_file, party
from invoices.storage import StoredFile, files_of, load, record_files, store

PDF = b"%PDF-1.7 one"
NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


@pytest.fixture(params=["folder", "memory"])
def documents_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    # Another place each time: the memory file system is one for the whole process.
    return f"file:{tmp_path}/kept" if request.param == "folder" else f"memory://{uuid.uuid4().hex}"


def test_a_stored_pdf_comes_back_by_year_and_number(documents_url: str) -> None:
    stored = store(documents_url, "FA-2026-000012", PDF)
    assert stored == StoredFile("2026/FA-2026-000012.pdf", sha256(PDF).hexdigest(), len(PDF))
    assert load(documents_url, stored.path, stored.sha256) == PDF


def test_storing_the_same_pdf_again_changes_nothing(documents_url: str) -> None:
    assert store(documents_url, "FA-2026-000012", PDF) == store(documents_url, "FA-2026-000012", PDF)


def test_another_pdf_of_the_same_number_overwrites_nothing(documents_url: str) -> None:
    first, second = (store(documents_url, "FA-2026-000012", pdf) for pdf in (PDF, b"%PDF-1.7 two"))
    assert first.path != second.path
    assert load(documents_url, first.path, first.sha256) == PDF
    assert load(documents_url, second.path, second.sha256) == b"%PDF-1.7 two"
    assert store(documents_url, "FA-2026-000012", b"%PDF-1.7 two") == second


def test_a_damaged_or_missing_pdf_is_never_handed_out(documents_url: str) -> None:
    stored = store(documents_url, "AV-2026-000001", PDF)
    with pytest.raises(FileDamaged, match="AV-2026-000001"):
        load(documents_url, stored.path, "0" * 64)
    with pytest.raises(FileMissing, match="render it again"):
        load(documents_url, "2026/AV-2026-000002.pdf", stored.sha256)


@pytest.mark.parametrize("number", ["../../etc/passwd", "FA-2026-000001/../x", "", "FA-2026-000001\n"])
def test_only_a_document_number_names_a_file(number: str, tmp_path: Path) -> None:
    with pytest.raises(IllFormedDocument):
        store(f"file:{tmp_path}", number, PDF)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store(f"file:{tmp_path}", "FA-2026-000012", PDF)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def _issued(engine: Engine) -> int:
    with writing(engine) as connection:
        connection.execute(insert(party).values(digest="0" * 32, content="{}"))
        connection.execute(
            insert(document).values(
                id=7, number="FA-2026-000012", kind="invoice", period=date(2026, 9, 1), issued_on=date(2026, 9, 1),
                due_on=date(2026, 10, 31), tenant="T1", seller="0" * 32, buyer="0" * 32, net=100, tax=20, gross=120,
                advantage=0, contribution=0, discount_ends_on=None,
            )
        )  # fmt: skip
    return 7


def test_the_first_file_recorded_stands(engine: Engine) -> None:
    document_id = _issued(engine)
    stored = StoredFile("2026/FA-2026-000012.pdf", "a" * 64, 12)
    with reading(engine) as connection:
        assert files_of(connection, [document_id]) == {}
    for added in ([document_id], []):
        with writing(engine) as connection:
            assert record_files(connection, {document_id: stored}, NOW) == added
    with writing(engine) as connection:
        assert record_files(connection, {document_id: StoredFile(stored.path, "b" * 64, 12)}, NOW) == []
    with reading(engine) as connection:
        assert files_of(connection, [document_id]) == {document_id: stored}
        assert connection.scalar(select(func.count()).select_from(document_file)) == 1
