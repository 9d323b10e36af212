"""What only the keyring can tell: whether items are what their entries commit to, and what must be gone is gone.

Also the keyring's own rows, and the cases on the desk, which are sealed under one of its secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counterfoil.errors import Busy, CounterfoilError, Damaged, NotFound
from counterfoil.home import Home
from counterfoil.keyring.keyring import Keyring
from counterfoil.keyring.opening import open_keyring
from counterfoil.proof.entry import Entry
from counterfoil.registry.desk.audit import faults as desk_faults
from counterfoil.registry.desk.sealing import SEALED_UNDER
from counterfoil.registry.personal.leftover import Erasures, plans
from counterfoil.registry.personal.sealing import SUBJECTS, open_part, open_subjects, part_context
from counterfoil.store.audit.finding import Findings, reason
from counterfoil.store.closing import read_sum
from counterfoil.store.items import StoredPart
from counterfoil.store.sqlite import PAGE_SIZE, Sqlite
from counterfoil.store.store import Store
from counterfoil.store.untouched import wal_of

DECIDED: Final = "SELECT 1 FROM paper WHERE kind = 'erasure' AND standing = 'approved' LIMIT 1"


@contextmanager
def keyring_of(home: Home, findings: Findings, *, alone: bool) -> Iterator[Keyring | None]:
    """The installation's keyring, read without touching it; None where it is not here or cannot be opened."""
    keyring = _open(home, findings, alone=alone)
    if keyring is None:
        yield None
        return
    with closing(keyring):
        yield keyring


def _open(home: Home, findings: Findings, *, alone: bool) -> Keyring | None:
    if not home.keyring.exists():
        return None
    try:
        return open_keyring(home.folder, read_only=True, untouched=alone)
    except Busy:
        raise
    except Damaged as error:
        findings.add(f"it cannot be opened: {error}", home.keyring.name)
    except CounterfoilError as error:
        # The protector is not here, or another one's; that is no fault of what is stored.
        findings.leave(f"the keyring, and what items hold, as it cannot be opened: {reason(error)}")
    return None


class Opener:
    """Opens parts of items for the audit of a store; see `OpenPart`."""

    def __init__(self, keyring: Keyring):
        self._keyring = keyring
        self._destroyed = keyring.destroyed()
        self._subjects: AESGCM | None = None

    def __call__(self, part: StoredPart, entry: Entry) -> Sequence[str] | None:
        """The disclosures of a part; None where an erasure has destroyed its key."""
        context = part_context(entry.register, entry.record, entry.item or "", part.slot)
        open_subjects(self._subjects_key(), part.subject, context)
        if part.key in self._destroyed:
            return None
        secret = self._keyring.key(part.key)
        return open_part(part, secret, entry.register, entry.record, entry.item or "")

    def _subjects_key(self) -> AESGCM:
        if self._subjects is None:
            self._subjects = AESGCM(self._keyring.secret(SUBJECTS))
        return self._subjects


def check_keyring(home: Home, keyring: Keyring, findings: Findings) -> None:
    """Name every row of the keyring that is not what was written, or is missing."""
    name = home.keyring.name
    for sentence in keyring.faults():
        findings.add(sentence.removeprefix("the keyring's "), name)


def check_desk(home: Home, keyring: Keyring | None, findings: Findings, *, alone: bool) -> None:
    """Name every case on the desk that is not as it was put or decided."""
    if not home.desk.exists():
        return
    if keyring is None:
        findings.leave("the cases on the desk, as the keyring that they are sealed under is not here")
        return
    try:
        with closing(Sqlite(home.desk, read_only=True, untouched=alone)) as database:
            for case, _ in desk_faults(database, lambda: keyring.secret(SEALED_UNDER)):
                findings.add("it is not as it was put or decided", f"{home.desk.name} case {case}")
    except Busy:
        raise
    except CounterfoilError as error:
        findings.add(f"it cannot be read: {error}", home.desk.name)


def check_closed(path: Path, findings: Findings, *, alone: bool) -> None:
    """Compare the file with the sum with which it was closed, which covers the bytes that no row does."""
    if not path.is_file():
        return
    log = wal_of(path)
    if not alone or (log.exists() and log.stat().st_size):
        findings.leave(f"bytes of {path.name} that SQLite does not use, because it was not closed")
        return
    # The sum stands behind the pages, which are whole.
    pages = path.stat().st_size // PAGE_SIZE * PAGE_SIZE
    right = read_sum(path, pages)
    if right is None:
        findings.leave(f"bytes of {path.name} that SQLite does not use, because it does not end with its sum")
    elif not right:
        findings.add("its bytes are not those with which it was closed", path.name)


def check_erased(
    home: Home, store: Store, keyring: Keyring | None, findings: Findings, *, alone: bool
) -> None:
    """Name what the log says is erased, and is here: parts of items, and with the keyring their keys too."""
    erasures = Erasures(store, plans(store))
    parts = [(each.part.number, each.entry) for each in erasures.overdue()]
    keys: list[int] = []
    if keyring is not None:
        drawn = keyring.drawn_for(erasures.transactions())
        keys = [number for number in sorted(erasures.keys(drawn)) if _has(keyring, number)]
    if (parts or keys) and _interrupted(home, alone=alone):
        findings.leave(
            "what an erasure that was interrupted has left: the next start brings the erasure to its end"
        )
        return
    for number, entry in parts:
        what = f"a part of its item is still stored, and entry {entry} erases it"
        findings.add(what, f"item row {number}", number=number)
    for number in keys:
        findings.add(f"key {number} is still here, and an entry erases what it sealed", home.keyring.name)


def _has(keyring: Keyring, number: int) -> bool:
    try:
        keyring.key(number)
    except NotFound:
        return False
    except Damaged:
        # It is named by the check of the keyring's rows.
        return False
    return True


def _interrupted(home: Home, *, alone: bool) -> bool:
    """Whether an erasure was approved and is not finished."""
    if not home.desk.exists():
        return False
    try:
        with closing(Sqlite(home.desk, read_only=True, untouched=alone)) as database:
            return database.row(DECIDED) is not None
    except CounterfoilError:
        return False
