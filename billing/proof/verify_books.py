#!/usr/bin/env python3
"""Check exported books offline: every record, the log over them, the signature, and your own older checkpoints.

    python3 verify_books.py EXPORT [--key NAME+ID+KEY]... [--checkpoint FILE]... [--witness NAME+ID+KEY]... [--unsigned]

EXPORT is the folder or ZIP file with `records.jsonl`, `leaves.txt`, `checkpoint.txt`, `checkpoints.jsonl` and
`keys.txt`, at its top or in a folder of it. Needs Python 3.9 or later and the package `cryptography`, nothing else.
It says in one sentence that the books are proved (exit status 0), or what is wrong first (1).

What is checked:
1. each line of records.jsonl is canonical JSON (RFC 8785), and SHA-256 of a zero byte and the line is its leaf;
2. entries, documents, usage events, acts and closings are numbered 1, 2, 3 ... without gap, documents also within
   their series; each act is preceded by exactly what it names; every entry balances; a document's totals are those of
   its lines; a closing's digest is that of its balances;
3. the root over all leaves (RFC 6962) is the checkpoint's, and an Ed25519 key has signed that (C2SP signed note);
4. every older checkpoint, those of the export and those you kept, is a beginning of the same log;
5. of an audit bundle (the archive, or the folder it was unpacked into): every file is the one that SHA256SUMS names,
   the key has signed SHA256SUMS together with the log's head, and the records give the sums by account and month of
   journal, grand-livre, journal centralisateur, FEC, and of the files for hledger and beancount, and the documents'
   totals by month;
6. which witnesses have cosigned the log's heads (C2SP tlog-cosignature), up to which record and when.

Give the key you were given on paper by --key; otherwise the export's own is taken, and named. A checkpoint that you
have kept from before, given by --checkpoint, shows that nothing under it was changed or dropped since, even by the
holder of the key. A witness given by --witness must have cosigned; otherwise those that the export names are told of.

Whoever holds one paper, an invoice or a receipt, checks it alone, with the proof that its page on the web gives:

    python3 verify_books.py paper PROOF.json [--pdf FILE] [--key NAME+ID+KEY]... [--unsigned]

This shows that the paper's records are in the log under a signed checkpoint, and that FILE is the PDF that was logged,
to the byte. Keep the proof: an export of the books must contain it (--checkpoint).

An auditor can be a witness himself, by a key of his own that never leaves him:

    python3 verify_books.py witness-key KEYFILE NAME
    python3 verify_books.py cosign KEYFILE REQUEST --key NAME+ID+KEY --output cosigned.txt

The first makes the key and shows what verifies it. The second cosigns the checkpoint of a request of the operator's, if
it continues the one that was cosigned last, which is remembered beside KEYFILE.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import json
import os
import re
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORDS, LEAVES, CHECKPOINT, CHECKPOINTS, KEYS = (
    "records.jsonl",
    "leaves.txt",
    "checkpoint.txt",
    "checkpoints.jsonl",
    "keys.txt",
)
# The keys of witnesses, and the folder of the checkpoints they have cosigned.
WITNESSES, COSIGNED = "witnesses.txt", "cosigned/"
KINDS = ("document", "entry", "usage", "closing", "file", "act")
# The forms of records that this program knows: in version 2 an act names its user, a document's line why it has no VAT.
FORMS = {kind: {f"technopark-{kind}/1"} for kind in KINDS}
FORMS["act"].add("technopark-act/2")
FORMS["document"].add("technopark-document/2")
COUNTED = {
    "document": "documents",
    "entry": "entries",
    "usage": "usage events",
    "closing": "closings",
    "file": "files",
    "act": "acts",
}
# The operation of the act behind which stands all usage that was recorded before usage came into the log.
UPGRADE = "put usage under proof"
LINE_BYTES_MAX = 1 << 30
# An audit bundle: the folder with the export in it, its manifest, the manifest's signature, the year's journal.
PROOF, MANIFEST, SEAL, JOURNAL = "preuve/", "SHA256SUMS", "SHA256SUMS.note", "journal/journal.csv"
# Which entry of the books each of the FEC's is; the part of the name of class 9's FEC.
CONCORDANCE, ANALYTIC = "fec/concordance.csv", "-analytique"
CENTRALISED = "livres/journal-centralisateur.csv"
# The service of the lines of an invoice that a take-on brought.
BROUGHT = "REPRISE"
VOUCHERS, VOUCHER_TABLE = "pieces/", "ecritures-manuelles"
# The kinds of entries: what a year ends and opens with is in some files alone.
ENTRY_KINDS = ANY, RESULT, CLOSES, OPENS = "any", "result", "closes", "opens"
# A line of the books: the number of its entry, account, month, centimes (debit positive).
Line = tuple[str, str, str, int]
ENGINE_ENTRY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} \* ")
ENGINE_NUMBER = re.compile(r" +(?:; entry:|number: )([0-9]+)")
ENGINE_POSTING = re.compile(
    r" +(?:Général|Analytique):([0-9]+) [^;]*?  MAD (-?[0-9]+\.[0-9]{2})|"
    r" +[A-Z][A-Za-z]*(?::[A-Za-z]+)?:([0-9]+)-?[^ ]*  (-?[0-9]+\.[0-9]{2}) MAD"
)


class Wrong(Exception):
    """Something is wrong with the export; the sentence says what."""


# The export: a folder or a ZIP file.


class Export:
    """The files of an export, at its top or in a folder of it."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.archive: zipfile.ZipFile | None = None
        if self.path.is_dir():
            names = sorted(p.relative_to(self.path).as_posix() for p in self.path.rglob("*") if p.is_file())
        else:
            try:
                self.archive = zipfile.ZipFile(self.path)
            except (OSError, zipfile.BadZipFile) as error:
                raise Wrong(f"{path} is neither a folder nor a ZIP file: {error}") from None
            names = sorted(self.archive.namelist())
        of_records = [name for name in names if name.rpartition("/")[2] == RECORDS]
        if len(of_records) != 1:
            raise Wrong(f"{path} holds {len(of_records)} files named {RECORDS} instead of one")
        self.folder = of_records[0][: -len(RECORDS)]
        self.names = {name for name in names if not name.endswith("/")}

    def bundle(self) -> Bundle | None:
        """Return the audit bundle that the export is part of, if it is part of one."""
        root = self.folder[: -len(PROOF)]
        is_bundle = self.folder.endswith(PROOF) and root + MANIFEST in self.names
        return Bundle(self, root) if is_bundle else None

    def has(self, name: str) -> bool:
        """Return whether the export has a file of that name."""
        return self.folder + name in self.names

    def open(self, name: str) -> BinaryIO:
        """Open a file to read it."""
        if not self.has(name):
            raise Wrong(f"{name} is missing from the export")
        return self.open_path(self.folder + name)

    def open_path(self, path: str) -> BinaryIO:
        """Open a file by its whole path."""
        if self.archive is not None:
            return cast("BinaryIO", self.archive.open(path))
        return (self.path / path).open("rb")

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a file, without their ends."""
        with self.open(name) as file:
            while line := file.readline(LINE_BYTES_MAX):
                if not line.endswith(b"\n"):
                    raise Wrong(f"{name} ends in the middle of a line")
                yield line[:-1]

    def text(self, name: str) -> str:
        """Read a whole file as text."""
        with self.open(name) as file:
            return decoded(file.read(), name)


class Bundle:
    """The audit bundle around the export: files that its manifest names, which the key has signed."""

    def __init__(self, export: Export, root: str) -> None:
        self.export, self.root = export, root
        self.names = {name[len(root) :] for name in export.names if name.startswith(root)}

    def read(self, name: str) -> bytes:
        """Read a whole file."""
        if name not in self.names:
            raise Wrong(f"{name} is missing from the bundle")
        with self.export.open_path(self.root + name) as file:
            return file.read()

    def verify(self, head: Checkpoint | None, keys: Sequence[Key]) -> int:
        """Compare each file with the manifest, and the manifest with its signature; return how many files there are."""
        manifest = self.read(MANIFEST)
        lines = [line.partition("  ") for line in decoded(manifest, MANIFEST).splitlines()]
        sums = {name: digest for digest, _, name in lines}
        for name in sorted(self.names - {MANIFEST, SEAL} - sums.keys()):
            raise Wrong(f"{name} is in the bundle, and not in its {MANIFEST}")
        for name, digest in sums.items():
            if self.digest(name) != digest:
                raise Wrong(f"{name} is not the file that {MANIFEST} names: it was changed since")
        if head is not None:
            note = Checkpoint(decoded(self.read(SEAL), SEAL), SEAL)
            note.verify(keys)
            if (note.origin, note.size, note.root) != (head.origin, head.size, head.root):
                raise Wrong(f"{SEAL} is of other books than {CHECKPOINT}")
            if f"{MANIFEST} sha256 {hashlib.sha256(manifest).hexdigest()}" not in note.text.splitlines()[3:]:
                raise Wrong(f"{MANIFEST} is not the one that was signed: it was changed since")
        return len(sums)

    def digest(self, name: str) -> str:
        """Hash a file, a piece at a time."""
        if name not in self.names:
            raise Wrong(f"{name} is missing from the bundle, and {MANIFEST} names it")
        digest = hashlib.sha256()
        with self.export.open_path(self.root + name) as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        return digest.hexdigest()

    def compare(self, books: Books) -> int:
        """Compare the sums of each file of the books, and of documents, with those of the records, account by account.

        Return how many entries of the journal are newer than the records: they are left out. Raise Wrong, which names
        the first file and account that differ.
        """
        newer: set[str] = set()
        numbers = {row["EcritureNum"] + row["Comptabilité"][0]: row["N°"] for row in self.rows(CONCORDANCE)}
        year = ""
        for name, lines, kinds in self.books(numbers):
            if name not in self.names or (newer and name == CENTRALISED):
                # It has no numbers: what no record holds is among the rest.
                continue
            sums: dict[tuple[str, str], int] = {}
            for number, account, month, moved in lines:
                if number and int(number) > books.count["entry"]:
                    newer.add(number)
                else:
                    add(sums, (account, month), moved)
            year = year or max((month[:4] for _, month in sums), default="")
            of_records: dict[tuple[str, str], int] = {}
            for (account, month), moved in (item for kind in kinds for item in books.moved[kind].items()):
                if month[:4] == year and of_part(name, account):
                    add(of_records, (account, month), moved)
            require_same(name, sums, of_records, "moves account")
        if not newer:
            self.compare_documents(books, year)
        self.compare_vouchers(books, year)
        return len(newer)

    def books(self, numbers: dict[str, str]) -> Iterator[tuple[str, Iterator[Line], Sequence[str]]]:
        """Yield the files that hold the year's entries, each with its lines and the kinds of entries that are in it."""
        journal = table_lines(self.rows(JOURNAL), ("number", "account", "effective_on", "debit", "credit"))
        yield JOURNAL, journal, ENTRY_KINDS
        ledger = (row for row in self.rows("livres/grand-livre.csv") if row["Nature"] == "ligne")
        yield "livres/grand-livre.csv", table_lines(ledger, ("N°", "Compte", "Date", "Débit", "Crédit")), (ANY, RESULT)
        months = (row for row in self.rows(CENTRALISED) if row["Nature"] == "ligne")
        central = table_lines(months, ("", "Compte", "Mois", "Débit", "Crédit"))
        yield CENTRALISED, central, ENTRY_KINDS
        for name in sorted(name for name in self.names if name.startswith("fec/") and name.endswith(".txt")):
            yield name, fec_lines(self.text_lines(name), numbers, "a" if ANALYTIC in name else "g"), (ANY, OPENS)
        for name in ("moteurs/livres.journal", "moteurs/livres.beancount"):
            yield name, engine_lines(self.text_lines(name)), ENTRY_KINDS

    def compare_documents(self, books: Books, year: str) -> None:
        """Compare the totals of documents and of their lines, month by month."""
        registers = (
            ("documents/registre.csv", {"HT": "HT", "TVA": "TVA", "TTC": "TTC"}),
            ("documents/registre-tva.csv", {"Base": "HT", "TVA": "TVA"}),
            ("documents/lignes.csv", {"HT": "HT"}),
        )
        for name, columns in registers:
            if name not in self.names:
                continue
            sums: dict[tuple[str, str], int] = {}
            for row in self.rows(name):
                sign = -1 if row["Nature"] == "avoir" else 1
                for column, total in columns.items():
                    add(sums, (total, row["Date"][:7]), sign * centimes(row[column]))
            of_records = {
                key: total for key, total in books.sold.items() if key[1][:4] == year and key[0] in columns.values()
            }
            require_same(name, sums, of_records, "sums")

    def compare_vouchers(self, books: Books, year: str) -> None:
        """Require the voucher file that each manual entry of the year rests on, and each to be the bytes that came."""
        files = {stem(name): name for name in sorted(self.names) if name.startswith(VOUCHERS)}
        if files.pop(VOUCHER_TABLE, None) is None:
            # The bundle is of before there were any.
            return
        for (number, day), digest in sorted(books.vouchers.items()):
            if day[:4] == year and digest not in files:
                raise Wrong(f"the voucher file of {number}, SHA-256 {digest}, is missing from {VOUCHERS}")
        for digest, name in files.items():
            if self.digest(name) != digest:
                raise Wrong(f"{name} is not the voucher file that it is called by: it was changed since")

    def rows(self, name: str) -> Iterator[dict[str, str]]:
        """Yield the rows of a table of the bundle; none where the bundle is of before there was such a table."""
        if name not in self.names:
            return
        with self.export.open_path(self.root + name) as file:
            try:
                yield from csv.DictReader(io.TextIOWrapper(file, "utf-8", newline=""))
            except (csv.Error, UnicodeDecodeError) as error:
                raise Wrong(f"{name} is no table: {error!r}") from None

    def text_lines(self, name: str) -> Iterator[str]:
        """Yield the lines of a text of the bundle."""
        if name in self.names:
            with self.export.open_path(self.root + name) as file:
                yield from (decoded(line, name).rstrip("\r\n") for line in file)


def stem(name: str) -> str:
    """Return the name of a file without its folder and its ending."""
    return name.rpartition("/")[2].partition(".")[0]


def table_lines(rows: Iterable[dict[str, str]], columns: Sequence[str]) -> Iterator[Line]:
    """Yield the lines of a table of entries, or of sums of them, which have no number."""
    number, account, day, debit, credit = columns
    for row in rows:
        moved = centimes(row[debit] or "0.00") - centimes(row[credit] or "0.00")
        yield row[number] if number else "", row[account], row[day][:7], moved


def fec_lines(lines: Iterator[str], numbers: dict[str, str], part: str) -> Iterator[Line]:
    """Yield the lines of a FEC whose entries stand in the books; class 9's opening balances are no entry."""
    places = {title: place for place, title in enumerate(next(lines, "").split("\t"))}
    for line in lines:
        cells = line.split("\t")
        number = numbers.get(cells[places["EcritureNum"]] + part, "")
        if number:
            day, account = cells[places["EcritureDate"]], cells[places["CompteNum"]]
            debit, credit = (centimes(cells[places[side]].replace(",", ".")) for side in ("Debit", "Credit"))
            yield number, account, f"{day[:4]}-{day[4:6]}", debit - credit


def engine_lines(lines: Iterator[str]) -> Iterator[Line]:
    """Yield the postings of a journal for hledger or beancount; the balances of the eve, entry 0, are no entry."""
    month = number = ""
    for line in lines:
        if ENGINE_ENTRY.match(line):
            month = line[:7]
        elif named := ENGINE_NUMBER.match(line):
            number = named[1]
        elif (posted := ENGINE_POSTING.match(line)) and number != "0":
            account, moved = posted.groups()[:2] if posted[1] else posted.groups()[2:]
            yield number, account, month, centimes(moved)


def of_part(name: str, account: str) -> bool:
    """Return whether an account belongs into a file: the FECs hold class 9, or all others."""
    return not name.startswith("fec/") or account.startswith("9") == (ANALYTIC in name)


def require_same(name: str, here: dict[tuple[str, str], int], there: dict[tuple[str, str], int], does: str) -> None:
    """Require that a file's sums are the records'; name the first that is not."""
    for key in sorted(here.keys() | there.keys()):
        mine, theirs = here.get(key, 0), there.get(key, 0)
        if mine != theirs:
            what, month = key
            raise Wrong(f"{name} {does} {what} by {amount(mine)} in {month}, the records by {amount(theirs)}")


def decoded(raw: bytes, name: str) -> str:
    """Decode bytes as UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Wrong(f"{name} is not UTF-8") from None


# The tree (RFC 6962).


class Tree:
    """The Merkle tree over the leaves so far: one hash a level."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Add one leaf."""
        count, root = self.size, leaf
        while count & 1:
            root = node(self.peaks.pop(), root)
            count >>= 1
        self.peaks.append(root)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over the leaves so far."""
        if not self.peaks:
            return hashlib.sha256().digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node(peak, root)
        return root


def node(left: bytes, right: bytes) -> bytes:
    """Hash two hashes together."""
    return hashlib.sha256(b"\x01" + left + right).digest()


# Checkpoints and keys (C2SP).


def key_id(name: str, raw: bytes) -> str:
    """Return the id of a key in hexadecimal; `raw` is its type and public half."""
    return hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex()


def encoded(raw: bytes) -> str:
    """Write bytes in base64."""
    return base64.b64encode(raw).decode()


class Key:
    """A key that verifies: its name, its four-byte id, and the public key; a log's or a witness's."""

    def __init__(self, text: str, is_witness: bool = False) -> None:
        parts = text.strip().split("+", 2)
        try:
            raw = base64.b64decode(parts[2], validate=True)
        except (IndexError, ValueError):
            raw = b""
        if len(raw) != 33 or raw[:1] != (b"\x04" if is_witness else b"\x01"):
            what = "cosignatures" if is_witness else "checkpoints"
            raise Wrong(f"{text.strip()!r} is no Ed25519 key for {what} (NAME+ID+KEY)")
        self.text, self.name, self.public, self.is_witness = text.strip(), parts[0], raw[1:], is_witness
        self.id = bytes.fromhex(key_id(self.name, raw))
        if self.id.hex() != parts[1]:
            raise Wrong(f"the key {self.text} says it is {parts[1]}, it is {self.id.hex()}")

    def verify(self, text: str, signature: bytes) -> None:
        """Raise InvalidSignature unless the signature is this key's of the text."""
        if self.is_witness:
            text, signature = cosigned_text(text, stated_time(signature)), signature[8:]
        Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())


def cosigned_text(text: str, seconds: int) -> str:
    """Return what a cosignature is of (C2SP tlog-cosignature): its time, and the text of the checkpoint."""
    return f"cosignature/v1\ntime {seconds}\n{text}"


def stated_time(cosignature: bytes) -> int:
    """Return the time that stands before a cosignature, in seconds since 1970."""
    return int.from_bytes(cosignature[:8], "big")


class Checkpoint:
    """A signed head of the log, as read; it proves nothing until it is verified."""

    def __init__(self, note: str, what: str) -> None:
        self.what = what
        # A mail program or an editor may have ended the lines in its own way.
        note = note.replace("\r\n", "\n")
        body, blank, lines = note.rpartition("\n\n")
        parts = body.split("\n")
        try:
            root = base64.b64decode(parts[2], validate=True)
            size = int(parts[1])
        except (IndexError, ValueError):
            root, size = b"", -1
        if not blank or not lines.endswith("\n") or len(root) != 32 or size < 0 or parts[1] != str(size):
            raise Wrong(f"{what} is no checkpoint (C2SP signed note)")
        self.text, self.origin, self.size, self.root = body + "\n", parts[0], size, root
        self.signatures = [self.signature(line) for line in lines[:-1].split("\n")]

    def signature(self, line: str) -> tuple[str, bytes, bytes]:
        """Read the line of a signature: the key's name, its id, the signature of the text."""
        parts = line.split(" ")
        try:
            raw = base64.b64decode(parts[2], validate=True)
        except (IndexError, ValueError):
            raw = b""
        if len(parts) != 3 or parts[0] != "\u2014" or len(raw) <= 4:
            raise Wrong(f"{self.what} has a line that is no signature")
        return parts[1], raw[:4], raw[4:]

    def verify(self, keys: Sequence[Key]) -> list[Key]:
        """Return the keys that have signed it; raise Wrong where a known key's signature is bad, or none signed."""
        signed = [key for key, _ in self.verified(keys)]
        if not signed:
            raise Wrong(f"{self.what} is signed by no key that is known")
        return signed

    def verified(self, keys: Sequence[Key]) -> Iterator[tuple[Key, bytes]]:
        """Yield the keys that have signed it with their signatures; raise Wrong where a known key's is bad."""
        for name, key_id, signature in self.signatures:
            for key in keys:
                if (key.name, key.id) == (name, key_id):
                    try:
                        key.verify(self.text, signature)
                    except InvalidSignature:
                        raise Wrong(f"{self.what}: the signature of {key.text} does not verify") from None
                    yield key, signature


# The records.


def canonical(value: Any) -> bytes:
    """Write texts, whole numbers, null, lists and objects by RFC 8785: records hold nothing else."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8")
    except UnicodeEncodeError:
        raise Wrong("it holds text that is no Unicode") from None


def no_fraction(text: str) -> None:
    """Refuse a number with a fraction: records hold whole numbers only."""
    raise ValueError(f"{text} is no whole number")


def parsed(line: bytes) -> dict[str, Any]:
    """Read a record, whose line must be in canonical form."""
    try:
        record = json.loads(line.decode("utf-8"), parse_float=no_fraction, parse_constant=no_fraction)
    except (UnicodeDecodeError, ValueError) as error:
        raise Wrong(f"it is no JSON: {error}") from None
    if canonical(record) != line:
        raise Wrong("it is not in canonical form (RFC 8785)")
    return cast("dict[str, Any]", record)


def centimes(text: str) -> int:
    """Read an amount as whole centimes."""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, cents = digits.partition(".")
    if len(cents) != 2 or not (whole + cents).isdigit():
        raise Wrong(f"{text!r} is no amount")
    return sign * int(whole + cents)


def amount(value: int) -> str:
    """Write whole centimes as an amount."""
    return f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"


def add(sums: dict[tuple[str, str], int], key: tuple[str, str], value: int) -> None:
    """Add to one of several sums."""
    sums[key] = sums.get(key, 0) + value


def kind_of(journal: str, reference: str) -> str:
    """Return the kind of an entry: the pair that carries a year's balances over, what determines a result, or any."""
    if journal == "RES":
        return RESULT
    return (
        OPENS
        if journal == "AN" and reference.endswith("/ouverture")
        else (CLOSES if journal == "AN" and reference.endswith("/cloture") else ANY)
    )


class Books:
    """The records read so far: how many of each kind, and those that the next act must name."""

    def __init__(self) -> None:
        self.count = dict.fromkeys(KINDS, 0)
        # The last number of each series; a bit for each document with a file; the records since the last act.
        self.series: dict[str, int] = {}
        self.with_file = bytearray()
        self.since_act: list[tuple[str, int]] = []
        # What each account moved each month, by the kind of entry (see `kind_of`); the day of the last entry.
        self.moved: dict[str, dict[tuple[str, str], int]] = {kind: {} for kind in ENTRY_KINDS}
        # The net and the gross of documents by kind and month, credit notes negative, and the net of their lines.
        self.sold: dict[tuple[str, str], int] = {}
        self.last_day = ""
        # The voucher file of each manual entry that has one, by its number and day: the SHA-256 that its act names.
        self.vouchers: dict[tuple[str, str], str] = {}
        # The last usage event that an act has named.
        self.named_usage = 0

    def take(self, kind: str, key: int, record: dict[str, Any]) -> None:
        """Take one record; raise Wrong where it does not fit."""
        if kind != "file" and key != self.count[kind] + 1:
            raise Wrong(f"{kind} {self.count[kind] + 1} should come here: the numbers have a gap")
        self.count[kind] += 1
        getattr(self, "take_" + kind)(key, record)
        if kind == "act":
            self.since_act.clear()
        else:
            self.since_act.append((kind, key))

    def take_entry(self, _key: int, record: dict[str, Any]) -> None:
        """Check that an entry balances."""
        head, postings = record["entry"], record["postings"]
        if len(postings) != head["posting_count"] or len(postings) < 2:
            raise Wrong(f"it says it has {head['posting_count']} postings, {len(postings)} stand")
        if [p["line_no"] for p in postings] != list(range(1, len(postings) + 1)):
            raise Wrong("its postings are not numbered 1, 2, 3 ...")
        month, sums = head["effective_on"][:7], self.moved[kind_of(head["journal"], head["reference"])]
        for p in postings:
            add(sums, (p["account"], month), centimes(p["amount"]))
        self.last_day = max(self.last_day, head["effective_on"])
        left = sum(centimes(p["amount"]) for p in postings)
        if left:
            raise Wrong(f"it does not balance: debits less credits are {amount(left)}")
        if any(p["effective_on"] != head["effective_on"] for p in postings):
            raise Wrong("its postings are dated otherwise than it is")
        if len({p["account"].startswith("9") for p in postings}) != 1:
            raise Wrong("it mixes class 9 with the general ledger")

    def take_document(self, _key: int, record: dict[str, Any]) -> None:
        """Check that a document's totals are those of its lines, and its number follows the last of its series."""
        head, lines, vat = record["document"], record["lines"], record["vat"]
        net, tax, gross = (centimes(head[name]) for name in ("net", "tax", "gross"))
        if not lines or [x["line_no"] for x in lines] != list(range(1, len(lines) + 1)):
            raise Wrong("its lines are not numbered 1, 2, 3 ...")
        if net != sum(centimes(x["amount"]) for x in lines) or net != sum(centimes(x["base"]) for x in vat):
            raise Wrong(f"its net, {head['net']}, is not that of its lines")
        if tax != sum(centimes(x["amount"]) for x in vat) or gross != net + tax:
            raise Wrong(f"its tax and gross, {head['tax']} and {head['gross']}, are not those of its VAT")
        parties = {party["role"]: party["digest"] for party in record["parties"]}
        if parties != {role: head[role] for role in ("buyer", "seller")}:
            raise Wrong("its seller or buyer is missing")
        series, _, number = head["number"].rpartition("-")
        expected = f"{series}-{self.series.get(series, 0) + 1:06d}"
        if head["number"] != expected and lines and all(x["service"] == BROUGHT for x in lines):
            # It was issued elsewhere, before these books began: it is no sale of theirs, and of no series.
            return
        if head["number"] != expected:
            raise Wrong(f"it bears the number {head['number']} where {expected} should come")
        self.series[series] = int(number)
        sign, month = -1 if head["kind"] == "credit_note" else 1, head["issued_on"][:7]
        for name, value in (("HT", net), ("TVA", tax), ("TTC", gross)):
            add(self.sold, (name, month), sign * value)

    def take_closing(self, _key: int, record: dict[str, Any]) -> None:
        """Check that a closing's digest is that of its balances, and that a reopening has no balances."""
        head, balances = record["closing"], record["balances"]
        lines = ["technopark-trial-balance/1", head["month"][:7]]
        lines += [f"{b['account']}\t{b['debit']}\t{b['credit']}" for b in balances]
        digest = hashlib.sha256(("\n".join(lines) + "\n").encode()).hexdigest()
        if (head["action"] == "close" and digest != head["digest"]) or (head["action"] != "close" and balances):
            raise Wrong("its digest is not that of its balances")

    def take_usage(self, _key: int, record: dict[str, Any]) -> None:
        """Check that a usage event has a quantity."""
        if record["usage"]["quantity"].strip("0.") == "" or record["usage"]["quantity"].startswith("-"):
            raise Wrong("its quantity is not above zero")

    def take_file(self, key: int, _record: dict[str, Any]) -> None:
        """Check that a file belongs to a document before it, which has no other file."""
        at, bit = key >> 3, 1 << (key & 7)
        if not 0 < key <= self.count["document"]:
            raise Wrong("it is the file of a document that does not stand before it")
        self.with_file.extend(bytes(max(0, at + 1 - len(self.with_file))))
        if self.with_file[at] & bit:
            raise Wrong("its document has a file already")
        self.with_file[at] |= bit

    def named_range(self, head: dict[str, Any], kind: str) -> tuple[int | None, int | None]:
        """Return the first and the last record of a kind that must stand before an act."""
        column = "usage_event" if kind == "usage" else kind
        if kind == "usage" and head["operation"] == UPGRADE:
            return (1, self.named_usage) if self.named_usage else (None, None)
        if kind == "usage" and not self.count["usage"]:
            # The act is older than that upgrade.
            return None, None
        return head["first_" + column], head["last_" + column]

    def take_act(self, _key: int, record: dict[str, Any]) -> None:
        """Check that an act follows what it names."""
        head = record["act"]
        named: list[tuple[str, int]] = []
        for kind in ("document", "entry", "usage"):
            first, last = self.named_range(head, kind)
            if (first is None) != (last is None):
                raise Wrong(f"it names a first or last {kind} only")
            if first is not None and last is not None:
                # Counted, not listed, before it is known that so many stand before it.
                if last - first >= len(self.since_act):
                    raise Wrong(f"it names {COUNTED[kind]} {first} to {last}, which do not all stand before it")
                named += [(kind, number) for number in range(first, last + 1)]
        self.named_usage = head["last_usage_event"] or self.named_usage
        for change in record["changes"]:
            after = json.loads(change["after"] or "{}") if change["subject"] == "manual-entries" else {}
            if after.get("voucher_sha256"):
                self.vouchers[change["key"], after["date"]] = after["voucher_sha256"]
        subjects = {"closings": "closing", "files": "file"}
        kinds = [subjects[change["subject"]] for change in record["changes"] if change["subject"] in subjects]
        if [kind for kind, _ in self.since_act[len(named) :]] != kinds or self.since_act[: len(named)] != named:
            raise Wrong("what stands before it is not what it names")


def check_record(books: Books, line: bytes, leaf: bytes, place: int) -> bytes:
    """Check one line of records.jsonl and of leaves.txt; return the leaf's hash."""
    parts = leaf.split(b" ")
    if len(parts) != 3 or parts[1].decode("ascii", "replace") not in KINDS or not parts[2].isdigit():
        raise Wrong(f"line {place} of {LEAVES} is no leaf")
    kind, key = parts[1].decode(), int(parts[2])
    try:
        if line == b"null":
            raise Wrong("it is in the log, and no longer in the books")
        if hashlib.sha256(b"\x00" + line).hexdigest().encode() != parts[0]:
            raise Wrong("it is not what was logged: it was changed since")
        record = parsed(line)
        tag, number = record.get("form"), record.get(kind, {}).get("document_id" if kind == "file" else "id")
        if not isinstance(tag, str) or tag.rpartition("/")[0] != f"technopark-{kind}" or number != key:
            raise Wrong(f"the record in its place says it is {tag} {number}")
        if tag not in FORMS[kind]:
            raise Wrong(f"its form, {tag}, is newer than this program: take the one that came with the export")
        books.take(kind, key, record)
    except Wrong as error:
        raise Wrong(f"{kind} {key} (line {place}): {error}") from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Wrong(f"{kind} {key} (line {place}): it lacks what such a record has ({error!r})") from None
    return bytes.fromhex(parts[0].decode())


# The whole.


def older_checkpoints(
    export: Export, keys: Sequence[Key], checkpoint_files: Sequence[str]
) -> dict[int, list[Checkpoint]]:
    """Read the checkpoints of the export and those the auditor kept, by the size they are of."""
    by_size: dict[int, list[Checkpoint]] = {}
    for line in export.lines(CHECKPOINTS) if export.has(CHECKPOINTS) else ():
        try:
            signed = json.loads(line)
            checkpoint = Checkpoint(signed["note"], f"checkpoint {signed['number']} of the export")
        except (ValueError, KeyError, TypeError):
            raise Wrong(f"{CHECKPOINTS} has a line that is none") from None
        checkpoint.verify(keys)
        by_size.setdefault(checkpoint.size, []).append(checkpoint)
    for path in sorted(name for name in export.names if name.startswith(export.folder + COSIGNED)):
        name = path[len(export.folder) :]
        checkpoint = Checkpoint(export.text(name), name)
        checkpoint.verify(keys)
        by_size.setdefault(checkpoint.size, []).append(checkpoint)
    for path in checkpoint_files:
        try:
            note = Path(path).read_bytes()
        except OSError as error:
            raise Wrong(f"{path} cannot be read: {error.strerror}") from None
        # Copied out of a mail, it may have blank lines around it.
        checkpoint = Checkpoint(decoded(note, path).strip() + "\n", f"your checkpoint {path}")
        checkpoint.verify(keys)
        by_size.setdefault(checkpoint.size, []).append(checkpoint)
    return by_size


def witnessed(export: Export, checkpoints: Iterable[Checkpoint], required: Sequence[Key]) -> str:
    """Say how far each witness has cosigned and when; raise Wrong where one that is required has not at all.

    Without any that is required, the export's own are named.
    """
    named = export.text(WITNESSES).splitlines() if export.has(WITNESSES) and not required else ()
    witnesses = required or [Key(text, is_witness=True) for text in named]
    newest: dict[str, tuple[int, int]] = {}
    for checkpoint in checkpoints:
        for key, signature in checkpoint.verified(witnesses):
            newest[key.text] = max(newest.get(key.text, (-1, 0)), (checkpoint.size, stated_time(signature)))
    told = ""
    for key in witnesses:
        if key.text in newest:
            size, seconds = newest[key.text]
            # A witness may state any time: this one is as far as calendars go.
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(min(seconds, 253402300799)))
            told += f"; cosigned by {key.name} at {at}, up to record {size}"
        elif required:
            raise Wrong(f"{key.text} has cosigned none of its checkpoints")
        else:
            told += f"; NOT cosigned by {key.name}, its witness"
    return told


def verify(
    export: Export,
    keys: Sequence[Key],
    checkpoint_files: Sequence[str],
    is_unsigned: bool,
    witnesses: Sequence[Key] = (),
) -> str:
    """Check everything; return the sentence that says so, raise Wrong where something is wrong."""
    if not is_unsigned and not export.has(CHECKPOINT):
        raise Wrong("the export bears no checkpoint: nobody has signed these books (--unsigned checks all the rest)")
    head = None if is_unsigned else Checkpoint(export.text(CHECKPOINT), CHECKPOINT)
    signed = [] if head is None else head.verify(keys)
    older = older_checkpoints(export, keys, checkpoint_files)
    if head is not None:
        require_older(older, head)
    books, tree = read_through(export, older)
    for checkpoint in (c for size, of_size in older.items() if size > tree.size for c in of_size):
        raise Wrong(
            f"{checkpoint.what} is of {_records(checkpoint.size)}, the export has {tree.size}: the last "
            f"{checkpoint.size - tree.size} were dropped, or it is an older export"
        )
    counts = ", ".join(f"{count} {COUNTED[kind]}" for kind, count in books.count.items() if count) or "none"
    if head is None:
        held = f"{_records(tree.size)} ({counts}) hold together; nobody has signed them"
        return f"{held}{bundled(export, books, None, keys)}. Their root: {encoded(tree.root())}"
    if tree.size != head.size:
        raise Wrong(f"the checkpoint is of {_records(head.size)}, the export has {tree.size}")
    require(tree, [head])
    signers = ", ".join(key.text for key in signed)
    root = encoded(head.root)
    proved = f"proved: {_records(tree.size)} ({counts}) of {head.origin}, root {root}, signed by {signers}"
    days = f"{signed_day(export)}; the last entry is of {books.last_day or 'no day'}"
    cosigned = witnessed(export, (head, *(c for of_size in older.values() for c in of_size)), witnesses)
    return f"{proved}{days}{cosigned}{bundled(export, books, head, keys)}"


def signed_day(export: Export) -> str:
    """Say when the checkpoint was signed, as far as the export tells."""
    note = export.text(CHECKPOINT)
    for line in export.lines(CHECKPOINTS) if export.has(CHECKPOINTS) else ():
        signed = json.loads(line)
        if signed["note"] == note:
            return f" on {signed['signed_at'][:10]}"
    return ""


def bundled(export: Export, books: Books, head: Checkpoint | None, keys: Sequence[Key]) -> str:
    """Check the audit bundle that the export is part of, and say so; say nothing of an export by itself."""
    bundle = export.bundle()
    if bundle is None:
        return ""
    files = bundle.verify(head, keys)
    try:
        newer = bundle.compare(books)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Wrong(f"the books of the bundle cannot be read: {error!r}") from None
    signed = "hold together" if head is None else "are those that were signed"
    rest = f", but for {newer} later entries that no record holds" if newer else ""
    which = "its books have" if newer else "its books and documents have"
    return f"; the {files} files of the bundle {signed}, and {which} the sums of the records{rest}"


def _records(number: int) -> str:
    """Write a number of records, one in the singular."""
    return f"{number} {'record' if number == 1 else 'records'}"


def require_older(older: dict[int, list[Checkpoint]], head: Checkpoint) -> None:
    """Require that older checkpoints are of the same books, and none is newer than the export's."""
    for size in sorted(older):
        for checkpoint in older[size]:
            if checkpoint.origin != head.origin:
                raise Wrong(f"{checkpoint.what} is of other books: {checkpoint.origin}, not {head.origin}")
            if size > head.size:
                raise Wrong(
                    f"{checkpoint.what} is of {_records(size)}, the export of {head.size}: the last {size - head.size} "
                    "were dropped, or it is an older export"
                )


def read_through(export: Export, older: dict[int, list[Checkpoint]]) -> tuple[Books, Tree]:
    """Check every record in turn, and every older checkpoint when its size is reached."""
    books, tree = Books(), Tree()
    require(tree, older.get(0, ()))
    leaves = export.lines(LEAVES)
    for place, line in enumerate(export.lines(RECORDS), 1):
        leaf = next(leaves, None)
        if leaf is None:
            raise Wrong(f"{RECORDS} has more lines than the {place - 1} of {LEAVES}")
        tree.add(check_record(books, line, leaf, place))
        require(tree, older.get(place, ()))
    if next(leaves, None) is not None:
        raise Wrong(f"{LEAVES} has more lines than the {tree.size} of {RECORDS}")
    return books, tree


def require(tree: Tree, checkpoints: Iterable[Checkpoint]) -> None:
    """Require that checkpoints of the tree as it is now have its root."""
    for checkpoint in checkpoints:
        if tree.root() != checkpoint.root:
            raise Wrong(f"{checkpoint.what}, of {_records(checkpoint.size)}, is not over the records of this export")


# The witness (C2SP tlog-witness).


class Witness:
    """An auditor's key, kept in a file of his, and beside it the checkpoint of each log that it cosigned last."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            mode, text = os.stat(path).st_mode, Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Wrong(f"{path} cannot be read: {error}") from None
        if os.name == "posix" and mode & 0o077:
            raise Wrong(f"{path} may be read by others: chmod 600 {path}, or make another key if somebody did")
        parts = text.split("+", 4)
        try:
            raw = base64.b64decode(parts[4], validate=True)
        except (IndexError, ValueError):
            raw = b""
        if parts[:2] != ["PRIVATE", "KEY"] or len(raw) != 33 or raw[:1] != b"\x04":
            raise Wrong(f"{path} holds no key of a witness: `witness-key` makes one")
        self.private = Ed25519PrivateKey.from_private_bytes(raw[1:])
        self.key = Key(verifying_key(parts[2], self.private), is_witness=True)

    def remembered(self, origin: str) -> Path:
        """Return the file of what was cosigned last of a log."""
        return Path(f"{self.path}.{hashlib.sha256(origin.encode()).hexdigest()[:16]}.last")

    def last(self, origin: str) -> Checkpoint | None:
        """Return what was cosigned last of a log, and was not touched since; None before the first."""
        file = self.remembered(origin)
        if not file.exists():
            return None
        last = Checkpoint(decoded(file.read_bytes(), str(file)), str(file))
        if last.origin != origin or not list(last.verified([self.key])):
            raise Wrong(f"{file} is not what you have cosigned: put back the cosigned checkpoint that you kept")
        return last

    def cosign(self, request: str, keys: Sequence[Key], seconds: int) -> str:
        """Cosign the checkpoint of a request, if it continues the one before, and remember it; return it cosigned."""
        older, path, checkpoint, note = parsed_request(request)
        checkpoint.verify(keys)
        file = self.remembered(checkpoint.origin)
        draft = file.with_name(file.name + ".new")
        try:
            # Whoever makes it is alone: of two at once, one is refused.
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise Wrong(f"another cosigning is under way; if it was killed, remove {draft}") from None
        try:
            with os.fdopen(descriptor, "wb") as stream:
                last = self.last(checkpoint.origin)
                if last is not None and last.text == checkpoint.text:
                    return file.read_text(encoding="utf-8")
                require_continued(last, older, path, checkpoint)
                text = cosigned_text(checkpoint.text, seconds).encode()
                signature = self.key.id + seconds.to_bytes(8, "big") + self.private.sign(text)
                cosigned = f"{note}\u2014 {self.key.name} {encoded(signature)}\n"
                stream.write(cosigned.encode())
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(draft, file)
            return cosigned
        finally:
            draft.unlink(missing_ok=True)


def verifying_key(name: str, private: Ed25519PrivateKey) -> str:
    """Write the key that verifies what a witness of that name cosigns: NAME+ID+KEY."""
    raw = b"\x04" + private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"{name}+{key_id(name, raw)}+{encoded(raw)}"


def new_witness_key(path: str, name: str) -> str:
    """Make a key for a witness in a file that only its owner may read; return the key that verifies."""
    if re.fullmatch(r"[^\s+]{1,100}", name) is None or not name.isprintable():
        raise Wrong(f"{name!r} can't name a witness: write a name without spaces and +, as cabinet.example.ma/2026")
    seed = os.urandom(32)
    key = verifying_key(name, Ed25519PrivateKey.from_private_bytes(seed))
    secret = "+".join(("PRIVATE", "KEY", name, key.split("+")[1], encoded(b"\x04" + seed)))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Wrong(f"{path} cannot be made: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(f"{secret}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    return key


def parsed_request(request: str) -> tuple[int, list[bytes], Checkpoint, str]:
    """Read a request (C2SP tlog-witness): the size before, the proof, the checkpoint and its note."""
    head, blank, note = request.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    older = re.fullmatch(r"old (0|[1-9][0-9]{0,17})", first)
    try:
        path = [base64.b64decode(line, validate=True) for line in lines]
    except ValueError:
        path = [b""]
    if not blank or older is None or len(path) > 63 or any(len(each) != 32 for each in path):
        raise Wrong("it is no request to cosign: `proof witness-request` writes one")
    return int(older[1]), path, Checkpoint(note, "the checkpoint"), note


def require_continued(last: Checkpoint | None, older: int, path: Sequence[bytes], checkpoint: Checkpoint) -> None:
    """Require that a checkpoint continues the one that was cosigned last."""
    seen, root = (0, hashlib.sha256().digest()) if last is None else (last.size, last.root)
    if checkpoint.size < seen:
        raise Wrong(
            f"the log has shrunk. You have cosigned {_records(seen)}, the checkpoint is of {checkpoint.size}: "
            f"keep both, and ask what became of the last {seen - checkpoint.size}"
        )
    if older != seen:
        raise Wrong(
            f"the request continues {_records(older)}, you have cosigned {seen}: ask for `proof witness-request --old "
            f"{seen}`"
        )
    if not is_consistent(seen, checkpoint.size, root, checkpoint.root, path):
        raise Wrong(
            f"the log has forked. The checkpoint, of {_records(checkpoint.size)}, does not continue the "
            f"{seen} you have cosigned: keep both, for records before that were changed"
        )


def is_consistent(older: int, size: int, older_root: bytes, root: bytes, path: Sequence[bytes]) -> bool:
    """Return whether a path proves that the tree of `older` leaves begins that of `size` (RFC 9162, 2.1.4.2)."""
    if older == size:
        return older_root == root and not path
    if older == 0 or not path:
        return older == 0 and not path
    hashes = [older_root, *path] if older & (older - 1) == 0 else list(path)
    old, new = older - 1, size - 1
    while old & 1:
        old, new = old >> 1, new >> 1
    first = second = hashes[0]
    for each in hashes[1:]:
        if new == 0:
            return False
        if old & 1 or old == new:
            first, second = node(each, first), node(each, second)
            while old and not old & 1:
                old, new = old >> 1, new >> 1
        else:
            second = node(second, each)
        old, new = old >> 1, new >> 1
    return new == 0 and first == older_root and second == root


# The proof of one paper.


def included_root(leaf: bytes, position: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that a leaf and its path lead to (RFC 9162, 2.1.3.2); blank where they can't lead to any."""
    if not 0 <= position < size:
        return b""
    place, last, root = position, size - 1, leaf
    for each in path:
        if last == 0:
            return b""
        if place & 1 or place == last:
            root = node(each, root)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            root = node(root, each)
        place, last = place >> 1, last >> 1
    return root if last == 0 else b""


def file_record(paper: str, record: dict[str, Any], key: int) -> tuple[str, int]:
    """Return the SHA-256 and the size of the PDF that a file's record names; it must be of that paper."""
    head = record["file"]
    if record["form"] not in FORMS["file"] or head["document_id"] != key or stem(head["path"]) != paper:
        raise Wrong(f"the record of the file is not of {paper}")
    return head["sha256"], head["size_bytes"]


def verify_paper(proof: dict[str, Any], keys: Sequence[Key], is_unsigned: bool, pdf: bytes | None) -> str:
    """Check the proof of a paper; return the sentence that says so, raise Wrong where something is wrong."""
    paper, size, root = proof["paper"], proof["size"], base64.b64decode(proof["root"], validate=True)
    if proof["checkpoint"] is None and not is_unsigned:
        raise Wrong("nobody has signed the log that it is in (--unsigned checks all the rest)")
    said = "in a log that nobody has signed"
    if not is_unsigned:
        head = Checkpoint(proof["checkpoint"], "its checkpoint")
        signed = ", ".join(key.text for key in head.verify(keys))
        if (head.size, head.root) != (size, root):
            raise Wrong("its checkpoint is of another head of the log")
        said = f"in the log of {head.origin}, signed by {signed}"
    places, logged = [], None
    for each in proof["records"]:
        leaf, path = (base64.b64decode(each["leaf"], validate=True), [base64.b64decode(h) for h in each["path"]])
        if included_root(leaf, each["position"], size, path) != root:
            raise Wrong(f"its {each['kind']} is not in the log at place {each['position'] + 1}")
        if each["kind"] == "file":
            line = each["record"].encode()
            if hashlib.sha256(b"\x00" + line).digest() != leaf:
                raise Wrong("the record of its file is not what was logged")
            logged = file_record(paper, parsed(line), each["number"])
        places.append(f"its {each['kind']} is record {each['position'] + 1}")
    if not places or len({each["number"] for each in proof["records"] if each["kind"] != "act"}) > 1:
        raise Wrong("it proves nothing: its records are of different papers, or there are none")
    told = f"proved: {paper} is {said}: {', '.join(places)} of {size}"
    if pdf is None:
        return told
    if logged is None:
        raise Wrong(f"the PDF of {paper} is in no record of the proof: ask for the proof again later")
    if (hashlib.sha256(pdf).hexdigest(), len(pdf)) != logged:
        raise Wrong(f"the PDF is not the one that was logged as {paper}: it is a copy made otherwise, or was changed")
    return f"{told}; the PDF is the one that was logged"


def paper_main(arguments: Sequence[str]) -> str:
    """Check the proof of one paper, and return what is said of it."""
    parser = argparse.ArgumentParser(prog="verify_books.py paper", description="Check the proof of one paper.")
    parser.add_argument("proof", help="the proof, as the page of the paper gives it")
    parser.add_argument("--pdf", help="the paper itself, as the mail brought it")
    parser.add_argument("--key", action="append", default=[], help="a key you trust, NAME+ID+KEY; may be repeated")
    parser.add_argument("--unsigned", action="store_true", help="check a proof that no key has signed")
    options = parser.parse_args(arguments)
    try:
        proof = json.loads(decoded(Path(options.proof).read_bytes(), options.proof))
        pdf = None if options.pdf is None else Path(options.pdf).read_bytes()
        keys = [Key(text) for text in options.key or proof["keys"]]
        told = verify_paper(proof, keys, options.unsigned, pdf)
    except OSError as error:
        raise Wrong(f"{error.filename} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Wrong(f"{options.proof} is no proof of a paper: {error!r}") from None
    own = "" if options.key or options.unsigned else "The key is the proof's own: compare it with one you were given.\n"
    return f"{told}\n{own}"


def witness_main(arguments: Sequence[str]) -> str:
    """Do what a witness asks for, and return what is said of it."""
    parser = argparse.ArgumentParser(prog="verify_books.py")
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("witness-key", help="make the key of a witness")
    made.add_argument("file", help="where the key is kept: a new file, that only you may read")
    made.add_argument("name", help="what the witness is called, without spaces and +: cabinet.example.ma/2026")
    asked = commands.add_parser("cosign", help="cosign the checkpoint of a request")
    asked.add_argument("file", help="your key, as witness-key made it")
    asked.add_argument("request", help="what the operator asks to be cosigned")
    asked.add_argument("--key", action="append", required=True, help="the key of the log, NAME+ID+KEY, as given to you")
    asked.add_argument("--output", required=True, help="where the cosigned checkpoint is written, to be sent back")
    options = parser.parse_args(arguments)
    if options.command == "witness-key":
        return f"{new_witness_key(options.file, options.name)}\n"
    witness = Witness(options.file)
    try:
        request = decoded(Path(options.request).read_bytes(), options.request)
        cosigned = witness.cosign(request, [Key(text) for text in options.key], int(time.time()))
        Path(options.output).write_bytes(cosigned.encode())
    except OSError as error:
        raise Wrong(f"{error.filename} cannot be read or written: {error.strerror}") from None
    checkpoint = Checkpoint(cosigned, options.output)
    return f"cosigned: {_records(checkpoint.size)} of {checkpoint.origin}, root {encoded(checkpoint.root)}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if given[:1] in (["witness-key"], ["cosign"]):
            sys.stdout.write(witness_main(given))
            return 0
        if given[:1] == ["paper"]:
            sys.stdout.write(paper_main(given[1:]))
            return 0
        return verify_main(given)
    except Wrong as error:
        sys.stderr.write(f"WRONG: {error}\n")
        return 1


def verify_main(arguments: Sequence[str]) -> int:
    """Check an export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", help="the folder or ZIP file")
    parser.add_argument("--key", action="append", default=[], help="a key you trust, NAME+ID+KEY; may be repeated")
    parser.add_argument("--checkpoint", action="append", default=[], help="a checkpoint you kept; may be repeated")
    parser.add_argument("--unsigned", action="store_true", help="check an export that no key has signed")
    parser.add_argument("--witness", action="append", default=[], help="a witness that must have cosigned, NAME+ID+KEY")
    options = parser.parse_args(arguments)
    export = Export(options.export)
    keys = [Key(text) for text in options.key or export.text(KEYS).splitlines()]
    witnesses = [Key(text, is_witness=True) for text in options.witness]
    sys.stdout.write(verify(export, keys, options.checkpoint, options.unsigned, witnesses) + "\n")
    if not options.key and not options.unsigned:
        sys.stdout.write(
            "The key is the export's own: compare it with the one you were given, or give that by --key.\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
