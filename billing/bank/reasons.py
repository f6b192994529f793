"""Why a line of a statement is proposed to be what it is: a code for programs, a French text for those who decide."""

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
    """What speaks for a proposal, and what that leaves: names of `texts/fr.toml`, which these values fill in.

    Its spaces are ordinary ones: it is kept as the reason of what is decided.
    """
    found = _texts()
    text = f"{found['by'][by]} : {found['what'][what]}".format_map(values)
    return Why(f"{by}/{what}", " ".join(text.split()))


def withheld(rent: int, vat: int) -> str:
    """Taxes kept back, in centimes: `145,00 DH de retenue sur le loyer et 435,00 DH de TVA retenue`."""
    texts = _texts()["withheld"]
    kept = {"rent": rent, "vat": vat}
    told = {tax: texts[tax].format(amount=formats.dirhams(amount)) for tax, amount in kept.items() if amount}
    return texts["and"].format_map(told) if len(told) == len(kept) else "".join(told.values())


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files("billing.bank") / "texts" / "fr.toml").read_text(encoding="utf-8"))
