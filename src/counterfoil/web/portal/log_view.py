"""The log: how large it is, who has signed for that, how it grew, and its latest entries; and one entry of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from counterfoil.errors import Damaged
from counterfoil.gateway.cosigner import WitnessStatus
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.instant import instant_text
from counterfoil.proof.merkle import leaf_hash
from counterfoil.proof.note import parse_note, parse_tree_head
from counterfoil.registry.catalogue.catalogue import Day
from counterfoil.store.store import Store
from counterfoil.web.portal.charts import Bar
from counterfoil.web.portal.reading import state_of

LATEST: Final = 20
STEPS: Final = 60
"""How many bars the growth is drawn in."""


class EntryLine(msgspec.Struct, frozen=True):
    """An entry in a list."""

    number: int
    time: str
    register: str
    record: str
    version: int
    operation: str


class Signature(msgspec.Struct, frozen=True):
    """A signature line of the checkpoint: under which key name, and the key's id in hexadecimal digits."""

    name: str
    key: str


class Witness(msgspec.Struct, frozen=True):
    """A witness: how far it has cosigned, how many entries that is behind, when it did last, and what is wrong."""

    name: str
    url: str
    size: int
    behind: int
    cosigned: str | None
    error: str | None


class LogView(msgspec.Struct, frozen=True):
    """The log as it is now. `checkpoint` is the latest published one, the note as it is."""

    size: int
    root: str
    time: str
    checkpoint: str
    covered: int
    signatures: tuple[Signature, ...]
    witnesses: tuple[Witness, ...]
    growth: tuple[Bar, ...]
    entries: tuple[EntryLine, ...]
    damaged: str | None
    """Why one of the latest entries is not among them."""


class EntryView(msgspec.Struct, frozen=True):
    """An entry of the log, and the record's latest version where this is not it."""

    entry: Entry
    hash: str
    size: int
    versions: int

    @property
    def raw(self) -> str:
        """Its bytes, which are UTF-8."""
        return self.entry.encode().decode()


def entry_view(store: Store, number: int) -> EntryView:
    """Read an entry. Raises `NotFound`."""
    data = store.entry(number)
    entry = decode_entry(data)
    state = state_of(store, entry.register, entry.record)
    return EntryView(
        entry, labelled(leaf_hash(data)), store.head.size, state.version if state else entry.version
    )


def log_view(store: Store, witnesses: Sequence[WitnessStatus], days: Sequence[Day]) -> LogView:
    """Read the log's state."""
    size = store.head.size
    note = store.latest_published() or store.note
    parsed = parse_note(note)
    entries, damaged = _latest(store)
    return LogView(
        size,
        labelled(store.root_at(size)),
        instant_text(store.head.time),
        note.decode(),
        parse_tree_head(parsed.text).size,
        tuple(Signature(each.name, f"{each.key_id.hex()}") for each in parsed.signatures),
        tuple(_witness(each) for each in witnesses),
        growth_of(days),
        tuple(
            EntryLine(each.number, each.time, each.register, each.record, each.version, each.operation)
            for each in entries
        ),
        damaged,
    )


def _latest(store: Store) -> tuple[list[Entry], str | None]:
    """The log's latest entries, the last first, and why the first of those is damaged that are left out."""
    entries, damaged = [], None
    for number in range(store.head.size - 1, max(0, store.head.size - LATEST) - 1, -1):
        try:
            entries.append(decode_entry(store.entry(number)))
        except Damaged as error:
            damaged = damaged or str(error)
    return entries, damaged


def _witness(status: WitnessStatus) -> Witness:
    cosigned = instant_text(status.cosigned) if status.cosigned is not None else None
    return Witness(status.name, status.url, status.size, status.behind, cosigned, status.error)


def growth_of(days: Sequence[Day]) -> tuple[Bar, ...]:
    """How large the log was at the end of each day that had entries, or of every so many of them."""
    sizes, total = [], 0
    for day in days:
        total += day.entries
        sizes.append(Bar(day.day, total))
    step = -(-len(sizes) // STEPS) or 1
    return tuple(sizes[::-1][::step][::-1])
