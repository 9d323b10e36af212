"""What `counterfoil doctor` looks at: nothing here writes, and nothing is said of what the entries hold."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

import apsw

from counterfoil.engine.local import MAX_CLOCK_LAG
from counterfoil.errors import CounterfoilError
from counterfoil.home import KEY_FILES, Home
from counterfoil.home_audit.audit import strays, undisturbed
from counterfoil.proof.instant import instant_text
from counterfoil.proof.trust import Trust
from counterfoil.signer import read_last_signed
from counterfoil.store.schema import VERSION, stored_version
from counterfoil.store.sqlite import Sqlite

MEGABYTE: Final = 1_000_000
LITTLE_ROOM: Final = 1_000 * MEGABYTE
NO_ROOM: Final = 100 * MEGABYTE


class Check(NamedTuple):
    """One thing looked at: how it is, in a sentence, and what to do where something is to be done."""

    name: str
    level: Literal["ok", "warning", "problem"]
    said: str
    advice: str = ""


def examine(folder: Path) -> Iterator[Check]:
    """Look at the machine, and at the installation in `folder` if there is one."""
    home = Home(folder)
    yield from _versions()
    yield _disk(folder)
    if not any(path.exists() for path in (home.store, home.keys, home.trust, home.lock)):
        yield _nothing_there(folder)
        return
    yield from _access(home)
    yield from _layout(home)
    yield from _modes(home)
    yield from _keys(home)
    yield from _store(home)


def _versions() -> Iterator[Check]:
    yield Check("python", "ok", f"{sys.version.split()[0]} ({sys.executable})")
    yield Check("sqlite", "ok", f"{apsw.sqlite_lib_version()}, which apsw {apsw.apsw_version()} brings")


def _disk(folder: Path) -> Check:
    nearest = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    free = shutil.disk_usage(nearest).free
    said = f"{free // MEGABYTE:,} MB are free where {folder} lies"
    if free < NO_ROOM:
        return Check(
            "disk", "problem", said, "make room: a full disk refuses every write (nothing is lost by that)"
        )
    if free < LITTLE_ROOM:
        return Check("disk", "warning", said, "make room before the disk is full")
    return Check("disk", "ok", said)


def _nothing_there(folder: Path) -> Check:
    if folder.exists() and not folder.is_dir():
        return Check("home", "problem", f"{folder} is no folder", "name another place with --home")
    return Check(
        "home", "ok", f"nothing is in {folder} yet; the first command that writes makes an installation there"
    )


def _access(home: Home) -> Iterator[Check]:
    lacking = [
        path.name
        for path in (home.folder, home.keys, home.store)
        if path.exists() and not os.access(path, os.R_OK)
    ]
    if lacking:
        advice = "run as the user whose installation it is"
        yield Check("access", "problem", f"this user may not read {', '.join(lacking)}", advice)
    elif not all(os.access(path, os.W_OK) for path in (home.folder, home.keys, home.store) if path.exists()):
        yield Check(
            "access", "warning", "this user may read and not write", "reading commands and the audit work"
        )
    else:
        yield Check("access", "ok", "this user may read and write")
    owners = {path.stat().st_uid for path in (home.folder, home.store, home.keys) if path.exists()}
    if len(owners) > 1:
        users = ", ".join(map(str, sorted(owners)))
        yield Check(
            "owner",
            "warning",
            f"parts belong to different users ({users})",
            f"chown -R one of them {home.folder}",
        )


def _layout(home: Home) -> Iterator[Check]:
    missing = [path.name for path in (home.store, home.keys, home.trust) if not path.exists()]
    strange = [str(path.relative_to(home.folder)) for path in strays(home)]
    if missing:
        advice = "bring back what is missing from a copy; counterfoil audit says what that must be"
        yield Check("home", "problem", f"missing in {home.folder}: {', '.join(missing)}", advice)
    if strange:
        said = f"no part of an installation: {', '.join(strange[:8])}"
        yield Check("home", "warning", said, "move it elsewhere; the audit names it as long as it lies here")
    if not missing and not strange:
        yield Check("home", "ok", f"{home.folder} has what an installation has")


def _modes(home: Home) -> Iterator[Check]:
    """Secrets are for their owner alone; the rest is for whoever may have the entries."""
    secret = [home.keys, *(home.keys / name for name, _ in KEY_FILES.values())]
    open_ = [path for path in secret if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_:
        names = " ".join(str(path) for path in open_)
        yield Check(
            "secrets",
            "problem",
            f"others may get at {', '.join(p.name for p in open_)}",
            f"chmod go= {names}",
        )
    else:
        yield Check(
            "secrets",
            "ok",
            "only their owner may read the keys; they lie here as they are, so keep a copy apart",
        )


def _keys(home: Home) -> Iterator[Check]:
    faults = []
    for use in KEY_FILES:
        try:
            home.read_key(use)
        except CounterfoilError as error:
            faults.append(str(error))
    try:
        read_last_signed(home)
    except CounterfoilError as error:
        faults.append(str(error))
    for fault in faults:
        yield Check("keys", "problem", fault, "without its keys this ledger can be read, and not continued")
    if not faults:
        yield Check("keys", "ok", f"{len(KEY_FILES)} keys are here and can be used")
    try:
        Trust.parse(home.trust.read_bytes())
    except (CounterfoilError, OSError) as error:
        yield Check("trust policy", "problem", f"trust.json cannot be used: {error}", "run counterfoil audit")


def _store(home: Home) -> Iterator[Check]:
    try:
        with undisturbed(home) as alone:
            said = (
                "no other process writes"
                if alone
                else "another process writes now; a second one would have to wait"
            )
            yield Check("writer", "ok", said)
            yield from _left_behind(home, alone=alone)
            database = Sqlite(home.store, read_only=True, untouched=alone)
            try:
                version = stored_version(database)
                row = database.row("SELECT size, time FROM head")
            finally:
                database.close()
    except CounterfoilError as error:
        yield Check("store", "problem", str(error), "run counterfoil audit")
        return
    if version > VERSION:
        yield Check("store", "problem", f"a newer program wrote it (form {version})", "upgrade this program")
    elif version < VERSION:
        yield Check(
            "store", "ok", f"in form {version}; the next command that writes brings it to form {VERSION}"
        )
    else:
        yield Check("store", "ok", f"{row[0] if row else 0:,} entries, in form {version}")
    if row:
        yield _clock(row[1])


def _left_behind(home: Home, *, alone: bool) -> Iterator[Check]:
    log = home.store.with_name(f"{home.store.name}-wal")
    if alone and log.exists() and log.stat().st_size:
        said = "the last process that wrote ended without closing; what it acknowledged is stored"
        yield Check(
            "write-ahead log", "warning", said, "nothing: the next command that writes brings it in order"
        )


def _clock(last: int) -> Check:
    now = int(time.time())
    if now < last - MAX_CLOCK_LAG:
        said = f"this machine says {instant_text(now)}, and the last block is of {instant_text(last)}"
        return Check("clock", "problem", said, "set the clock right: until then every write is refused")
    if now < last:
        said = f"{last - now} seconds behind the last block"
        return Check(
            "clock", "warning", said, "have the clock kept by NTP; blocks bear the later time meanwhile"
        )
    return Check("clock", "ok", f"{instant_text(now)}; the last block is of {instant_text(last)}")
