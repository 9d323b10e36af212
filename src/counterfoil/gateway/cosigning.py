"""Asking a witness to cosign a checkpoint of one's own log (tlog-witness), and joining its lines to the note."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from counterfoil.errors import Malformed, Unavailable, Unverified
from counterfoil.gateway.fetch import Answer, Client
from counterfoil.gateway.witness_request import encode_request
from counterfoil.gateway.witnesses import AskedWitness, Witnesses
from counterfoil.proof.checkpoint import Checkpoint, open_checkpoint
from counterfoil.proof.instant import instant_text
from counterfoil.proof.note import Note, NoteSignature, parse_note

__all__ = ["AskedWitness", "Witnesses", "cosign", "cosigned_at", "has_answered", "merge_cosignatures"]

MAX_SENT_BYTES: Final = 16_384
"""What every witness takes; some take no more."""
MAX_ANSWER_BYTES: Final = 65_536
MAX_CLOCK_DIFFERENCE: Final = 300
"""How many seconds a witness's clock may differ from ours."""

Prove = Callable[[int, int], Sequence[bytes]]
"""From an old and a new size, neither 0, to the consistency proof between them (RFC 9162 section 2.1.4.1)."""

_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class Asked(NamedTuple):
    """What is sent: the checkpoint, and its note with the log's own lines alone."""

    checkpoint: Checkpoint
    note: Note


def cosign(
    witness: AskedWitness,
    note: bytes,
    prove: Prove,
    client: Client,
    *,
    clock: Callable[[], float] = time.time,
) -> list[bytes]:
    """Ask for cosignatures of a checkpoint, given as its note; gives the signature lines, each with its newline.

    The old size is what is known of the witness; where it knows another one, it is asked once more from there. Lines
    that come back are verified over this very checkpoint, and those of keys that are not known are dropped. `clock`
    gives seconds since 1970. Raises `Unavailable` where the witness cannot be asked, does not know the log, or signs
    with a time that is far from ours; `Unverified` where its answer does not hold, or where it has cosigned, or says
    so, a longer or another log: if that is so, somebody was shown what this log does not hold.
    """
    asked = _asked(note)
    size = asked.checkpoint.size
    old = witness.size
    if old > size:
        # Its lines at that size were verified when they came.
        raise Unverified(_longer(witness, "has cosigned", old, size))
    answer = _ask(witness, asked, old, prove, client)
    if answer.status == 409:
        old = _known_size(witness, answer)
        if old > size:
            raise Unverified(_longer(witness, "says that it has cosigned", old, size))
        answer = _ask(witness, asked, old, prove, client)
    if answer.status != 200:
        raise _refused(witness, asked, old, answer)
    return _verified(witness, asked, answer.body, int(clock()))


def merge_cosignatures(note: bytes, lines: Sequence[bytes]) -> bytes:
    """The note with cosignature lines added: each takes the place of an older one by its key, or comes last.

    The log's own lines come first and stay as they are. Nothing is verified here. Raises `Malformed`, also where more
    than 100 lines would result.
    """
    opened = parse_note(note)
    new = _signatures(opened.text, b"".join(lines))
    origin = Checkpoint.parse(opened.text).origin
    if any(each.name == origin for each in new):
        raise Malformed(f"a cosignature under the log's own name {origin[:80]!r} is not taken")
    latest = {each.label: each for each in new}
    kept = [latest.pop(each.label, each) for each in opened.signatures]
    # Stable: each group keeps its order.
    ordered = sorted((*kept, *latest.values()), key=lambda each: each.name != origin)
    return Note(opened.text, tuple(ordered)).encode()


def has_answered(note: bytes, witness: AskedWitness) -> bool:
    """Whether a checkpoint, given as its note, need not be shown to a witness again. Nothing is verified here.

    That is where the note has a line of each of its keys or, for a witness that signs with some of them, a line of one
    and the size that it has cosigned last.
    """
    opened = parse_note(note)
    labels = {each.label for each in opened.signatures}
    keys = {key.label for key in witness.verifier_keys}
    return keys <= labels or (
        not keys.isdisjoint(labels) and Checkpoint.parse(opened.text).size == witness.size
    )


def cosigned_at(note: bytes, lines: Sequence[bytes], witness: AskedWitness) -> int:
    """When a witness has cosigned by what its lines state, the latest of them, in seconds since 1970.

    Raises `Unverified` or `Malformed` where a line does not hold.
    """
    text = parse_note(note).text
    opened = open_checkpoint(f"{text}\n".encode() + b"".join(lines), witness.verifier_keys)
    return max(line.time or 0 for line in opened.lines)


def _asked(note: bytes) -> Asked:
    opened = parse_note(note)
    checkpoint = Checkpoint.parse(opened.text)
    own = tuple(each for each in opened.signatures if each.name == checkpoint.origin)
    return Asked(checkpoint, Note(opened.text, own))


def _ask(witness: AskedWitness, asked: Asked, old: int, prove: Prove, client: Client) -> Answer:
    size = asked.checkpoint.size
    body = encode_request(old, prove(old, size) if 0 < old < size else (), asked.note.encode())
    if len(body) > MAX_SENT_BYTES:
        raise Malformed(
            f"the checkpoint has {len(body)} bytes with its proof; witnesses take {MAX_SENT_BYTES}"
        )
    return client.post(f"{witness.url}/add-checkpoint", body, MAX_ANSWER_BYTES)


def _known_size(witness: AskedWitness, answer: Answer) -> int:
    matched = _SIZE.fullmatch(answer.body)
    if matched is None:
        raise Unavailable(f"the witness {witness.name} answers 409 without the size that it knows")
    return int(matched[1])


def _longer(witness: AskedWitness, has: str, known: int, size: int) -> str:
    return (
        f"the witness {witness.name} {has} this log with {known} entries, and it has {size} here: if so, it was "
        "restored from an older copy, or somebody signs with its keys elsewhere; see the checkpoint that the witness "
        "has, and bring the longer log back"
    )


def _refused(witness: AskedWitness, asked: Asked, old: int, answer: Answer) -> Unavailable | Unverified:
    said = " ".join(answer.body[:200].decode("utf-8", "replace").split())
    told = f"it says: {said!r}" if said else "it does not say why"
    origin, size = asked.checkpoint.origin, asked.checkpoint.size
    match answer.status:
        case 422 if old == 0:
            return Unavailable(
                f"the witness {witness.name} does not begin to cosign the log {origin} with the {size} entries that it "
                f"has here; {told}"
            )
        case 422:
            return Unverified(
                f"the witness {witness.name} says that it has cosigned a different log {origin}: what it knows with "
                f"{old} entries is not the beginning of what is here with {size}; see the checkpoint that it has, and "
                f"compare the two ({told})"
            )
        case 404:
            return Unavailable(
                f"the witness {witness.name} does not know the log {origin}; its keeper must add the log's origin and "
                f"verifier keys, or its address is another ({told})"
            )
        case 403:
            return Unavailable(
                f"the witness {witness.name} knows the log {origin} by other keys; its keeper must add those by which "
                f"it is signed now ({told})"
            )
        case 409:
            return Unavailable(
                f"the witness {witness.name} was asked by another process meanwhile; it is asked again"
            )
        case status:
            return Unavailable(f"the witness {witness.name} answers with status {status}; {told}")


def _verified(witness: AskedWitness, asked: Asked, body: bytes, now: int) -> list[bytes]:
    """The lines of an answer that are of the witness's keys and hold."""
    try:
        lines = _signatures(asked.note.text, body)
        keys = witness.verifier_keys
        known = {key.label for key in keys}
        own = tuple(each for each in lines if each.label in known)
        if not own:
            raise Unverified("no line is by a key that is known to be its own; compare its keys")
        opened = open_checkpoint(Note(asked.note.text, own).encode(), keys)
        if not all(line.time for line in opened.lines):
            raise Unverified("a line does not say when it was signed")
    except (Malformed, Unverified) as error:
        raise Unverified(f"what the witness {witness.name} answers does not hold: {error}") from None
    for line in opened.lines:
        if abs((line.time or 0) - now) > MAX_CLOCK_DIFFERENCE:
            raise Unavailable(
                f"the witness {witness.name} states that it has signed at {_instant(line.time or 0)}, and it is "
                f"{_instant(now)} here: one of the two clocks is wrong; set ours, or tell its keeper"
            )
    return [each.line.encode() for each in own]


def _instant(seconds: int) -> str:
    try:
        return instant_text(seconds)
    except Malformed:
        return f"{seconds} seconds after 1970"


def _signatures(text: str, lines: bytes) -> tuple[NoteSignature, ...]:
    return parse_note(f"{text}\n".encode() + lines).signatures
