"""The audit of a whole installation: its store, and every file that lies beside it.

It reads only: no migration, no sweep, no repair, not one byte changed in the folder, also where the last process that
wrote was killed. Whatever cannot be read as what it must be is a finding. The modes of files are no stored bytes;
`counterfoil doctor` looks at them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from typing import Final

import msgspec

from counterfoil.errors import CounterfoilError, Damaged, Malformed, NotFound, Unavailable
from counterfoil.home import KEY_FILES, Home, refused_by_machine
from counterfoil.ledger.system import AGENCY
from counterfoil.proof.canonical import labelled
from counterfoil.proof.checkpoint import log_key
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.instant import instant
from counterfoil.proof.note import VerifierKey
from counterfoil.proof.signing import PublicKey
from counterfoil.proof.trust import Trust, TrustedAgency
from counterfoil.signer import LastSigned, read_last_signed
from counterfoil.store.audit.audit import Audited, audit_store
from counterfoil.store.audit.finding import Finding, Findings, Progress
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store

FLUSH_SECONDS: Final = 60
"""How far the note of what was signed last may lie behind the log.

It is written after the block it is about, so that a killed process leaves it one block behind; the machine brings it to
the disk by itself within half a minute, so that a loss of power leaves it as far behind as that, and again as much.
"""
HOME_FILES: Final = frozenset({"store.db", "store.db-wal", "store.db-shm", "trust.json", "lock"})
HOME_FOLDERS: Final = frozenset({"keys", "cache"})
"""The files and folders of a home, with the two that SQLite keeps beside a store while it is in use."""
KEY_FOLDER: Final = frozenset({"last-signed", *(name for name, _ in KEY_FILES.values())})
UNFINISHED: Final = (
    "This installation was begun and never finished: its ledger has no first entry yet. "
    "The next command that writes finishes it."
)


class HomeAudited(msgspec.Struct, frozen=True):
    """What the audit of an installation found. `found` counts all faults, where not every one is listed.

    `root` is the log's labelled root as recomputed; None where the log has no entries.
    """

    entries: int
    root: str | None
    origin: str
    findings: tuple[Finding, ...]
    found: int
    unchecked: tuple[str, ...]


def audit_home(home: Home, progress: Progress = lambda done, total: None) -> HomeAudited:
    """Audit the installation in a folder; whoever would write to it waits outside meanwhile, unless one does already.

    Raises `NotFound` where there is none, `Unavailable` where the folder or a file in it may not be read.
    """
    _check_there(home)
    findings = Findings()
    with undisturbed(home) as alone:
        # Before the store: a process that writes now only ever moves it on.
        signed = _read_signed(home, findings)
        audited = _audit_stored(home, findings, progress, signed, alone=alone)
    _check_names(home, findings)
    return HomeAudited(
        entries=audited.entries if audited else 0,
        root=labelled(audited.root) if audited and audited.entries else None,
        origin=audited.origin if audited else "",
        findings=(*audited.findings, *findings.listed()) if audited else findings.listed(),
        found=(audited.found if audited else 0) + findings.count,
        unchecked=(*(audited.unchecked if audited else ()), *findings.unchecked),
    )


def _check_there(home: Home) -> None:
    with refused_by_machine(home.folder):
        names = {path.name for path in home.folder.iterdir()} if home.folder.is_dir() else set()
    if not names & {home.store.name, home.keys.name, home.trust.name}:
        raise NotFound(
            f"there is no installation in {home.folder}; make one with: counterfoil init --home {home.folder}"
        )


@contextmanager
def undisturbed(home: Home) -> Iterator[bool]:
    """Keep new writers out, by a shared lock that changes nothing; gives False where one writes already."""
    try:
        descriptor = os.open(home.lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield True
        return
    except OSError as error:
        raise Unavailable(f"{home.lock} cannot be read: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _read_signed(home: Home, findings: Findings) -> LastSigned | None:
    """What the checkpoint key signed last: size 0 where nothing yet; None, with a finding, where it cannot be told."""
    where = "keys/last-signed"
    try:
        if home.last_signed.is_file() and home.last_signed.stat().st_size == 0:
            return LastSigned(0, "")
        return read_last_signed(home)
    except Damaged:
        findings.add("it is not what this program writes there", where)
    except Unavailable as error:
        findings.add(f"it cannot be read: {error}", where)
    return None


def _audit_stored(
    home: Home, findings: Findings, progress: Progress, signed: LastSigned | None, *, alone: bool
) -> Audited | None:
    """Audit the store, and compare with it what lies beside it; None where there is no store to speak of."""
    if not home.store.is_file():
        if signed is not None and not signed.size and not home.trust.exists() and not home.store.exists():
            findings.leave(UNFINISHED)
        else:
            findings.add("the store is missing, with every entry in it", home.store.name)
        return None
    with refused_by_machine(home.store), home.store.open("rb"):
        pass
    try:
        database = Sqlite(home.store, read_only=True, untouched=alone)
    except CounterfoilError as error:
        findings.add(f"it cannot be opened: {error}", home.store.name)
        return None
    with closing(database):
        if signed is not None and not signed.size and not home.trust.exists() and _is_empty(database):
            findings.leave(UNFINISHED)
            return None
        return _audit_whole(home, database, findings, progress, signed)


def _audit_whole(
    home: Home, database: Sqlite, findings: Findings, progress: Progress, signed: LastSigned | None
) -> Audited | None:
    try:
        # One transaction, so that all is of one moment where another process writes meanwhile.
        database.execute("BEGIN")
        audited = audit_store(database, home.store, progress)
    except CounterfoilError as error:
        findings.add(f"it cannot be read: {error}", home.store.name)
        return None
    if audited.entries:
        try:
            _Beside(home, Store(database, read_only=True), audited, findings).check(signed)
        except CounterfoilError as error:
            findings.leave(f"What lies beside the store could not be compared with it: {error}")
    return audited


def _is_empty(database: Sqlite) -> bool:
    """Whether the store has no entry yet: perhaps no table either."""
    try:
        if database.row("SELECT 1 FROM sqlite_master LIMIT 1") is None:
            return True
        queries = ("SELECT 1 FROM head", "SELECT 1 FROM tail", "SELECT 1 FROM bundle")
        return all(database.row(query) is None for query in queries)
    except CounterfoilError:
        return False


def _check_names(home: Home, findings: Findings) -> None:
    """Name every file and folder that does not belong here."""
    for path in sorted(home.folder.iterdir()):
        belongs = path.is_dir() if path.name in HOME_FOLDERS else path.is_file() and path.name in HOME_FILES
        if not belongs:
            findings.add("it is no part of an installation", path.name)
    for path in sorted(home.keys.iterdir()) if home.keys.is_dir() else ():
        if path.name not in KEY_FOLDER or not path.is_file():
            findings.add("it is no part of an installation", f"keys/{path.name}")
    if home.lock.is_file() and home.lock.stat().st_size:
        findings.add("it holds bytes, and must hold none", home.lock.name)


class _Beside:
    """Compares with the log what lies beside it: this agency's keys, what they signed last, the trust policy."""

    def __init__(self, home: Home, store: Store, audited: Audited, findings: Findings):
        self._home = home
        self._store = store
        self._audited = audited
        self._findings = findings

    def check(self, signed: LastSigned | None) -> None:
        """Name every difference."""
        agency = None
        if self._home.keys.is_dir():
            if signed is not None:
                self._check_signed(signed)
            agency = self._check_keys(
                {use: key for use in KEY_FILES if (key := self._public(use)) is not None}
            )
        else:
            self._findings.leave("This agency's keys are not here, nor what they signed last.")
        self._check_trust(agency)

    def _public(self, use: str) -> PublicKey | None:
        where = f"keys/{KEY_FILES[use][0]}"
        try:
            return self._home.read_key(use).public
        except NotFound:
            self._findings.add("the key file is missing; without it this installation can only read", where)
        except Malformed:
            self._findings.add("it does not hold a key", where)
        except Unavailable as error:
            self._findings.add(f"it cannot be read: {error}", where)
        return None

    def _check_keys(self, keys: dict[str, PublicKey]) -> str | None:
        """Compare the keys with those that this agency's record lists; gives the agency, where that can be told."""
        first = [entry.record for entry in self._members(0, self._audited.genesis_size)]
        endorse = keys.get("endorse")
        if endorse is None:
            agency = first[0] if len(first) == 1 else None
        else:
            later = (entry.record for entry in self._members(self._audited.genesis_size))
            agency = next(
                (name for name in chain(first, later) if endorse.text in self._listed(name, "endorse")), None
            )
            if agency is None:
                self._findings.add(
                    "no member of this ledger lists this key", f"keys/{KEY_FILES['endorse'][0]}"
                )
        for use in ("checkpoint", "checkpoint-pq") if agency else ():
            key = keys.get(use)
            if key and log_key(self._audited.origin, key).text not in self._listed(
                agency or "", "checkpoint"
            ):
                self._findings.add(
                    f"{agency} does not list this key among its own", f"keys/{KEY_FILES[use][0]}"
                )
        return agency

    def _members(self, first: int, end: int | None = None) -> Iterator[Entry]:
        """The entries about members in a part of the log."""
        for data in self._store.entries(first, end):
            # To read a million entries whole, for the few that are about members, would double the audit's time.
            if b'"register":".agency"' in data:
                entry = decode_entry(data)
                if entry.register == AGENCY:
                    yield entry

    def _listed(self, agency: str, member: str) -> Collection[str]:
        state = self._store.record(record_key(AGENCY, agency))
        return decode_entry(self._store.entry(state.number)).fields.get(member, ()) if state else ()

    def _check_signed(self, signed: LastSigned) -> None:
        where, size = "keys/last-signed", self._audited.entries
        if signed.size > size:
            what = f"the store ends before what its key signed last: entries {size} to {signed.size - 1} are missing"
            self._findings.add(what, where)
            return
        root = labelled(self._store.root_at(signed.size)) if signed.size else ""
        if signed.root != root:
            self._findings.add(f"its root is not that of the log's first {signed.size} entries", where)
        elif signed.size < size and self._seconds(signed.size, size - 1) > FLUSH_SECONDS:
            what = f"it stops at {signed.size} of {size} entries, further behind than a crash can leave it"
            self._findings.add(what, where)

    def _seconds(self, first: int, last: int) -> int:
        """How long after one entry another one was written."""
        times = [decode_entry(self._store.entry(number)).time for number in (first, last)]
        return instant(times[1]) - instant(times[0])

    def _check_trust(self, agency: str | None) -> None:
        """Compare the trust policy, byte for byte, with what the first entries say."""
        trust, where, begun = self._home.trust, self._home.trust.name, self._audited.genesis_size
        data = trust.read_bytes() if trust.is_file() else b""
        if not data and self._audited.entries == begun:
            self._findings.leave("trust.json is not written yet; the next command that writes does it.")
            return
        members = [entry for entry in self._members(0, begun) if agency in (None, entry.record)]
        if len(members) != 1 or not begun:
            self._findings.leave("trust.json was not compared, as it cannot be told which agency's it is.")
        elif not data:
            self._findings.add("it is missing or empty", where)
        elif data != self._trust(members[0]).encode():
            self._findings.add("it is not the policy that follows from the ledger's first entries", where)

    def _trust(self, member: Entry) -> Trust:
        """The policy as it was written when the ledger began."""
        return Trust(
            origin=self._audited.origin,
            agencies=(
                TrustedAgency(
                    member.record, tuple(VerifierKey.parse(key) for key in member.fields["checkpoint"])
                ),
            ),
            require=1,
            genesis_root=labelled(self._audited.genesis_root),
            genesis_size=self._audited.genesis_size,
        )
