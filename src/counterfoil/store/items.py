"""Items in the store: the sealed parts of what an entry commits to, and by which tokens the entry is found.

Every entry that names an item which the version before it did not name has one row, written with its block. Where the
item is not kept here (it came from an archive, or is another agency's) the row has no parts. A part that was erased
keeps its slot, and in place of its ciphertext the digests of its fields, so that the others can still be checked.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

import msgspec

from counterfoil.errors import Damaged
from counterfoil.store.checksum import checksum
from counterfoil.store.database import Database

ERASED: Final = 0
"""The key id of a part that was erased: in place of ciphertext it has the digests of its fields, 32 bytes each."""
WAITS: Final = -1
"""The entry number of a part whose transaction waits."""
TOKEN_BYTES: Final = 8

Contents: TypeAlias = tuple[bytes, bytes, bytes]
"""What a row says beside its key: its parts, its tokens, and the checksum over all of it."""


class SealedPart(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The fields of an item that are about one subject (`slot`), as ciphertext under a key of the keyring's.

    `key` is its id there, at least 1; `subject` is whom they are about, sealed too.
    """

    slot: int
    key: int
    subject: bytes
    sealed: bytes


class SealedItem(msgspec.Struct, frozen=True):
    """An item on its way into the store, by the 32 bytes of its commitment.

    `tokens` are 64-bit signed integers, the blind index's, by which its entry will be found.
    """

    commitment: bytes
    parts: tuple[SealedPart, ...]
    tokens: tuple[int, ...] = ()


class StoredPart(NamedTuple):
    """A part of an item as it is stored, with the number of the entry that brought it (-1: its transaction waits)."""

    number: int
    slot: int
    key: int
    subject: bytes
    sealed: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[SealedPart, ...]).decode


def is_storable(item: SealedItem) -> bool:
    """Whether an item has parts, of different slots, whose key ids are at least 1, and tokens of 64 bits."""
    slots, tokens = {each.slot for each in item.parts}, item.tokens
    return (
        0 < len(slots) == len(item.parts)
        and min(each.key for each in item.parts) > ERASED
        and (not tokens or -(1 << 63) <= min(tokens) <= max(tokens) < 1 << 63)
    )


def contents(key: int | bytes, parts: Collection[SealedPart], tokens: Collection[int]) -> Contents:
    """The columns of an item's row under its entry's number or its commitment, its parts by slot."""
    encoded = _encode(tuple(sorted(parts, key=_slot)) if len(parts) > 1 else parts)
    ordered = sorted(set(tokens))
    packed = struct.pack(f">{len(ordered)}q", *ordered)
    return encoded, packed, item_checksum(key, encoded, packed)


def item_checksum(key: int | bytes, parts: bytes, tokens: bytes) -> bytes:
    """The checksum of an item's row."""
    return checksum(key, sha256(parts).digest(), sha256(tokens).digest())


def read_contents(key: int | bytes, found: Contents) -> tuple[tuple[SealedPart, ...], tuple[int, ...]]:
    """The parts and tokens of a row. Raises `Damaged` where it is not what was stored."""
    parts, tokens, sum_ = found
    name = f"the item of entry {key}" if isinstance(key, int) else f"the waiting item {key.hex()}"
    if sum_ != item_checksum(key, parts, tokens):
        raise Damaged(f"{name} is not what was stored; run counterfoil audit")
    try:
        return _decode(parts), struct.unpack(f">{len(tokens) // TOKEN_BYTES}q", tokens)
    except (msgspec.DecodeError, struct.error):
        raise Damaged(f"{name} cannot be read; run counterfoil audit") from None


def _slot(part: SealedPart) -> int:
    return part.slot


class ItemTable:
    """The rows of items, by entry number, and of those that wait, by commitment.

    What writes must run inside a database transaction.
    """

    def __init__(self, database: Database):
        self._database = database
        self._some_wait: bool | None = None

    def parts(self, number: int) -> tuple[StoredPart, ...]:
        """The parts of the item that an entry brought; none where it brought none. Raises `Damaged`."""
        found = self._row(number)
        return _stored(number, read_contents(number, found)[0]) if found else ()

    def waiting(self, commitment: bytes) -> tuple[StoredPart, ...]:
        """The parts of an item whose transaction waits. Raises `Damaged`."""
        found = self._waiting_row(commitment)
        return _stored(WAITS, read_contents(commitment, found)[0]) if found else ()

    def place(
        self, named: Mapping[int, bytes], items: Mapping[bytes, SealedItem]
    ) -> dict[int, tuple[int, ...]]:
        """Store the items that new entries name: those that came with them, and those that have waited.

        `named` has each entry's commitment by number. Gives the tokens of each; what is not here gets a row that says
        so.
        """
        rows, tokens = [], {}
        for number, commitment in named.items():
            parts, found = self._arrived(commitment, items)
            rows.append((number, *contents(number, parts, found)))
            tokens[number] = found
        self._database.execute_many(
            "INSERT INTO item (number, parts, tokens, checksum) VALUES (?, ?, ?, ?)", rows
        )
        return tokens

    def wait(self, commitments: Collection[bytes], items: Mapping[bytes, SealedItem]) -> None:
        """Keep the items of transactions that begin to wait; one that waits already stays as it is."""
        rows = []
        for commitment in commitments:
            item = items.get(commitment)
            parts, tokens = (item.parts, item.tokens) if item else ((), ())
            rows.append((commitment, *contents(commitment, parts, tokens)))
        self._database.execute_many(
            "INSERT INTO item_waiting (commitment, parts, tokens, checksum) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (commitment) DO NOTHING",
            rows,
        )
        if rows:
            self._some_wait = True

    def drop(self, commitments: Collection[bytes]) -> None:
        """Forget items that wait no longer."""
        self._database.execute_many(
            "DELETE FROM item_waiting WHERE commitment = ?", [(each,) for each in commitments]
        )

    def erase(self, number: int, slots: Mapping[int, bytes], tokens: Collection[int]) -> None:
        """Leave nothing of the parts in these slots but the digests that are given, nor of these tokens."""
        found = self._row(number)
        if found:
            parts, before = read_contents(number, found)
            left = contents(number, _without(parts, slots), set(before).difference(tokens))
            self._database.execute(
                "UPDATE item SET parts = ?, tokens = ?, checksum = ? WHERE number = ?", (*left, number)
            )

    def erase_waiting(self, commitment: bytes, slots: Mapping[int, bytes]) -> None:
        """The same for an item that waits; its tokens all go."""
        found = self._waiting_row(commitment)
        if found:
            left = contents(commitment, _without(read_contents(commitment, found)[0], slots), ())
            self._database.execute(
                "UPDATE item_waiting SET parts = ?, tokens = ?, checksum = ? WHERE commitment = ?",
                (*left, commitment),
            )

    def _arrived(
        self, commitment: bytes, items: Mapping[bytes, SealedItem]
    ) -> tuple[Sequence[SealedPart], tuple[int, ...]]:
        item = items.get(commitment)
        if item is not None:
            return item.parts, item.tokens
        if self._some_wait is None:
            self._some_wait = self._database.row("SELECT 1 FROM item_waiting LIMIT 1") is not None
        found = self._waiting_row(commitment) if self._some_wait else None
        return read_contents(commitment, found) if found else ((), ())

    def _row(self, number: int) -> Contents | None:
        row = self._database.row("SELECT parts, tokens, checksum FROM item WHERE number = ?", (number,))
        return (row[0], row[1], row[2]) if row else None

    def _waiting_row(self, commitment: bytes) -> Contents | None:
        row = self._database.row(
            "SELECT parts, tokens, checksum FROM item_waiting WHERE commitment = ?", (commitment,)
        )
        return (row[0], row[1], row[2]) if row else None


def _stored(number: int, parts: Sequence[SealedPart]) -> tuple[StoredPart, ...]:
    return tuple(StoredPart(number, each.slot, each.key, each.subject, each.sealed) for each in parts)


def _without(parts: Sequence[SealedPart], slots: Mapping[int, bytes]) -> list[SealedPart]:
    """The parts, of which those in these slots keep the digests that are given and nothing else."""
    return [
        SealedPart(each.slot, ERASED, b"", slots[each.slot])
        if each.slot in slots and each.key != ERASED
        else each
        for each in parts
    ]
