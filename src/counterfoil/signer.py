"""This installation's checkpoint signer: it never signs a log smaller than, or different from, the last it signed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import msgspec

from counterfoil.engine.ledger_machine import CheckpointSigner
from counterfoil.errors import Damaged, Refused
from counterfoil.home import Home, refused_by_machine, write_whole
from counterfoil.ledger.state import Head
from counterfoil.proof.canonical import canonical, labelled
from counterfoil.proof.checkpoint import Checkpoint, log_key, sign_as_log
from counterfoil.proof.note import VerifierKey
from counterfoil.store.head import Signed

RESTORED: Final = "restored"
"""The file that marks an installation which was restored and has not asked yet whether it holds the newest log."""
RECORD_BYTES: Final = 128
"""The file is one line of canonical JSON, padded with spaces to this length, so that it is rewritten in one write."""


class LastSigned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The size and labelled root of the largest log that the checkpoint key has signed."""

    size: int
    root: str


class HomeSigner:
    """Signs with the home's checkpoint keys: Ed25519 always, ML-DSA-44 as well on published checkpoints."""

    def __init__(self, home: Home, origin: str, clock: Callable[[], float]):
        refuse_restored(home)
        self._origin = origin
        self._clock = clock
        self._keys = (home.read_key("checkpoint"), home.read_key("checkpoint-pq"))
        self._last = read_last_signed(home)
        self._signed = self._last
        self._path = home.last_signed
        with refused_by_machine(home.last_signed):
            self._file = os.open(home.last_signed, os.O_RDWR | os.O_CLOEXEC)

    def check(self, size: int, root: bytes | None) -> None:
        """Raise `Damaged` where a log of `size` is smaller than the last signed; `root` is its root at that size."""
        if size < self._last.size or (root is not None and labelled(root) != self._last.root):
            raise Damaged(
                f"the checkpoint key has signed a log of {self._last.size} entries, and this store of {size} does not "
                "hold it: it was restored from an older copy or changed; bring the newer store back"
            )

    @property
    def verifier_keys(self) -> tuple[VerifierKey, ...]:
        """The public halves, as a trust policy lists them."""
        return tuple(log_key(self._origin, key.public) for key in self._keys)

    @property
    def last(self) -> LastSigned:
        """What was signed last."""
        return self._last

    def sign(self, head: Head, root: bytes) -> Signed:
        """A note over the log; published, with an ML-DSA-44 line, where the log ends with an index entry."""
        self.check(head.size, root if head.size == self._last.size and self._last.size else None)
        checkpoint = Checkpoint(self._origin, head.size, root)
        published = head.index is not None and head.index.number == head.size - 1
        keys = self._keys if published else self._keys[:1]
        self._signed = LastSigned(head.size, labelled(root))
        return Signed(sign_as_log(checkpoint, keys, int(self._clock())), published)

    def remember(self) -> None:
        """Write down what was signed, once it is stored and before anyone sees it."""
        self._last = self._signed
        with refused_by_machine(self._path):
            os.pwrite(self._file, encode_last_signed(self._last), 0)

    def close(self) -> None:
        """Flush what was written down, and let go of the file."""
        with refused_by_machine(self._path):
            os.fsync(self._file)
            os.close(self._file)


def refuse_restored(home: Home) -> None:
    """Raise `Refused` for an installation that was restored, and has not asked yet what was signed after its copy."""
    if (home.folder / RESTORED).exists():
        raise Refused(
            f"the installation in {home.folder} was restored, and may lack what was signed after its copy was taken; "
            f"first ask: counterfoil restore --resume --home {home.folder} --seen FILE"
        )


def encode_last_signed(last: LastSigned) -> bytes:
    """The file's bytes."""
    return canonical(msgspec.to_builtins(last)).ljust(RECORD_BYTES - 1) + b"\n"


def signed_before(home: Home) -> bool:
    """Whether the file was begun; one that a crash left empty was not."""
    return home.last_signed.exists() and home.last_signed.stat().st_size > 0


def begin_last_signed(home: Home) -> None:
    """Write the file of a key that has signed nothing yet."""
    write_whole(home.last_signed, encode_last_signed(LastSigned(0, "")), 0o600)


def read_last_signed(home: Home) -> LastSigned:
    """What the file says. Raises `Damaged` where it is missing or cannot be read: without it nothing is signed."""
    try:
        with refused_by_machine(home.last_signed):
            data = home.last_signed.read_bytes() if home.last_signed.exists() else b""
        last = msgspec.json.decode(data, type=LastSigned)
    except (msgspec.DecodeError, UnicodeDecodeError):
        last = LastSigned(0, "")
        data = b""
    if encode_last_signed(last) != data:
        raise Damaged(f"{home.last_signed} is missing or not what this program wrote; run counterfoil audit")
    return last


_: type[CheckpointSigner] = HomeSigner
