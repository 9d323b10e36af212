"""Who may use the API: the file of grants, changed by commands and read by a server while it runs."""

from __future__ import annotations

import fcntl
import hmac
import os
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from counterfoil.errors import Conflict, CounterfoilError, Damaged, Malformed, NotFound, Unavailable
from counterfoil.home import refused_by_machine, write_whole
from counterfoil.identity.caller import Caller
from counterfoil.identity.grants import (
    MAX_FILE,
    NOBODY,
    Grant,
    Listed,
    check_grant,
    client_key,
    decode_grants,
    encode_grants,
)
from counterfoil.identity.officers import Appointment, Retired, appoint
from counterfoil.identity.replay import UsedOnce
from counterfoil.proof.canonical import digest
from counterfoil.proof.instant import instant, instant_text
from counterfoil.proof.signing import PublicKey

TOKEN: Final = "cft_"  # noqa: S105  # what tokens begin with, so that they are found where they do not belong
TOKEN_BYTES: Final = 32
TOKEN_LENGTH: Final = len(TOKEN) + 43
LOOK_SECONDS: Final = 1.0
"""How long the file is not looked at again: the longest for which a revoked grant still holds."""


class _Given(NamedTuple):
    """A grant, ready for use."""

    caller: Caller
    until: int | None
    token: str
    key: PublicKey | None

    def holds(self, now: int) -> bool:
        return self.until is None or now <= self.until


@dataclass(frozen=True)
class _Read:
    """What was found when the file was read: what it was then, its grants, or why nobody is let in."""

    file: tuple[int, ...] | None = None
    listed: Listed = NOBODY
    tokens: dict[str, _Given] = field(default_factory=dict)
    keys: dict[str, _Given] = field(default_factory=dict)
    error: CounterfoilError | None = None


class Access:
    """The grants in the file `path`; without a file there are none. It opens nothing until it is asked.

    Whatever asks for grants raises `Damaged` where the file is not what it must be or others could change it, and
    `Unavailable` where it cannot be read: then nobody is let in. A changed file is seen within `LOOK_SECONDS`.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time):
        self.used = UsedOnce()
        """The signatures and nonces that have been used with these grants in this process."""
        self._path = path
        self._clock = clock
        self._looked: float | None = None
        self._read = _Read()

    @property
    def grants(self) -> tuple[Grant, ...]:
        """Every grant, also those that have ended, in the order in which they were given."""
        return self._current().listed.grants

    @property
    def retired(self) -> tuple[Retired, ...]:
        """The ids of officers whose access was revoked, and whose they were, in that order."""
        return self._current().listed.retired

    def by_token(self, text: str, now: int) -> Caller | None:
        """The caller who shows this token; None where there is none, or its grant has ended before `now`."""
        given = self._current().tokens
        if len(text) != TOKEN_LENGTH or not text.isascii() or not text.startswith(TOKEN):
            return None
        # Found by digest, so that how long it takes says nothing about a token that is nearly right.
        shown = _digest(text)
        found = given.get(shown)
        if found is None or not hmac.compare_digest(found.token, shown) or not found.holds(now):
            return None
        return found.caller

    def key(self, keyid: str, now: int) -> tuple[PublicKey, Caller] | None:
        """The key that signatures by `keyid` (a grant's name) must verify with, and whose it is; None as above."""
        found = self._current().keys.get(keyid)
        if found is None or found.key is None or not found.holds(now):
            return None
        return found.key, found.caller

    def add_token(
        self,
        name: str,
        scopes: Sequence[str],
        until: str | None = None,
        officer: Appointment | None = None,
    ) -> str:
        """Give scopes to a new token, which is returned and stored nowhere; `officer` makes its holder one.

        Raises `Malformed` for a name, scope, role or time that is not in form or has passed, `Conflict` for a name or a
        subject that has access already, and as the class says; then nothing was changed.
        """
        token = TOKEN + urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).decode().rstrip("=")
        self._add(Grant(name, tuple(scopes), _digest(token), None, until, ""), officer)
        return token

    def add_key(
        self,
        name: str,
        scopes: Sequence[str],
        public_key_text: str,
        until: str | None = None,
        officer: Appointment | None = None,
    ) -> None:
        """Give scopes to whoever signs with an Ed25519 key, written as `PublicKey.text`. Raises as `add_token`."""
        client_key(public_key_text)
        self._add(Grant(name, tuple(scopes), None, public_key_text, until, ""), officer)

    def revoke(self, name: str) -> None:
        """Take back what was given to a name; an officer's id retires with it. Raises `NotFound`, and as the class."""

        def without(listed: Listed) -> Listed:
            gone = next((grant for grant in listed.grants if grant.name == name), None)
            if gone is None:
                raise NotFound(f"{name[:80]!r} has no access; counterfoil access lists who has")
            retired = listed.retired
            if gone.officer is not None:
                retired = (*retired, Retired(gone.officer.id, name, instant_text(int(self._clock()))))
            return Listed(tuple(grant for grant in listed.grants if grant is not gone), retired)

        self._change(without)

    def _add(self, asked: Grant, appointment: Appointment | None) -> None:
        now = int(self._clock())
        scopes = tuple(dict.fromkeys(asked.scopes))

        def with_it(listed: Listed) -> Listed:
            officer = appoint(appointment, _ids(listed)) if appointment is not None else None
            grant = replace(asked, scopes=scopes, created=instant_text(now), officer=officer)
            check_grant(grant)
            if grant.until is not None and instant(grant.until) < now:
                raise Malformed(f"access until {grant.until} has ended already; name a time to come")
            _check_free(grant, listed.grants)
            return Listed((*listed.grants, grant), listed.retired)

        self._change(with_it)

    def _change(self, change: Callable[[Listed], Listed]) -> None:
        """Write what `change` makes of the grants, one process after another."""
        with _in_turn(self._path.parent):
            self._looked = None
            write_whole(self._path, encode_grants(change(self._current().listed)), 0o600)
            self._looked = None

    def _current(self) -> _Read:
        now = self._clock()
        looked = self._looked
        # Also where the clock was set back: a revoked grant must not live on until it has caught up.
        if looked is None or not 0 <= now - looked < LOOK_SECONDS:
            self._read = _look(self._path, self._read)
            self._looked = now
        read = self._read
        if read.error is not None:
            raise type(read.error)(str(read.error))
        return read


def _look(path: Path, last: _Read) -> _Read:
    """What the file holds now: `last` where it has not changed since."""
    try:
        if last.file is not None and _identity(path.stat()) == last.file:
            return last
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return _Read()
    except OSError as error:
        return _Read(error=Unavailable(f"{path} cannot be read, so nobody is let in: {error.strerror}"))
    try:
        return _prepared(_identity(status), _judged(status, data))
    except Malformed as error:
        told = (
            f"{path} is damaged, so nobody is let in: {error}; restore it, or delete it and give access anew"
        )
        return _Read(_identity(status), error=Damaged(told))


def _check_free(grant: Grant, grants: Sequence[Grant]) -> None:
    """Raise `Conflict` where the name is taken, or the same person is an officer already.

    Two officers who are one person would be each other's second officer.
    """
    if any(other.name == grant.name for other in grants):
        raise Conflict(f"{grant.name} has access already; take another name, or revoke that first")
    if grant.officer is None or grant.officer.subject is None:
        return
    for other in grants:
        if other.officer is not None and other.officer.subject == grant.officer.subject:
            raise Conflict(f"{other.name} is this person, as an officer already; revoke that first")


def _ids(listed: Listed) -> set[str]:
    """Every officer's id that is or was somebody's."""
    live = {grant.officer.id for grant in listed.grants if grant.officer is not None}
    return live | {once.id for once in listed.retired}


def _judged(status: os.stat_result, data: bytes) -> Listed:
    """The grants in the file's bytes. Raises `Malformed` where they are none, or could be anybody's."""
    if status.st_mode & 0o077:
        raise Malformed("others than its owner can get at it (see whose grants it holds, then chmod 600)")
    if len(data) > MAX_FILE:
        raise Malformed(f"it is over {MAX_FILE:,} bytes long")
    return decode_grants(data)


def _prepared(file: tuple[int, ...], listed: Listed) -> _Read:
    read = _Read(file, listed)
    for grant in listed.grants:
        until = instant(grant.until) if grant.until is not None else None
        if grant.token is not None:
            caller = Caller(grant.name, "token", frozenset(grant.scopes), grant.officer)
            read.tokens[grant.token] = _Given(caller, until, grant.token, None)
        if grant.key is not None:
            caller = Caller(grant.name, "key", frozenset(grant.scopes), grant.officer)
            read.keys[grant.name] = _Given(caller, until, "", client_key(grant.key))
    return read


def _digest(token: str) -> str:
    return digest(token.encode())


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_mtime_ns, status.st_ino, status.st_size, status.st_mode


@contextmanager
def _in_turn(folder: Path) -> Iterator[None]:
    """Hold the folder while the file in it is read and written: two commands at once must not lose one's change."""
    with refused_by_machine(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
