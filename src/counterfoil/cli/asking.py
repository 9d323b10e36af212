"""Asking an installation's witnesses what they know of its log, before it signs anything again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from counterfoil.gateway.fetch import Client
    from counterfoil.gateway.witnesses import AskedWitness
    from counterfoil.home import Home
    from counterfoil.recovery.evidence import Seen
    from counterfoil.recovery.resume import Ask

MAX_ANSWER_BYTES: Final = 65_536
Prove = Callable[[int, int], Sequence[bytes]]


def ask_witnesses(home: Home) -> Ask:
    """Asks every witness in the installation's list; each must answer. Raises `Unavailable` or `Unverified`."""

    def ask(note: bytes, prove: Prove) -> Sequence[Seen]:
        from counterfoil.gateway.fetch import Client
        from counterfoil.gateway.witnesses import Witnesses
        from counterfoil.recovery.evidence import Seen

        with Client() as client:
            return [
                Seen(size, None, f"the witness {witness.name}")
                for witness in Witnesses(home.witnesses).list()
                if (size := max(witness.size, _answer(home, witness, note, prove, client)))
            ]

    return ask


def _answer(home: Home, witness: AskedWitness, note: bytes, prove: Prove, client: Client) -> int:
    """The size that a witness knows. Raises `Unavailable`, saying what to do, where it does not answer."""
    from counterfoil.errors import Unavailable

    try:
        return _known(witness, note, prove, client)
    except Unavailable as error:
        raise Unavailable(
            f"nothing was changed, because the witness {witness.name} does not say what it knows of this log "
            f"({error}); try again, or, if it is gone for good, remove it first: "
            f"counterfoil witness remove {witness.name} --home {home.folder}"
        ) from None


def _known(witness: AskedWitness, note: bytes, prove: Prove, client: Client) -> int:
    """The size that a witness knows; where that is ours or smaller, it has been shown that ours goes on from there."""
    import msgspec

    from counterfoil.errors import Unavailable
    from counterfoil.gateway.cosigning import cosign
    from counterfoil.gateway.witness_request import encode_request
    from counterfoil.proof.checkpoint import Checkpoint
    from counterfoil.proof.note import Note, parse_note

    opened = parse_note(note)
    checkpoint = Checkpoint.parse(opened.text)
    own = tuple(line for line in opened.signatures if line.name == checkpoint.origin)
    body = encode_request(0, (), Note(opened.text, own).encode())
    answer = client.post(f"{witness.url}/add-checkpoint", body, MAX_ANSWER_BYTES)
    if answer.status in {200, 404}:
        return 0
    # tlog-witness: a size that differs is answered with the one that is known, in decimal and a newline.
    text = answer.body.decode("ascii", "replace")
    if answer.status != 409 or not text.endswith("\n") or not text[:-1].isdigit():
        raise Unavailable(f"it answers with status {answer.status}, and not with a size")
    size = int(text[:20])
    if size <= checkpoint.size:
        cosign(msgspec.structs.replace(witness, size=size), note, prove, client)
    return size
