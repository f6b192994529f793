"""The Merkle tree of RFC 6962: hashes, and which of them prove that a leaf is in a tree, or that a tree grew.

Trees are described by perfect subtrees: (level, position) has 2^level leaves, the first of them
position * 2^level. The caller gives their hashes; nothing here reads or writes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple, TypeAlias

EMPTY_ROOT = sha256().digest()

Hash: TypeAlias = bytes
HashOf: TypeAlias = "Callable[[Subtree], Hash]"


class Subtree(NamedTuple):
    """A perfect subtree: 2^level leaves from position * 2^level on."""

    level: int
    position: int


class Span(NamedTuple):
    """Leaves from `start` until before `end`: a subtree's, or all from a subtree's first to the tree's end."""

    start: int
    end: int


def leaf_hash(record: bytes) -> Hash:
    """Return the hash of a leaf."""
    return sha256(b"\x00" + record).digest()


def leaf_hashes(records: Iterable[bytes]) -> list[Hash]:
    """Return the hashes of leaves."""
    return [sha256(b"\x00" + record).digest() for record in records]


def node_hash(left: Hash, right: Hash) -> Hash:
    """Return the hash of a node over two others."""
    return sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[Hash]) -> Hash:
    """Return the root over 1, 2, 4, 8 … subtrees of one level."""
    [root] = perfect_roots(hashes, len(hashes))
    return root


def perfect_roots(hashes: Sequence[Hash], width: int) -> Sequence[Hash]:
    """Return the roots over every `width` subtrees of one level: 1, 2, 4, 8 …, of which `hashes` has a multiple."""
    while width > 1:
        # `node_hash`, a level at a time: a call a node costs as much as its hash.
        hashes = [
            sha256(b"\x01" + left + right).digest() for left, right in zip(hashes[::2], hashes[1::2], strict=True)
        ]
        width //= 2
    return hashes


def subtrees(span: Span) -> Iterator[Subtree]:
    """Yield the largest perfect subtrees that make up a span, left to right."""
    start = span.start
    while start < span.end:
        level = (span.end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield Subtree(level, start >> level)
        start += 1 << level


def root_of(span: Span, hash_of: HashOf) -> Hash:
    """Return the root over a span (RFC 6962, 2.1); of no leaves, the hash of nothing."""
    hashes = [hash_of(subtree) for subtree in subtrees(span)]
    if not hashes:
        return EMPTY_ROOT
    root = hashes.pop()
    while hashes:
        root = node_hash(hashes.pop(), root)
    return root


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Return the spans whose roots prove that leaf `index` is in a tree of `size`, lowest first (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    start, end = 0, size
    spans = []
    while end - start > 1:
        split = start + _left(end - start)
        if index < split:
            spans.append(Span(split, end))
            end = split
        else:
            spans.append(Span(start, split))
            start = split
    return spans[::-1]


def consistency_spans(older: int, size: int) -> list[Span]:
    """Return the spans whose roots prove that the tree of `older` leaves begins that of `size` (RFC 6962, 2.1.2)."""
    if not 0 <= older <= size:
        raise ValueError(f"a tree of {older} leaves does not begin one of {size}")
    if older in (0, size):
        return []
    start, end, is_whole = 0, size, True
    spans = []
    while older != end:
        split = start + _left(end - start)
        if older <= split:
            spans.append(Span(split, end))
            end = split
        else:
            spans.append(Span(start, split))
            start, is_whole = split, False
    if not is_whole:
        spans.append(Span(start, end))
    return spans[::-1]


def _left(count: int) -> int:
    """Return the largest power of two below `count`, which is at least two."""
    return 1 << ((count - 1).bit_length() - 1)
