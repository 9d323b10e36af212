"""Asking a witness to cosign a checkpoint of one's own log (tlog-witness), and joining its lines to the note."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from counterfoil.errors import Malformed, Unavailable, Unverified
from counterfoil.gateway.fetch import Answer, Client
from counterfoil.gateway.witness_request import encode_request
from counterfoil.gateway.witnesses import AskedWitness, Witnesses
from counterfoil.proof.checkpoint import Checkpoint, open_checkpoint
from counterfoil.proof.note import Note, NoteSignature, parse_note

__all__ = ["AskedWitness", "Witnesses", "cosign", "is_cosigned", "merge_cosignatures"]

MAX_SENT_BYTES: Final = 16_384
"""What every witness takes; some take no more."""
MAX_ANSWER_BYTES: Final = 65_536

Prove = Callable[[int, int], Sequence[bytes]]
"""From an old and a new size, neither 0, to the consistency proof between them (RFC 9162 section 2.1.4.1)."""

_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class Asked(NamedTuple):
    """What is sent: the checkpoint, and its note with the log's own lines alone."""

    checkpoint: Checkpoint
    note: Note


def cosign(witness: AskedWitness, note: bytes, prove: Prove, client: Client) -> list[bytes]:
    """Ask for cosignatures of a checkpoint, given as its note; gives the signature lines, each with its newline.

    The old size is what is known of the witness; where it knows another one, it is asked once more from there. Lines
    that come back are verified over this very checkpoint, and those of keys that are not known are dropped. Raises
    `Unavailable` where the witness cannot be asked or does not know the log, `Unverified` where its answer does not
    hold, or where it has cosigned a longer or another log: then somebody was shown what this log does not hold.
    """
    asked = _asked(note)
    size = asked.checkpoint.size
    old = witness.size
    if old > size:
        raise _longer(witness, old, size)
    answer = _ask(witness, asked, old, prove, client)
    if answer.status == 409:
        old = _known_size(witness, answer)
        if old > size:
            raise _longer(witness, old, size)
        answer = _ask(witness, asked, old, prove, client)
    if answer.status != 200:
        raise _refused(witness, asked, old, answer)
    return _verified(witness, asked, answer.body)


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


def is_cosigned(note: bytes, witness: AskedWitness) -> bool:
    """Whether the note has a line of each of a witness's keys. Nothing is verified here."""
    labels = {each.label for each in parse_note(note).signatures}
    return labels.issuperset(key.label for key in witness.verifier_keys)


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


def _longer(witness: AskedWitness, known: int, size: int) -> Unverified:
    return Unverified(
        f"the witness {witness.name} has cosigned this log with {known} entries, and it has {size} here: it was "
        "restored from an older copy, or somebody signs with its keys elsewhere; bring the longer log back"
    )


def _refused(witness: AskedWitness, asked: Asked, old: int, answer: Answer) -> Unavailable | Unverified:
    said = " ".join(answer.body[:200].decode("utf-8", "replace").split())
    told = f"it says: {said!r}" if said else "it does not say why"
    origin, size = asked.checkpoint.origin, asked.checkpoint.size
    match answer.status:
        case 422:
            return Unverified(
                f"the witness {witness.name} has cosigned a different log {origin}: what it knows with {old} entries "
                f"is not the beginning of what is here with {size}; compare the two checkpoints ({told})"
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


def _verified(witness: AskedWitness, asked: Asked, body: bytes) -> list[bytes]:
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
    return [each.line.encode() for each in own]


def _signatures(text: str, lines: bytes) -> tuple[NoteSignature, ...]:
    return parse_note(f"{text}\n".encode() + lines).signatures
