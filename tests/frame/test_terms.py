"""Dated settings: what is shipped, and what another file may say."""

from datetime import date
from pathlib import Path

import pytest

from billing.frame.errors import BadConfiguration
from billing.frame.settings import load_settings
from billing.frame.terms import load_terms

TODAY = date(2026, 11, 24)


def written(folder: Path, text: str) -> Path:
    path = folder / "terms.toml"
    path.write_text(text, encoding="utf-8")
    return path


def version(day: str, value: str, name: str = "credit_notes.rebate_accounts") -> str:
    return f'[[{name}]]\neffective_from = {day}\nvalue = {value}\nsource = "nous"\n'


def test_every_setting_shipped_counts_today_and_says_where_it_comes_from() -> None:
    shipped = load_terms(None)
    for name, versions in shipped.versions.items():
        assert shipped.at(name, TODAY) is not None
        assert all(term.source for term in versions)


def test_another_file_replaces_a_setting_by_day(tmp_path: Path) -> None:
    text = version("2027-01-01", "{ 7 = '7129' }") + version("2020-01-01", "{ 71 = '7129' }")
    terms = load_settings({"TERMS_FILE": str(written(tmp_path, text))}).terms
    assert terms.at("credit_notes.rebate_accounts", date(2026, 12, 31)) == {"71": "7129"}
    assert terms.at("credit_notes.rebate_accounts", date(2027, 1, 1)) == {"7": "7129"}
    with pytest.raises(BadConfiguration, match="has no value before 2020-01-01"):
        terms.at("credit_notes.rebate_accounts", date(2019, 12, 31))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a = ", "is not a TOML file"),
        ("credit_notes = 1", "credit_notes must be a section"),
        ("[credit_notes]\nrebate_accounts = 1", "must give effective_from"),
        (version("2020-01-01", "1"), "must be of the kind shipped"),
        (version("2020-01-01", "{}") * 2, "two versions of credit_notes.rebate_accounts"),
        (version("'2020-01-01'", "{}"), "must give effective_from"),
        (version("2020-01-01", "{}").replace("rebate_accounts", "rabais"), "credit_notes.rabais is no setting"),
    ],
)
def test_a_file_that_is_not_understood_stops_the_program(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadConfiguration, match=sentence):
        load_settings({"TERMS_FILE": str(written(tmp_path, text))})


MEANS = "{ transfer = '5141', card = '5141', cash = '5161', bill = '3425', deposit = '1487' }"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("receipts.accounts", MEANS, r"terms.toml: receipts.accounts from 2026-01-01 leaves out cheque: write each of "
                                     r'transfer, card, cash, cheque, bill, deposit once, as { "transfer" = "5141"'),
        ("receipts.accounts", "{}", "leaves out bill, card, cash, cheque, deposit, transfer"),
        ("receipts.accounts", MEANS.replace("}", ", cheque = '5111', check = '5111' }"), "gives check, which is not"),
        ("receipts.withheld_accounts", "{ rent_withholding = '3453' }", "leaves out bank_charges, vat_withholding"),
        ("receipts.credit_accounts", "{ overpaid = '4428' }", "leaves out advance"),
        ("receipts.credit_accounts", "{ overpaid = 4428, advance = '4421' }", "overpaid is 4428, not of the kind"),
        ("receipts.credit_accounts", "{ overpaid = '9x', advance = '4421' }", "overpaid is '9x', no account of the"),
        ("credit_notes.rebate_accounts", "{ 711 = '8' }", "711 is '8', no account of the chart"),
        ("deposits.months_of_rent", "{ '*' = '2' }", r"\* is '2', not of the kind shipped: write { \"\*\" = 2 }"),
        ("vat.return_codes", "{ '0.20' = 81 }", "0.20 is 81, not of the kind shipped"),
        ("statements.own_movements", "{ 6147 = 'FRAIS' }", "6147 is 'FRAIS', not of the kind shipped"),
        ("statements.csv_mappings", "{ fr = ';' }", "fr is ';', not of the kind shipped"),
        ("dunning.ladder", "{ '*' = 3 }", "is 3, not of the kind shipped"),
    ],
)  # fmt: skip
def test_a_table_that_leaves_out_a_key_or_gives_it_another_kind_stops_the_program(
    tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    with pytest.raises(BadConfiguration, match=sentence):
        load_settings({"TERMS_FILE": str(written(tmp_path, version("2026-01-01", value, name)))})


def test_a_table_of_all_keys_is_taken(tmp_path: Path) -> None:
    given = MEANS.replace("}", ", cheque = '5111' }").replace("cash = '5161'", "cash = '51611'")
    text = version("2026-01-01", given, "receipts.accounts")
    terms = load_settings({"TERMS_FILE": str(written(tmp_path, text))}).terms
    assert terms.at("receipts.accounts", TODAY)["cash"] == "51611"


def test_a_file_that_is_missing_stops_the_program(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read: No such file"):
        load_settings({"TERMS_FILE": str(tmp_path / "none.toml")})
