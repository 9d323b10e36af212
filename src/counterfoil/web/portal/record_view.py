"""A record: what holds now or was known then, how it came to be so, and the stub that one keeps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from counterfoil.errors import Malformed, NotFound, Unavailable
from counterfoil.ledger.definition import DefinitionFields
from counterfoil.proof.canonical import Json, labelled
from counterfoil.proof.entry import ENDING, Entry
from counterfoil.proof.extract import Against
from counterfoil.proof.merkle import leaf_hash
from counterfoil.registry.blocking import standing_against
from counterfoil.registry.history import Clock, FieldChange, as_known, differences
from counterfoil.registry.moment import earliest
from counterfoil.store.store import Store
from counterfoil.web.portal.reading import (
    definition_of,
    latest,
    ordered,
    properties_of,
    state_of,
    versions_back,
)

SHOWN: Final = 25
"""How many versions a page shows at a time."""
CALLED: Final = ("name", "title", "official-name", "register-name")
"""Fields that say what people call a record, the first that there is."""
VALIDITY: Final = {"valid-from", "valid-to"}
UNDATED: Final = "it states no validity, so that the same is given as of any day"
MAX_KNOWN: Final = 10_000
"""How many versions a record may have for what was known of it to be found here."""


class Asked(msgspec.Struct, frozen=True, rename={"as_of": "as-of"}):
    """What was asked of a record: as known on a day, as of another, by whose clock; `before`: older versions only."""

    known: str | None = None
    as_of: str | None = None
    by: str = Clock.LEDGER.value
    before: int | None = None

    @classmethod
    def read(cls, query: dict[str, str], now: float) -> Asked:
        """Read a query; an empty field of a form counts as left out. `now` is in seconds since 1970.

        Raises `Malformed`, also for what will be known on a day that has not begun.
        """
        known = query.get("known") or None
        if known is not None and earliest(known) > datetime.fromtimestamp(now, UTC).timetuple()[:6]:
            raise Malformed(
                f"nobody can say yet what will be known on {known}; known is a day until today, by UTC, and as-of "
                "may lie ahead"
            )
        by = query.get("by") or Clock.LEDGER.value
        if by not in {clock.value for clock in Clock}:
            raise Malformed(f"a record is known by the clock of the ledger or the book, not by {by[:40]!r}")
        before = query.get("before") or None
        if before is not None and not (before.isascii() and before.isdecimal() and len(before) < 16):
            raise Malformed(f"before={before[:40]!r} is no version; it is a number")
        return cls(known, query.get("as-of") or None, by, int(before) if before else None)

    @property
    def past(self) -> bool:
        """Whether it is not simply what holds now."""
        return bool(self.known or self.as_of)


class Value(msgspec.Struct, frozen=True):
    """A field of an entry, what its register says of it, and a record of this ledger that it names."""

    field: str
    value: Json
    description: str | None = None
    register: str | None = None
    record: str | None = None


class Version(msgspec.Struct, frozen=True):
    """One version in a record's history, and what it changed from the one before it."""

    entry: Entry
    changes: tuple[FieldChange, ...]


class RecordView(msgspec.Struct, frozen=True):
    """A record. `entry` is what is shown, None where nothing was known; `reason` says why it is that.

    `key` is the field that equals the record's key, and `called` the one that says what people call it.
    """

    register: str
    title: str
    record: str
    asked: Asked
    entry: Entry | None
    reason: str
    hash: str | None
    key: str | None
    called: str | None
    values: tuple[Value, ...]
    versions: int
    history: tuple[Version, ...]
    older: int | None
    booked: bool
    """Whether an older book's clock is told beside the ledger's."""
    against: tuple[Against, ...] | None = None
    """What stands against it now; None where its register has no rule about such records, or the past is asked."""

    @property
    def state(self) -> str:
        """How the record stands, in a word or two."""
        last = self.entry
        if self.asked.past:
            return "as it was known"
        if last is not None and last.operation in ENDING:
            return {"close": "closed", "annul": "annulled"}[last.operation]
        return "erased" if last is not None and last.operation == "erase" else "current"

    @property
    def heading(self) -> str:
        """What the record is called, its key where nothing says that."""
        called = self.entry.fields.get(self.called) if self.entry and self.called else None
        return called if isinstance(called, str) else self.record

    @property
    def shown(self) -> tuple[Value, ...]:
        """The values that do not stand in the heading already."""
        return tuple(
            each
            for each in self.values
            if each.field != self.called and not (each.field == self.key and each.value == self.record)
        )

    @property
    def raw(self) -> str:
        """The entry as it stands in the log."""
        return self.entry.encode().decode() if self.entry else ""


def record_view(store: Store, register: str, record: str, asked: Asked) -> RecordView:
    """Read a record. Raises `NotFound`, `Malformed` for what is no day, `Unavailable` for too many versions."""
    definition = definition_of(store, register)
    last = latest(store, register, record)
    if last is None:
        raise NotFound(
            f"there is no record {record!r} in the register {register!r}; its page lists those there are"
        )
    entry: Entry | None = last
    reason = "the latest version"
    if asked.past:
        if last.version > MAX_KNOWN:
            raise Unavailable(
                f"this record has {last.version:,} versions, more than are searched here; ask with: counterfoil history"
            )
        found = as_known(
            versions_back(store, register, record, count=MAX_KNOWN),
            known=asked.known,
            as_of=asked.as_of,
            clock=Clock(asked.by),
        )
        entry, reason = found.entry, found.reason
        if asked.as_of is not None and entry is not None and not entry.circumstances.keys() & VALIDITY:
            reason = f"{reason}; {UNDATED}"
    history, older = _history(store, register, record, asked, last.version)
    return RecordView(
        register,
        definition.title,
        record,
        asked,
        entry,
        reason,
        labelled(leaf_hash(entry.encode())) if entry else None,
        definition.key,
        _called(entry),
        tuple(_values(store, definition, entry)) if entry else (),
        last.version,
        history,
        older,
        any("recorded" in each.entry.circumstances for each in history),
        None if asked.past else standing_against(store, definition, register, record, store.head.time),
    )


def _history(
    store: Store, register: str, record: str, asked: Asked, versions: int
) -> tuple[tuple[Version, ...], int | None]:
    """A page of the history, the latest first, and the version that the next page begins before."""
    skip = max(0, versions - asked.before + 1) if asked.before is not None else 0
    entries = versions_back(store, register, record, skip=skip, count=SHOWN + 1)
    shown = entries[:SHOWN]
    history = tuple(
        Version(each, tuple(_changes(entries[at + 1], each)) if at + 1 < len(entries) else ())
        for at, each in enumerate(shown)
    )
    return history, shown[-1].version if len(entries) > SHOWN else None


def _changes(before: Entry, after: Entry) -> Iterator[FieldChange]:
    """What differs, but for the operation, which stands beside each version."""
    operations = FieldChange("operation", before.operation, after.operation)
    return (each for each in differences(before, after) if each != operations)


def _called(entry: Entry | None) -> str | None:
    fields = entry.fields if entry else {}
    return next((name for name in CALLED if isinstance(fields.get(name), str) and fields[name].strip()), None)


def _values(store: Store, definition: DefinitionFields, entry: Entry) -> list[Value]:
    properties = properties_of(definition)
    values = []
    for name in ordered(definition, entry.fields):
        value, said = entry.fields[name], properties.get(name)
        description = said.get("description") if isinstance(said, dict) else None
        register, record = _named(store, value, entry)
        values.append(Value(name, value, description, register, record))
    return values


def _named(store: Store, value: Json, entry: Entry) -> tuple[str | None, str | None]:
    """The record that a value names as `register:key` (a W3C CURIE, as GOV.UK's registers have them), if it is here."""
    if not isinstance(value, str) or not 3 <= len(value) <= 300 or ":" not in value:
        return None, None
    register, _, record = value.partition(":")
    if (register, record) == (entry.register, entry.record) or state_of(store, register, record) is None:
        return None, None
    return register, record


class DifferencesView(msgspec.Struct, frozen=True):
    """What changed between two versions of a record."""

    register: str
    title: str
    record: str
    versions: int
    before: Entry
    after: Entry
    changes: tuple[FieldChange, ...]


def differences_view(
    store: Store, register: str, record: str, first: str | None, second: str | None
) -> DifferencesView:
    """Compare two versions, by default the last two. Raises `NotFound`, `Malformed`."""
    last = latest(store, register, record)
    if last is None:
        raise NotFound(
            f"there is no record {record!r} in the register {register!r}; its page lists those there are"
        )
    wanted = [_version(first, max(1, last.version - 1)), _version(second, last.version)]
    for version in wanted:
        if not 1 <= version <= last.version:
            raise NotFound(f"the record has the versions 1 to {last.version}, and no version {version}")
    before, after = (
        versions_back(store, register, record, skip=last.version - version, count=1)[0] for version in wanted
    )
    title = definition_of(store, register).title
    return DifferencesView(
        register, title, record, last.version, before, after, tuple(differences(before, after))
    )


def _version(text: str | None, otherwise: int) -> int:
    if not text:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise Malformed(f"{text[:40]!r} is no version; it is a number")
    return int(text)
