"""The lines of witnesses on stored checkpoints, judged by the keys that the trust policy names for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from counterfoil.errors import CounterfoilError, Malformed, Unverified
from counterfoil.proof.checkpoint import SignedCheckpoint, open_checkpoint
from counterfoil.proof.note import NoteSignature, VerifierKey, verify_signature
from counterfoil.proof.trust import Trust
from counterfoil.store.audit.finding import Findings
from counterfoil.store.store import Store


def check_cosignatures(store: Store, trust: Trust, findings: Findings) -> None:
    """Name each stored checkpoint with a line of a known witness that does not hold, and say how many are unknown."""
    unknown = 0
    for size, note in store.database.query("SELECT size, note FROM checkpoint ORDER BY size"):
        try:
            opened = open_checkpoint(bytes(note), trust.witnesses)
        except Unverified as error:
            findings.add(f"a witness's line does not hold: {error}", f"checkpoint {size}")
        except Malformed:
            continue  # the store's own audit has named it
        else:
            unknown += sum(each.name != trust.origin for each in opened.ignored)
            for key in _misnamed(opened, trust):
                findings.add(
                    f"a witness's line does not name the key that made it, {key.label}", f"checkpoint {size}"
                )
    if unknown:
        findings.leave(f"lines of witnesses whose keys trust.json does not name: {unknown}")


def _misnamed(opened: SignedCheckpoint, trust: Trust) -> Iterator[VerifierKey]:
    """The keys of lines that hold by a known key, and have its name or its id and not both: one of them was changed."""
    for line in opened.ignored:
        for key in trust.witnesses:
            if (line.name == key.name or line.key_id == key.key_id) and _holds(opened, line, key):
                yield key


def _holds(opened: SignedCheckpoint, line: NoteSignature, key: VerifierKey) -> bool:
    try:
        verify_signature(opened.note, replace(line, name=key.name, key_id=key.key_id), key)
    except Unverified:
        return False
    return True


def read_trust(data: bytes) -> Trust | None:
    """A trust policy; None where it is none, which others name."""
    try:
        return Trust.parse(data)
    except CounterfoilError:
        return None
