"""What this node has said of its log, by which a source is judged and a repaired log has to stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from counterfoil.errors import CounterfoilError, Damaged, Unverified
from counterfoil.home import Home
from counterfoil.proof.canonical import labelled, unlabelled
from counterfoil.proof.checkpoint import Checkpoint, log_key
from counterfoil.proof.note import VerifierKey
from counterfoil.proof.trust import MAX_TRUST_BYTES, Trust
from counterfoil.recovery.material import Material
from counterfoil.recovery.source import Source
from counterfoil.signer import LastSigned, read_last_signed, signed_before
from counterfoil.store.audit.checkpoints import stated


class Anchors(NamedTuple):
    """`target` is the newest state that was signed, with its note (none where only the key's own file says so).

    `keys` verify the notes; `said` has every state that this node has signed, as far as that can still be read.
    """

    keys: tuple[VerifierKey, ...]
    target: Checkpoint
    note: bytes
    said: tuple[Checkpoint, ...]
    ended: bool
    """Whether the row that says where the log ends can be relied on."""

    def check(self, size: int, root_at: Callable[[int], bytes], what: str) -> None:
        """Raise `Unverified` where this node has signed another state than a log of `size` has."""
        for each in self.said:
            if each.size <= size and root_at(each.size) != each.root:
                raise Unverified(
                    f"this node has signed a log of {each.size} entries with the root {labelled(each.root)}, and "
                    f"{what} has the root {labelled(root_at(each.size))} there: it is of another history; give another"
                )


def read_anchors(home: Home, source: Source | None, own: Material, other: Material) -> Anchors:
    """What this node's notes, its key's own file and the source state.

    Raises `Damaged` where nothing says what the log was.
    """
    keys = _keys(home, source, own)
    notes = list(own.checkpoints(keys))
    latest = own.latest(keys)
    said = [each for each, _ in notes] + ([latest[0]] if latest else [])
    if latest:
        notes.append(latest)
    if source is not None:
        notes += [each for each in [other.latest(keys)] if each is not None]
    origin = notes[0][0].origin if notes else source.origin if source else ""
    last = _last_signed(home)
    if last is not None and last.size and origin:
        said.append(Checkpoint(origin, last.size, unlabelled(last.root)))
    if not notes and not said:
        raise Damaged(
            "no checkpoint that holds is left here, so nothing says what the log was; repair it from a backup: --from"
        )
    target, note = max(notes, key=lambda each: each[0].size, default=(said[-1], b""))
    if said and (newest := max(said, key=lambda each: each.size)).size > target.size:
        target, note = newest, b""
    return Anchors(keys, target, note, tuple(said), latest is not None)


def _keys(home: Home, source: Source | None, own: Material) -> tuple[VerifierKey, ...]:
    """This agency's own keys; where they are not here, those that the source's trust policy names, or ours."""
    origin = source.origin if source else _origin(own)
    with suppress(CounterfoilError):
        if origin:
            return tuple(
                log_key(origin, home.read_key(use).public) for use in ("checkpoint", "checkpoint-pq")
            )
    for data in _policies(home, source):
        with suppress(CounterfoilError):
            return tuple(key for agency in Trust.parse(data).agencies for key in agency.keys)
    return ()


def _policies(home: Home, source: Source | None) -> Iterator[bytes]:
    if source is not None and home.trust.name in source.beside:
        yield source.beside[home.trust.name]
    with suppress(OSError), home.trust.open("rb") as file:
        yield file.read(MAX_TRUST_BYTES)


def _origin(own: Material) -> str | None:
    """The origin that our notes name; whether they hold is asked later."""
    for *_, note in (*own.rows("head"), *own.rows("checkpoint")):
        found = stated(note)
        if found is not None:
            return found.origin
    return None


def _last_signed(home: Home) -> LastSigned | None:
    with suppress(CounterfoilError):
        return read_last_signed(home) if signed_before(home) else None
    return None
