"""What others were shown of a ledger: signed checkpoints, read from the files they stand in, verified and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from counterfoil.errors import CounterfoilError, Malformed, Unverified
from counterfoil.ledger.system import LastSeen
from counterfoil.proof.bundle import MAX_BUNDLE_BYTES, Bundle
from counterfoil.proof.canonical import labelled
from counterfoil.proof.trust import Trust, judge

MAX_BYTES: Final = MAX_BUNDLE_BYTES
"""The most that is read of a file."""
SIGNATURE: Final = "— "
"""How a signature line of a note begins."""


class Seen(NamedTuple):
    """A state of the log that somebody was shown, and who or what says so; a witness tells no root."""

    size: int
    root: bytes | None
    where: str

    @property
    def last(self) -> LastSeen:
        """It, as a successor's first entry names it."""
        return LastSeen(self.size, None if self.root is None else labelled(self.root))


def read_seen(data: bytes, where: str, trust: Trust) -> Seen:
    """The newest checkpoint in a file: a signed note, a proof bundle, or a text that a checkpoint stands in.

    Raises `Malformed` where there is none, `Unverified` where none is signed as the trust policy asks.
    """
    notes = [data] if data.startswith(trust.origin.encode()) else []
    try:
        notes = [Bundle.parse(data).checkpoint.encode()]
    except CounterfoilError:
        notes += _notes_within(data, trust.origin)
    if not notes:
        raise Malformed(f"{where} holds no checkpoint of {trust.origin}; give a signed checkpoint or a proof")
    seen: list[Seen] = []
    fault: CounterfoilError | None = None
    for note in notes:
        try:
            judgement = judge(trust, note, None)
        except CounterfoilError as error:
            fault = error
            continue
        if judgement.agreed >= judgement.require:
            stated = judgement.signed.checkpoint
            seen.append(Seen(stated.size, stated.root, where))
    if not seen:
        why = f": {fault}" if fault else "; it lacks signatures that count"
        raise Unverified(f"the checkpoint in {where} does not hold under the ledger's trust policy{why}")
    return max(seen)


def newest(seen: Iterable[Seen], size: int, root_at: Callable[[int], bytes]) -> Seen | None:
    """The newest state shown, once all agree with each other and with a log of `size`; None where nothing was shown.

    Raises `Unverified`, naming both sides, where two contradict each other.
    """
    last: dict[int, Seen] = {}
    for each in seen:
        if each.root is None:
            last.setdefault(each.size, each)
            continue
        if 0 < each.size <= size and root_at(each.size) != each.root:
            raise Unverified(
                f"{each.where} shows a log of {each.size} entries with the root {labelled(each.root)}, and this store "
                f"has the root {labelled(root_at(each.size))} there: the two are different histories; keep both as "
                "evidence, and restore a copy of the one that was shown"
            )
        other = last.get(each.size)
        if other is not None and other.root not in {None, each.root}:
            raise Unverified(
                f"{other.where} and {each.where} show a log of {each.size} entries with different roots: somebody has "
                "signed two histories with this ledger's key; keep both as evidence, and begin a new ledger"
            )
        last[each.size] = each
    return last[max(last)] if last else None


def _notes_within(data: bytes, origin: str) -> Sequence[bytes]:
    """The notes that stand in a text, each from the line of the origin to its last signature line."""
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    found = []
    for at, line in enumerate(lines):
        if line != origin:
            continue
        end = at + 4
        while end < len(lines) and lines[end].startswith(SIGNATURE):
            end += 1
        if end > at + 4:
            found.append("\n".join([*lines[at:end], ""]).encode())
    return found
