"""The log put together from two stores, so that it is the one that a signed checkpoint states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.merkle import CompactRange, leaf_hashes, root
from counterfoil.recovery.material import Material
from counterfoil.store.log import WIDTH


class Choice(NamedTuple):
    """From which store each full bundle is taken, ours or the other, and the entries after them."""

    own: Material
    other: Material
    ours: tuple[bool, ...]
    tail: list[bytes]

    def entries(self) -> Iterator[list[bytes]]:
        """The log's entries, a bundle at a time."""
        for number, ours in enumerate(self.ours):
            mine = self.own.bundle(number)
            yield mine if ours else _theirs(mine, self.other, number)
        if self.tail:
            yield self.tail


class _Bundle(NamedTuple):
    """A bundle's root by its entries, in our store and in the other; whether our tile says the same as our entries."""

    own: bytes | None
    other: bytes | None
    sure: bool


def choose_log(own: Material, other: Material, target: Checkpoint) -> Choice | None:
    """The log that `target` states; None where what is healthy in the two stores does not give it."""
    count, rest = divmod(target.size, WIDTH)
    bundles = [_look(own, other, number) for number in range(count)]
    tails = [tail for tail in _tails(own, other, count * WIDTH, rest) if len(tail) == rest]
    for prefers_own in ([each.sure for each in bundles], [False] * count, [True] * count):
        roots = [_pick(each, mine) for each, mine in zip(bundles, prefers_own, strict=True)]
        if None in roots:
            continue
        for tail in tails:
            if _root([each for each in roots if each], tail, target.size) == target.root:
                ours = tuple(at == each.own for at, each in zip(roots, bundles, strict=True))
                return Choice(own, other, ours, tail)
    return None


def _look(own: Material, other: Material, number: int) -> _Bundle:
    mine, tile = own.bundle(number), own.tile(number)
    theirs = _theirs(mine, other, number)
    hashes = leaf_hashes(mine)
    return _Bundle(
        root(hashes) if mine else None,
        root(leaf_hashes(theirs)) if theirs else None,
        bool(mine) and hashes == tile,
    )


def _theirs(mine: list[bytes], other: Material, number: int) -> list[bytes]:
    """The other store's bundle; where that store ends within it, ours after what it has."""
    theirs = other.bundle(number)
    if not theirs and mine and (first := other.tail(number * WIDTH)):
        theirs = first + mine[len(first) :]
    return theirs if len(theirs) == WIDTH else []


def _pick(bundle: _Bundle, mine: bool) -> bytes | None:
    first, second = (bundle.own, bundle.other) if mine else (bundle.other, bundle.own)
    return first or second


def _tails(own: Material, other: Material, start: int, rest: int) -> Iterator[list[bytes]]:
    """The entries after the last full bundle: ours, then the other's as far as they go with ours after them."""
    mine, theirs = own.tail(start)[:rest], other.tail(start)[:rest]
    yield mine
    yield theirs + mine[len(theirs) :]
    # A row in the middle that cannot be read hides those after it.
    later = _after(own, start + len(theirs), rest - len(theirs))
    if later:
        yield theirs + later


def _after(own: Material, start: int, count: int) -> list[bytes]:
    return own.tail(start)[:count] if count > 0 else []


def _root(roots: Sequence[bytes], tail: Sequence[bytes], size: int) -> bytes:
    above, below = CompactRange(), CompactRange()
    above.extend(roots)
    below.extend(leaf_hashes(tail))
    return CompactRange(size, (*above.hashes, *below.hashes)).root()
