"""The other side of proofs: they are verified here, and a tree grows leaf by leaf (RFC 6962, RFC 9162)."""

from collections.abc import Iterable, Sequence

from ledger.proof.merkle import EMPTY_ROOT, Hash, inclusion_spans, node_hash


def is_included(leaf: Hash, index: int, size: int, root: Hash, path: Sequence[Hash]) -> bool:
    """Return whether a path proves that `leaf` is leaf `index` of the tree of `size` leaves with that root."""
    if not 0 <= index < size:
        return False
    spans = inclusion_spans(index, size)
    if len(spans) != len(path):
        return False
    node = leaf
    for span, sibling in zip(spans, path, strict=True):
        node = node_hash(sibling, node) if span.end <= index else node_hash(node, sibling)
    return node == root


def is_consistent(older: int, size: int, older_root: Hash, root: Hash, path: Sequence[Hash]) -> bool:
    """Return whether a path proves that the tree of `older` leaves begins that of `size` (RFC 9162, 2.1.4.2)."""
    if older == size:
        return older_root == root and not path
    if older == 0:
        return older_root == EMPTY_ROOT and not path
    if not 0 < older < size or not path:
        return False
    hashes = [older_root, *path] if older & (older - 1) == 0 else list(path)
    old, new = older - 1, size - 1
    while old & 1:
        old, new = old >> 1, new >> 1
    first = second = hashes[0]
    for node in hashes[1:]:
        if new == 0:
            return False
        if old & 1 or old == new:
            first, second = node_hash(node, first), node_hash(node, second)
            while old and not old & 1:
                old, new = old >> 1, new >> 1
        else:
            second = node_hash(second, node)
        old, new = old >> 1, new >> 1
    return new == 0 and first == older_root and second == root


class GrowingTree:
    """A tree that leaves are added to, one after the other; it keeps one hash a level."""

    def __init__(self, size: int = 0, peaks: Iterable[Hash] = ()) -> None:
        self.size = size
        # The roots of the perfect subtrees of the span so far, largest first.
        self._peaks = list(peaks)

    def add(self, leaf: Hash) -> None:
        """Add one leaf."""
        count, node = self.size, leaf
        while count & 1:
            node = node_hash(self._peaks.pop(), node)
            count >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> Hash:
        """Return the root over the leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = node_hash(peak, node)
        return node
