"""The items beside the log, from two stores: ours as it holds, and where it does not, the other's.

What was erased stays erased: of a record that an entry erases later, no part is taken from a copy in which that has not
been done yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from counterfoil.errors import CounterfoilError, Damaged
from counterfoil.proof.canonical import unlabelled
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.recovery.material import Material
from counterfoil.recovery.rebuild import Rebuild
from counterfoil.recovery.repair_log import Choice
from counterfoil.store.audit.stored import Row
from counterfoil.store.elsewhere import NAMES_ITEM
from counterfoil.store.items import ERASED, SealedPart, contents, read_contents
from counterfoil.store.waiting import decode_pending

ERASES: Final = b'"operation":"erase"'


def fill_items(rebuild: Rebuild, own: Material, other: Material, choice: Choice) -> None:
    """Put in the row of each item that an entry of the log names, and of those whose transactions wait.

    Ours is kept also where it is damaged and there is no other, so that it can still be repaired from one found later.
    """
    head = other.row("head", 0)
    size = head[1] if head is not None else 0
    erased = {record_key(each.register, each.record): each.number for each in _entries(choice, ERASES)}
    for entry in _entries(choice, NAMES_ITEM):
        if entry.item is not None:
            last = erased.get(record_key(entry.register, entry.record), -1)
            erasure = _Erasure(done=last > entry.number, known_there=last < size)
            # The other store is sound: as far as its log goes, where it has no row there is none to have.
            lacks = other.holds_items and entry.number < size and other.row("item", entry.number) is None
            if not lacks or _is_sound(entry.number, own.row("item", entry.number)):
                _put(rebuild, "item", entry.number, own, other, erasure)
    for commitment, record in {**_waiting(other), **_waiting(own)}.items():
        erasure = _Erasure(done=record in erased, known_there=erased.get(record, -1) < size)
        _put(rebuild, "item_waiting", commitment, own, other, erasure)


class _Erasure(NamedTuple):
    """Whether an item's record was erased after it, and whether the other store's log has that too."""

    done: bool
    known_there: bool

    def is_left_to_do(self, parts: Sequence[SealedPart]) -> bool:
        """Whether parts from the other store must be erased."""
        return self.done and not (self.known_there and any(each.key == ERASED for each in parts))


def _entries(choice: Choice, mark: bytes) -> Iterator[Entry]:
    """The entries of the log in whose bytes something stands."""
    for entries in choice.entries():
        for data in entries:
            if mark in data:
                entry = decode_entry(data)
                if mark != ERASES or entry.operation == "erase":
                    yield entry


def _waiting(material: Material) -> Mapping[bytes, bytes]:
    """The commitments that waiting transactions name, and the record that each is of."""
    found = {}
    for row in material.rows("pending"):
        with suppress(CounterfoilError):
            for each in decode_pending(row[1:]).transaction.proposals:
                if each.item is not None:
                    found[unlabelled(each.item)] = record_key(each.register, each.record)
    return found


def _put(
    rebuild: Rebuild, table: str, key: int | bytes, own: Material, other: Material, erasure: _Erasure
) -> None:
    ours, theirs = own.row(table, key), other.row(table, key)
    if ours is not None and _parts(key, ours) is not None:
        rebuild.put_row(table, ours)
    elif theirs is not None and (parts := _parts(key, theirs)) is not None:
        erase = erasure.is_left_to_do(parts)
        rebuild.put_row(table, (key, *contents(key, _emptied(parts), ())) if erase else theirs)
    elif ours is not None:
        rebuild.put_row(table, ours)


def _is_sound(key: int | bytes, row: Row | None) -> bool:
    return row is not None and _parts(key, row) is not None


def _parts(key: int | bytes, row: Row) -> tuple[SealedPart, ...] | None:
    try:
        return read_contents(key, (row[1], row[2], row[3]))[0]
    except Damaged:
        return None


def _emptied(parts: Sequence[SealedPart]) -> list[SealedPart]:
    return [each if each.key == ERASED else SealedPart(each.slot, ERASED, b"", b"") for each in parts]
