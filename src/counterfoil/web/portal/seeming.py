"""What a file seems to be that was brought as a proof and is none, and what to do with it instead."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import msgspec

from counterfoil.errors import Malformed
from counterfoil.proof.bundle import FORMAT, TLOG_PROOF
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.note import MAX_NOTE_BYTES


class Seeming(msgspec.Struct, frozen=True):
    """What a file seems to be, a sentence on what to do, and the command for it where there is one."""

    what: str
    do: str
    command: str | None = None


_BEGINNINGS: Final[tuple[tuple[bytes, Seeming], ...]] = (
    (
        b"\x28\xb5\x2f\xfd",
        Seeming(
            "an archive, or something else that is compressed",
            "An archive proves itself as a whole:",
            "counterfoil archive verify FILE --trust trust.json",
        ),
    ),
    (b"\x1f\x8b", Seeming("a compressed file", "Unpack it, and give the proof that is in it.")),
    (b"PK\x03\x04", Seeming("a ZIP file", "Unpack it, and give the proof that is in it.")),
    (
        b"%PDF-",
        Seeming("a PDF document", "Give the proof that came with it, a file that ends in .proof.json."),
    ),
    (
        TLOG_PROOF.encode(),
        Seeming("a proof in the form of C2SP", "It is not judged here; ask for the proof bundle instead."),
    ),
)
_RSF: Final = (b"add-item\t", b"append-entry\t", b"assert-root-hash\t")
_ANOTHER: Final = "Give a proof instead: the page of a record gives one under Check it yourself."
_CHECKPOINT: Final = Seeming(
    "a checkpoint",
    "By itself it proves nothing; a proof can be compared with it:",
    "counterfoil verify PROOF --trust trust.json --published FILE",
)
_REGISTER: Final = Seeming(
    "a register in RSF",
    "An import checks it whole before it writes anything:",
    "counterfoil import FILE --dry-run",
)
_CUT: Final = Seeming("a proof that was cut off or changed on its way", "Fetch it again, and give the whole.")
_TRUST: Final = Seeming("a trust policy", "Give it beside a proof, as that by which the proof is judged.")
_ENTRY: Final = Seeming("an entry of a log", "By itself it proves nothing. " + _ANOTHER)


def seeming(data: bytes) -> Seeming | None:
    """What a file that cannot be read as a proof seems to be; None where it is a proof, though with a fault."""
    for beginning, seems in _BEGINNINGS:
        if data.startswith(beginning):
            return seems
    if data.startswith(_RSF):
        return _REGISTER
    if _is_checkpoint(data):
        return _CHECKPOINT
    try:
        return _json(msgspec.json.decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    if FORMAT.encode() in data or data.startswith(b'{"checkpoint":'):
        return _CUT
    with suppress(UnicodeDecodeError):
        data.decode()
        return Seeming("a text", _ANOTHER)
    return Seeming("neither text nor JSON", _ANOTHER)


def _is_checkpoint(data: bytes) -> bool:
    if len(data) > MAX_NOTE_BYTES:
        return False
    text = data.partition(b"\n\n")[0].rstrip(b"\n") + b"\n"
    try:
        Checkpoint.parse(text.decode())
    except (Malformed, UnicodeDecodeError):
        return False
    return True


def _json(value: Any) -> Seeming | None:
    members = value if isinstance(value, dict) else {}
    if members.get("format") == FORMAT:
        return None
    if "agencies" in members and "origin" in members:
        return _TRUST
    if {"number", "register", "record", "version"} <= members.keys():
        return _ENTRY
    if {"ledger", "page"} <= members.keys():
        return Seeming("one of these pages as JSON", _ANOTHER)
    return Seeming("JSON, but of no form that is known here", _ANOTHER)
