"""hledger, beancount and a script of SQL agree with every file of the bundle, two years in a row, closed and open.

The script is sqlite3 in memory: neither DuckDB nor pandas is among what the tests install.
"""

import csv
import hashlib
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import make_url

from billing.check import check
from billing.proof.verify_books import main as verify
from billing.schema.migrating import migrate
from tests.conftest import opened
from tests.support.pages import text_of
from tests.support.second_programs import beancount_postings, hledger_balances, run_hledger
from tests.support.two_years import CLOSED, OPEN, VOUCHER, Files, centimes, two_years

# A general ledger or class 9; the pair that opens a year moves nothing in the grand-livre and the balances.
_GENERAL = "account NOT LIKE '9%'"
_MOVES = "NOT (journal = 'AN' AND (reference LIKE '%/ouverture' OR reference LIKE '%/cloture'))"
_CLOSING = "c([Solde à la clôture - débiteur]) - c([Solde à la clôture - créditeur])"


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("years")
    with opened(make_url(f"sqlite:///{folder / 'park.sqlite'}")) as engine:
        migrate(engine)
        unpacked = two_years(engine, folder)
        assert check(engine) == []
    return unpacked


@pytest.fixture(params=[CLOSED, OPEN])
def files(request: pytest.FixtureRequest, bundles: dict[int, Path]) -> Files:
    made = Files(bundles[request.param])
    # What the books hold of each account at the year's end, and what moved.
    made.tables.executescript(
        f"""
        CREATE VIEW balance AS SELECT [Compte] AS account, {_CLOSING} AS amount,
            c([Solde à l'ouverture - débiteur]) - c([Solde à l'ouverture - créditeur]) AS opening,
            c([Mouvements - débit]) - c([Mouvements - crédit]) AS moved
            FROM [livres/balance-generale] WHERE [Nature] = 'ligne';
        CREATE VIEW line AS SELECT *, c(debit) - c(credit) AS amount, substr(effective_on, 1, 7) AS month
            FROM [journal/journal];
        CREATE VIEW book AS SELECT *, c([Débit]) - c([Crédit]) AS amount FROM [livres/grand-livre]
            WHERE [Nature] = 'ligne';
        """
    )
    return made


def test_a_voucher_file_that_is_missing_or_another_is_named(
    bundles: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(bundles[OPEN], folder)
    digest = hashlib.sha256(VOUCHER).hexdigest()
    manifest, voucher = folder / "SHA256SUMS", folder / f"pieces/{digest}.pdf"
    voucher.write_bytes(b"%PDF-1.7 autre")
    # Whoever changes a file can write its line anew, and pass the bundle on unsigned.
    lines = manifest.read_text(encoding="utf-8")
    other = hashlib.sha256(b"%PDF-1.7 autre").hexdigest()
    manifest.write_text(lines.replace(f"{digest}  ", f"{other}  "), encoding="utf-8")
    assert verify([str(folder), "--unsigned"]) == 1
    assert f"pieces/{digest}.pdf is not the voucher file that it is called by" in capsys.readouterr().err
    voucher.unlink()
    kept = [line for line in lines.splitlines(keepends=True) if voucher.name not in line]
    manifest.write_text("".join(kept), encoding="utf-8")
    assert verify([str(folder), "--unsigned"]) == 1
    assert f"the voucher file of EM-000002, SHA-256 {digest}, is missing from pieces/" in capsys.readouterr().err


def held(files: Files, *accounts: str) -> int:
    listed = ", ".join(f"'{code}'" for code in accounts)
    return files.value(f"SELECT sum(amount) FROM balance WHERE account IN ({listed})")


def test_every_file_agrees_with_the_others_to_the_centime(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    _entries_agree(files)
    _engines_agree(files)
    _sums_agree(files)
    _documents_agree(files)
    _money_agrees(files)
    _cross_subsidy_agrees(files)
    _register_and_acts_agree(files)
    _workbooks_agree(files)
    _proof_agrees(files, capsys)
    # No file of the bundle is left that nothing was compared with.
    assert files.unread == set()


def _same(files: Files, one: str, other: str) -> None:
    """Require that two queries give the same rows, and at least one."""
    first, second = Counter(files.ask(one)), Counter(files.ask(other))
    assert first - second == second - first == Counter()
    assert first


def _entries_agree(files: Files) -> None:
    assert files.ask("SELECT number FROM line GROUP BY number HAVING sum(amount) <> 0") == []
    book = "SELECT [N°], [Compte], [Tiers], [Site], [Date], amount FROM book"
    _same(files, f"SELECT number, account, auxiliary, site, effective_on, amount FROM line WHERE {_MOVES}", book)
    for part, of_part in (("générale", _GENERAL), ("analytique", f"NOT {_GENERAL}")):
        _same(
            files,
            f"SELECT k.[N°], f.[CompteNum], f.[CompAuxNum], f.[EcritureDate], c(f.[Debit]) - c(f.[Credit]) "
            f"FROM [fec/{part}] f JOIN [fec/concordance] k ON k.[EcritureNum] = f.[EcritureNum] "
            f"AND k.[Comptabilité] = '{part}' AND k.[N°] <> ''",
            "SELECT number, account, auxiliary, replace(effective_on, '-', ''), amount FROM line "
            f"WHERE {of_part} AND journal <> 'RES' AND NOT (journal = 'AN' AND reference LIKE '%/cloture')",
        )
    # Class 9 has no opening entry of its own: the file begins with the balances of the eve.
    openings = "SELECT [CompteNum], sum(c([Debit]) - c([Credit])) AS held FROM [fec/analytique] WHERE [PieceRef] LIKE "
    assert set(files.ask(f"{openings} 'Exercice %' GROUP BY 1")) == set(
        files.ask("SELECT account, opening FROM balance WHERE account LIKE '9%' AND opening <> 0")
    )


def _engines_agree(files: Files) -> None:
    balances = {str(code): amount for code, amount in files.ask("SELECT account, amount FROM balance")}
    for name in ("moteurs/livres.journal", "moteurs/livres.beancount"):
        files.bytes_of(name)
    journal, computed = files.folder / "moteurs/livres.journal", Counter[str]()
    run_hledger(journal, "check", "--strict", "ordereddates")
    for account, amount in hledger_balances(journal).items():
        computed[account.split(":")[1].split(" ")[0]] += amount
    # They know of the result no more than the books: what a year's end moved to class 8 and 1191 is in both.
    assert {code: amount for code, amount in computed.items() if amount} == {
        code: amount for code, amount in balances.items() if amount
    }
    computed = Counter()
    for _, posting in beancount_postings(files.folder / "moteurs/livres.beancount"):
        assert posting.units is not None
        account = next(part for part in posting.account.split(":") if part[0].isdigit()).split("-")[0]
        computed[account] += int(posting.units.number * 100)  # type: ignore[operator]
    assert {code: amount for code, amount in computed.items() if amount} == {
        code: amount for code, amount in balances.items() if amount
    }


def _sums_agree(files: Files) -> None:
    assert files.ask("SELECT * FROM balance WHERE opening + moved <> amount") == []
    moved = "SELECT account, moved FROM balance WHERE account IN (SELECT [Compte] FROM book)"
    _same(files, moved, "SELECT [Compte], sum(amount) FROM book GROUP BY 1")
    opening = "SELECT account, opening FROM balance"
    _same(
        files,
        opening,
        "SELECT [Compte], c([Solde débiteur]) - c([Solde créditeur]) FROM [livres/grand-livre] "
        "WHERE [Nature] = 'report à nouveau'",
    )
    central = "SELECT [Mois], [Jnl], [Compte], sum(c([Débit]) - c([Crédit])) FROM [livres/journal-centralisateur]"
    summed = "SELECT month, journal, account, sum(amount) FROM line GROUP BY 1, 2, 3"
    _same(files, f"{central} WHERE [Nature] = 'ligne' GROUP BY 1, 2, 3", summed)
    auxiliary = "FROM [livres/balance-auxiliaire] WHERE [Nature] = 'ligne'"
    _same(
        files,
        f"SELECT [Compte], [Tiers], c([Mouvements - débit]) - c([Mouvements - crédit]) {auxiliary} AND "
        "([Compte], [Tiers]) IN (SELECT [Compte], [Tiers] FROM book)",
        "SELECT [Compte], [Tiers], sum(amount) FROM book WHERE [Tiers] <> '' GROUP BY 1, 2",
    )
    # Month by month: what the database held, and what each file says.
    table = "[controle/soldes-par-mois]"
    closing = f"SELECT [Compte], c([Solde (base de données)]) FROM {table} WHERE [Mois] LIKE '%-12'"
    assert {row for row in files.ask(closing) if row[1]} == set(
        files.ask("SELECT account, amount FROM balance WHERE amount <> 0")
    )
    monthly = f"SELECT [Compte], [Mois], c([journal/journal.csv]) FROM {table} WHERE c([journal/journal.csv]) <> 0"
    _same(files, monthly, "SELECT account, month, sum(amount) FROM line GROUP BY 1, 2 HAVING sum(amount) <> 0")
    assert files.text("controle/controle.txt").endswith("\ndifference = 0\n")
    # The printed one groups digits by spaces of one kind or another.
    page = re.sub(r"(?<=[0-9])\s(?=[0-9])", "", text_of(files.bytes_of("livres/balance-generale.pdf")))
    for (amount,) in files.ask("SELECT [Solde à la clôture - débiteur] FROM [livres/balance-generale]"):
        assert str(amount).replace(".", ",") in page


def _documents_agree(files: Files) -> None:
    register = "SELECT [Numéro], c([HT]), c([TVA]) FROM [documents/registre]"
    assert files.ask("SELECT * FROM [documents/registre] WHERE c([HT]) + c([TVA]) <> c([TTC])") == []
    _same(files, register, "SELECT [Numéro], sum(c([Base])), sum(c([TVA])) FROM [documents/registre-tva] GROUP BY 1")
    lines = "SELECT [Numéro], sum(c([HT])) FROM [documents/lignes] GROUP BY 1"
    _same(files, "SELECT [Numéro], c([HT]) FROM [documents/registre]", lines)
    sold = "SELECT piece, abs(sum(amount)) FROM line WHERE journal = 'VTE' AND account = '3421' GROUP BY 1"
    _same(files, "SELECT [Numéro], c([TTC]) FROM [documents/registre]", sold)
    # A credit note by hand credits lines, and no more than stands on it.
    by_hand = "SELECT [Avoir], [Ligne], c([HT]) FROM [documents/avoirs-manuels]"
    of_lines = "SELECT [Numéro], [Ligne], c([HT]) FROM [documents/lignes]"
    assert set(files.ask(by_hand)) <= set(files.ask(of_lines))
    voided = "SELECT [Facture] FROM [documents/consommations-annulees]"
    assert files.ask(f"{voided} WHERE [Facture] NOT IN (SELECT [Numéro] FROM [documents/registre])") == []
    drawn = "SELECT [Numéro], c([TTC]) FROM [echantillon/echantillon]"
    assert set(files.ask(drawn)) <= set(files.ask("SELECT [Numéro], c([TTC]) FROM [documents/registre]"))
    for (number,) in files.ask("SELECT DISTINCT [Numéro] FROM [echantillon/echantillon]"):
        trail = json.loads(files.text(f"echantillon/{number}.json"))
        assert files.ask(f"SELECT '{trail['name']}', {centimes(trail['amount'])}") == files.ask(
            f"SELECT [Numéro], c([TTC]) FROM [documents/registre] WHERE [Numéro] = '{number}'"
        )
    population = files.value("SELECT sum(c([TTC])) FROM [documents/registre] WHERE [Nature] = 'facture'")
    assert f"S = {population} centimes" in files.text("echantillon/methode.txt")


def _money_agrees(files: Files) -> None:
    opened = "SELECT sum(c([Reste dû - {}])) FROM [clients/pieces-ouvertes]"
    assert files.value(opened.format("3421")) == held(files, "3421")
    assert files.value(opened.format("3424")) == held(files, "3424")
    aged = files.value("SELECT sum(c([Solde])) FROM [clients/balance-agee]")
    assert aged == held(files, "3421", "3424", "4421", "4428")
    assert files.value("SELECT sum(c([TVA non exigible])) FROM [clients/tva-non-exigible]") == -held(files, "44551")
    assert files.value("SELECT sum(c([À identifier])) FROM [clients/encaissements-a-identifier]") == -held(
        files, "4497"
    )
    assert files.value("SELECT sum(c([Détenu])) FROM [clients/depots-de-garantie]") == -held(files, "1487")
    lettered = "SELECT sum(c([Débit]) - c([Crédit])) AS left FROM [clients/lettrage] GROUP BY [Compte], [Lettre]"
    assert files.ask(f"SELECT * FROM ({lettered}) WHERE left <> 0") == []
    of_letters = "SELECT [Écriture], [Compte], c([Débit]) - c([Crédit]) FROM [clients/lettrage]"
    of_year = f"{of_letters} WHERE [Date] LIKE '{files.folder.name}%'"
    assert Counter(files.ask(of_year)) <= Counter(files.ask("SELECT number, account, amount FROM line"))
    # What came in by bank and till is what they were debited with.
    receipts = "[clients/encaissements] WHERE [État] = 'reçu'"
    received = f"SELECT [Règlement], c([Reçu]) FROM {receipts} AND [Mode] IN ('Virement', 'Espèces')"
    booked = "SELECT substr(reference, 4), sum(amount) FROM line WHERE account IN ('5141', '5161') GROUP BY 1"
    assert set(files.ask(received)) <= set(files.ask(booked))
    withheld = "SELECT [Règlement], sum(c([Montant])) FROM [clients/retenues-a-la-source] GROUP BY 1"
    assert set(files.ask(withheld)) == set(
        files.ask(
            "SELECT [Règlement], c([RAS loyer]) + c([RAS TVA]) AS kept FROM [clients/encaissements] WHERE kept <> 0"
        )
    )
    # What a year's receipt has settled may have been settled in the next.
    allocated = Counter[str]()
    for year in (CLOSED, OPEN):
        with (files.folder.parent / str(year) / "clients/affectations.csv").open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                allocated[row["Règlement"]] += 0 if row["Annulée le"] else centimes(row["Montant"])
    settling = "SELECT [Règlement], c([Affecté]) AS settled FROM [clients/encaissements] WHERE settled <> 0"
    assert set(files.ask(settling)) <= set(allocated.items())
    decided = "SELECT [Décision], c([Montant]) FROM [clients/decisions-sur-creances]"
    booked = "SELECT substr(reference, 4), sum(c(debit)) FROM line WHERE reference LIKE '___CR-%' GROUP BY 1"
    assert set(files.ask(decided)) == set(files.ask(booked))


def _cross_subsidy_agrees(files: Files) -> None:
    months = sorted(name[12:19] for name in files.names if name.endswith("-cascade.json"))
    for month in months:
        table, matrix = f"[perequation/{month}-cascade]", f"[perequation/{month}-matrice]"
        told = json.loads(files.text(f"perequation/{month}-cascade.json"))
        for site, sums in told["sites"].items():
            shown = files.ask(f"SELECT {', '.join(sums)} FROM {table} WHERE [of] = 'site' AND code = '{site}'")
            assert shown == [tuple(sums.values())]
        # Who is funded, and by how much: what stands on 9202; what tenants brought: 9201.
        for account, side, total in (("9201", 1, "contributions"), ("9202", -1, "draws")):
            of_account = f"account = '{account}' AND month = '{month}' AND journal = 'PER'"
            assert side * files.value(f"SELECT sum(amount) FROM line WHERE {of_account}") == files.value(
                f"SELECT sum(c({total})) FROM {table} WHERE [of] = 'site'"
            )
        _same(
            files,
            f"SELECT tenant, sum(c(amount)) FROM {matrix} GROUP BY 1",
            f"SELECT auxiliary, -sum(amount) FROM line WHERE account = '9202' AND month = '{month}' "
            "AND journal = 'PER' GROUP BY 1",
        )
    funded = files.ask("SELECT DISTINCT month FROM line WHERE journal = 'PER' AND account = '9202' ORDER BY 1")
    assert [(month,) for month in months] == funded
    for name in sorted(name for name in files.names if name.startswith("tva/") and name.endswith(".csv")):
        month, table = name[4:11], f"[{name.removesuffix('.csv')}]"
        due = files.value(f"SELECT sum(c([TVA])) FROM {table} WHERE [Nature] = 'ligne'")
        assert due == files.value(f"SELECT sum(c([TVA])) FROM {table} WHERE [Nature] = 'total'")
        posted = f"SELECT -sum(amount) FROM line WHERE account = '4455' AND month = '{month}' AND {_MOVES}"
        # A month's closing carries the VAT of advances: until then the paper says how much it will.
        waiting = f"SELECT sum(c([TVA])) FROM {table} WHERE [Désignation] LIKE 'TVA sur avances, que la clôture %'"
        assert due == files.value(posted) + files.value(waiting)


def _register_and_acts_agree(files: Files) -> None:
    known = {
        name: f"SELECT code FROM [referentiel/{name}]"
        for name in ("locataires", "baux", "services", "sites", "subventions")
    }
    lines = "[documents/lignes]"
    for column, name in (("Locataire", "locataires"), ("Bail", "baux"), ("Service", "services"), ("Site", "sites")):
        assert files.ask(f"SELECT * FROM {lines} WHERE [{column}] <> '' AND [{column}] NOT IN ({known[name]})") == []
    prices = "SELECT site, service, market FROM [referentiel/tarifs]"
    assert set(files.ask(f"SELECT [Site], [Service], [Prix plein] FROM {lines} WHERE [Nature] = 'facture'")) <= set(
        files.ask(prices)
    )
    rates = "SELECT service, rate FROM [referentiel/taux-de-tva]"
    assert set(files.ask(f"SELECT [Service], [Taux de TVA] FROM {lines}")) <= set(files.ask(rates))
    parties = f"{known['subventions']} UNION {known['locataires']}"
    assert files.ask(f"SELECT * FROM line WHERE auxiliary <> '' AND auxiliary NOT IN ({parties})") == []
    # Each entry was made by one act.
    first, last = "CAST([Première écriture] AS INT)", "CAST([Dernière écriture] AS INT)"
    makers = f"SELECT count(*) FROM [actes/actes] WHERE number BETWEEN {first} AND {last}"
    assert set(files.ask(f"SELECT ({makers}) FROM (SELECT DISTINCT CAST(number AS INT) AS number FROM line)")) == {(1,)}
    results = "SELECT [Résultat] FROM [actes/approbations] WHERE [Issue] = 'approuvé'"
    assert files.ask(f"SELECT * FROM ({results}) WHERE [Résultat] = ''") == []
    # Entries by hand, and the files they rest on.
    by_hand = "SELECT 'OD/' || [N°], [Date] FROM [pieces/ecritures-manuelles]"
    _same(files, by_hand, "SELECT DISTINCT reference, effective_on FROM line WHERE reference LIKE 'OD/EM-______'")
    for path, digest in files.ask(
        "SELECT [Fichier], [SHA-256] FROM [pieces/ecritures-manuelles] WHERE [Fichier] <> ''"
    ):
        assert files.bytes_of(str(path)) == VOUCHER
        assert hashlib.sha256(VOUCHER).hexdigest() == digest
    # The bank by its statements, by what parts it from the books, and by the books.
    for name in (name for name in files.names if name.startswith("banque/") and name.endswith(".csv")):
        table = f"[{name.removesuffix('.csv')}]"
        booked = files.value(f"SELECT c([Montant]) FROM {table} WHERE [Nature] = 'Solde en comptabilité'")
        assert booked == files.value(f"SELECT sum(c([Montant])) FROM {table} WHERE [Nature] <> 'Solde en comptabilité'")


def _workbooks_agree(files: Files) -> None:
    for name in sorted(name for name in files.names if name.endswith(".xlsx")):
        assert files.cells(name) == files.cells(f"{name.removesuffix('xlsx')}csv"), name


def _proof_agrees(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify([str(files.folder)]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.startswith("proved: ")
    records, leaves = (files.bytes_of(f"preuve/{name}").splitlines() for name in ("records.jsonl", "leaves.txt"))
    assert [hashlib.sha256(b"\x00" + record).hexdigest() for record in records] == [
        leaf[:64].decode() for leaf in leaves
    ]
    postings, closings = Counter[tuple[str, str]](), []
    for record in map(json.loads, records):
        closings += [(record["closing"]["month"][:7], record["closing"]["digest"])] if "closing" in record else []
        for posting in record.get("postings", []):
            if posting["effective_on"].startswith(files.folder.name):
                postings[posting["account"], posting["effective_on"][:7]] += centimes(posting["amount"])
    moved = files.ask("SELECT account, month, sum(amount) FROM line GROUP BY 1, 2")
    assert +postings - Counter() == Counter({(a, m): n for a, m, n in moved if n > 0})
    assert files.ask("SELECT [Mois], [Empreinte de la balance] FROM [controle/clotures] ORDER BY 1") == closings
    assert closings
    note = files.text("preuve/checkpoint.txt")
    assert note in [json.loads(line)["note"] for line in files.text("preuve/checkpoints.jsonl").splitlines()]
    assert files.text("preuve/keys.txt").split("+")[0] in note
    assert "technopark" in files.text("preuve/verify_books.py")
    sums = dict(line.split("  ")[::-1] for line in files.text("SHA256SUMS").splitlines())
    assert sums.keys() == files.names - {"SHA256SUMS", "SHA256SUMS.note"}
    assert hashlib.sha256(files.bytes_of("SHA256SUMS")).hexdigest() in files.text("SHA256SUMS.note")
    readme = files.text("LISEZ-MOI.md")
    assert [name for name in sums if f"`{name}`" not in readme and name != "LISEZ-MOI.md"] == []
