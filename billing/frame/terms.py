"""Dated settings say what law and house rules ask on a day; they come with a source, from a replaceable file.

The shipped file says which settings there are. Each has versions: `effective_from` (the first day it counts),
`value`, `source` (why). Raises BadConfiguration, which names the file, for anything else.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from billing.frame.errors import BadConfiguration
from ledger.accounts import label_of
from ledger.errors import UnknownAccount

VARIABLE = "TERMS_FILE"
_FIELDS = {"effective_from", "value", "source"}
# Looked up by names that the program gives, so that one left out would be missed only when money of that kind comes in.
_ALL_KEYS = {"receipts.accounts", "receipts.withheld_accounts", "receipts.credit_accounts"}
# The kinds of order that may have to wait for a second person (R23); one misspelt would wait for nobody.
ORDER_KINDS = ("write_off", "refund", "manual_entry", "reopen_period", "take_on", "cancel_receipt")
_APPROVALS = "approvals.required"
_GIVE_ACCOUNTS = {*_ALL_KEYS, "credit_notes.rebate_accounts"}


class Term(NamedTuple):
    """One version of a setting: the first day it counts, its value, where it comes from."""

    effective_from: date
    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Terms:
    """Every setting by name (`credit_notes.rebate_accounts`), its versions by day."""

    versions: Mapping[str, tuple[Term, ...]]

    def at(self, name: str, on: date) -> Any:
        """Return the value of a setting on a day; raise BadConfiguration where none counts yet."""
        for term in reversed(self.versions[name]):
            if term.effective_from <= on:
                return term.value
        first = self.versions[name][0].effective_from
        raise BadConfiguration(f"{VARIABLE}: {name} has no value before {first}: add one that counts on {on}")


def load_terms(path: Path | None) -> Terms:
    """Return the settings shipped, with those of a file in place of those it names; None: as shipped."""
    shipped = _shipped()
    if path is None:
        return shipped
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfiguration(f"{VARIABLE}: {path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfiguration(f"{VARIABLE}: {path} is not a TOML file in UTF-8: {error}") from None
    own = _versions(content, str(path))
    unknown = sorted(set(own) - set(shipped.versions))
    if unknown:
        known = ", ".join(sorted(shipped.versions))
        raise BadConfiguration(f"{VARIABLE}: {path}: {', '.join(unknown)} is no setting; known are {known}")
    for name, versions in own.items():
        wanted = type(shipped.versions[name][0].value)
        if any(type(term.value) is not wanted for term in versions):
            raise BadConfiguration(f"{VARIABLE}: {path}: the values of {name} must be of the kind shipped, {wanted}")
        if name == _APPROVALS:
            for term in versions:
                unknown = [kind for kind in term.value if kind not in ORDER_KINDS]
                if unknown:
                    known = ", ".join(ORDER_KINDS)
                    raise BadConfiguration(f"{VARIABLE}: {path}: {name} names {unknown[0]!r}; known are {known}")
        if wanted is dict:
            for term in versions:
                _judge_mapping(f"{VARIABLE}: {path}: {name} from {term.effective_from}", name, term.value)
    return Terms({**shipped.versions, **own})


def _judge_mapping(where: str, name: str, given: Mapping[str, Any]) -> None:
    """Raise BadConfiguration for a value of several keys that a look-up would fail on."""
    shipped: Mapping[str, Any] = _shipped().versions[name][-1].value
    if name in _ALL_KEYS and set(given) != set(shipped):
        missing, unknown = sorted(set(shipped) - set(given)), sorted(set(given) - set(shipped))
        problem = f"leaves out {', '.join(missing)}" if missing else f"gives {', '.join(unknown)}, which is not known"
        raise BadConfiguration(f"{where} {problem}: write each of {', '.join(shipped)} once, as {_written(shipped)}")
    wanted = type(next(iter(shipped.values())))
    for key, value in given.items():
        if type(value) is not wanted:
            raise BadConfiguration(f"{where}: {key} is {value!r}, not of the kind shipped: write {_written(shipped)}")
        if name in _GIVE_ACCOUNTS and not _is_account(value):
            raise BadConfiguration(f"{where}: {key} is {value!r}, no account of the chart: write {_written(shipped)}")


def _written(value: Any) -> str:
    """Return a value as it would stand in the file, on one line."""
    if not isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    return "{ " + ", ".join(f"{json.dumps(key)} = {_written(item)}" for key, item in value.items()) + " }"


def _is_account(text: str) -> bool:
    try:
        label_of(text)
    except UnknownAccount:
        return False
    return True


@cache
def _shipped() -> Terms:
    text = (files("billing.frame") / "terms.toml").read_text(encoding="utf-8")
    return Terms(_versions(tomllib.loads(text), "terms.toml"))


def _versions(content: Mapping[str, Any], file: str) -> dict[str, tuple[Term, ...]]:
    terms_by_name = {}
    for section, settings in content.items():
        if not isinstance(settings, dict):
            raise BadConfiguration(f"{VARIABLE}: {file}: {section} must be a section, [[{section}.SETTING]]")
        for setting, versions in settings.items():
            name = f"{section}.{setting}"
            if not isinstance(versions, list) or not versions or not all(_is_version(version) for version in versions):
                raise BadConfiguration(
                    f"{VARIABLE}: {file}: each [[{name}]] must give effective_from (a day), value and source (a text)"
                )
            terms = [Term(version["effective_from"], version["value"], version["source"]) for version in versions]
            terms.sort(key=lambda term: term.effective_from)
            if len({term.effective_from for term in terms}) < len(terms):
                raise BadConfiguration(f"{VARIABLE}: {file}: two versions of {name} count from the same day")
            terms_by_name[name] = tuple(terms)
    return terms_by_name


def _is_version(version: Any) -> bool:
    return (
        isinstance(version, dict)
        and set(version) == _FIELDS
        and type(version["effective_from"]) is date
        and isinstance(version["source"], str)
    )
