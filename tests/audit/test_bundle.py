"""A year's books for an auditor: every file says what the books hold, for us, for hledger and for beancount."""

import csv
import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import data
from sqlalchemy import Engine

from billing.audit.bundle import contents
from billing.audit.bundle import writing as bundle_module
from billing.audit.bundle.bundled import Bundled
from billing.audit.bundle.read_back.entries import BeancountReader, FecReader, HledgerReader, JournalReader
from billing.audit.bundle.read_back.reader import Reader, centimes
from billing.audit.bundle.second_engine import EngineDisagrees, NoEngine, recompute
from billing.audit.bundle.writing import AuditBundle, audit_bundle
from billing.documents.delivery.pdf_files import ensure_pdf
from billing.frame.database import reading, writing
from billing.frame.errors import Unknown
from billing.frame.settings import load_settings
from billing.proof.checkpoints import make_checkpoint, signers_of
from billing.proof.verify_books import main as verify
from invoices.reading import document_id
from ledger.balances import trial_balance
from ledger.entry import Entry, Posting
from ledger.year_end import close_year
from tests.support.billed_park import NOW, bill_park
from tests.support.books import RECORDED_AT, SEPTEMBER, invoice, post_all
from tests.support.memory import peak_growth, use_up
from tests.support.proved_park import signing_settings

OPERATOR = load_settings({}).operator.party
TERMS = load_settings({}).terms
FEC = f"fec/{OPERATOR.tax_id}FEC20261231.txt"


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Engine:
    bill_park(engine, tmp_path / "network")
    return engine


def written(engine: Engine, year: int = 2026) -> tuple[AuditBundle, zipfile.ZipFile]:
    """A bundle, and the archive it came to."""
    with reading(engine) as connection:
        bundle = audit_bundle(connection, year, OPERATOR, TERMS)
        content = b"".join(bundle.pieces)
    return bundle, zipfile.ZipFile(io.BytesIO(content))


def table(archive: zipfile.ZipFile, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(path).decode(), newline="")))


def fec_rows(archive: zipfile.ZipFile, path: str) -> list[dict[str, str]]:
    head, *lines = archive.read(path).decode().removesuffix("\r\n").split("\r\n")
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


# --- what is in it -----------------------------------------------------------------------------------


def test_r22_every_file_was_read_back_and_says_what_the_books_hold(park: Engine) -> None:
    bundle, archive = written(park)
    assert archive.testzip() is None
    text = archive.read("controle/controle.txt").decode()
    assert text.splitlines()[-1] == "difference = 0"
    assert bundle.control.verdict == "difference = 0"
    assert bundle.control.is_proved
    assert all(found.sums > 0 and found.lines > 1 for found in bundle.control.compared)
    read_back = {found.path for found in bundle.control.compared}
    assert read_back == {
        FEC, FEC.replace(".txt", "-analytique.txt"), "journal/journal.csv", "journal/journal.xlsx",
        "livres/grand-livre.csv", "livres/balance-generale.csv", "livres/balance-auxiliaire.csv",
        "livres/journal-centralisateur.csv", "documents/registre.csv", "moteurs/livres.journal",
        "moteurs/livres.beancount",
    }  # fmt: skip


def test_the_manifest_is_verified_by_sha256sum_and_names_every_file(park: Engine, tmp_path: Path) -> None:
    bundle, archive = written(park)
    archive.extractall(tmp_path / "audit")
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "audit", check=True)
    named = {line.split("  ")[1] for line in archive.read("SHA256SUMS").decode().splitlines()}
    assert named == set(archive.namelist()) - {"SHA256SUMS"}
    assert archive.namelist()[0] == "LISEZ-MOI.md"
    assert bundle.files == {name: hashlib.sha256(archive.read(name)).hexdigest() for name in bundle.files}


def test_the_readme_tells_of_every_file_and_whom_to_ask(park: Engine) -> None:
    _, archive = written(park)
    text = archive.read("LISEZ-MOI.md").decode()
    assert [name for name in archive.namelist() if f"`{name}`" not in text and name != "LISEZ-MOI.md"] == []
    assert OPERATOR.email in text
    assert OPERATOR.ice in text
    assert "{{" not in text


def test_the_same_books_give_the_same_bytes_and_bear_no_moment(park: Engine) -> None:
    with reading(park) as connection:
        first = b"".join(audit_bundle(connection, 2026, OPERATOR, TERMS).pieces)
    with reading(park) as connection:
        assert b"".join(audit_bundle(connection, 2026, OPERATOR, TERMS).pieces) == first
    assert {info.date_time for info in zipfile.ZipFile(io.BytesIO(first)).infolist()} == {(2026, 12, 31, 0, 0, 0)}


def test_the_register_has_every_document_with_its_vat_and_the_hash_of_its_pdf(park: Engine, tmp_path: Path) -> None:
    with reading(park) as connection:
        key = document_id(connection, "FA-2026-000001")
    pdf = ensure_pdf(park, f"file:{tmp_path / 'documents'}", key, clock=lambda: NOW)
    _, archive = written(park)
    rows = table(archive, "documents/registre.csv")
    first = next(row for row in rows if row["Numéro"] == "FA-2026-000001")
    assert first["SHA-256 du PDF"] == hashlib.sha256(pdf).hexdigest()
    assert {row["Nature"] for row in rows} == {"facture", "avoir"}
    vat = table(archive, "documents/registre-tva.csv")
    for row in rows:
        of_rates = [of_rate for of_rate in vat if of_rate["Numéro"] == row["Numéro"]]
        sums = [sum(centimes(of_rate[name]) for of_rate in of_rates) for name in ("Base", "TVA")]
        assert sums == [centimes(row["HT"]), centimes(row["TVA"])]
    # E14: the same columns whatever the year, in plain characters.
    assert [name for name in (*rows[0], *vat[0]) if "\u00a0" in name or "%" in name] == []
    assert len(table(archive, "fec/concordance.csv")) > len(rows)


def test_the_vat_papers_of_the_months_booked_and_the_waterfalls_of_the_months_run_are_there(park: Engine) -> None:
    _, archive = written(park)
    names = archive.namelist()
    assert [name for name in names if name.startswith("tva/") and name.endswith("csv")] == [
        f"tva/2026-{month:02d}.csv" for month in range(1, 9)
    ]
    for month in ("2026-06", "2026-07", "2026-08"):
        assert {f"perequation/{month}-cascade.json", f"perequation/{month}-matrice.csv"} <= set(names)


def test_a_year_in_which_nothing_is_booked_has_no_bundle(park: Engine) -> None:
    with pytest.raises(Unknown, match="nothing is booked in 2019: the books end on 2026-"), reading(park) as connection:
        audit_bundle(connection, 2019, OPERATOR, TERMS)


# --- FEC (law.md section 6) --------------------------------------------------------------------------


@pytest.fixture
def two_years(engine: Engine) -> Engine:
    """2026 booked and ended, a late entry of it recorded among those of 2027."""
    with writing(engine) as connection:
        post_all(connection, [booked(1), booked(2, tenant="T0007", on=date(2026, 11, 1))])
        post_all(connection, [booked(3, on=date(2027, 2, 1))])
        post_all(connection, [booked(4, on=date(2026, 12, 1)), paid("T0042", 283_500, date(2027, 3, 5))])
        close_year(connection, 2026, recorded_at=RECORDED_AT)
        post_all(connection, [analytic(date(2026, 12, 31)), analytic(date(2027, 1, 31))])
    return engine


def booked(number: int, tenant: str = "T0042", on: date = SEPTEMBER) -> Entry:
    """What an invoice books, without one: in no journal that documents must equal."""
    return replace(invoice(number, tenant=tenant, on=on), journal="OD")


def paid(tenant: str, amount: int, on: date) -> Entry:
    postings = (Posting("5141", amount), Posting("3421", -amount, tenant))
    return Entry(f"BQ/{tenant}", "BQ", on, "Virement", "R1", postings)


def analytic(on: date) -> Entry:
    return Entry(f"PER/{on}", "PER", on, "x", "x", (Posting("9301", 100, "T0042", "TNG"), Posting("9309", -100)))


def test_the_fec_begins_with_the_opening_entry_and_is_numbered_without_gap(two_years: Engine) -> None:
    bundle, archive = written(two_years, 2027)
    assert bundle.control.is_proved
    rows = fec_rows(archive, FEC.replace("2026", "2027"))
    numbers = [int(row["EcritureNum"]) for row in rows]
    assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))
    assert numbers == sorted(numbers)
    assert [row["JournalCode"] for row in rows if row["EcritureNum"] == "1"] == ["AN"] * 4
    assert {row["JournalCode"] for row in rows if row["EcritureNum"] != "1"} == {"OD", "BQ"}
    assert all(re.fullmatch(r"2027\d{4}", row["EcritureDate"]) for row in rows)
    assert all(re.fullmatch(r"\d+,\d\d", row["Debit"]) and re.fullmatch(r"\d+,\d\d", row["Credit"]) for row in rows)
    with reading(two_years) as connection:
        held = {b.account: b.balance for b in trial_balance(connection, date(2027, 12, 31)) if not b.is_analytic}
    found: dict[str, int] = defaultdict(int)
    for row in rows:
        found[row["CompteNum"]] += centimes(row["Debit"]) - centimes(row["Credit"])
    assert dict(found) == {account: balance for account, balance in held.items() if balance or account in found}


def test_the_fec_of_a_closed_year_has_no_entries_that_determine_its_result(two_years: Engine) -> None:
    bundle, archive = written(two_years)
    assert bundle.control.is_proved
    rows = fec_rows(archive, FEC)
    assert {row["JournalCode"] for row in rows} == {"OD"}
    assert not {row["CompteNum"][0] for row in rows} & set("89")
    sold = [centimes(row["Credit"]) - centimes(row["Debit"]) for row in rows if row["CompteNum"] == "71243"]
    assert sum(sold) > 0


def test_class_9_has_a_fec_of_its_own(two_years: Engine) -> None:
    _, archive = written(two_years, 2027)
    of_general = fec_rows(archive, FEC.replace("2026", "2027"))
    of_class_9 = fec_rows(archive, FEC.replace("2026", "2027").replace(".txt", "-analytique.txt"))
    assert {row["CompteNum"][0] == "9" for row in of_general} == {False}
    assert [(row["EcritureNum"], row["JournalCode"], row["CompteNum"]) for row in of_class_9] == [
        ("1", "AN", "9301"), ("1", "AN", "9309"), ("2", "PER", "9301"), ("2", "PER", "9309"),
    ]  # fmt: skip


def test_the_concordance_leads_from_the_fec_to_the_entry(two_years: Engine) -> None:
    _, archive = written(two_years, 2027)
    journal = {row["number"]: row["reference"] for row in table(archive, "journal/journal.csv")}
    rows = table(archive, "fec/concordance.csv")
    assert [row["EcritureNum"] for row in rows] == ["1", "2", "3", "1", "2"]
    assert [row["Référence"] for row in rows if not row["N°"]] == ["REPORT/2027-01-01/analytique"]
    assert all(journal[row["N°"]] == row["Référence"] for row in rows if row["N°"])


def test_a_year_before_which_nothing_was_ended_says_so_and_still_agrees(engine: Engine) -> None:
    with writing(engine) as connection:
        post_all(connection, [booked(1), booked(2, on=date(2027, 1, 1))])
    bundle, archive = written(engine, 2027)
    # There are no documents: the register has its head alone.
    [registered] = [found for found in bundle.control.compared if found.path == "documents/registre.csv"]
    assert registered.lines == 1
    text = archive.read("controle/controle.txt").decode()
    assert "L'exercice 2026 n'est pas clôturé" in text
    assert bundle.control.is_proved


# --- other engines -----------------------------------------------------------------------------------


@pytest.mark.parametrize("year", [2026, 2027])
def test_hledger_and_beancount_give_every_balance_of_every_month(two_years: Engine, year: int, tmp_path: Path) -> None:
    _, archive = written(two_years, year)
    file = tmp_path / "audit.zip"
    file.write_bytes(archive.fp.getvalue())  # type: ignore[union-attr]
    told = list(recompute(file))
    assert told[0].endswith("difference = 0")
    assert told[1] == "beancount: no complaint"
    archive.extract("moteurs/livres.beancount", tmp_path)
    directives, errors, _ = loader.load_file(str(tmp_path / "moteurs/livres.beancount"))
    assert errors == []
    moved: dict[tuple[str, str], int] = defaultdict(int)
    for directive in directives:
        for posting in directive.postings if isinstance(directive, data.Transaction) else ():
            account = next(part for part in posting.account.split(":") if part[0].isdigit()).split("-")[0]
            assert posting.units is not None
            assert posting.units.number is not None
            moved[account, directive.date.isoformat()[:7]] += int(posting.units.number * 100)
    rows = [row for row in table(archive, "controle/soldes-par-mois.csv") if row["Mois"] != "ouverture"]
    assert rows
    balances: dict[str, int] = defaultdict(int)
    for row in rows:
        balances[row["Compte"]] += moved[row["Compte"], row["Mois"]]
        assert balances[row["Compte"]] == centimes(row["Solde (base de données)"]), row
    with reading(two_years) as connection:
        for b in trial_balance(connection, date(year, 12, 31)):
            assert balances[b.account] == b.balance


@pytest.mark.parametrize("year", [2026, 2027])
def test_the_verifier_makes_the_sums_of_every_file_from_the_records(
    two_years: Engine, year: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a year that was ended, and of the one that it opened."""
    settings = signing_settings(two_years, tmp_path)
    make_checkpoint(settings, two_years, lambda: NOW)
    with reading(two_years) as connection:
        made = audit_bundle(connection, year, settings.operator.party, settings.terms, signers_of(settings))
        (tmp_path / "audit.zip").write_bytes(b"".join(made.pieces))
    assert verify([str(tmp_path / "audit.zip")]) == 0
    assert "its books and documents have the sums of the records" in capsys.readouterr().out


def test_a_bundle_whose_files_were_changed_does_not_pass_another_engine(park: Engine, tmp_path: Path) -> None:
    _, archive = written(park)
    file = tmp_path / "audit.zip"
    with zipfile.ZipFile(file, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "moteurs/livres.journal":
                # An entry is dropped: it still balances.
                entries = content.split(b"\n\n")
                content = b"\n\n".join([*entries[:-1], b""])
            changed.writestr(name, content)
    with pytest.raises(EngineDisagrees, match="off by"):
        list(recompute(file))


def test_without_the_engines_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("billing.audit.bundle.second_engine._program", lambda _name: None)
    with pytest.raises(NoEngine, match="hledger and bean-check can't be found: install it"):
        list(recompute(tmp_path / "none.zip"))


# --- what a lying file is found by -------------------------------------------------------------------


def spoiling(path: str) -> Callable[..., Iterator[Bundled]]:
    """The files, one of which says another amount in its last line that has one."""
    amount = re.compile(rb"([1-9])([0-9]*%b[0-9]{2})" % (b"," if path.startswith("fec/") else rb"\."))

    def spoiled(*arguments: Any) -> Iterator[Bundled]:
        for found in contents.files_of(*arguments):
            yield found._replace(pieces=partial(changed, found)) if found.path == path else found

    def changed(found: Bundled) -> Iterator[bytes]:
        lines = b"".join(found.pieces()).split(b"\n")
        last = max(place for place, line in enumerate(lines) if amount.search(line) and b"total" not in line)
        lines[last] = amount.sub(lambda match: b"%d" % (int(match[1]) % 9 + 1) + match[2], lines[last], count=1)
        yield b"\n".join(lines)

    return spoiled


@pytest.mark.parametrize(
    "path",
    [
        FEC, FEC.replace(".txt", "-analytique.txt"), "journal/journal.csv", "livres/grand-livre.csv",
        "livres/balance-generale.csv", "livres/balance-auxiliaire.csv", "livres/journal-centralisateur.csv",
        "documents/registre.csv", "moteurs/livres.journal", "moteurs/livres.beancount",
    ],
)  # fmt: skip
def test_a_file_that_says_another_amount_is_named(park: Engine, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_module, "files_of", spoiling(path))
    bundle, archive = written(park)
    assert not bundle.control.is_proved
    wrong = [found.path for found in bundle.control.compared if found.difference or found.faulty]
    assert wrong == [path]
    last = archive.read("controle/controle.txt").decode().splitlines()[-1]
    assert last.startswith("difference = ")
    assert last != "difference = 0"


def read(reader: Reader, text: str) -> list[str]:
    """What a reader finds wrong, whatever pieces it is handed."""
    content = text.encode()
    for start in range(0, len(content), 7):
        reader.read(content[start : start + 7])
    return reader.finished().faults


def fec_line(number: int, debit: str, credit: str, **changed: str) -> str:
    row = {
        "JournalCode": "VTE", "JournalLib": "Ventes", "EcritureNum": str(number), "EcritureDate": "20260901",
        "CompteNum": "3421", "CompteLib": "Clients", "CompAuxNum": "", "CompAuxLib": "", "PieceRef": "F1",
        "PieceDate": "20260901", "EcritureLib": "x", "Debit": debit, "Credit": credit, "EcritureLet": "", "DateLet": "",
        "ValidDate": "20260901", "Montantdevise": "", "Idevise": "",
    }  # fmt: skip
    return "\t".join((row | changed).values())


def test_what_the_law_asks_of_a_fec_is_judged_line_by_line() -> None:
    head = "\t".join(FecReader.COLUMNS)
    good = [fec_line(1, "1,00", "0,00"), fec_line(1, "0,00", "1,00"), fec_line(2, "0,00", "0,00")]

    def faults(*lines: str) -> str:
        return "; ".join(read(FecReader(2026), "\r\n".join([head, *lines, ""])))

    assert faults(*good) == ""
    assert "EcritureNum 3 follows 1" in faults(*good[:2], fec_line(3, "0,00", "0,00"))
    assert "EcritureNum 1 does not balance" in faults(good[0], good[2])
    assert "no decimal comma" in faults(fec_line(1, "1.00", "0,00"))
    assert "a day is not eight figures" in faults(fec_line(1, "0,00", "0,00", ValidDate="2026-09-01"))
    assert "is not of the year" in faults(fec_line(1, "0,00", "0,00", EcritureDate="20250901"))
    assert "PieceRef is empty" in faults(fec_line(1, "0,00", "0,00", PieceRef=""))
    assert "an opening entry comes after others" in faults(*good, fec_line(3, "0,00", "0,00", JournalCode="AN"))
    assert "shorter" in faults("VTE\tVentes")
    assert "the last line has no end" in read(FecReader(2026), head)
    assert "eighteen columns" in read(FecReader(2026), "JournalCode\r\n")[0]


def test_readers_of_plain_text_refuse_what_they_do_not_understand() -> None:
    [fault] = read(HledgerReader(), "2026-09-01 * x\n    Général:3421 Clients  12\n")
    assert "is no posting" in fault
    [fault] = read(BeancountReader(), '2026-09-01 * "x"\n  Assets:3421-Clients  12 EUR\n')
    assert "is no posting" in fault
    assert "does not balance" in read(HledgerReader(), "2026-09-01 * x\n    Général:3421 C  MAD 1.00\n")[0]


def test_a_text_in_quotes_may_hold_a_line_s_end() -> None:
    reader = JournalReader()
    faults = read(
        reader,
        'journal,effective_on,account,label,debit,credit\nVTE,2026-09-01,3421,"a\nb ""c""",1.00,0.00\n'
        "OD,2026-09-02,71243,x,0.00,1.00\n",
    )
    assert faults == []
    assert reader.result.sums == {("3421", "2026-09"): 100, ("71243", "2026-09"): -100}
    assert reader.result.sales == {"2026-09": 100}


# --- a large year ------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_year(engine: Engine) -> None:
    def growth() -> int:
        with reading(engine) as connection:
            return peak_growth(lambda: use_up(audit_bundle(connection, 2026, OPERATOR, TERMS).pieces))

    with writing(engine) as connection:
        post_all(connection, [invoice(n) for n in range(1, 1_001)])
    growth()
    few = growth()
    with writing(engine) as connection:
        post_all(connection, [invoice(n) for n in range(1_001, 7_001)])
    # 6,000 entries that were kept would take 12 MB and more.
    assert growth() < few + 4_000_000


# --- by hand -----------------------------------------------------------------------------------------


def test_the_command_line_writes_it_lets_the_engines_recompute_and_says_the_difference(
    park: Engine, tmp_path: Path
) -> None:
    target = tmp_path / "audit.zip"
    environment = {**os.environ, "DATABASE_URL": park.url.render_as_string(hide_password=False)}
    program = str(Path(sys.executable).with_name("technopark-billing"))
    command = [program, "audit-bundle", "--year", "2026", "--second-engine", "--output", str(target)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "difference = 0"
    assert "hledger: no complaint" in done.stdout
    with reading(park) as connection:
        assert target.read_bytes() == b"".join(audit_bundle(connection, 2026, OPERATOR, TERMS).pieces)
    command[3] = "2019"
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "nothing is booked in 2019" in refused.stderr
    assert zipfile.ZipFile(target).testzip() is None
