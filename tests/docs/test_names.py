"""Every command, option and address that README.md, CONTRIBUTING.md and docs/ name exists."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from sqlalchemy import make_url

from billing.api.app import create_app
from billing.cli import main
from billing.frame.database import open_engine
from billing.frame.settings import load_settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = re.compile(r"`([^`]+)`")
COMMAND = re.compile(r"(?P<words>[a-z-]+(?: [a-z-]+)?)(?P<rest>[^|;&\n]*)")
ADDRESS = re.compile(r"(?:(?:GET|POST|PATCH) |/v1(?=/))(?:/v1)?(/[^\s`'\"?…]*[^\s`'\"?….,;:)/])")
CONTEXT = click.Context(main, info_name="technopark-billing")


def lines_of(document: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        yield f"{document.name}:{number}", line


def codes_of(line: str) -> list[str]:
    """Return what a line shows as code: a command line of a block, or what stands between backquotes."""
    block = re.match(r"(?:    )?(?:\$ )?(?:\S*/)?(technopark-billing .*)", line)
    return [block[1]] if block else CODE.findall(line)


def faults_of(code: str) -> list[str]:
    """Return the commands and options named in `code` that do not exist."""
    _, is_whole, after = code.partition("technopark-billing ")
    match = COMMAND.match(after or code)
    if match is None:
        return []
    words = match["words"].split()
    command = main.get_command(CONTEXT, words[0])
    if command is None:
        return [code] if is_whole else []
    if isinstance(command, click.Group):
        if len(words) < 2:
            return []
        command = command.get_command(CONTEXT, words[1])
    if command is None:
        return [code]
    known = {option for parameter in command.get_params(CONTEXT) for option in parameter.opts}
    return [f"{code}: {option}" for option in re.findall(r"(?<=\s)--[a-z-]+", match["rest"]) if option not in known]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_options_exist(document: Path) -> None:
    assert not [
        f"{place}: {f}" for place, line in lines_of(document) for code in codes_of(line) for f in faults_of(code)
    ]


def test_addresses_exist() -> None:
    app = create_app(
        load_settings({}), open_engine(make_url("sqlite://")), lambda: datetime(2026, 11, 24, 9, tzinfo=UTC)
    )
    known = re.compile("|".join(re.sub(r"<[^>]+>", "[^/]+", rule.rule) for rule in app.url_map.iter_rules()))
    named = [(place, address) for d in DOCUMENTS for place, line in lines_of(d) for address in ADDRESS.findall(line)]
    assert named
    assert not [f"{place}: {address}" for place, address in named if not known.fullmatch(f"/v1{address}")]


def test_paths_exist() -> None:
    documents = [*DOCUMENTS, ROOT / "ARCHITECTURE.md", ROOT / "DECISIONS.md"]
    path = re.compile(r"`((?:billing|docs|invoices|ledger|pricing|requirements|scripts|tests)/[\w./-]*)`")
    named = [(place, name) for d in documents for place, line in lines_of(d) for name in path.findall(line)]
    assert named
    assert not [f"{place}: {name}" for place, name in named if not (ROOT / name).exists()]
