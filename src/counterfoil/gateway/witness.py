"""A C2SP witness: it cosigns a log's checkpoints, each only where it follows from the last one that it cosigned.

So whoever finds a witness's line on a checkpoint knows that the log was not rewritten since, and that everybody whom
this witness serves is shown the same one. Nothing here knows of HTTP but the status codes (tlog-witness).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from counterfoil.errors import Damaged, Malformed, Unavailable, Unverified
from counterfoil.gateway.witness_keys import (
    COSIGNATURE_TYPES,
    WitnessKeys,
    create_keys,
    is_created,
    read_keys,
)
from counterfoil.gateway.witness_logs import Logs
from counterfoil.gateway.witness_request import Request, parse_request
from counterfoil.gateway.witness_state import Fault, Kept, Refused, WitnessState
from counterfoil.home import refused_by_machine
from counterfoil.proof.checkpoint import SignedCheckpoint, open_checkpoint
from counterfoil.proof.merkle import EMPTY_ROOT, verify_consistency
from counterfoil.proof.note import (
    MAX_SIGNATURES,
    Note,
    NoteSignature,
    VerifierKey,
    parse_note,
    parse_tree_head,
    sign_note,
)
from counterfoil.proof.signing import ED25519

TEXT = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"


class Answer(NamedTuple):
    """A witness's answer: HTTP status, content type, body."""

    status: int
    content_type: str
    body: bytes


class Witness:
    """A witness with its keys, the logs it knows, and what it remembers. Threads may share it. Close it."""

    def __init__(self, keys: WitnessKeys, logs: Logs, state: WitnessState):
        self._keys = keys
        self._logs = logs
        self._state = state

    @classmethod
    def open(cls, folder: Path, name: str, logs: Logs) -> Witness:
        """The witness in a folder; in an empty or missing one it is made first.

        Raises `Malformed` where it has another name, `Damaged` where keys or memory are lost: a witness that has
        forgotten what it cosigned must not cosign again. `Unavailable` where the machine refuses.
        """
        with refused_by_machine(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            created, remembers = is_created(folder), (folder / "state.db").exists()
            if not created and not remembers and any(folder.iterdir()):
                raise Unavailable(
                    f"the folder {folder} holds other things already; name an empty or a new one"
                )
        if created and not remembers:
            raise Damaged(
                f"{folder / 'state.db'} is missing, so what was cosigned is not known; restore it as it was when the "
                "witness last ran, or begin a new witness under a new name in a new folder"
            )
        state = WitnessState(folder / "state.db", new=not created)
        try:
            return cls(read_keys(folder, name) if created else _begin(folder, name, state), logs, state)
        except BaseException:
            state.close()
            raise

    @property
    def name(self) -> str:
        """The key name under which it cosigns."""
        return self._keys.name

    @property
    def verifier_keys(self) -> tuple[VerifierKey, ...]:
        """What verifies its lines."""
        return self._keys.verifier_keys

    def add_checkpoint(self, body: bytes, now: int) -> Answer:
        """Answer a request to cosign (tlog-witness, add-checkpoint), once what it changes is stored for good.

        `now`: seconds since 1970. Raises `Unavailable` where the clock or the disk does not allow it, `Busy`,
        `Damaged`; then nothing was cosigned.
        """
        if now < 1:
            raise Unavailable("the clock stands before 1970, and a cosignature must say when it was made")
        try:
            request = parse_request(body)
            origin, size, *_ = parse_tree_head(parse_note(request.note).text)
            if origin not in self._logs:
                return _answer(404, f"this witness does not know the log {origin[:80]!r}")
            signed = open_checkpoint(request.note, self._logs[origin])
        except Malformed as error:
            return _answer(400, str(error))
        except Unverified as error:
            return _answer(403, str(error))
        if not signed.lines:
            return _answer(403, "no line of the checkpoint is by a key that this witness knows the log by")
        if request.old > size:
            return _answer(400, f"the old size {request.old} is above the checkpoint's size {size}")
        with self._state.transaction():
            return self._decide(request, signed, now)

    def _decide(self, request: Request, signed: SignedCheckpoint, now: int) -> Answer:
        checkpoint = signed.checkpoint
        last = self._state.last(checkpoint.origin)
        known = last.size if last else 0
        if request.old != known:
            return Answer(409, SIZE, f"{known}\n".encode())
        valid = _valid_lines(signed)
        refusal = _check(request, signed, last)
        if refusal is not None:
            if refusal.fault is not None:
                note = Note(signed.note.text, valid).encode()
                kept = Kept(checkpoint.size, checkpoint.root, now, note)
                self._state.refuse(checkpoint.origin, refusal.fault, kept)
            return _answer(422, refusal.said)
        lines = self._cosign(signed.note, now)
        if last is None or last.size != checkpoint.size:
            note = Note(signed.note.text, (*valid, *lines)).encode()
            self._state.keep(checkpoint.origin, Kept(checkpoint.size, checkpoint.root, now, note))
        return Answer(200, TEXT, "".join(line.line for line in lines).encode())

    def _cosign(self, note: Note, now: int) -> list[NoteSignature]:
        # ML-DSA-44 signs what the three lines say and cannot speak for extension lines (tlog-cosignature).
        extended = bool(parse_tree_head(note.text).extensions)
        return [
            sign_note(note.text, key, self.name, COSIGNATURE_TYPES[key.algorithm], now)
            for key in self._keys.keys
            if key.algorithm == ED25519.name or not extended
        ]

    def cosigned(self) -> Mapping[str, Kept | None]:
        """Of each log that it knows, by origin: the last checkpoint that it cosigned; None where it has none."""
        return {origin: self._state.last(origin) for origin in self._logs}

    def refused(self) -> list[Refused]:
        """The checkpoints that logs have signed and that could not be cosigned: evidence of what they did."""
        return self._state.refused()

    def close(self) -> None:
        """Let go of the memory."""
        self._state.close()


def _begin(folder: Path, name: str, state: WitnessState) -> WitnessKeys:
    if not state.is_new():
        raise Damaged(
            f"{folder / 'name'} is missing, though this witness has cosigned; restore it and the keys beside it from "
            "a copy, or begin a new witness in a new folder"
        )
    return create_keys(folder, name)


def _valid_lines(signed: SignedCheckpoint) -> tuple[NoteSignature, ...]:
    """One line of each known key, and no more than leave room for the witness's own."""
    lines = {each.label: each for each in signed.note.signatures if each not in signed.ignored}
    return tuple(lines.values())[: MAX_SIGNATURES - len(COSIGNATURE_TYPES)]


class _Refusal(NamedTuple):
    """What is said of a checkpoint that does not follow, and what it shows about its log, if anything."""

    said: str
    fault: Fault | None


def _check(request: Request, signed: SignedCheckpoint, last: Kept | None) -> _Refusal | None:
    """Why a checkpoint cannot follow the last one; None where it does."""
    size, root = signed.checkpoint.size, signed.checkpoint.root
    if size == 0 and root != EMPTY_ROOT:
        return _Refusal("an empty log has the hash of nothing as its root, not this one", None)
    if last is not None and size == last.size and root != last.root:
        return _Refusal(f"the log has signed two different roots for the size {size}", Fault.CONTRADICTS)
    if last is None or request.old == 0:
        return (
            _Refusal("from the size 0 there is nothing to prove: send no proof", None)
            if request.proof
            else None
        )
    try:
        verify_consistency(request.old, size, last.root, root, request.proof)
    except Unverified as error:
        return _Refusal(str(error), None if size == last.size else Fault.UNPROVED)
    return None


def _answer(status: int, said: str) -> Answer:
    return Answer(status, TEXT, f"{said}\n".encode("utf-8", "backslashreplace"))
