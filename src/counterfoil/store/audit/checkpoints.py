"""The stored checkpoints: each must say what the log was at its size, signed as this ledger's members sign it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from counterfoil.errors import CounterfoilError, Malformed
from counterfoil.proof.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from counterfoil.proof.entry import Entry
from counterfoil.proof.note import VerifierKey
from counterfoil.proof.signing import ED25519, ML_DSA_44
from counterfoil.store.audit.finding import Findings

LATEST: Final = (ED25519.name,)
PUBLISHED: Final = (ED25519.name, ML_DSA_44.name)
"""The algorithms of a member's lines, in their order."""


class MemberKey(NamedTuple):
    """A checkpoint key: the member that lists it, and how long the log was when it first did."""

    member: str
    since: int
    key: VerifierKey


def member_keys(members: Iterable[tuple[int, Entry]]) -> list[MemberKey]:
    """The checkpoint keys that members' records list, the earliest listing of each."""
    keys: dict[str, MemberKey] = {}
    for since, entry in members:
        listed = entry.fields.get("checkpoint")
        for text in listed if isinstance(listed, list) else ():
            with suppress(Malformed):  # then the entry that lists it is named where its unit is judged
                keys.setdefault(str(text), MemberKey(entry.record, since, VerifierKey.parse(str(text))))
    return list(keys.values())


class CheckpointAudit:
    """Compares notes with the log's roots; a wrong root, which every later note has as well, is named once."""

    def __init__(self, findings: Findings, origin: str, keys: Collection[MemberKey], *, sure: bool):
        """`sure`: no entry is damaged that may list more keys."""
        self._findings = findings
        self._sure = sure
        self._origin = origin
        self._keys = keys
        self._wrong_roots: list[str] = []

    def check_published(
        self, stored: Mapping[int, bytes], published: Mapping[int, bytes | None], unknown: Collection[int]
    ) -> None:
        """Compare the published checkpoints, note by size, with the root at each size where an index entry ends.

        Whether one ends at the sizes in `unknown` cannot be told.
        """
        for size, note in stored.items():
            if size in published:
                self.check(f"checkpoint {size}", note, size, published[size], PUBLISHED)
            elif size not in unknown:
                self._findings.add("no index entry ends there, so none was published", f"checkpoint {size}")
        for size in sorted(published.keys() - stored.keys()):
            self._findings.add("the checkpoint published there is missing", f"checkpoint {size}")

    def check(
        self, where: str, note: bytes, size: int, root: bytes | None, algorithms: tuple[str, ...]
    ) -> None:
        """Check one note: what it states, and that its lines are those that members give it. A root may be unknown."""
        keys = [each.key for each in self._keys if each.since <= size]
        try:
            opened = open_checkpoint(note, keys)
        except CounterfoilError as error:
            self._findings.add(f"it does not hold: {error}", where)
            return
        stated = opened.checkpoint
        if (stated.origin, stated.size) != (self._origin, size) or opened.note.text != stated.text:
            self._findings.add(f"it speaks of {stated.origin!r} with {stated.size} entries", where)
        elif root is not None and stated.root != root:
            self._wrong_roots.append(where)
        if self._is_signed(opened, algorithms):
            return
        if not self._sure:
            self._findings.leave(
                "whether all that sign a checkpoint are members, because an entry is damaged"
            )
        else:
            self._findings.add("its signature lines are not those that this ledger's members give it", where)

    def finish(self) -> None:
        """Name the first note with a wrong root, and how many others there are."""
        if self._wrong_roots:
            first, *others = self._wrong_roots
            what = "the root that it states is not that of the entries"
            if others:
                what += f"; later ones that are wrong as well: {len(others)}"
            self._findings.add(what, first)

    def _is_signed(self, opened: SignedCheckpoint, algorithms: tuple[str, ...]) -> bool:
        """Whether one member or more have signed, each with a line of every algorithm, and nobody else.

        Lines under other names are those of witnesses, whose keys no entry names.
        """
        members = {each.key: each.member for each in self._keys}
        lines = [(members[line.key], line.key.public.algorithm) for line in opened.lines]
        signers = list(dict.fromkeys(member for member, _ in lines))
        due = [(member, algorithm) for member in signers for algorithm in algorithms]
        others = any(each.name == self._origin for each in opened.ignored)
        return bool(signers) and not others and lines == due


def stated(note: bytes) -> Checkpoint | None:
    """What a note states, whoever signed it; None where it is no checkpoint."""
    try:
        return open_checkpoint(note, ()).checkpoint
    except CounterfoilError:
        return None
