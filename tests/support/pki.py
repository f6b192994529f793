"""Certificates made here, and what pyHanko's validator says of a seal that rests on them."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asn1crypto import x509 as asn1  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from invoices.seal import Seal


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    name: str, key: Any, issuer: str, issuing: Any, *, is_authority: bool, days: int = 2
) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=not is_authority, content_commitment=not is_authority, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=is_authority, crl_sign=is_authority,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return builder.sign(issuing, SHA256())


class Pki:
    """A root and the operator's certificate below it, as files."""

    def __init__(self, folder: Path, key: Any, *, days: int = 2) -> None:
        folder.mkdir(exist_ok=True)
        root = rsa.generate_private_key(65537, 2048)
        ca = _certificate("Racine", root, "Racine", root, is_authority=True)
        own = _certificate("Exploitant", key, "Racine", root, is_authority=False, days=days)
        self.key_file, self.certificate_file, self.ca_file = folder / "key.pem", folder / "cert.pem", folder / "ca.pem"
        self.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.certificate_file.write_bytes(own.public_bytes(Encoding.PEM) + ca.public_bytes(Encoding.PEM))
        self.ca_file.write_bytes(ca.public_bytes(Encoding.PEM))
        self.own_file = folder / "own.pem"
        self.own_file.write_bytes(own.public_bytes(Encoding.PEM))

    def seal(self, tsa_url: str | None = None, tsa_ca_file: Path | None = None) -> Seal:
        authority = None if tsa_ca_file is None else str(tsa_ca_file)
        return Seal(str(self.key_file), str(self.certificate_file), tsa_url, authority)


def judged(pdf: bytes, *roots: Path) -> Any:
    """What pyHanko's validator says of the one seal of a PDF."""
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    context = ValidationContext(
        trust_roots=[
            asn1.Certificate.load(x509.load_pem_x509_certificate(root.read_bytes()).public_bytes(Encoding.DER))
            for root in roots
        ]
    )
    return validate_pdf_signature(signature, context, ts_validation_context=context)
