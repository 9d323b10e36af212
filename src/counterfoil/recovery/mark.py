"""The mark of a restored installation: until it is gone, nothing is signed, and it says how far restoring has come."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from counterfoil.errors import Damaged
from counterfoil.home import Home, refused_by_machine, write_whole
from counterfoil.ledger.system import Predecessor
from counterfoil.proof.canonical import canonical
from counterfoil.signer import RESTORED

UNPACKING: Final = "unpacking"
ASKING: Final = "asking"
SUCCEEDING: Final = "succeeding"
SWAPPING: Final = "swapping"


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How far restoring has come, and from what; of a successor that was begun, its origin and what it goes on from."""

    step: str
    source: str
    origin: str | None = None
    predecessor: Predecessor | None = None


def read_mark(home: Home) -> Mark | None:
    """The mark; None where there is none. Raises `Damaged` where it cannot be read."""
    path = home.folder / RESTORED
    try:
        with refused_by_machine(path):
            return msgspec.json.decode(path.read_bytes(), type=Mark) if path.exists() else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Damaged(f"{path} cannot be read; restore the installation anew, into an empty folder") from None


def write_mark(home: Home, mark: Mark) -> None:
    """Set the mark, for good before this returns."""
    write_whole(home.folder / RESTORED, canonical(msgspec.to_builtins(mark)) + b"\n", 0o600)


def remove_mark(home: Home) -> None:
    """Take the mark away: from now on the installation writes."""
    path: Path = home.folder / RESTORED
    with refused_by_machine(path):
        path.unlink(missing_ok=True)
