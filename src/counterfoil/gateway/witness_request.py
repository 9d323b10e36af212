"""The body of a request to cosign: what a log's keeper sends, and a witness reads (tlog-witness, add-checkpoint)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.proof.merkle import HASH_BYTES, MAX_SIZE
from counterfoil.proof.note import decode_base64, encode_base64

MAX_BODY_BYTES: Final = 1 << 16
MAX_PROOF_HASHES: Final = 63

_OLD: Final = re.compile("old (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True)
class Request:
    """What is asked: the size last cosigned, the hashes that lead from there to the checkpoint, and its note."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes


def encode_request(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The body that asks for cosignatures of a checkpoint, given as the bytes of its note."""
    lines = [f"old {old}\n", *(f"{encode_base64(each)}\n" for each in proof), "\n"]
    return "".join(lines).encode() + note


def parse_request(body: bytes) -> Request:
    """Read such a body, of at most 64 KiB and 63 hashes. The note is not looked into. Raises `Malformed`."""
    if len(body) > MAX_BODY_BYTES:
        raise Malformed(f"the body has {len(body)} bytes; {MAX_BODY_BYTES} are the most that is read")
    head, empty_line, note = body.partition(b"\n\n")
    if not empty_line or not note:
        raise Malformed(
            "the body must be the line of the old size, proof lines, an empty line and a checkpoint"
        )
    if not head.isascii():
        raise Malformed("the lines before the checkpoint must be ASCII")
    first, *lines = head.decode("ascii").split("\n")
    matched = _OLD.fullmatch(first)
    if matched is None or int(matched[1]) > MAX_SIZE:
        raise Malformed(f"the first line must be: old, a space and a log's size, not {first[:40]!r}")
    if len(lines) > MAX_PROOF_HASHES:
        raise Malformed(f"the proof has {len(lines)} lines; {MAX_PROOF_HASHES} are the most that are needed")
    proof = tuple(decode_base64(line, f"line {number} of the body") for number, line in enumerate(lines, 2))
    if any(len(each) != HASH_BYTES for each in proof):
        raise Malformed(f"each line of the proof must be {HASH_BYTES} bytes in base64")
    return Request(int(matched[1]), proof, note)
