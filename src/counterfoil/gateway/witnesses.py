"""The witnesses that an installation asks to cosign its checkpoints, and what each answered last: one JSON file.

The file may be changed by a serving process and by a command at once: each change holds the folder and reads anew.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

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

    `size` is the last that it has cosigned, as far as is known here, `cosigned` when by its own clock (seconds since
    1970), `error` why it has not cosigned since. `unverified`: whether that is something which does not hold, such as
    another log than the one here, rather than a witness that cannot be asked.
    """

    name: str
    url: str
    keys: tuple[str, ...]
    size: int = 0
    cosigned: int | None = None
    error: str | None = None
    unverified: bool = False

    @property
    def verifier_keys(self) -> tuple[VerifierKey, ...]:
        """What verifies its lines."""
        return tuple(map(VerifierKey.parse, self.keys))


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    witnesses: tuple[AskedWitness, ...]


class _Read(NamedTuple):
    """The file as it was read last: what it was then, and the witnesses in it."""

    file: tuple[int, ...]
    witnesses: tuple[AskedWitness, ...]


class Witnesses:
    """The list in a file; a file that is missing is an empty list. Threads and processes may share it."""

    def __init__(self, path: Path):
        self._path = path
        self._last: _Read | None = None

    def list(self) -> tuple[AskedWitness, ...]:
        """The witnesses, in the order in which they were added; the file is read only where it has changed.

        Raises `Damaged` where the file is not in form.
        """
        last = self._last
        with refused_by_machine(self._path):
            try:
                if last is not None and last.file == _identity(self._path.stat()):
                    return last.witnesses
            except FileNotFoundError:
                return ()
        return self._read()

    def _read(self) -> tuple[AskedWitness, ...]:
        with refused_by_machine(self._path):
            try:
                with self._path.open("rb") as file:
                    status = os.fstat(file.fileno())
                    data = file.read(MAX_BYTES + 1)
            except FileNotFoundError:
                return ()
        witnesses = self._parsed(data)
        self._last = _Read(_identity(status), witnesses)
        return witnesses

    def _parsed(self, data: bytes) -> tuple[AskedWitness, ...]:
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

    def add(
        self, url: str, keys: Sequence[VerifierKey], *, first: Callable[[], object] = lambda: None
    ) -> AskedWitness:
        """Add a witness; its name is that of its keys. The same one again changes nothing.

        `first` is called once it is known that the witness can be added and before it is, while nobody else changes
        the list. Raises `Malformed`, `Conflict` for a name that is there and has another address or other keys.
        """
        names = sorted({key.name for key in keys})
        if len(names) != 1:
            raise Malformed(
                f"a witness has one name, and the keys given have {len(names)}: {', '.join(names)[:200]}"
            )
        witness = AskedWitness(names[0], url.rstrip("/"), tuple(key.text for key in keys))
        _check(witness)

        def added(witnesses: tuple[AskedWitness, ...]) -> tuple[AskedWitness, ...]:
            there = next((each for each in witnesses if each.name == witness.name), None)
            if there is not None and (there.url, set(there.keys)) == (witness.url, set(witness.keys)):
                first()
                return witnesses
            if there is not None:
                raise Conflict(f"there is a witness {witness.name} already; remove it first to change it")
            if len(witnesses) == MAX_WITNESSES:
                raise Conflict(
                    f"there are {MAX_WITNESSES} witnesses, the most that are asked; remove one first"
                )
            first()
            return (*witnesses, witness)

        self._change(added)
        return witness

    def remove(self, name: str, *, first: Callable[[], bool] = lambda: False) -> None:
        """Ask a witness no more. Raises `NotFound`.

        `first` is called before that, while nobody else changes the list, and says whether it removed something: then
        a witness that is not in the list was removed all the same.
        """

        def removed(witnesses: tuple[AskedWitness, ...]) -> tuple[AskedWitness, ...]:
            left = tuple(each for each in witnesses if each.name != name)
            if not first() and len(left) == len(witnesses):
                names = ", ".join(each.name for each in witnesses) or "none"
                raise NotFound(f"there is no witness {name[:80]!r}; those that are asked: {names}")
            return left

        self._change(removed)

    def record(
        self, name: str, *, size: int, cosigned: int | None, error: str | None, unverified: bool = False
    ) -> None:
        """Write down what a witness answered; nothing where it was removed meanwhile."""

        def recorded(witnesses: tuple[AskedWitness, ...]) -> tuple[AskedWitness, ...]:
            return tuple(
                msgspec.structs.replace(
                    each, size=size, cosigned=cosigned, error=error, unverified=unverified
                )
                if each.name == name
                else each
                for each in witnesses
            )

        self._change(recorded)

    def _change(self, change: Callable[[tuple[AskedWitness, ...]], tuple[AskedWitness, ...]]) -> None:
        with self._alone():
            before = self._read()
            after = change(before)
            if after != before:
                write_whole(self._path, msgspec.json.format(msgspec.json.encode(_Form(after))) + b"\n", 0o600)
                with refused_by_machine(self._path):
                    self._last = _Read(_identity(self._path.stat()), after)

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


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_mtime_ns, status.st_ino, status.st_size


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
