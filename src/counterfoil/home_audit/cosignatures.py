"""The lines of witnesses on stored checkpoints, judged by the keys that the trust policy names for them."""

from __future__ import annotations

from counterfoil.errors import CounterfoilError, Malformed, Unverified
from counterfoil.proof.checkpoint import open_checkpoint
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
    if unknown:
        findings.leave(f"lines of witnesses whose keys trust.json does not name: {unknown}")


def read_trust(data: bytes) -> Trust | None:
    """A trust policy; None where it is none, which others name."""
    try:
        return Trust.parse(data)
    except CounterfoilError:
        return None
