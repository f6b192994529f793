"""Links to papers: whoever holds a paper can look up what became of it, under an address that nobody can guess.

A link ends in a token: the kind of paper, the number of its row, and an authentication code (HMAC-SHA256, 80 bits) of
both under the secret that the database keeps. So a token is a function of the paper, for ever, and nothing is stored
beside papers; a token is judged before anything is looked up by it, in the same time whatever it holds.
"""

import hmac
from base64 import b32decode, b32encode
from enum import IntEnum
from typing import NamedTuple

from sqlalchemy import Label, select

from invoices.document import Party
from invoices.models import link_secret

_NUMBER_BYTES = 5
# Room for so many kinds in a token.
_KINDS = 16
_CODE_BYTES = 10
TOKEN_LENGTH = (_NUMBER_BYTES + _CODE_BYTES) * 8 // 5
# The secret, as a column of a query of papers.
LINK_SECRET: Label[str] = select(link_secret.c.secret).scalar_subquery().label("link_secret")


class PaperKind(IntEnum):
    """A kind of paper that bears a link; the values stand in links that were printed."""

    DOCUMENT = 0
    CASH_RECEIPT = 1
    DEPOSIT_CALL = 2
    FINAL_STATEMENT = 3


class Linked(NamedTuple):
    """A paper that a link leads to: its kind, and the number of its row."""

    kind: PaperKind
    row: int


def link_of(seller: Party, secret: str, paper: Linked) -> str:
    """Return the link of a paper; blank where its seller gave no address when it was made."""
    return f"{seller.public_url}/verify/{token_of(secret, paper)}" if seller.public_url else ""


def token_of(secret: str, paper: Linked) -> str:
    """Return the token of a paper: 24 letters and digits, none of which looks like another."""
    named = (paper.row * _KINDS + paper.kind).to_bytes(_NUMBER_BYTES, "big")
    return b32encode(named + _code(secret, named)).decode().lower()


def paper_of(secret: str, token: str) -> Linked | None:
    """Return the paper that a token was made for; None for every other text."""
    is_token = len(token) == TOKEN_LENGTH and token.isascii() and token.isalnum() and not set(token) & {*"0189"}
    raw = b32decode(token.upper() if is_token else "A" * TOKEN_LENGTH)
    named, code = raw[:_NUMBER_BYTES], raw[_NUMBER_BYTES:]
    is_ours = hmac.compare_digest(_code(secret, named), code)
    if not (is_token and is_ours):
        return None
    row, kind = divmod(int.from_bytes(named, "big"), _KINDS)
    return Linked(PaperKind(kind), row)


def _code(secret: str, named: bytes) -> bytes:
    return hmac.digest(bytes.fromhex(secret), b"technopark-link/1" + named, "sha256")[:_CODE_BYTES]
