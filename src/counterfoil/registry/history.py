"""A record through time: as it was known on one day, as of another, and what changed between two versions.

Three clocks count. *The ledger* learnt an entry at its `time`; an older *book* learnt it at `recorded`, in the entry's
circumstances; in the world it holds from `valid-from` to `valid-to`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final, NamedTuple

import msgspec

from counterfoil.proof.canonical import Json, canonical
from counterfoil.proof.entry import Entry
from counterfoil.registry.moment import Moment, earliest, latest

STATED: Final = ("operation", "status", "item", "document", "tree", "claims", "references", "control")
"""Members of an entry, beside its fields, that two versions are compared in."""


class Clock(Enum):
    """By whose clock something was known."""

    LEDGER = "ledger"
    BOOK = "book"


class Answer(NamedTuple):
    """What was known of a record: an entry, or None and why. It says by which clock, and which days were asked."""

    entry: Entry | None
    reason: str
    clock: Clock
    known: str | None
    as_of: str | None


class FieldChange(msgspec.Struct, frozen=True):
    """A field that differs between two versions; None where a version does not have it."""

    field: str
    before: Json | None
    after: Json | None


def as_known(
    entries: Iterable[Entry],
    *,
    known: str | None = None,
    as_of: str | None = None,
    clock: Clock = Clock.LEDGER,
) -> Answer:
    """What was known of a record on the day or at the time `known` (now, where left out), as of `as_of` in the world.

    `entries` are all versions of one record, in any order. Of those known by then, a correction replaces the version
    before it, an annulment voids all, and the latest version whose validity covers `as_of` answers. A day counts to its
    end. Raises `Malformed` where a day or time is not one.
    """
    by_then = latest(known) if known else None
    told = [entry for entry in entries if by_then is None or _told(entry, clock) <= by_then]
    told.sort(key=lambda entry: entry.version)
    if not told:
        return Answer(None, "nothing was known of it then", clock, known, as_of)
    ended = next((entry.operation for entry in reversed(told) if entry.operation != "erase"), "")
    if ended == "annul":
        return Answer(None, "it had been annulled", clock, known, as_of)
    standing = list(_uncorrected(told))
    if as_of is not None:
        moment = latest(as_of)
        standing = [entry for entry in standing if _covers(entry, moment)]
    if not standing:
        return Answer(None, "it was not valid then", clock, known, as_of)
    entry = standing[-1]
    reason = "it had been closed" if ended == "close" else "the latest that was known"
    return Answer(entry, reason, clock, known, as_of)


def differences(before: Entry, after: Entry) -> list[FieldChange]:
    """What changed between two versions of a record: field by field, then what else an entry states."""
    old, new = before.fields, after.fields
    changes = [
        FieldChange(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if name not in old or name not in new or canonical(old[name]) != canonical(new[name])
    ]
    for name in STATED:
        one, other = msgspec.to_builtins(getattr(before, name)), msgspec.to_builtins(getattr(after, name))
        if one != other:
            changes.append(FieldChange(name, one or None, other or None))
    return changes


def _told(entry: Entry, clock: Clock) -> Moment:
    """When an entry was learnt by a clock; what has no older book was learnt when the ledger learnt it."""
    if clock is Clock.BOOK and "recorded" in entry.circumstances:
        return earliest(entry.circumstances["recorded"])
    return earliest(entry.time)


def _uncorrected(entries: list[Entry]) -> Iterator[Entry]:
    for entry, following in zip(entries, [*entries[1:], None], strict=True):
        if following is None or following.operation != "correct":
            yield entry


def _covers(entry: Entry, moment: Moment) -> bool:
    start, end = entry.circumstances.get("valid-from"), entry.circumstances.get("valid-to")
    return (start is None or earliest(start) <= moment) and (end is None or moment < earliest(end))
