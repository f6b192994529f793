"""Dated settings: what is shipped, and what another file may say."""

from datetime import date
from pathlib import Path

import pytest

from billing.config import load_settings
from billing.errors import BadConfiguration
from billing.receivables.terms import load_terms

TODAY = date(2026, 11, 24)


def written(folder: Path, text: str) -> Path:
    path = folder / "terms.toml"
    path.write_text(text, encoding="utf-8")
    return path


def version(day: str, value: str) -> str:
    return f'[[credit_notes.rebate_accounts]]\neffective_from = {day}\nvalue = {value}\nsource = "nous"\n'


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


def test_a_file_that_is_missing_stops_the_program(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read: No such file"):
        load_settings({"TERMS_FILE": str(tmp_path / "none.toml")})
