"""An agency's keyring: the keys of its items and the secrets of its registers, wrapped, apart from the store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from counterfoil.errors import Conflict, Damaged, Malformed, NotFound, Unverified
from counterfoil.keyring import audit, backup, erasure, rotation, sweeping
from counterfoil.keyring.backup import Backup
from counterfoil.keyring.database import ROWS_KEY, KeyringDatabase, master_row
from counterfoil.keyring.drawing import Drawn, Ids, Kept, Staging, drawn_for, write
from counterfoil.keyring.protector import Protector
from counterfoil.keyring.rows import DestroyedRow
from counterfoil.keyring.shares import RecoveryKey, make_shares
from counterfoil.keyring.wrapping import KEY_BYTES, MAX_ID, Master
from counterfoil.proof.canonical import unlabelled

MAX_NAME: Final = 200
RECOVERY: Final = ".recovery"
"""The secret that holds what a keyring keeps of its recovery key: public key and tag key."""


class Keyring:
    """An open keyring. Any thread may call anything; what writes takes turns.

    Made by `create` and `open`. Every method raises `Unavailable` where the machine refuses and `Damaged` where a
    stored row is not what was written.
    """

    def __init__(self, database: KeyringDatabase, master: Master, protector: str, clock: Callable[[], float]):
        self._database = database
        self._master = master
        self._protector = protector
        self._clock = clock
        self._ids = Ids(database)
        self._staging = Staging()
        self._secrets: dict[str, bytes] = {}

    @classmethod
    def create(cls, path: Path, protector: Protector, clock: Callable[[], float] = time.time) -> Keyring:
        """Make a keyring, readable by its owner alone. Raises `Conflict` where there is one."""
        master = Master.generate(1)
        row = master_row(1, protector.name, protector.wrap(master.key))
        database = KeyringDatabase(path)
        try:
            with database.writing():
                if database.is_made():
                    raise Conflict(f"there is a keyring at {path} already; open it, or name another place")
                database.make(master, row, os.urandom(KEY_BYTES))
        except BaseException:
            database.close()
            raise
        return cls(database, master, protector.name, clock)

    @classmethod
    def open(
        cls,
        path: Path,
        protector: Protector,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
        *,
        untouched: bool = False,
    ) -> Keyring:
        """Open a keyring; `untouched`: to be read only, and not a file beside it may be made, as nobody writes.

        Raises `NotFound` where there is none, `Unverified` where the protector is not its own.
        """
        if not path.exists():
            raise NotFound(f"there is no keyring at {path}; restore it from a backup, or name another folder")
        database = KeyringDatabase(path, read_only=read_only, untouched=untouched)
        try:
            return cls._opened(database, protector, clock)
        except BaseException:
            database.close()
            raise

    @classmethod
    def _opened(cls, database: KeyringDatabase, protector: Protector, clock: Callable[[], float]) -> Keyring:
        if not database.is_made():
            raise NotFound(f"{database.path} holds no keyring; its making was interrupted: make it anew")
        row = database.master()
        if row.protector != protector.name:
            raise Unverified(
                f"the keyring {database.path} is protected by {row.protector}, not by {protector.name}; open it so"
            )
        master = Master(protector.unwrap(row.wrapped), row.generation)
        keyring = cls(database, master, row.protector, clock)
        database.rows_key = keyring._stored_secret(ROWS_KEY)
        if not database.read_only and database.total().scrub:
            database.scrub()
        return keyring

    def close(self) -> None:
        """Let go of the file and of everything that was unwrapped. What was not committed is forgotten."""
        self._database.close()
        self._secrets.clear()
        self._staging.take()

    @property
    def protector(self) -> str:
        """The kind of the protector: `passphrase`, `file` or `pkcs11`."""
        return self._protector

    @property
    def generation(self) -> int:
        """Which master key this is: 1 at first, one more after each rotation."""
        return self._master.generation

    def draw(self, count: int) -> Drawn:
        """`count` new keys (at least one). They are forgotten unless they are kept and committed."""
        if count < 1:
            raise Malformed(f"{count} keys cannot be drawn; draw at least one")
        first = self._ids.take(count)
        drawn = os.urandom(KEY_BYTES * count)
        return Drawn(first, tuple(drawn[at : at + KEY_BYTES] for at in range(0, len(drawn), KEY_BYTES)))

    def keep(self, drawn: Drawn, transaction: str, deadline: int) -> None:
        """Stage keys for the transaction of that labelled hash, which may come until `deadline` (Unix time)."""
        self._staging.add(Kept(drawn, unlabelled(transaction), deadline))

    def commit(self) -> None:
        """Make all that is staged durable, by whichever thread; once it returns, so are the caller's keys.

        Where it raises, what was staged waits for the next call.
        """
        with self._database.turn:
            staged = self._staging.take()
            if staged:
                try:
                    write(self._database, self._master, staged)
                except BaseException:
                    self._staging.put_back(staged)
                    raise

    def key(self, number: int) -> bytes:
        """The 32 bytes of a committed key. Raises `NotFound` where it was destroyed or never was."""
        if not 0 < number <= MAX_ID:
            raise NotFound(f"{number} is no id of a key")
        with self._database.reading:
            # Both of one moment: a rotation changes the two together.
            row, master = self._database.row("SELECT wrapped FROM key WHERE id = ?", (number,)), self._master
        if row is None:
            raise NotFound(erasure.why_missing(self._database, number))
        return master.unwrap_key(number, row[0])

    def secret(self, name: str) -> bytes:
        """The 32 bytes of a named secret, made durable at first use. It never changes.

        Raises `NotFound` where the keyring is only read and has none of that name.
        """
        if not name or len(name) > MAX_NAME or name.startswith("."):
            raise Malformed(f"{name[:MAX_NAME]!r} cannot name a secret; take another name")
        known = self._secrets.get(name)
        if known is None:
            try:
                known = self._stored_secret(name)
            except NotFound:
                if self._database.read_only:
                    raise
                known = self._put_secret(name, os.urandom(KEY_BYTES))
            self._secrets[name] = known
        return known

    def _stored_secret(self, name: str) -> bytes:
        with self._database.reading:
            row, master = (
                self._database.row("SELECT wrapped FROM secret WHERE name = ?", (name,)),
                self._master,
            )
        if row is None:
            raise NotFound(f"the keyring has no secret {name}; open it for writing once, so that it is made")
        return master.unwrap_secret(name, row[0])

    def _put_secret(self, name: str, secret: bytes, *, replace: bool = False) -> bytes:
        database = self._database
        with database.writing():
            total = database.checked_total(self._master.generation)
            found = database.writer.row("SELECT wrapped FROM secret WHERE name = ?", (name,))
            if found is not None and not replace:
                # Another thread or process was faster.
                return self._master.unwrap_secret(name, found[0])
            wrapped = self._master.wrap_secret(name, secret)
            database.writer.execute("INSERT OR REPLACE INTO secret VALUES (?, ?)", (name, wrapped))
            if found is None:
                database.put_total(total._replace(secrets=total.secrets + 1))
        return secret

    def drawn_for(self, transactions: Collection[str]) -> dict[str, set[int]]:
        """The ids of the keys that are still here, by the labelled hash of the transaction they were drawn for."""
        return drawn_for(self._database, transactions)

    def destroyed(self) -> set[int]:
        """The ids of all keys that erasures destroyed."""
        return erasure.destroyed_keys(map(DestroyedRow._make, self._database.rows("SELECT * FROM destroyed")))

    def destroy(self, numbers: Iterable[int], entry: str) -> int:
        """Destroy keys for good, because `entry` says so (a transaction's hash, or an entry's name).

        Afterwards no file of the keyring holds a byte of them, wrapped or not. Returns how many there were; those that
        are gone already are passed over, so that it can be repeated. Raises `Busy` where another process reads the
        file: the keys are destroyed then, and their bytes go at the next opening for writing.
        """
        return erasure.destroy(self._database, self._master, numbers, entry, int(self._clock()))

    def sweep(self, now: int, stored: Callable[[Sequence[str]], set[str]]) -> int:
        """Delete the keys whose transaction never came; returns how many.

        `now`: the time of a stored block; only what had to come before it is looked at. `stored`: which of some
        labelled transaction hashes stand in the log.
        """
        return sweeping.sweep(self._database, self._master, now, stored)

    def rotate(self, protector: Protector) -> None:
        """Wrap every key and secret anew under a new master key, held by `protector`. No item is touched.

        Afterwards no file of the keyring holds the old master key, however it was wrapped.
        """
        with self._database.turn, self._database.reading:
            self._master = rotation.rotate(self._database, self._master, protector)
            self._protector = protector.name
        self._database.scrub()

    def make_recovery(self, holders: int, needed: int) -> tuple[str, ...]:
        """A new recovery key for later backups; returns each holder's share, 33 words that are kept nowhere else.

        Raises `Malformed` for numbers that cannot be. Backups made before stay with the shares of their time.
        """
        recovery, shares = make_shares(holders, needed)
        self._put_secret(RECOVERY, recovery.public + recovery.tag, replace=True)
        return shares

    def backup(self, path: Path, keep_days: int) -> Backup:
        """Write a backup to a new file, to be kept `keep_days` days, and note it.

        Raises `NotFound` before `make_recovery`, `Conflict` where there is a file of that name.
        """
        try:
            kept = self._stored_secret(RECOVERY)
        except NotFound:
            raise NotFound(
                "this keyring has no recovery key yet; make one, and give its shares to their holders"
            ) from None
        recovery = RecoveryKey(kept[:KEY_BYTES], kept[KEY_BYTES:])
        with self._database.turn:
            return backup.write_backup(
                self._database, self._master, recovery, path, keep_days, int(self._clock())
            )

    def backups(self) -> list[Backup]:
        """Every backup that was noted, oldest first."""
        return backup.noted(self._database)

    def forget_backup(self, number: int) -> None:
        """Note that a backup was destroyed, every copy of it. Raises `NotFound` where none of that number is noted."""
        backup.forget(self._database, number, int(self._clock()))

    def note_backup(self, path: Path) -> Backup:
        """Note a backup that this keyring does not know, because it was restored from an older one."""
        return backup.note_file(self._database, path)

    def last_backup_until(self, moment: int) -> int | None:
        """Until when the last backup is kept that was written up to `moment`; None where there is none (Unix times).

        A backup counts until `forget_backup`, also beyond its day.
        """
        return max(
            (each.keep_until for each in self.backups() if each.destroyed is None and each.time <= moment),
            default=None,
        )

    def faults(self) -> Iterator[str]:
        """Every row that is not what was written, and every row that is missing, one sentence each."""
        try:
            yield from audit.faults(self._database, self._master)
        except Damaged as error:
            yield str(error)
