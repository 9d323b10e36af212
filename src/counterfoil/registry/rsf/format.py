"""The Register Serialisation Format (RSF) of GOV.UK Registers: what a file holds, and the form of its parts.

A file is lines of tab-separated columns, carried out in order (openregister's decision record "Register
Serialization Format", in its later five-column form):

    add-item          canonical JSON
    append-entry      user or system    key    time    sha-256:hex of an item added above
    assert-root-hash  sha-256:hex of the RFC 6962 tree over the user entries above

User entries are the register's records, system entries its definition; the two are numbered apart. Nothing
here knows of a ledger or a store.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, Literal, TypeAlias

import msgspec
import orjson

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import Json

MAX_LINES: Final = 10_000_000
MAX_KEY: Final = 255
"""Characters in a key: those that a record's name may have."""

LABEL: Final = "sha-256:"
ADD_ITEM: Final = "add-item"
APPEND_ENTRY: Final = "append-entry"
ASSERT_ROOT_HASH: Final = "assert-root-hash"
REGISTER_PREFIX: Final = "register:"
"""The system entry `register:NAME` names and defines the register."""

Kind: TypeAlias = Literal["system", "user"]
KINDS: Final[dict[str, Kind]] = {"system": "system", "user": "user"}
_HASH: Final = re.compile(r"sha-256:[0-9a-f]{64}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\dZ", re.ASCII)
_OLDER: Final = {3: "append-entry, time, item hash", 4: "append-entry, time, item hash, key"}
"""The forms of append-entry before that of five columns, by their number of columns."""


class RsfEntry(msgspec.Struct, frozen=True, gc=False):
    """One entry: `number` counts from 1 among its kind, lines count from 1 in the file.

    `item_line` is the line that adds its item: of several with the same bytes, the first that no entry before
    this one had, or else the last.
    """

    kind: Kind
    key: str
    timestamp: str
    item: dict[str, Json]
    item_hash: str
    number: int
    item_line: int
    line: int

    def leaf(self) -> bytes:
        """The entry as a leaf of the register's tree (see `rsf_leaf`)."""
        return rsf_leaf(self.number, self.timestamp, self.key, self.item_hash)


class RsfAssertion(msgspec.Struct, frozen=True):
    """A published root (`sha-256:` and hex) over the first `user_entries` user entries, which was recomputed."""

    line: int
    root: str
    user_entries: int


class RsfFile(msgspec.Struct, frozen=True):
    """A file that was checked whole.

    `register` is the name that its system entries define, if they do. `items` counts the lines that add one,
    `lines` all of them.
    """

    register: str | None
    entries: tuple[RsfEntry, ...]
    assertions: tuple[RsfAssertion, ...]
    items: int
    lines: int
    ends_in_newline: bool

    @property
    def user_entries(self) -> tuple[RsfEntry, ...]:
        """The entries about records, in order."""
        return tuple(entry for entry in self.entries if entry.kind == "user")

    @property
    def system_entries(self) -> tuple[RsfEntry, ...]:
        """The entries about the register itself, in order."""
        return tuple(entry for entry in self.entries if entry.kind == "system")

    @property
    def published_root_verified(self) -> bool:
        """Whether the file asserts a root (all asserted ones hold) that says something about its user entries.

        The root of the empty tree, with which files begin, says nothing about entries that follow.
        """
        if not self.assertions:
            return False
        return self.assertions[-1].user_entries > 0 or not self.user_entries


def rsf_leaf(number: int, timestamp: str, key: str, item_hash: str) -> bytes:
    """An entry as compact JSON, hashed as a leaf of the register's tree; `number` counts user entries from 1."""
    return orjson.dumps(
        {
            "index-entry-number": str(number),
            "entry-number": str(number),
            "entry-timestamp": timestamp,
            "key": key,
            "item-hash": [item_hash],
        }
    )


def rsf_hash(data: bytes) -> str:
    """The hash of an item's canonical bytes, with RSF's label."""
    return LABEL + sha256(data).hexdigest()


def check_key(key: str) -> str:
    """The key, if it may name a record. Raises `Malformed`."""
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise Malformed(f"a key has 1 to {MAX_KEY} printable characters; {key[:80]!r} does not")
    return key


@lru_cache(maxsize=4096)
def check_timestamp(text: str) -> str:
    """The text, if it is a time as RSF writes it, from 1970 on. Raises `Malformed`."""
    if not _TIME.fullmatch(text):
        raise Malformed(f"{text[:40]!r} is not a time of RFC 3339; write it as 2016-11-02T14:45:54Z")
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(
            f"{text!r} is not a time that exists; give a day and a time of the calendar"
        ) from None
    if text < "1970":
        raise Malformed(f"{text!r} lies before 1970, when a ledger's times begin")
    return text


def check_columns(command: str, columns: list[str], *names: str) -> list[str]:
    """The columns after a command, if they are as many as their names. Raises `Malformed`."""
    if len(columns) == len(names):
        return columns
    found = len(columns) + 1
    needed = f"it needs {len(names) + 1}: {', '.join((command, *names))}"
    if command == APPEND_ENTRY and found in _OLDER:
        raise Malformed(
            f"{command} is in an older form of {found} columns: {_OLDER[found]}; {needed}. "
            "Export the register again in that form"
        )
    raise Malformed(f"{command} has {found} column{'s' * (found > 1)}; {needed}")


def check_hash(text: str) -> str:
    """The text, if it is one hash with RSF's label. Raises `Malformed`."""
    if _HASH.fullmatch(text):
        return text
    if ";" in text or "," in text:
        raise Malformed(f"{text[:180]!r} names several items; an entry here has one")
    raise Malformed(f"{text[:80]!r} is not a hash; it must be sha-256: and 64 lower-case hexadecimal digits")
