"""Sealed PDFs: what pyHanko's validator says of them, with certificates made here (loi 43-20, PAdES)."""

import hashlib
import io
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.validation.status import SignatureCoverageLevel

from invoices.errors import SealingFailed, SealUnusable
from invoices.rendering.pdf import render_pdf
from invoices.rendering.workers import render_and_store
from invoices.seal import Seal
from invoices.sealing import seal_pdf
from invoices.storage import load
from tests.support import documents
from tests.support.pages import text_of
from tests.support.pki import Pki, judged
from tests.support.tagged_pdf import TaggedPdf
from tests.support.time_authority import listening


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"), rsa.generate_private_key(65537, 2048))


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_seal_holds_and_covers_the_whole_file(kind: str, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    pki = Pki(tmp_path / "pki", key)
    for make in (documents.w1, documents.credit_note):
        page = render_pdf(make())
        sealed = seal_pdf(page, pki.seal())
        status = judged(sealed, pki.ca_file)
        assert status.bottom_line
        assert status.coverage is SignatureCoverageLevel.ENTIRE_FILE
        assert status.signing_cert.subject.native["common_name"] == "Exploitant"
        # Nothing of the page has changed: it reads and looks the same, and can be read aloud.
        assert sealed.startswith(page)
        assert text_of(sealed) == text_of(page)
        assert TaggedPdf(sealed).problems() == []
        assert len(sealed) <= 30_000


def test_a_changed_byte_and_another_root_are_seen(pki: Pki, tmp_path: Path) -> None:
    sealed = bytearray(seal_pdf(render_pdf(documents.w1()), pki.seal()))
    stranger = Pki(tmp_path / "other", rsa.generate_private_key(65537, 2048))
    assert not judged(bytes(sealed), stranger.ca_file).trusted
    sealed[200] ^= 1
    assert not judged(bytes(sealed), pki.ca_file).intact


def test_an_authority_says_the_time_and_without_it_nothing_is_sealed(pki: Pki, tmp_path: Path) -> None:
    page = render_pdf(documents.w1())
    with listening(tmp_path / "authority") as (authority, address):
        seal = pki.seal(address, authority.ca_file)
        # The room measured for the first is enough for the next.
        for _ in range(2):
            status = judged(seal_pdf(page, seal), pki.ca_file, authority.ca_file)
            assert status.bottom_line
            assert status.timestamp_validity.valid
            assert abs(datetime.now(UTC) - status.timestamp_validity.timestamp) < timedelta(minutes=5)
        # What does not lead to the certificates we were given says nothing.
        with pytest.raises(SealingFailed, match="no answer that holds"):
            seal_pdf(page, pki.seal(address, pki.ca_file))
    with pytest.raises(SealingFailed, match="no answer that holds"):
        seal_pdf(page, seal)


def test_the_sealed_file_is_the_one_that_is_kept_and_hashed(pki: Pki, tmp_path: Path) -> None:
    where = f"file:{tmp_path}/documents"
    kept = render_and_store(documents.w1(), where, pki.seal())
    sealed = load(where, kept.path, kept.sha256)
    assert hashlib.sha256(sealed).hexdigest() == kept.sha256
    assert judged(sealed, pki.ca_file).bottom_line


def test_a_seal_that_cannot_be_used_is_refused_with_the_reason(pki: Pki, tmp_path: Path) -> None:
    other = Pki(tmp_path / "other", rsa.generate_private_key(65537, 2048))
    ended = Pki(tmp_path / "ended", rsa.generate_private_key(65537, 2048), days=-1)
    for seal, reason in (
        (Seal(str(other.key_file), str(pki.certificate_file)), "not that of the key"),
        (Seal(str(tmp_path / "none"), str(pki.certificate_file)), "can't be read"),
        (ended.seal(), "ended on"),
    ):
        with pytest.raises(SealUnusable, match=reason):
            seal_pdf(b"%PDF-1.7", seal)


def test_sealing_takes_a_fraction_of_what_pyhanko_takes_alone(pki: Pki) -> None:
    page = render_pdf(documents.w1())
    stock = signers.SimpleSigner.load(str(pki.key_file), str(pki.own_file), ca_chain_files=(str(pki.ca_file),))  # type: ignore[no-untyped-call]
    metadata = signers.PdfSignatureMetadata(
        field_name="F", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
    )
    seal = pki.seal()
    seal_pdf(page, seal)

    def by_stock() -> None:
        signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(page)), metadata, stock)

    def taken(act: Any) -> float:
        start = time.process_time()
        act()
        return time.process_time() - start

    rounds = [(taken(lambda: seal_pdf(page, seal)), taken(by_stock)) for _ in range(5)]
    ours, theirs = (statistics.median(times) for times in zip(*rounds, strict=True))
    # 0.15 is the aim, on a quiet machine; tests run beside others.
    assert ours / theirs < 0.5
