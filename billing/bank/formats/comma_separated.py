"""Bank statements as CSV, by a mapping of columns: no two banks write the same.

A mapping is a dated setting (`statements.csv_mappings`, by name). Titles are compared without accents, capitals and
signs, so that "Débit (DH)" is found as "debit dh".
"""

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from billing.bank.formats.statement import (
    CURRENCY,
    FAULTS_MAX,
    LINES_MAX,
    NAME_LENGTH_MAX,
    BadText,
    BankLine,
    FileContent,
    LeftOut,
    Statement,
    account,
    centimes,
    decoded,
    is_of,
    reference,
    refuse,
    sensible,
    tidy,
)
from billing.frame.errors import BadConfiguration, Fault, Refused

# The columns that are known; a mapping gives each the titles it may have.
COLUMNS = (
    "booked_on", "value_on", "text", "reference", "structured_reference", "counterparty", "counterparty_account",
    "code", "amount", "debit", "credit", "balance", "currency", "account",
)  # fmt: skip
# Titles may stand below some lines about the account.
_PREAMBLE_MAX = 40
# A day that shows how days are written.
_EXAMPLE = date(2026, 11, 30)
_NOT_DIGITS = re.compile(r"[\s\u00a0\u202f']")


@dataclass(frozen=True, slots=True)
class CsvMapping:
    """The way one bank writes its CSV.

    `columns` gives for each known column the titles it may have; several titles of `text` are joined. Amounts stand in
    `amount`, signed (turned round where `inverted`), or in `debit` and `credit`, whatever sign a debit bears.
    `encoding` blank: UTF-8 where it is, otherwise Windows-1252.
    """

    columns: Mapping[str, tuple[str, ...]]
    delimiter: str = ";"
    decimal: str = ","
    grouping: str = ""
    days: str = "%d/%m/%Y"
    encoding: str = ""
    inverted: bool = False
    currency: str = CURRENCY
    name: str = field(default="", compare=False)


def csv_mapping(setting: Mapping[str, Any], name: str) -> CsvMapping:
    """Return the mapping of that name in the setting; raises BadConfiguration or Refused."""
    if name not in setting:
        known = ", ".join(sorted(setting))
        remedy = f"known are {known}: give one of them, or add it to statements.csv_mappings (TERMS_FILE)"
        raise Refused([Fault("statements", None, "mapping", name, "is no mapping of a CSV file", remedy)])
    given = setting[name]
    where = f"TERMS_FILE: statements.csv_mappings, {name}"
    kinds = {entry.name: entry.type for entry in fields(CsvMapping) if entry.name not in ("columns", "name")}
    if not isinstance(given, Mapping) or not isinstance(given.get("columns"), Mapping):
        raise BadConfiguration(f"{where}: must give columns = {{ booked_on = …, text = …, amount = … }}")
    for key, value in given.items():
        if key != "columns" and (key not in kinds or type(value) is not kinds[key]):
            raise BadConfiguration(f"{where}: {key} is not known, or not of its kind; known are {', '.join(kinds)}")
    columns = {}
    for key, titles in given["columns"].items():
        given_titles = [titles] if isinstance(titles, str) else titles
        is_list = isinstance(given_titles, list) and all(isinstance(title, str) for title in given_titles)
        if key not in COLUMNS or not is_list:
            raise BadConfiguration(f"{where}: columns.{key} is not known, or no title; known are {', '.join(COLUMNS)}")
        columns[key] = tuple(_plain(title) for title in given_titles)
    mapping = CsvMapping(columns, **{key: value for key, value in given.items() if key != "columns"}, name=name)
    if not {"booked_on", "text"} <= set(columns) or not ("amount" in columns or {"debit", "credit"} <= set(columns)):
        raise BadConfiguration(f"{where}: columns must name booked_on, text, and amount or both debit and credit")
    if len(mapping.delimiter) != 1 or mapping.decimal not in (",", ".") or mapping.grouping == mapping.decimal:
        raise BadConfiguration(f"{where}: delimiter is one character, decimal is , or . and not the grouping")
    return mapping


def parse_csv(
    content: bytes,
    file: str,
    mapping: CsvMapping,
    own_account: str = "",
    *,
    opening: int | None = None,
    closing: int | None = None,
) -> FileContent:
    """Return the one statement of a CSV file, of its lines of `own_account` where that is given.

    Its balances are those of its column `balance`; `opening` and `closing`, in centimes, are what a person reads on the
    statement where the file has none, and must agree with the column where it has. Raises Refused with every fault.
    """
    rows = _rows(content, file, mapping)
    head, where = _head(rows, mapping, file)
    faults: list[Fault] = []
    others: Counter[str] = Counter()
    read: list[tuple[int, _Row]] = []
    for line_no, cells in rows[head + 1 :]:
        number = account(_cell(cells, where, "account"))
        if not is_of(number, own_account):
            others[number] += 1
        elif (row := _row(line_no, cells, where, mapping, file, faults)) is not None:
            read.append((line_no, row))
            if len(read) > LINES_MAX:
                break
    if len(read) > LINES_MAX:
        raise refuse(file, f"holds more than {LINES_MAX} lines", "import it in parts")
    if faults:
        raise Refused(faults)
    left_out = tuple(LeftOut(number, "", "", lines) for number, lines in others.items())
    nameless = next((line_no for line_no, row in read if not row.account), None) if others else None
    if nameless is not None:
        problem = f"names no account, in a file that holds account {left_out[0].account}"
        raise Refused([Fault(file, nameless, "account", None, problem, "ask the bank for one file each")])
    if left_out and not read:
        return FileContent((), left_out)
    return FileContent((_statement(read, mapping, file, opening, closing),), left_out)


def _statement(
    read: list[tuple[int, "_Row"]], mapping: CsvMapping, file: str, opening: int | None, closing: int | None
) -> Statement:
    """Return the statement of the lines of one account."""
    if not read:
        raise refuse(file, "holds no movement", "nothing is to be imported")
    if len(read) > 1 and _newest_first([row for _, row in read]):
        read.reverse()
    begins, ends = _balances(read, file, opening, closing)
    numbers = {row.account for _, row in read if row.account}
    currencies = {row.currency for _, row in read if row.currency} or {mapping.currency}
    if len(numbers) > 1 or len(currencies) > 1:
        several = ", ".join(sorted(numbers if len(numbers) > 1 else currencies))
        raise refuse(file, f"holds several accounts or currencies: {several}", "ask the bank for one file each")
    closed_on = max(row.line.booked_on for _, row in read)
    lines = tuple(row.line for _, row in read if row.line.amount)
    return Statement(
        file, next(iter(numbers), ""), next(iter(currencies)), "", None, begins, closed_on, ends, lines
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Row:
    line: BankLine
    balance: int | None
    account: str
    currency: str


def _plain(title: str) -> str:
    """Return a title without accents, capitals and signs."""
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return " ".join(re.sub(r"[^a-z0-9]+", " ", letters).split())


def _rows(content: bytes, file: str, mapping: CsvMapping) -> list[tuple[int, list[str]]]:
    """Return the rows that hold anything, each with its line in the file."""
    try:
        text = decoded(content, mapping.encoding)
    except (UnicodeDecodeError, LookupError):
        remedy = f"save it as {mapping.encoding}, or change statements.csv_mappings"
        raise refuse(file, f"is not a text in {mapping.encoding}", remedy) from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mapping.delimiter, strict=True)
    rows = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, cells))
            if len(rows) > LINES_MAX + _PREAMBLE_MAX:
                raise refuse(file, f"holds more than {LINES_MAX} lines", "import it in parts")
    except csv.Error as error:
        raise Refused([Fault(file, reader.line_num, None, None, f"can't be read as CSV: {error}")]) from None
    return rows


def _head(
    rows: Sequence[tuple[int, list[str]]], mapping: CsvMapping, file: str
) -> tuple[int, dict[str, tuple[int, ...]]]:
    """Return the row of the titles, and the cells of each column."""
    needed = {"booked_on", "text", *({"amount"} if "amount" in mapping.columns else {"debit", "credit"})}
    best: set[str] = set()
    nearest: tuple[int, list[str]] | None = None
    for place, (line_no, cells) in enumerate(rows[:_PREAMBLE_MAX]):
        titles = [_plain(cell) for cell in cells]
        where = {
            column: tuple(titles.index(title) for title in wanted if title in titles)
            for column, wanted in mapping.columns.items()
        }
        titled = {column for column, places in where.items() if places}
        if needed <= titled:
            return place, where
        if len(titled & needed) > len(best):
            best, nearest = titled & needed, (line_no, cells)
    missing = ", ".join(f"{column} ({' or '.join(mapping.columns[column])})" for column in sorted(needed - best))
    problem, remedy = f"has no line of titles with {missing}", f"give another mapping than {mapping.name!r}, or add one"
    if nearest is None:
        raise refuse(file, problem, f"{remedy} for it")
    line_no, cells = nearest
    titles_found = ", ".join(cell.strip() for cell in cells if cell.strip())[:300]
    raise Refused([Fault(file, line_no, None, None, f"{problem}: its titles are {titles_found}", f"{remedy} for it")])


def _cell(cells: Sequence[str], where: Mapping[str, tuple[int, ...]], column: str) -> str:
    """Return what stands in the cells of a column, joined."""
    return " ".join(cells[place].strip() for place in where.get(column, ()) if place < len(cells)).strip()


def _row(
    line_no: int, cells: list[str], where: Mapping[str, tuple[int, ...]], mapping: CsvMapping, file: str,
    faults: list[Fault],
) -> _Row | None:  # fmt: skip
    """Return one line of the file; None for one that is no movement, such as a total, or that adds a fault."""

    def text_of(column: str) -> str:
        return _cell(cells, where, column)

    day_text = text_of("booked_on")
    if not day_text and any(text_of(column) for column in ("amount", "debit", "credit")):
        # A movement that the bank dates by its value day alone was booked on it.
        day_text = text_of("value_on")
    try:
        booked_on = _day(day_text, mapping)
    except BadText as error:
        # Below the movements banks write totals and balances, which are dated by none.
        if day_text and any(character.isdigit() for character in day_text):
            _add(faults, file, line_no, "booked_on", day_text, str(error), _remedy(mapping))
        return None
    try:
        value_on = _day(text_of("value_on"), mapping) if text_of("value_on") else booked_on
    except BadText as error:
        _add(faults, file, line_no, "value_on", text_of("value_on"), str(error), _remedy(mapping))
        return None
    amounts: dict[str, int | None] = {}
    for column in ("amount", "debit", "credit", "balance"):
        try:
            amounts[column] = _amount(text_of(column), mapping)
        except BadText as error:
            _add(faults, file, line_no, column, text_of(column), str(error), f"the decimal sign is {mapping.decimal!r}")
            return None
    amount = amounts["amount"]
    if amount is None:
        if amounts["debit"] is None and amounts["credit"] is None:
            _add(faults, file, line_no, "amount", None, "is blank", "give the amount, or take the line out")
            return None
        amount = abs(amounts["credit"] or 0) - abs(amounts["debit"] or 0)
    elif mapping.inverted:
        amount = -amount
    return _Row(
        BankLine(
            booked_on=booked_on,
            value_on=value_on,
            amount=amount,
            bank_reference=reference(text_of("reference")),
            end_to_end_id="",
            structured_reference=tidy(text_of("structured_reference"), 35),
            counterparty=tidy(text_of("counterparty"), NAME_LENGTH_MAX),
            counterparty_account=account(text_of("counterparty_account")),
            text=tidy(text_of("text")),
            code=tidy(text_of("code"), 35),
            is_reversal=False,
        ),
        amounts["balance"],
        account(text_of("account")),
        tidy(text_of("currency"), 3).upper(),
    )


def _add(
    faults: list[Fault], file: str, line_no: int, column: str, value: str | None, problem: str, remedy: str
) -> None:
    if len(faults) < FAULTS_MAX:
        faults.append(Fault(file, line_no, column, None if value is None else value[:100], problem, remedy))


def _remedy(mapping: CsvMapping) -> str:
    return f"it should read like {_EXAMPLE.strftime(mapping.days)}"


def _day(text: str, mapping: CsvMapping) -> date:
    try:
        return sensible(datetime.strptime(text, mapping.days).date())
    except ValueError as error:
        raise error if isinstance(error, BadText) else BadText("is not a day") from None


def _amount(text: str, mapping: CsvMapping) -> int | None:
    """Return a cell as centimes, None where blank; a minus may stand behind, parentheses mean it too."""
    number = _NOT_DIGITS.sub("", text)
    if not number:
        return None
    if mapping.grouping and mapping.grouping in number:
        whole, _, fraction = number.partition(mapping.decimal)
        first, *groups = whole.split(mapping.grouping)
        # 1500.00 where the point parts thousands would be taken for 150 000: groups are of three, or it is refused.
        if any(len(group) != 3 or not group.isdecimal() for group in groups) or mapping.grouping in fraction:
            raise BadText("is not an amount")
        number = f"{first}{''.join(groups)}{mapping.decimal if fraction else ''}{fraction}"
    number = number.replace("\u2212", "-").replace(mapping.decimal, ".")
    if number.startswith("(") and number.endswith(")"):
        number = f"-{number[1:-1]}"
    elif number.endswith(("-", "+")):
        number = f"{number[-1]}{number[:-1]}"
    return centimes(number)


def _newest_first(rows: Sequence[_Row]) -> bool:
    first, last = rows[0].line.booked_on, rows[-1].line.booked_on
    if first != last:
        return first > last
    # If all are of one day, the running balance decides.
    pairs = [(row, below) for row, below in pairwise(rows) if None not in (row.balance, below.balance)]
    return bool(pairs) and all((row.balance or 0) - row.line.amount == below.balance for row, below in pairs)


def _balances(read: Sequence[tuple[int, _Row]], file: str, opening: int | None, closing: int | None) -> tuple[int, int]:
    """Return the balances before and after the lines, in their order."""
    balanced = [(line_no, row) for line_no, row in read if row.balance is not None]
    if balanced:
        first, last = read[0][1], read[-1][1]
        if first.balance is not None and opening is None:
            opening = first.balance - first.line.amount
        if last.balance is not None and closing is None:
            closing = last.balance
    if opening is None or closing is None:
        missing = " and ".join(name for name, value in (("opening", opening), ("closing", closing)) if value is None)
        raise refuse(file, f"says no {missing} balance", "give the opening and the closing balance of the statement")
    if balanced:
        running = opening
        for line_no, row in read:
            running += row.line.amount
            if row.balance is not None and row.balance != running:
                problem = "is not the balance before it with its amount: a line is missing or wrong"
                raise Refused([Fault(file, line_no, "balance", None, problem, "ask the bank for the file again")])
    return opening, closing
