"""Which changes lie on the desk already, so that an import that is repeated lays none there twice."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from counterfoil.office.papers import CHANGE, decode_change
from counterfoil.proof.canonical import canonical
from counterfoil.registry.desk.desk import MAX_LISTED, Desk
from counterfoil.registry.personal.change import Change


class Laid:
    """The changes that wait for a second officer, one a case; they are looked through when first asked for."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._known: set[bytes] | None = None

    def __contains__(self, change: Change) -> bool:
        if self._known is None:
            self._known = {_digest(each) for each in self._waiting()}
        return _digest(change) in self._known

    def add(self, change: Change) -> None:
        """Note a change that was laid down."""
        if self._known is not None:
            self._known.add(_digest(change))

    def _waiting(self) -> Iterator[Change]:
        after = 0
        while cases := self._desk.waiting(after=after, limit=MAX_LISTED):
            for case in cases:
                after = case.number
                if case.kind == CHANGE and (content := self._desk.get(case.id).content) is not None:
                    yield from decode_change(content).changes


def _digest(change: Change) -> bytes:
    """What a change says, in few bytes; not what is attached, which is sealed anew each time."""
    said = [
        change.register,
        change.operation,
        change.key,
        change.status,
        dict(change.fields),
        dict(change.circumstances),
    ]
    return sha256(canonical(said)).digest()
