"""The file that says how Salesforce is reached, and which of its objects and fields are ours (SALESFORCE_FILE)."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from billing.frame.errors import BadConfiguration

# An object or a field, perhaps one of a record that is referred to: Account__r.Code__c.
_NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*", re.ASCII)
# What can be written back of a tenant.
TOLD = ("balance", "open", "overdue", "credit", "state", "tier", "window_end")


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By whom Salesforce is asked: JWT bearer, with a connected app's consumer key and a private key (PEM)."""

    username: str
    consumer_key: str
    key_file: str
    domain: str = "login"


class ReadObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An object that is read as a file of the network folder: its field for each column, and what its values mean."""

    object: str
    columns: dict[str, str]
    where: str = ""
    values: dict[str, dict[str, str]] = {}


class WrittenObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An object that is told what its tenant, found by the field `code`, owes: its field for each of TOLD."""

    object: str
    code: str
    fields: dict[str, str]
    where: str = ""


class Salesforce(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file; `read` is by the stem of the file that an object stands for: tenants, leases."""

    access: Access
    read: dict[str, ReadObject]
    write_back: WrittenObject | None = None


def load_salesforce(path: Path) -> Salesforce:
    """Read the file; raises BadConfiguration with a sentence that says what is wrong."""
    try:
        mapping = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Salesforce)
    except OSError as error:
        raise BadConfiguration(f"SALESFORCE_FILE: {path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadConfiguration(f"SALESFORCE_FILE: {path}: {error}") from None
    for name in _names(mapping):
        if _NAME.fullmatch(name) is None:
            raise BadConfiguration(f"SALESFORCE_FILE: {path}: {name!r} is no name of an object or field of Salesforce")
    told: Mapping[str, str] = {} if mapping.write_back is None else mapping.write_back.fields
    for what in told:
        if what not in TOLD:
            raise BadConfiguration(f"SALESFORCE_FILE: {path}: {what} can't be written back; known: {', '.join(TOLD)}")
    return mapping


def _names(mapping: Salesforce) -> Iterator[str]:
    for each in mapping.read.values():
        yield from (each.object, *each.columns.values())
    if mapping.write_back is not None:
        yield from (mapping.write_back.object, mapping.write_back.code, *mapping.write_back.fields.values())
