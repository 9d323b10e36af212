"""An installation's folder: what lies where, its keys, and the lock that keeps it to one writer.

store.db          the store (see store/schema.py)
keys/             this agency's secret keys, and what its checkpoint key signed last
trust.json        the trust policy that others need to verify this ledger
keyring.db        the keys of this agency's items, wrapped (see keyring/), and keyring.json: by what
desk.db           what waits for a second officer, and what officers have read; budgets.json: how much they may
access.json       who may use the API: names, scopes, public keys and digests of tokens
witnesses.json    the witnesses that are asked to cosign the checkpoints, and what they answered last
socket            where a serving process listens for commands on the same machine
lock              held by the process that writes
cache/            aids that can be deleted and are rebuilt
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from counterfoil.errors import Busy, Malformed, NotFound, Unavailable
from counterfoil.keyring.private_files import put_in_place
from counterfoil.proof.signing import SigningKey

KEY_FILES: Final = {
    "endorse": ("endorse.ed25519", "ed25519"),
    "checkpoint": ("checkpoint.ed25519", "ed25519"),
    "checkpoint-pq": ("checkpoint.ml-dsa-44", "ml-dsa-44"),
}
"""The keys by use: file name and algorithm. A file holds the 32-byte seed as one line of hexadecimal digits."""


class Home:
    """Paths and secrets of one installation; opens nothing by itself."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.store = folder / "store.db"
        self.keys = folder / "keys"
        self.trust = folder / "trust.json"
        self.access = folder / "access.json"
        self.witnesses = folder / "witnesses.json"
        self.keyring = folder / "keyring.db"
        self.desk = folder / "desk.db"
        self.budgets = folder / "budgets.json"
        self.socket = folder / "socket"
        self.lock = folder / "lock"
        self.cache = folder / "cache"
        self.last_signed = self.keys / "last-signed"

    def create(self) -> None:
        """Make the folders, readable by their owner alone, and the lock.

        An empty folder is a fresh home. Raises `Unavailable` for one that holds something else, or where the machine
        refuses.
        """
        with refused_by_machine(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.lock.exists() and not self.store.exists() and any(self.folder.iterdir()):
                raise Unavailable(
                    f"the folder {self.folder} holds other things already; name an empty or a new one"
                )
            # The lock comes first: by it a home is known whose making was interrupted.
            os.close(os.open(self.lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self.keys.mkdir(mode=0o700, exist_ok=True)

    def read_key(self, use: str) -> SigningKey:
        """This agency's key for a use. Raises `NotFound` without a file, `Malformed` where it is no key."""
        name, algorithm = KEY_FILES[use]
        path = self.keys / name
        try:
            text = path.read_text("ascii")
        except FileNotFoundError:
            raise NotFound(
                f"the key file {path} is missing; without it this installation can only read"
            ) from None
        except UnicodeDecodeError:
            text = ""
        except OSError as error:
            raise Unavailable(f"the key file {path} cannot be read: {error.strerror}") from None
        if len(text) != 65 or text.strip("0123456789abcdef") != "\n":
            raise Malformed(
                f"the key file {path} is damaged; restore it from where you keep a copy of your keys"
            )
        return SigningKey(algorithm, bytes.fromhex(text))

    def create_key(self, use: str) -> SigningKey:
        """Make a key and its file of mode 0600. Raises `Unavailable` where it cannot be written."""
        name, algorithm = KEY_FILES[use]
        key = SigningKey.generate(algorithm)
        write_whole(self.keys / name, f"{key.seed.hex()}\n".encode(), 0o600)
        return key

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the home for writing. Raises `Busy` where another process does."""
        with refused_by_machine(self.lock):
            descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(
                    f"another process writes to {self.folder} or audits it now; wait until it has ended, or stop it"
                ) from None
            yield
        finally:
            os.close(descriptor)


@contextmanager
def refused_by_machine(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals about `path` into `Unavailable`, one sentence each."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be used: {error.strerror or error}; check the disk and its permissions"
        ) from None


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that at any moment, also after a loss of power, the old one or the new one is there, whole."""
    part = path.with_name(f".{path.name}.part")
    with refused_by_machine(path):
        descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, mode)
        try:
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        put_in_place(part, path)
