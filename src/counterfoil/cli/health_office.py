"""What `counterfoil doctor` looks at where there are items: the keyring, its keys and backups, and the desk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from counterfoil.cli.health import Check
from counterfoil.cli.office import numbered
from counterfoil.errors import CounterfoilError
from counterfoil.home import Home
from counterfoil.home_audit.audit import undisturbed
from counterfoil.keyring.opening import protector_of
from counterfoil.proof.canonical import unlabelled
from counterfoil.store.sqlite import Sqlite

if TYPE_CHECKING:
    from counterfoil.node import Node

_KEYS: Final = "SELECT count(*) FROM key"
_LAPSED: Final = "SELECT count(*) FROM batch WHERE deadline < ?"
_OVERDUE: Final = "SELECT count(*) FROM backup WHERE destroyed IS NULL AND keep_until < ?"
_KEPT: Final = "SELECT count(*) FROM backup WHERE destroyed IS NULL"
_CASES: Final = (
    "SELECT standing, kind = 'erasure', count(*) FROM paper"
    " WHERE standing IN ('waiting', 'approved') GROUP BY 1, 2"
)
_LAST: Final = "SELECT time FROM head"


class KeyringCounts(NamedTuple):
    """How many keys a keyring has, batches whose transaction cannot come any more, backups kept, and past their day."""

    keys: int
    lapsed: int
    kept: int
    overdue: int


class _Transaction(msgspec.Struct):
    transaction: str = ""


def examine_office(home: Home) -> Iterator[Check]:
    """Look at keyring and desk, where there are any; nothing of what they hold is said."""
    try:
        with undisturbed(home) as alone:
            if home.keyring.exists():
                yield _protected(home, untouched=alone)
                yield from _counted(keyring_counts(home, untouched=alone))
            if home.desk.exists():
                yield from _cases(home, untouched=alone)
    except CounterfoilError as error:
        yield Check("keyring", "problem", str(error), "run counterfoil audit")


def _protected(home: Home, *, untouched: bool) -> Check:
    kind = protector_of(home.keyring, untouched=untouched)
    if kind == "file":
        said = "a key file beside them protects the keys of items, so that whoever copies the folder can read all"
        return Check(
            "keyring", "warning", said, "counterfoil keyring protect --passphrase-file FILE, or --pkcs11"
        )
    return Check(
        "keyring", "ok", f"the keys of items are protected by {kind or 'nothing yet: there are none'}"
    )


def _counted(counts: KeyringCounts) -> Iterator[Check]:
    if counts.lapsed:
        said = (
            f"keys drawn for transactions that cannot come any more: {numbered(counts.lapsed, 'transaction')}"
        )
        yield Check("keys to sweep", "warning", said, "counterfoil keyring sweep")
    if counts.overdue:
        said = f"{numbered(counts.overdue, 'backup')} kept beyond the day, with keys of what was erased since"
        yield Check(
            "keyring backups",
            "warning",
            said,
            "destroy every copy, and say so: counterfoil keyring backups, keyring forget ID",
        )
    elif not counts.kept:
        said = "the keyring has no backup: if it is lost, so is every item"
        yield Check("keyring backups", "warning", said, "counterfoil keyring recovery, then keyring backup")


def _cases(home: Home, *, untouched: bool) -> Iterator[Check]:
    with closing(Sqlite(home.desk, read_only=True, untouched=untouched)) as database:
        found = {(standing, bool(erases)): count for standing, erases, count in database.query(_CASES)}
    waiting = found.get(("waiting", False), 0) + found.get(("waiting", True), 0)
    yield Check("desk", "ok", f"{numbered(waiting, 'case')} to be decided by a second officer")
    if erasures := found.get(("approved", True), 0):
        said = f"{numbered(erasures, 'erasure')} approved and not carried out: what is to be erased is still here"
        yield Check("erasures", "problem", said, "counterfoil desk list --approved, desk carry-out CASE")
    if changes := found.get(("approved", False), 0):
        said = f"{numbered(changes, 'case')} approved and not carried out"
        yield Check("desk cases", "warning", said, "counterfoil desk list --approved, desk carry-out CASE")


def keyring_counts(home: Home, *, untouched: bool = False) -> KeyringCounts:
    """What a keyring has, by its rows. Nothing vouches for them here; the audit judges them."""
    with closing(Sqlite(home.store, read_only=True, untouched=untouched)) as store:
        last = _one(store, _LAST)
    with closing(Sqlite(home.keyring, read_only=True, untouched=untouched)) as database:
        if database.row("SELECT 1 FROM sqlite_schema WHERE name = 'total'") is None:
            return KeyringCounts(0, 0, 0, 0)
        now = int(time.time())
        return KeyringCounts(
            _one(database, _KEYS),
            _one(database, _LAPSED, last),
            _one(database, _KEPT),
            _one(database, _OVERDUE, now),
        )


def _one(database: Sqlite, sql: str, *values: int) -> int:
    row = database.row(sql, values)
    return 0 if row is None else int(row[0])


def stored_transactions(node: Node) -> Callable[[Sequence[str]], set[str]]:
    """Tells which of some transactions, by their labelled hashes, stand in the log; the log is read once for all."""
    decode = msgspec.json.Decoder(_Transaction).decode
    known: set[bytes] = set()

    def stored(hashes: Sequence[str]) -> set[str]:
        if not known:
            known.update(
                unlabelled(each.transaction) for each in map(decode, node.entries()) if each.transaction
            )
        return {each for each in hashes if unlabelled(each) in known}

    return stored
