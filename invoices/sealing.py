"""Seals PDFs with the operator's certificate (loi 43-20): PAdES B-B; B-T where an authority says the time (RFC 3161).

The key is read and checked once a process, and room for the seal is measured once: pyHanko alone reads the key for
every signature and signs twice, in eight times the time. A seal holds the instant it was made, so a document that is
sealed again is another file: the one that was kept counts.
"""

import os
from datetime import UTC, datetime
from functools import cache
from http.client import HTTPException
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from rfc3161_client import VerifierBuilder, decode_timestamp_response
from rfc3161_client.errors import VerificationError

from invoices.errors import SealingFailed, SealUnusable
from invoices.seal import Seal

FIELD = "Cachet"
_MECHANISMS = {rsa.RSAPrivateKey: "sha256_rsa", ec.EllipticCurvePrivateKey: "sha256_ecdsa"}
_WAIT_S = 20
# An answer of an authority is a signature and a few certificates.
_ANSWER_BYTES_MAX = 1 << 20
# A signature or an answer may be a little longer than the one that was measured; written as two digits a byte.
_SPARE = 256


def seal_pdf(pdf: bytes, seal: Seal) -> bytes:
    """Return a PDF with a seal added, its own bytes unchanged before it.

    Raises SealUnusable when the key can't seal, SealingFailed when the authority does not say the time.
    """
    return _sealer(os.getpid(), seal).sealed(pdf)


@cache
def _sealer(_process: int, seal: Seal) -> "_Sealer":
    return _Sealer(seal)


class _Sealer:
    """One process's seal: the key and its certificates, read once."""

    def __init__(self, seal: Seal) -> None:
        try:
            from pyhanko.sign import signers
            from pyhanko.sign.fields import InvisSigSettings, SigFieldSpec, SigSeedSubFilter
        except ImportError:
            raise SealUnusable("sealing needs pyHanko: install requirements/seal.txt") from None
        key, certificates = _read(seal)
        self._room: int | None = None
        # It is out of the page: nobody sees it, and nothing is read to those who don't see.
        self._field = SigFieldSpec(
            FIELD,
            readable_field_name="Cachet électronique",
            invis_sig_settings=InvisSigSettings(box_out_of_bounds=True),
        )
        self._metadata = signers.PdfSignatureMetadata(
            field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES
        )
        self._signer = _signer(key, certificates)
        self._authority = None
        if seal.tsa_url is not None and seal.tsa_ca_file is not None:
            self._authority = _authority(seal.tsa_url, seal.tsa_ca_file)

    def sealed(self, pdf: bytes) -> bytes:
        """See `seal_pdf`."""
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import signers

        class Addition(IncrementalPdfFileWriter):
            """What is added to a PDF; its metadata stay as they are, for the document does."""

            def _update_meta(self) -> None:
                pass

        signer = signers.PdfSigner(
            self._metadata, self._signer, timestamper=self._authority, new_field_spec=self._field
        )
        written: BytesIO = signer.sign_pdf(Addition(BytesIO(pdf)), bytes_reserved=self._room)
        content = written.getvalue()
        if self._room is None:
            # pyHanko guesses half as much again: the first is made anew, in the room that it needs.
            self._room = _room_of(content) + _SPARE
            return self.sealed(pdf)
        return content


def _room_of(sealed: bytes) -> int:
    """Return the digits of the last seal of a file, an even number, without those that fill its room up."""
    start = sealed.rindex(b"/Contents <") + len(b"/Contents <")
    return len(sealed[start : sealed.index(b">", start)].rstrip(b"0")) // 2 * 2


def _read(seal: Seal) -> tuple[Any, list[x509.Certificate]]:
    try:
        key = load_pem_private_key(Path(seal.key_file).read_bytes(), None)
        certificates = x509.load_pem_x509_certificates(Path(seal.certificate_file).read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise SealUnusable(
            f"the seal can't be read: SEAL_KEY_FILE must hold a private key, SEAL_CERTIFICATE_FILE its certificate and "
            f"those above it, both PEM ({error})"
        ) from None
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise SealUnusable("SEAL_KEY_FILE: only keys of RSA and elliptic curves seal PDFs")
    if key.public_key() != certificates[0].public_key():
        raise SealUnusable("SEAL_CERTIFICATE_FILE: its first certificate is not that of the key in SEAL_KEY_FILE")
    if certificates[0].not_valid_after_utc < datetime.now(UTC):
        raise SealUnusable(
            f"SEAL_CERTIFICATE_FILE: the certificate ended on {certificates[0].not_valid_after_utc:%Y-%m-%d}"
        )
    return key, certificates


def _signer(key: Any, certificates: list[x509.Certificate]) -> Any:
    from asn1crypto import algos  # type: ignore[import-untyped]
    from asn1crypto import x509 as asn1
    from pyhanko.sign.signers import Signer
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    class KeptKey(Signer):
        """Signs with a key that was read once."""

        async def async_sign_raw(self, data: bytes, _digest_algorithm: str, dry_run: bool = False) -> bytes:
            if dry_run:
                # As long as any signature of the key.
                return bytes(key.key_size // 8 if isinstance(key, rsa.RSAPrivateKey) else 2 * key.key_size // 8 + 16)
            if isinstance(key, rsa.RSAPrivateKey):
                return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
            signature: bytes = key.sign(data, ec.ECDSA(hashes.SHA256()))
            return signature

    own, *above = (asn1.Certificate.load(each.public_bytes(Encoding.DER)) for each in certificates)
    mechanism = next(name for kind, name in _MECHANISMS.items() if isinstance(key, kind))
    return KeptKey(
        signing_cert=own,
        cert_registry=SimpleCertificateStore.from_certs([own, *above]),  # type: ignore[no-untyped-call]
        signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": mechanism}),
        embed_roots=False,
    )


def _authority(url: str, ca_file: str) -> Any:
    from asn1crypto import tsp
    from pyhanko.sign.timestamps import TimeStamper

    try:
        roots = x509.load_pem_x509_certificates(Path(ca_file).read_bytes())
    except (OSError, ValueError) as error:
        raise SealUnusable(f"TSA_CA_FILE: {ca_file} holds no certificates that can be read: {error}") from None

    class Authority(TimeStamper):
        """Asks an authority what time it is, in the process that seals, and believes what its certificates prove."""

        async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
            # The address is the operator's (TSA_URL), http or https.
            request = Request(url, req.dump(), {"Content-Type": "application/timestamp-query"})  # noqa: S310 - see above
            try:
                with urlopen(request, timeout=_WAIT_S) as answer:  # noqa: S310 - see above
                    content = answer.read(_ANSWER_BYTES_MAX)
                verifier = VerifierBuilder(roots=list(roots), nonce=req["nonce"].native).build()
                verifier.verify(decode_timestamp_response(content), req["message_imprint"]["hashed_message"].native)
            except (OSError, HTTPException, ValueError, VerificationError) as error:
                raise SealingFailed(
                    f"the authority of time at {url} gave no answer that holds ({error}): it is asked again"
                ) from error
            return tsp.TimeStampResp.load(content)

    return Authority()  # type: ignore[no-untyped-call]
