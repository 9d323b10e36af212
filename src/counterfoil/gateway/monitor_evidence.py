"""Evidence against a log: two checkpoints that it has signed, and the proof that they cannot both be true."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, NamedTuple

import msgspec

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from counterfoil.proof.merkle import verify_consistency
from counterfoil.proof.note import MAX_NOTE_BYTES, VerifierKey, decode_base64, encode_base64

FORMAT: Final = "log-evidence/v1"
MAX_EVIDENCE_BYTES: Final = 3 * MAX_NOTE_BYTES
MAX_PROOF: Final = 64

Kind = Literal["fork", "rollback"]


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a monitor has seen of a log: the notes of two checkpoints, the one that it kept first.

    `fork`: they contradict each other. Either they have one size and two roots; or `root` and `proof` (base64) show
    that the larger tree had another root when it was as small as the other: RFC 9162 consistency from `root` at the
    smaller size to the larger. `rollback`: the second was served after the first though it is smaller, which no
    signature proves to others; `url` and `time` (seconds since 1970) say where and when it was seen.
    """

    kind: Kind
    first: str
    second: str
    url: str
    time: int
    root: str | None = None
    proof: tuple[str, ...] = ()
    format: str = FORMAT

    def encode(self) -> bytes:
        """The evidence as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def read_evidence(data: bytes) -> Evidence:
    """Read what `Evidence.encode` wrote. Raises `Malformed`; judges nothing."""
    if len(data) > MAX_EVIDENCE_BYTES:
        raise Malformed(f"the evidence is over {MAX_EVIDENCE_BYTES:,} bytes long")
    try:
        found = msgspec.json.decode(data, type=Evidence)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"this is no evidence of a monitor: {error}") from None
    if found.format != FORMAT or len(found.proof) > MAX_PROOF:
        raise Malformed(f"this is no evidence of the form {FORMAT}")
    return found


def judge_evidence(data: bytes, keys: Collection[VerifierKey]) -> bool:
    """Whether evidence proves, to anyone who has the log's `keys`, that one of them has signed two histories.

    Each of the two notes must be of the same log, and one key under the log's name must have signed both. Raises
    `Malformed` where it cannot be read, `Unverified` where a signature in it does not hold.
    """
    evidence = read_evidence(data)
    first, second = (open_checkpoint(note.encode(), keys) for note in (evidence.first, evidence.second))
    if first.checkpoint.origin != second.checkpoint.origin or not _signers(first) & _signers(second):
        return False
    if first.checkpoint.size == second.checkpoint.size:
        return first.checkpoint.root != second.checkpoint.root
    smaller, larger = sorted((first.checkpoint, second.checkpoint), key=lambda each: each.size)
    if evidence.root is None:
        return False
    root = decode_base64(evidence.root, "the root in the evidence")
    proof = [decode_base64(each, "a hash in the evidence") for each in evidence.proof]
    try:
        verify_consistency(smaller.size, larger.size, root, larger.root, proof)
    except Unverified:
        return False
    return root != smaller.root


class Shown(NamedTuple):
    """What evidence shows to whoever has the log's keys: whether it convinces, a sentence, its two checkpoints."""

    convinces: bool
    said: str
    first: Checkpoint
    second: Checkpoint


def explain_evidence(data: bytes, keys: Collection[VerifierKey]) -> Shown:
    """Judge evidence, and say what it shows or lacks. Raises as `judge_evidence`."""
    convinces = judge_evidence(data, keys)
    evidence = read_evidence(data)
    signed = [open_checkpoint(note.encode(), keys) for note in (evidence.first, evidence.second)]
    first, second = (each.checkpoint for each in signed)
    signers = _signers(signed[0]) & _signers(signed[1])
    if not convinces:
        return Shown(False, _lacking(evidence, first, second, signers), first, second)
    key = min(each.label for each in signers)
    said = f"the log {first.origin} has signed two histories with its key {key}: {_names(first, second)}"
    if first.size != second.size:
        larger = max(first, second, key=lambda each: each.size).size
        said += f"; the log of {larger} had at size {min(first.size, second.size)} the root {evidence.root}"
    return Shown(True, said, first, second)


def _lacking(evidence: Evidence, first: Checkpoint, second: Checkpoint, signers: set[VerifierKey]) -> str:
    """What evidence lacks that does not convince."""
    if first.origin != second.origin:
        return f"it proves nothing: its checkpoints are of two logs, {first.origin} and {second.origin}"
    if not signers:
        return (
            f"it proves nothing: no key of the log {first.origin} that was given has signed both checkpoints"
        )
    if evidence.kind == "rollback":
        return (
            f"both checkpoints are signed, and one log may have been both: {_names(first, second)}. That the second "
            f"was shown after the first, at {evidence.url}, is the word of whoever saw it"
        )
    return f"both are signed, and nothing shows that one log cannot have been both: {_names(first, second)}"


def _names(first: Checkpoint, second: Checkpoint) -> str:
    return ", and ".join(f"size {each.size}, root {encode_base64(each.root)}" for each in (first, second))


def _signers(signed: SignedCheckpoint) -> set[VerifierKey]:
    """The log's own keys that have signed."""
    return {line.key for line in signed.lines if line.key.name == signed.checkpoint.origin}
