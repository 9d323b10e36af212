"""The witnesses that an installation asks to cosign its checkpoints, and what each answered last: one JSON file.

The file may be changed by a serving process and by a command at once: each change holds the folder and reads anew.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from counterfoil.errors import Conflict, Damaged, Malformed, NotFound
from counterfoil.gateway.fetch import address
from counterfoil.home import refused_by_machine, write_whole
from counterfoil.proof.note import ED25519_NOTE, VerifierKey

MAX_BYTES: Final = 1 << 20
MAX_WITNESSES: Final = 40
"""A checkpoint has at most 100 signature lines, and each witness has two."""


class AskedWitness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A witness that is asked: the name that its keys have, its address, its keys as C2SP verifier keys.

    `size` is the last that it has cosigned, as far as is known here, `cosigned` when (seconds since 1970), `error` why
    it has not cosigned since.
    """

    name: str
    url: str
    keys: tuple[str, ...]
    size: int = 0
    cosigned: int | None = None
    error: str | None = None

    @property
    def verifier_keys(self) -> tuple[VerifierKey, ...]:
        """What verifies its lines."""
        return tuple(map(VerifierKey.parse, self.keys))


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    witnesses: tuple[AskedWitness, ...]


class Witnesses:
    """The list in a file; a file that is missing is an empty list. Threads and processes may share it."""

    def __init__(self, path: Path):
        self._path = path

    def list(self) -> tuple[AskedWitness, ...]:
        """The witnesses, in the order in which they were added. Raises `Damaged` where the file is not in form."""
        with refused_by_machine(self._path):
            if not self._path.exists():
                return ()
            with self._path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        try:
            if len(data) > MAX_BYTES:
                raise Malformed(f"it has over {MAX_BYTES} bytes")
            witnesses = msgspec.json.decode(data, type=_Form).witnesses
            for witness in witnesses:
                _check(witness)
        except (msgspec.DecodeError, UnicodeDecodeError, Malformed) as error:
            raise Damaged(
                f"{self._path} is not in form ({error}); remove it, and add the witnesses again"
            ) from None
        return witnesses

    def add(self, url: str, keys: Sequence[VerifierKey]) -> AskedWitness:
        """Add a witness; its name is that of its keys. Raises `Malformed`, `Conflict` for a name that is there."""
        names = sorted({key.name for key in keys})
        if len(names) != 1:
            raise Malformed(
                f"a witness has one name, and the keys given have {len(names)}: {', '.join(names)[:200]}"
            )
        witness = AskedWitness(names[0], url.rstrip("/"), tuple(key.text for key in keys))
        _check(witness)

        def added(witnesses: tuple[AskedWitness, ...]) -> tuple[AskedWitness, ...]:
            if any(each.name == witness.name for each in witnesses):
                raise Conflict(f"there is a witness {witness.name} already; remove it first to change it")
            if len(witnesses) == MAX_WITNESSES:
                raise Conflict(
                    f"there are {MAX_WITNESSES} witnesses, the most that are asked; remove one first"
                )
            return (*witnesses, witness)

        self._change(added)
        return witness

    def remove(self, name: str) -> None:
        """Ask a witness no more. Raises `NotFound`."""

        def removed(witnesses: tuple[AskedWitness, ...]) -> tuple[AskedWitness, ...]:
            left = tuple(each for each in witnesses if each.name != name)
            if len(left) == len(witnesses):
                names = ", ".join(each.name for each in witnesses) or "none"
                raise NotFound(f"there is no witness {name[:80]!r}; those that are asked: {names}")
            return left

        self._change(removed)

    def record(self, name: str, *, size: int, cosigned: int | None, error: str | None) -> None:
        """Write down what a witness answered; nothing where it was removed meanwhile."""

        def recorded(witnesses: tuple[AskedWitness, ...]) -> tuple[AskedWitness, ...]:
            return tuple(
                msgspec.structs.replace(each, size=size, cosigned=cosigned, error=error)
                if each.name == name
                else each
                for each in witnesses
            )

        self._change(recorded)

    def _change(self, change: Callable[[tuple[AskedWitness, ...]], tuple[AskedWitness, ...]]) -> None:
        with self._alone():
            before = self.list()
            after = change(before)
            if after != before:
                write_whole(self._path, msgspec.json.format(msgspec.json.encode(_Form(after))) + b"\n", 0o600)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder, so that no change is lost between reading and writing."""
        with refused_by_machine(self._path.parent):
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _check(witness: AskedWitness) -> None:
    address(witness.url)
    keys = witness.verifier_keys
    if not keys or any(key.name != witness.name for key in keys):
        raise Malformed(f"the witness {witness.name[:80]!r} must have one key or more, all of its name")
    if any(key.type == ED25519_NOTE for key in keys):
        raise Malformed(
            f"a key of {witness.name[:80]!r} is a log's, of type 0x01; a witness's has the type 0x04 or 0x06"
        )
    if len({key.label for key in keys}) < len(keys):
        raise Malformed(f"a key of the witness {witness.name[:80]!r} is given twice")
