"""The Merkle tree against the known vectors of RFC 6962's reference implementation, and against its definition."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.proof.merkle import (
    EMPTY_ROOT,
    Hash,
    Span,
    Subtree,
    consistency_spans,
    inclusion_spans,
    leaf_hash,
    node_hash,
    root_of,
)
from tests.support.merkle import GrowingTree, is_consistent, is_included

# Of the reference implementation of Certificate Transparency (merkle_tree_test.cc).
INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
GROWTHS = {
    (1, 1): (),
    (1, 8): PATHS[0, 8],
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


def defined(leaves: Sequence[Hash]) -> Hash:
    """The root by RFC 6962's own words."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(defined(leaves[:split]), defined(leaves[split:]))


class Counted:
    """The hashes of subtrees over leaves."""

    def __init__(self, leaves: Sequence[Hash]) -> None:
        self.leaves = leaves

    def __call__(self, subtree: Subtree) -> Hash:
        start = subtree.position << subtree.level
        return defined(self.leaves[start : start + (1 << subtree.level)])


LEAVES = [leaf_hash(data) for data in INPUTS]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert GrowingTree().root() == root_of(Span(0, 0), Counted([])) == EMPTY_ROOT


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_implementation(size: int) -> None:
    tree = GrowingTree()
    for leaf in LEAVES[:size]:
        tree.add(leaf)
    assert tree.root().hex() == root_of(Span(0, size), Counted(LEAVES)).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_inclusion_paths_are_those_of_the_reference_implementation(index: int, size: int) -> None:
    path = [root_of(span, Counted(LEAVES)) for span in inclusion_spans(index, size)]
    assert tuple(found.hex() for found in path) == PATHS[index, size]
    assert is_included(LEAVES[index], index, size, bytes.fromhex(ROOTS[size - 1]), path)


@pytest.mark.parametrize(("older", "size"), GROWTHS)
def test_consistency_paths_are_those_of_the_reference_implementation(older: int, size: int) -> None:
    path = [root_of(span, Counted(LEAVES)) for span in consistency_spans(older, size)]
    assert tuple(found.hex() for found in path) == GROWTHS[older, size]
    assert is_consistent(older, size, bytes.fromhex(ROOTS[older - 1]), bytes.fromhex(ROOTS[size - 1]), path)


@given(st.data())
def test_every_proof_of_any_tree_holds_and_no_other_does(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 200))
    leaves = [leaf_hash(number.to_bytes(2, "big")) for number in range(size)]
    hash_of, root = Counted(leaves), defined(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = [root_of(span, hash_of) for span in inclusion_spans(index, size)]
    assert is_included(leaves[index], index, size, root, path)
    other = data.draw(st.integers(0, size - 1))
    assert is_included(leaves[other], index, size, root, path) == (other == index)
    older = data.draw(st.integers(1, size))
    older_root = defined(leaves[:older])
    growth = [root_of(span, hash_of) for span in consistency_spans(older, size)]
    assert is_consistent(older, size, older_root, root, growth)
    assert not is_consistent(older, size, leaf_hash(b"another"), root, growth)
    assert not is_consistent(older, size, older_root, leaf_hash(b"another"), growth)
    for wrong in (path[:-1], [*path, root]):
        assert wrong == path or not is_included(leaves[index], index, size, root, wrong)
    for spoilt in range(len(growth)):
        broken = [leaf_hash(b"another") if place == spoilt else found for place, found in enumerate(growth)]
        assert not is_consistent(older, size, older_root, root, broken)
