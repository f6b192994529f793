"""Network folders as French spreadsheets write them, and workbooks (contract, second edition; findings B3, B7)."""

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from sqlalchemy import Engine, select
from xlsxwriter import Workbook as OtherWorkbook

from billing.cli import main
from billing.frame.database import reading, writing
from billing.frame.errors import Refused
from billing.frame.settings import load_settings
from billing.receivables.receipts.payments_file import IMPORT_FILE as PAYMENTS_FILE
from billing.register import tables as models
from billing.register.network_import import ImportReport, import_folder
from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import LAYOUTS
from billing.register.network_import.rate_card import read_rate_card
from billing.register.network_import.reading import TableFile, UnreadableFile, find_tables, read_rows, workbook
from billing.register.network_import.template import write_template
from billing.run.usage_voids.voids_file import IMPORT_FILE as VOIDS_FILE
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table
from pricing.money import format_amount, format_price, format_quantity, format_rate
from tests.support.examples import QUIET, examples
from tests.support.networks import write_network
from tests.support.spreadsheets import tables_of, typed_rows, write_french, write_workbook

NOW = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)
SAMPLE = Path(__file__).parents[2] / "billing" / "demo" / "network"
REGISTER = (
    models.site, models.service, models.vat_rate, models.rate, models.tenant, models.lease, models.usage_event,
    models.subsidy_grant,
)  # fmt: skip
LEASES = LAYOUTS["leases"].names
LEASE = ("L1", "T1", "TNG", "B-1", "22,5", "08/01/2020", "")


def register(engine: Engine) -> list[Any]:
    with reading(engine) as connection:
        return [sorted(map(repr, connection.execute(select(table)))) for table in REGISTER]


def refusal(engine: Engine, folder: Path) -> list[str]:
    with pytest.raises(Refused) as refused:
        import_folder(engine, folder, now=NOW)
    assert not any(register(engine))
    return [str(fault) for fault in refused.value.faults]


def read(path: Path, stem: str = "leases") -> tuple[list[tuple[int, list[str]]], list[str]]:
    """The rows of a file in the contract's spelling, and its faults and warnings."""
    faults, warnings = Faults((path.name,)), Faults((path.name,))
    rows = []
    try:
        for line, row in read_rows(TableFile(path, path.name), LAYOUTS[stem], faults, warnings):
            rows.append((line, list(row)))
    except UnreadableFile:
        assert faults
    return rows, [str(fault) for fault in (*faults.in_order(), *warnings.in_order())]


def text_file(tmp_path: Path, *rows: Sequence[str], stem: str = "leases", head: str = "", **how: Any) -> Path:
    separator, encoding, ends = how.get("separator", ";"), how.get("encoding", "cp1252"), how.get("ends", "\r\n")
    titles = how.get("titles", LAYOUTS[stem].names)
    text = head + "".join(separator.join(row) + ends for row in (titles, *rows))
    path = tmp_path / f"{stem}.csv"
    path.write_bytes(text.encode(encoding))
    return path


def leases_book(tmp_path: Path, *rows: Sequence[Any], change: Callable[[Workbook], None] = lambda _: None) -> Path:
    return write_workbook(tmp_path / "leases.xlsx", {"Feuil1": [LEASES, *rows]}, change)


def areas(tmp_path: Path, *cells: str) -> tuple[list[str], list[str]]:
    """The areas of leases in a French CSV file as they are read, and what is said."""
    leases = ((f"L{n}", *LEASE[1:4], cell, *LEASE[5:]) for n, cell in enumerate(cells))
    rows, said = read(text_file(tmp_path, *leases, encoding="utf-8-sig"))
    return [row[4] for _, row in rows], said


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample network as spreadsheets write it."""
    base, tables = tmp_path_factory.mktemp("written"), tables_of(SAMPLE)
    write_french(base / "windows", tables)
    write_french(base / "tabs", tables, encoding="utf-8-sig", separator="\t")
    write_workbook(base / "one" / "network.xlsx", {stem: typed_rows(rows) for stem, rows in tables.items()})
    for stem, rows in tables.items():
        write_workbook(base / "each" / f"{stem}.xlsx", {"Feuil1": typed_rows(rows[:1001])})
    return base


@pytest.mark.parametrize("name", ["windows", "tabs", "one", "each"])
def test_the_sample_gives_the_same_register_whatever_wrote_it(engine: Engine, written: Path, name: str) -> None:
    first = import_folder(engine, written / name, now=NOW)
    assert first.new == (1959 if name == "each" else 17_198)
    plain = import_folder(engine, SAMPLE, now=NOW)
    assert (plain.new, plain.changed, plain.unchanged) == (17_198 - first.new, 0, first.new)


@pytest.mark.parametrize("file_format", ["csv", "csv-fr", "xlsx"])
def test_a_template_has_every_column_explained_and_imports_with_its_examples_named(
    engine: Engine, tmp_path: Path, file_format: str
) -> None:
    subject_files = [PAYMENTS_FILE, VOIDS_FILE]
    names = write_template(tmp_path / "n", file_format, [subject_file.layout for subject_file in subject_files])
    report = import_folder(engine, tmp_path / "n", now=NOW, settings=load_settings({}), further=subject_files)
    assert report.new == 15
    assert [(warning.value, warning.problem) for warning in report.warnings] == [
        (code, "is an example of the template") for code in ("EXEMPLE", "EXEMPLE", "EX-BAIL", "EX-SUBV", "EX-CAND")
    ]
    layouts = [*LAYOUTS.values(), *(subject_file.layout for subject_file in subject_files)]
    columns = [(layout.stem, column.name) for layout in layouts for column in layout.columns]
    if file_format == "xlsx":
        book = load_workbook(tmp_path / "n" / "network.xlsx")
        explained = [[cell.value for cell in row] for row in book["Colonnes"].iter_rows(min_row=2)]
        assert [(stem, name) for stem, name, _, about in explained if about] == columns
        assert book["tenants"]["G2"].number_format == book["tenants"].column_dimensions["G"].number_format == "@"
    else:
        readme = (tmp_path / "n" / names[-1]).read_text(encoding="utf-8")
        assert len(re.findall(r"^  \w+\*? +\S", readme, re.MULTILINE)) == len(columns)
    with pytest.raises(Refused, match="is there already"):
        write_template(tmp_path / "n", file_format)


def test_every_file_of_the_command_line_is_in_the_template(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["network", "template", str(tmp_path / "n"), "--dialect", "fr"])
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "n").glob("*.csv")} >= {"payments.csv", "usage_voids.csv", "sites.csv"}
    assert (tmp_path / "n" / "leases.csv").read_bytes().startswith(b"\xef\xbb\xbfcode;tenant;")


def test_a_french_excel_saves_leases_as_the_finding_has_it(engine: Engine, tmp_path: Path) -> None:
    """B3: `;`, `22,5`, `08/01/2020`, windows-1252."""
    folder = write_network(tmp_path, tenants=[{"code": "T1"}])
    text_file(folder, ("L1", "T1", "TNG", "Bât. É-1", "22,5", "08/01/2020", ""))
    import_folder(engine, folder, now=NOW)
    with reading(engine) as connection:
        assert connection.execute(select(models.lease)).one() == (
            "L1", "T1", "TNG", "Bât. É-1", 22_500_000, date(2020, 1, 8), None,
        )  # fmt: skip


class TestFrenchCsv:
    """What is read, and what is refused since it could be read two ways."""

    @pytest.mark.parametrize(
        ("cells", "expected"),
        [
            (["22,5", "18", "1 234,56", "1\u00a0234,5", "1\u202f000"], ["22.5", "18", "1234.56", "1234.5", "1000"]),
            (["1.234,56", "1.500", "22"], ["1234.56", "1500", "22"]),
            (["22,5", "1,500"], ["22.5", "1.500"]),
            (["0,500"], ["0.500"]),
            (["1234,500"], ["1234.500"]),
            (["22.5", "1.500"], ["22.5", "1.500"]),
        ],
    )
    def test_numbers_are_read_by_the_whole_column(self, tmp_path: Path, cells: list[str], expected: list[str]) -> None:
        assert areas(tmp_path, *cells) == (expected, [])

    @pytest.mark.parametrize(
        ("cells", "said"),
        [
            (["1,500", "2,250", "12"], ["2: area_m2 '1,500' can be read as 1.500 or 1500: nothing in the file tells"]),
            (["1.500"], ["2: area_m2 '1.500' can be read as 1.500 or 1500: nothing in the file tells"]),
            (["22,5", "1.500"], ["3: area_m2 '1.500' can be read as 1.500 or 1500: others have a decimal comma"]),
            (["22.5", "1,500"], ["3: area_m2 '1,500' can be read as 1.500 or 1500: others have a decimal point"]),
            (["2,5", "3,5", "1.5"], ["4: area_m2 '1.5' has a decimal point, but '2,5' on line 2 has a decimal comma"]),
        ],
    )  # fmt: skip
    def test_numbers_that_could_be_read_two_ways_are_refused(
        self, tmp_path: Path, cells: list[str], said: list[str]
    ) -> None:
        rows, faults = areas(tmp_path, *cells)
        assert rows == []
        assert [fault.partition(" (")[0].removeprefix("leases.csv:") for fault in faults] == said

    def test_what_is_no_number_is_left_as_it_is(self, engine: Engine, tmp_path: Path) -> None:
        cells = ["1,2,3", "1 23,5", "22,5 m2", "-", "1,234.56"]
        assert areas(tmp_path, "22,5", *cells) == (["22.5", *cells], [])
        folder = write_network(tmp_path / "n", tenants=[{"code": "T1"}])
        text_file(folder, ("L1", *LEASE[1:4], "22,5 m2", *LEASE[5:]), ("L2", *LEASE[1:3], "B-2", "2,5", *LEASE[5:]))
        (said,) = refusal(engine, folder)
        assert said.startswith("leases.csv:2: area_m2 '22,5 m2' is not a decimal number such as 1234.56")

    def test_rates_may_be_percentages_and_a_part_of_a_price_stays_one(self, tmp_path: Path) -> None:
        rows = [("OFFICE", "01/01/2020", cell, "", "") for cell in ("20 %", "20,5%", "0,2")]
        read_back, said = read(text_file(tmp_path, *rows, stem="vat_rates"), "vat_rates")
        assert ([row[2] for _, row in read_back], said) == (["0.20", "0.205", "0.2"], [])
        rate = ("TNG", "OFFICE", "", "01/01/2020", "1 050,00", "1/3", "101,5", "grille 1,500", "")
        ((_, row),), said = read(text_file(tmp_path, rate, stem="rates"), "rates")
        assert (row[4:], said) == (["1050.00", "1/3", "101.5", "grille 1,500", ""], [])

    def test_a_text_is_never_read_as_anything_else(self, tmp_path: Path) -> None:
        row = ("0012", "1,500", "08/01/2020", "20 %", "22,5", "08/01/2020", "")
        assert read(text_file(tmp_path, row)) == ([(2, [*row[:4], "22.5", "2020-01-08", ""])], [])

    @pytest.mark.parametrize(
        ("days", "said"),
        [
            (["08/01/2020", "2020-01-08"], ["is written as 2026-09-30, but '08/01/2020' on line 2 is"]),
            (["01/02/2020", "12/31/2020"], ["is a day only with its month first, as 1 cell is with it"]),
        ],
    )  # fmt: skip
    def test_days_are_read_by_the_whole_column(self, tmp_path: Path, days: list[str], said: list[str]) -> None:
        rows, faults = read(text_file(tmp_path, *((f"L{n}", *LEASE[1:5], day, "") for n, day in enumerate(days))))
        assert rows == []
        assert [fault.partition("' ")[2].partition(" (")[0].partition(" written as 30")[0] for fault in faults] == said

    @pytest.mark.parametrize("day", ["08/01/20", "8/1/2020", "31/02/2020", "08-01-2020", "08/01/2020 10:00"])
    def test_other_spellings_of_days_are_refused(self, engine: Engine, tmp_path: Path, day: str) -> None:
        folder = write_network(tmp_path, tenants=[{"code": "T1"}])
        text_file(folder, ("L1", *LEASE[1:5], day, ""))
        (said,) = refusal(engine, folder)
        assert said.startswith("leases.csv:2: starts_on")

    @pytest.mark.parametrize("how", [{"ends": "\n"}, {"ends": "\r"}, {"separator": "\t"}, {"encoding": "utf-8-sig"}])
    def test_line_ends_separators_and_marks(self, tmp_path: Path, how: dict[str, str]) -> None:
        row = ("L1", "T1", "TNG", "É", "22,5", "08/01/2020", "")
        assert read(text_file(tmp_path, row, **how)) == ([(2, ["L1", "T1", "TNG", "É", "22.5", "2020-01-08", ""])], [])

    def test_what_excel_adds_is_skipped(self, tmp_path: Path) -> None:
        titles = ["Code ", *LEASES[1:], "", ""]
        rows = [("L1", *LEASE[1:3], '"a;b"', *LEASE[4:], "", ""), ("",) * 9, ("L2", *LEASE[1:], "", "", " "), ("",) * 9]
        read_back, said = read(text_file(tmp_path, *rows, head="sep=;\r\n", titles=titles))
        assert said == []
        assert [(line, row[0], row[3]) for line, row in read_back] == [(3, "L1", "a;b"), (5, "L2", "B-1")]

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("Société É;".encode("cp850"), "is neither in UTF-8 nor in Windows-1252"),
            ("Société è;".encode("mac_roman"), "is neither in UTF-8 nor in Windows-1252"),
            ("Société ".encode() + "É;".encode("cp1252"), "is neither in UTF-8 nor in Windows-1252"),
            ("شركة;".encode("cp1256"), "is neither in UTF-8 nor in Windows-1252"),
        ],
    )
    def test_other_encodings_are_refused(self, tmp_path: Path, content: bytes, said: str) -> None:
        path = text_file(tmp_path)
        path.write_bytes(path.read_bytes() + b"L1;T1;TNG;" + content + b"22,5;08/01/2020;\r\n")
        rows, faults = read(path)
        assert rows == []
        assert faults[0].startswith("leases.csv:2:")
        assert said in faults[0]

    WORDS = (
        "Société", "façade", "hôtel", "voilà", "à", "où", "août", "maïs", "Noël", "cœur", "Bâtiment", "É-1", "FRANÇAIS",
        "n°", "l’eau",
    )  # fmt: skip

    @pytest.mark.parametrize("encoding", ["cp850", "mac_roman"])
    @pytest.mark.parametrize("word", WORDS)
    def test_no_french_word_is_read_as_another(self, tmp_path: Path, encoding: str, word: str) -> None:
        try:
            path = text_file(tmp_path, (*LEASE[:3], word, *LEASE[4:]), encoding=encoding)
        except UnicodeEncodeError:
            # MS-DOS has neither œ nor ’.
            return
        rows, said = read(path)
        assert (rows == []) == bool(said)
        assert [row[3] for _, row in rows] in ([], [word])

    def test_windows_files_may_hold_what_french_texts_do(self, tmp_path: Path) -> None:
        text = "« Œuvres – L’Été créée » “Niño” 5 € n° 2 ½ Technopark™"
        rows, said = read(text_file(tmp_path, (*LEASE[:3], text, *LEASE[4:])))
        assert ([row[3] for _, row in rows], said) == ([text], [])

    @pytest.mark.parametrize("cell", ["1,56119E+12", "8E+15"])
    def test_a_number_that_was_shortened_is_no_code(self, tmp_path: Path, cell: str) -> None:
        rows, (said,) = read(text_file(tmp_path, (*LEASE[:3], cell, *LEASE[4:])))
        assert rows == []
        assert said.startswith(f"leases.csv:2: unit {cell!r} is a number that the spreadsheet has shortened")

    def test_an_error_of_the_spreadsheet_is_no_text(self, tmp_path: Path) -> None:
        rows, said = read(text_file(tmp_path, ("L1", "T1", "TNG", "#N/A", "22,5", "08/01/2020", "")))
        assert rows == []
        assert said[0].startswith("leases.csv:2: unit '#N/A' is an error of the spreadsheet")

    def test_a_workbook_named_csv_is_named(self, tmp_path: Path) -> None:
        leases_book(tmp_path).rename(tmp_path / "leases.csv")
        assert "is no CSV file but a spreadsheet's own" in read(tmp_path / "leases.csv")[1][0]


class TestWorkbooks:
    """Cells are what they are: numbers, days, texts; what is none of these, or lost something, is refused."""

    ROW = ("L1", "T1", "TNG", "B-1", 22.5, date(2020, 1, 8), None)

    def cell(self, tmp_path: Path, column: str, value: Any, form: str | None = None, stem: str = "leases") -> list[str]:
        """What is said of a workbook with this cell; the cell as it is read, if nothing is."""
        layout = LAYOUTS[stem]
        rows = {
            "leases": self.ROW,
            "tenants": ("T1", "Atlas", *[None] * 11),
            "vat_rates": ("OFFICE", date(2020, 1, 1), 0),
        }
        row = list(rows[stem])
        place = layout.names.index(column)
        row[place] = value

        def change(book: Workbook) -> None:
            if form is not None:
                book.worksheets[0].cell(2, place + 1).number_format = form

        path = write_workbook(tmp_path / f"{stem}.xlsx", {"Feuil1": [layout.names, row]}, change)
        read_back, said = read(path, stem)
        return said or [read_back[0][1][place]]

    @pytest.mark.parametrize(
        ("column", "value", "form", "expected"),
        [
            ("area_m2", 0.1 + 0.2, None, "0.3"),
            ("area_m2", 1e-05, None, "0.00001"),
            ("area_m2", 1234567, "#,##0.00 [$DH-40C]", "1234567"),
            ("area_m2", " 22,5 ", None, "22.5"),
            ("starts_on", date(2020, 1, 8), "[$-40C]d mmmm yyyy", "2020-01-08"),
            ("starts_on", date(1900, 1, 5), None, "1900-01-05"),
            ("starts_on", "08/01/2020", None, "2020-01-08"),
            ("code", 12, "00000", "00012"),
            ("unit", " É ", None, " É "),
        ],
    )
    def test_cells_are_read_as_they_are_meant(
        self, tmp_path: Path, column: str, value: Any, form: str | None, expected: str
    ) -> None:
        assert self.cell(tmp_path, column, value, form) == [expected]

    @pytest.mark.parametrize(
        ("column", "value", "form", "said"),
        [
            ("area_m2", "1,500", None, "'1,500' can be read as 1.500 or 1500"),
            ("area_m2", date(2026, 5, 22), None, "'2026-05-22' is a day for the spreadsheet, where a number belongs"),
            ("area_m2", 0.5, "# ?/?", "'0.5' is a fraction for the spreadsheet"),
            ("area_m2", 0.5, "0%", "'0.5' is a percent for the spreadsheet"),
            ("area_m2", "=22+0.5", None, "'=22+0.5' is a formula without its result"),
            ("tenant", "=A1", None, "'=A1' is a formula without its result"),
            ("tenant", 12, None, "'12' is a number for the spreadsheet, which drops zeros at the beginning of a code"),
            ("area_m2", "#N/A", None, "'#N/A' is an error of the spreadsheet"),
            ("area_m2", True, None, "'TRUE' is true or false for the spreadsheet"),
            ("area_m2", time(10, 30), None, "is a time of day for the spreadsheet"),
            ("starts_on", datetime(2020, 1, 8, 10, 30), None, "is a time of day for the spreadsheet"),
            ("starts_on", 43838, None, "'43838' is a number, not a day"),
            ("code", 12, None, "'12' is a number for the spreadsheet, which drops zeros at the beginning of a code"),
            ("unit", 12.5, None, "'12.5' is a number with a sign or decimals"),
            ("unit", 1234567890123456, None, "is a number of more than the 15 digits a spreadsheet keeps"),
            ("unit", date(2026, 3, 1), None, "'2026-03-01' is a day for the spreadsheet, where a text belongs"),
        ],
    )
    def test_what_a_spreadsheet_may_have_changed_is_refused(
        self, tmp_path: Path, column: str, value: Any, form: str | None, said: str
    ) -> None:
        (fault,) = self.cell(tmp_path, column, value, form)
        assert fault.startswith(f"leases.xlsx:2: {column} ")
        assert said in fault

    def test_numbers_among_texts_are_taken_with_a_warning_and_an_ice_with_all_its_digits(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        said = (
            "leases.xlsx:2: unit holds numbers in a column of texts: zeros at their beginning, if there were any, are"
        )
        assert self.cell(tmp_path, "unit", 101)[0].startswith(said)
        assert self.cell(tmp_path, "ice", 123456789012345, stem="tenants") == ["123456789012345"]
        assert self.cell(tmp_path, "ice", 1561191000066, "0" * 15, stem="tenants") == ["001561191000066"]
        row = (
            "T1",
            "Atlas",
            "SARL",
            "sme",
            date(2024, 1, 15),
            None,
            1561191000066,
            12345678,
            "x",
            "y",
            "z",
            "a@b.example",
        )
        folder = write_network(tmp_path / "n")
        (folder / "tenants.csv").unlink()
        write_workbook(folder / "tenants.xlsx", {"Feuil1": [LAYOUTS["tenants"].names, [*row, "fr"]]})
        (fault,) = refusal(engine, folder)
        assert fault == (
            "tenants.xlsx [Feuil1]:2: ice '1561191000066' is not an ICE of 15 digits: the spreadsheet took it for a "
            "number (make the column text (in Excel: Données, Convertir, Texte), and put zeros back)"
        )

    def test_of_a_column_that_is_wrong_throughout_the_first_cells_are_named(self, tmp_path: Path) -> None:
        rows, said = read(leases_book(tmp_path, *((f"L{n}", 101, *self.ROW[2:]) for n in range(22))))
        assert rows == []
        assert len(said) == 21
        assert said[0].partition(" (")[0] == (
            "leases.xlsx: tenant is a number for the spreadsheet, which drops zeros at the beginning of a code, "
            "in 2 more rows"
        )
        assert said[1].startswith("leases.xlsx:2: tenant '101' is a number")

    def test_a_percentage_is_a_rate(self, tmp_path: Path) -> None:
        assert self.cell(tmp_path, "rate", 0.2, "0%", stem="vat_rates") == ["0.2"]
        assert self.cell(tmp_path, "rate", "20 %", stem="vat_rates") == ["0.20"]

    def test_another_writer_with_days_since_1904_and_calculated_formulas(self, tmp_path: Path) -> None:
        with OtherWorkbook(tmp_path / "leases.xlsx", {"date_1904": True}) as book:
            sheet, day = book.add_worksheet("Leases"), book.add_format({"num_format": "dd/mm/yyyy"})
            book.add_worksheet("Notes").write(0, 0, "Un mot")
            sheet.write_row(2, 0, LEASES)
            sheet.write_row(4, 0, ["L1", "T1", "TNG", "É\r\n_x0041_"])
            sheet.write_number(4, 4, 22.5)
            sheet.write_datetime(4, 5, datetime(2020, 1, 8), day)
            sheet.write_blank(900, 3, None, day)
        read_back, said = read(tmp_path / "leases.xlsx")
        assert (said, len(read_back)) == ([], 1)
        assert read_back[0] == (5, ["L1", "T1", "TNG", "É\r\n_x0041_", "22.5", "2020-01-08", ""])

    def test_formulas_are_read_by_the_results_that_a_spreadsheet_kept(self, tmp_path: Path) -> None:
        """A library that writes formulas keeps results of its own, and asks the spreadsheet to calculate them first."""
        path, calculated = tmp_path / "leases.xlsx", tmp_path / "c" / "leases.xlsx"
        calculated.parent.mkdir()
        with OtherWorkbook(path) as book:
            sheet, day = book.add_worksheet("Leases"), book.add_format({"num_format": "dd/mm/yyyy"})
            sheet.write_row(0, 0, LEASES)
            sheet.write_row(1, 0, self.ROW[:3])
            sheet.write_formula(1, 3, '="B-"&1', None, "B-1")
            sheet.write_formula(1, 4, "=20+2.5", None, 22.5)
            sheet.write_formula(1, 5, "=DATE(2020,1,8)", day, 43838)
            sheet.write_formula(1, 6, '=""', None, "")
        assert [fault.partition(" is ")[0] for fault in read(path)[1]] == [
            "leases.xlsx:2: unit '=\"B-\"&1'", "leases.xlsx:2: area_m2 '=20+2.5'",
            "leases.xlsx:2: starts_on '=DATE(2020,1,8)'", "leases.xlsx:2: ends_on '=\"\"'",
        ]  # fmt: skip
        # Excel keeps a blank result as a text.
        with_parts(
            path,
            calculated,
            {
                "xl/workbook.xml": lambda part: part.replace(b'fullCalcOnLoad="1"', b""),
                "xl/worksheets/sheet1.xml": lambda part: part.replace(b'r="G2"', b'r="G2" t="str"'),
            },
        )
        assert read(calculated) == ([(2, ["L1", "T1", "TNG", "B-1", "22.5", "2020-01-08", ""])], [])

    def test_merged_cells_are_refused(self, tmp_path: Path) -> None:
        path = leases_book(tmp_path, self.ROW, self.ROW, change=lambda book: book.worksheets[0].merge_cells("B2:B3"))
        rows, said = read(path)
        assert rows == []
        assert said[0].startswith("leases.xlsx:2: 'B2:B3' are merged cells")

    def test_cells_beside_the_table_are_refused_and_formatted_blank_ones_skipped(self, tmp_path: Path) -> None:
        rows, said = read(leases_book(tmp_path, self.ROW, (*self.ROW, " "), ("L2", *self.ROW[1:], "à voir")))
        assert [line for line, _ in rows] == [2, 3]
        assert [fault.partition(" (")[0] for fault in said] == [
            "leases.xlsx:4: 'à voir' stands in column H, which has no title"
        ]

    def test_sheets_are_chosen_by_name(self, engine: Engine, tmp_path: Path) -> None:
        def hide(book: Workbook) -> None:
            book["leases"].sheet_state = "hidden"

        write_workbook(tmp_path / "leases.xlsx", {"A": [LEASES], "B": [LEASES]})
        assert "has several sheets that hold something: A, B" in read(tmp_path / "leases.xlsx")[1][0]
        write_workbook(tmp_path / "leases.xlsx", {"leases": [LEASES], "B": [LEASES]}, hide)
        assert "has leases as a hidden sheet" in read(tmp_path / "leases.xlsx")[1][0]
        (tmp_path / "leases.xlsx").unlink()
        write_workbook(tmp_path / "network.xlsx", {"leases": [LEASES], "B": [LEASES]}, hide)
        assert refusal(engine, tmp_path) == [
            "network.xlsx: has leases as a hidden sheet (show it, or rename it if it is not to be read)"
        ]

    def test_no_workbook(self, engine: Engine, tmp_path: Path) -> None:
        path = tmp_path / "leases.xlsx"
        for content, said in (
            (b"", "is empty"),
            (b"code;tenant", "is no workbook"),
            (b"PK\x03\x04torn", "its archive is torn"),
            (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "is protected by a password"),
            (b"\xd0\xcf\x11\xe0Workbook", "is an old Excel file (.xls)"),
        ):
            path.write_bytes(content)
            assert said in read(path)[1][0]
        path.rename(tmp_path / "leases.xls")
        assert refusal(engine, tmp_path) == ["leases.xls: is an old Excel file, and can't be read (save it as .xlsx)"]

    @pytest.mark.parametrize(
        ("part", "content", "said"),
        [
            ("xl/worksheets/sheet1.xml", b" " * (64 << 20), "would unfold to 64 MiB"),
            ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row>", "is no sound workbook"),
            ("xl/worksheets/sheet1.xml", b"<!DOCTYPE x [<!ENTITY e 'e'>]><x>&e;</x>", "declares a document type"),
            ("xl/vbaProject.bin", b"", "holds macros"),
            ("mimetype", b"", "is an OpenDocument sheet"),
        ],
    )
    def test_spoilt_archives(self, tmp_path: Path, part: str, content: bytes, said: str) -> None:
        sound, spoilt = leases_book(tmp_path, self.ROW), tmp_path / "x" / "leases.xlsx"
        spoilt.parent.mkdir()
        with_parts(sound, spoilt, {part: lambda _: content})
        assert said in read(spoilt)[1][0]

    def test_an_archive_packed_as_no_spreadsheet_does_it(self, tmp_path: Path) -> None:
        sound, spoilt = leases_book(tmp_path, self.ROW), tmp_path / "x" / "leases.xlsx"
        spoilt.parent.mkdir()
        with_parts(sound, spoilt, {}, zipfile.ZIP_LZMA)
        assert "is compressed as no spreadsheet does it" in read(spoilt)[1][0]

    def test_texts_are_parsed_once_a_workbook(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        parsed, texts = [], workbook.Workbook._pieces

        def pieces(book: workbook.Workbook, part: str) -> Iterator[bytes]:
            parsed.append(part)
            yield from texts(book, part)

        monkeypatch.setattr(workbook.Workbook, "_pieces", pieces)
        with OtherWorkbook(tmp_path / "network.xlsx") as book:
            for stem in ("leases", "tenants"):
                book.add_worksheet(stem).write_row(0, 0, LAYOUTS[stem].names)
        for stem, table_file in find_tables(tmp_path, LAYOUTS).tables.items():
            list(read_rows(table_file, LAYOUTS[stem], Faults(()), Faults(())))
        assert parsed.count("xl/sharedStrings.xml") == parsed.count("xl/styles.xml") == 1


def with_parts(
    sound: Path, made: Path, parts: Mapping[str, Callable[[bytes], bytes]], way: int = zipfile.ZIP_DEFLATED
) -> None:
    """Write a workbook again with some parts changed, or added."""
    with zipfile.ZipFile(sound) as before, zipfile.ZipFile(made, "w", way) as after:
        kept = {name: before.read(name) for name in before.namelist()}
        for name in {**kept, **parts}:
            after.writestr(name, parts.get(name, bytes)(kept.get(name, b"")))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "leases.xlsx"
    with OtherWorkbook(path) as book:
        sheet, day = book.add_worksheet("Leases"), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, LEASES)
        sheet.write_row(1, 0, ["L1", "T1", "TNG", "É-1", 22.5])
        sheet.write_datetime(1, 5, datetime(2020, 1, 8), day)
        sheet.write_formula(1, 6, "=TODAY()", day, 43838)
        sheet.merge_range(4, 0, 5, 0, "")
    return path


class TestSpoiltWorkbooks:
    """Whatever is done to a workbook's bytes, it is read or refused with a sentence."""

    @staticmethod
    def spoil(data: st.DataObject, content: bytes) -> bytes:
        """Change some bytes, cut or repeat some."""
        spoilt = bytearray(content)
        for _ in range(data.draw(st.integers(1, 3))):
            place = data.draw(st.integers(0, len(spoilt)))
            length = data.draw(st.integers(0, 8))
            spoilt[place : place + length] = data.draw(st.binary(max_size=8) | st.sampled_from(_SPOILERS))
        return bytes(spoilt)

    @given(data=st.data())
    @settings(max_examples=examples(150), suppress_health_check=QUIET)
    def test_the_archive(self, sound: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
        path = tmp_path_factory.mktemp("f") / "leases.xlsx"
        path.write_bytes(self.spoil(data, sound.read_bytes()))
        self.read_or_refused(path)

    @given(data=st.data())
    @settings(max_examples=examples(300), suppress_health_check=QUIET)
    def test_a_part(self, sound: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
        path = tmp_path_factory.mktemp("f") / "leases.xlsx"
        with zipfile.ZipFile(sound) as archive:
            part = data.draw(st.sampled_from([name for name in archive.namelist() if name.endswith(("xml", "rels"))]))
        with_parts(sound, path, {part: lambda content: self.spoil(data, content)})
        self.read_or_refused(path)

    @staticmethod
    def read_or_refused(path: Path) -> None:
        """Read the file alone, and as one of a folder."""
        for table_file in (TableFile(path, path.name), *tables_in(path.parent)):
            faults = Faults((table_file.label,))
            try:
                rows = list(read_rows(table_file, LAYOUTS["leases"], faults))
            except UnreadableFile:
                assert faults
            else:
                assert all(len(row) == len(LEASES) for _, row in rows)
            assert all(fault.problem and fault.remedy for fault in faults.in_order())


def tables_in(folder: Path) -> Iterable[TableFile]:
    """Return the tables of a folder; none if it is refused."""
    try:
        return find_tables(folder, LAYOUTS).tables.values()
    except Refused:
        return ()


# Texts that parsers of numbers, entities and archives stumble over.
_SPOILERS = [
    b"-1", b"1e999", b"NaN", "\u00b2".encode(), b"99999999999", b'"', b"<", b"&amp;", b"&#xD800;", b"_xD800_", b"\0",
    b'encoding="utf-7"', b'encoding="x"', b"PK\x05\x06", b"\xff\xff\xff\xff",
]  # fmt: skip


class TestFolders:
    """A table stands in one file."""

    def test_a_table_given_twice_is_refused(self, engine: Engine, tmp_path: Path) -> None:
        folder = write_network(tmp_path, tenants=[{"code": "T1"}], leases=[])
        write_workbook(folder / "leases.xlsx", {"Feuil1": [LEASES]})
        write_workbook(folder / "network.xlsx", {"Leases": [LEASES], "Divers": [["x"]]})
        assert refusal(engine, folder) == [
            "leases.xlsx [Feuil1]: gives leases a second time, beside leases.csv (keep one of the two)",
            "network.xlsx [Leases]: gives leases a second time, beside leases.csv (keep one of the two)",
        ]

    def test_what_is_not_read_is_named(self, engine: Engine, tmp_path: Path) -> None:
        folder = write_network(tmp_path)
        write_workbook(folder / "network.xlsx", {"leases": [LEASES], "Divers": [["x"]], "Feuil9": []})
        write_workbook(folder / "Réseau.xlsx", {"usage": [["x"]]})
        (folder / "Usage.tsv").write_bytes(b"")
        (folder / "~$network.xlsx").write_bytes(b"locked")
        (folder / "leases.csv").unlink(missing_ok=True)
        report = import_folder(engine, folder, now=NOW)
        said = [str(warning) for warning in report.warnings if "was not read" in warning.problem]
        assert [warning.partition(":")[0] for warning in said] == [
            "Réseau.xlsx", "Usage.tsv", "network.xlsx [Divers]",
        ]  # fmt: skip
        assert "or all as sheets of network.xlsx" in said[0]
        assert "save it as usage.csv" in said[1]

    def test_names_of_files_may_have_capitals(self, engine: Engine, tmp_path: Path) -> None:
        folder = write_network(tmp_path, tenants=[{"code": "T1"}])
        (folder / "sites.csv").rename(folder / "Sites.CSV")
        (folder / "leases.csv").unlink()
        write_workbook(folder / "Network.xlsx", {"LEASES": [LEASES]})
        report = import_folder(engine, folder, now=NOW)
        assert {"Sites.CSV", "Network.xlsx [LEASES]"} <= set(report.files)

    def test_faults_name_sheet_and_row(self, engine: Engine, tmp_path: Path) -> None:
        folder = write_network(tmp_path, tenants=[{"code": "T1"}], leases=[])
        (folder / "leases.csv").unlink()
        rows = [LEASES, ("L1", "T1", "TNG", "A", 0, date(2020, 1, 8), None), ("L2", "T9", "TNG", "B", 1, None, None)]
        write_workbook(folder / "network.xlsx", {"leases": rows})
        assert [fault.partition(" (")[0] for fault in refusal(engine, folder)] == [
            "network.xlsx [leases]:2: area_m2 '0' is zero",
            "network.xlsx [leases]:3: starts_on '' is blank",
            "network.xlsx [leases]:3: tenant 'T9' is no known tenant",
        ]

    def test_payments_and_rate_cards_are_read_by_the_same_reader(self, engine: Engine, tmp_path: Path) -> None:
        folder = write_network(tmp_path, tenants=[{"code": "T1"}])
        layout = PAYMENTS_FILE.layout
        row = {
            "reference": "VIR 1",
            "means": "transfer",
            "value_date": date(2026, 5, 4),
            "tenant": "T1",
            "amount": 1234.5,
        }
        wrong = row | {"reference": "VIR 2", "value_date": date(2099, 5, 4)}
        payments = [[values.get(name) for name in layout.names] for values in (row, wrong)]

        def loaded() -> ImportReport:
            return import_folder(engine, folder, now=NOW, settings=load_settings({}), further=[PAYMENTS_FILE])

        write_workbook(folder / "payments.xlsx", {"payments": [layout.names, *payments]})
        with pytest.raises(Refused) as refused:
            loaded()
        assert {(fault.file, fault.line) for fault in refused.value.faults} == {("payments.xlsx [payments]", 3)}
        write_workbook(folder / "payments.xlsx", {"payments": [layout.names, payments[0]]})
        assert loaded().files["payments.xlsx [payments]"].new == 1
        card = ("TNG", "OFFICE", "", "01/01/2027", "1 155,50", "1/3", "130,00", "essai", "")
        with writing(engine) as connection:
            ((*_, price),) = read_rate_card(connection, text_file(tmp_path, card, stem="rates"))
        assert price.full_price == 11_555_000


@given(st.lists(st.tuples(st.integers(1, 10**12), st.dates(date(1900, 1, 1), date(2200, 12, 31))), min_size=1))
@settings(max_examples=examples(20), suppress_health_check=QUIET)
def test_numbers_and_days_come_back_from_french_files_and_workbooks(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, date]]
) -> None:
    folder = tmp_path_factory.mktemp("f")
    plain = [
        [f"L{n}", "T1", "TNG", "B", f"{m // 10**6}.{m % 10**6:06}", day.isoformat(), ""]
        for n, (m, day) in enumerate(rows)
    ]
    write_french(folder, {"leases": [list(LEASES), *plain]})
    expected = [(n, row) for n, row in enumerate(plain, 2)]
    assert read(folder / "leases.csv") == (expected, [])
    write_workbook(folder / "leases.xlsx", {"leases": typed_rows([list(LEASES), *plain])})
    rows_read, said = read(folder / "leases.xlsx")
    shortened = [(n, [*row[:4], row[4].rstrip("0").rstrip("."), *row[5:]]) for n, row in expected]
    assert (rows_read, said) == (shortened, [])


_KINDS = {
    format_amount: Kind.AMOUNT, format_price: Kind.PRICE, format_quantity: Kind.QUANTITY, format_rate: Kind.RATE,
    date.isoformat: Kind.DAY,
}  # fmt: skip
# Any text a cell may hold, but what a spreadsheet shows for an error; blanks alone are none.
_TEXTS = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Cn")), max_size=20) | st.sampled_from(
    ["=1+1", "'=1", "''+212", "+212 5;22", '"', "a\r\nb", "1,500", "08/01/2020", "-", "\t@", "0012"]
)


@pytest.mark.parametrize("stem", LAYOUTS)
@given(data=st.data())
@settings(max_examples=examples(15), suppress_health_check=QUIET)
def test_what_is_written_for_a_french_spreadsheet_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, stem: str, data: st.DataObject
) -> None:
    layout = LAYOUTS[stem]
    values = {
        Kind.AMOUNT: st.integers(1, 10**14), Kind.PRICE: st.integers(0, 10**9), Kind.QUANTITY: st.integers(1, 10**12),
        Kind.RATE: st.integers(0, 10_000), Kind.DAY: st.dates(date(1900, 1, 1), date(2200, 12, 31)),
        Kind.TEXT: _TEXTS.filter(lambda text: bool(text.strip()) and not text.startswith("#")),
    }  # fmt: skip
    columns = [Column(column.name, _KINDS.get(column.show, Kind.TEXT)) for column in layout.columns]
    written_by = {column.name: values[column.kind] for column in columns} | {
        "capacity": st.integers(0, 10**6).map(str), "subsidised": st.sampled_from(["1/3", "50"]),
        "year": st.integers(1900, 2200).map(str), "jobs": st.integers(0, 10**6).map(str),
        "satisfaction": st.integers(0, 10**8),
    }  # fmt: skip
    rows = data.draw(st.lists(st.tuples(*(written_by[column.name] for column in columns)), min_size=1, max_size=5))
    path = tmp_path_factory.mktemp("f") / layout.file
    path.write_bytes(b"".join(table("csv-fr", stem, columns, rows)))
    read_back, said = read(path, stem)
    assert said == []
    for (_, cells), row in zip(read_back, rows, strict=True):
        for cell, value, column, kind in zip(cells, row, layout.columns, columns, strict=True):
            assert (cell if kind.kind is Kind.TEXT else column.parse(cell)) == value
