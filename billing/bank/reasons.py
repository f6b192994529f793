"""The reasons of proposals for bank lines: a code for programs, a French text for those who decide."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from invoices import formats


class Why(NamedTuple):
    """A reason: `structured/exact` and `Référence structurée de FA-2026-000012 : exactement le reste dû`."""

    code: str
    text: str


def reason(by: str, what: str, **values: str) -> Why:
    """Return what speaks for a proposal, and what that leaves: names of `texts/fr.toml`, filled in with these values.

    Its spaces are ordinary ones: it is stored as the reason of the decision.
    """
    text = f"{_texts()['by'][by]} : {_texts()['what'][what]}".format_map(values)
    return Why(f"{by}/{what}", " ".join(text.split()))


def but(why: Why, against: str, **values: str) -> Why:
    """Return a reason with what speaks against it: a name of `texts/fr.toml`, filled in with these values."""
    text = f"{why.text} ; {_texts()['but'][against]}".format_map(values)
    return Why(f"{why.code}/{against}", " ".join(text.split()))


def withheld(rent: int, vat: int) -> str:
    """Return taxes withheld, in centimes, in words: `145,00 DH de retenue sur le loyer et 435,00 DH de TVA retenue`."""
    texts = _texts()["withheld"]
    taxes = {"rent": rent, "vat": vat}
    phrases = {tax: texts[tax].format(amount=formats.dirhams(amount)) for tax, amount in taxes.items() if amount}
    return texts["and"].format_map(phrases) if len(phrases) == len(taxes) else "".join(phrases.values())


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files("billing.bank") / "texts" / "fr.toml").read_text(encoding="utf-8"))
