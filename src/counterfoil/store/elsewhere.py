"""Which entries bring an item, and what a store says of items that it never had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from counterfoil.errors import Damaged
from counterfoil.ledger.state import Pending
from counterfoil.proof.canonical import unlabelled
from counterfoil.store.database import Database
from counterfoil.store.items import contents
from counterfoil.store.log import WIDTH, Log
from counterfoil.store.waiting import decode_pending

NAMES_ITEM: Final = b'"item":'
"""What stands in every entry that names an item, and in few others."""


class _Naming(msgspec.Struct, frozen=True):
    item: str | None = None


_decode = msgspec.json.Decoder(_Naming).decode


def item_of(entry: bytes) -> bytes | None:
    """The commitment of the item that an entry names, by its canonical bytes; None where it names none."""
    if NAMES_ITEM not in entry:
        return None
    named = _decode(entry).item
    return None if named is None else unlabelled(named)


def named_items(first: int, entries: Sequence[bytes]) -> dict[int, bytes]:
    """The commitments that entries name, by number; `first` is the first one's."""
    found = {}
    for number, data in enumerate(entries, first):
        # A search of each entry's bytes costs a hundredth of reading it.
        if NAMES_ITEM in data and (commitment := item_of(data)) is not None:
            found[number] = commitment
    return found


def waiting_items(waiting: Sequence[Pending]) -> set[bytes]:
    """The commitments that the proposals of waiting transactions name."""
    proposals = (each for pending in waiting for each in pending.transaction.proposals)
    return {unlabelled(each.item) for each in proposals if each.item is not None}


def repeats(log: Log, before: int | None, commitment: bytes) -> bool:
    """Whether the version before an entry, of this number, names the same item, so that the entry brings none."""
    try:
        return before is not None and item_of(log.entry(before)) == commitment
    except Damaged:
        return False


def note_elsewhere(database: Database) -> None:
    """Give each item that is named and has no row one that says that it is kept elsewhere.

    That is so in a store of before there were items, and in one made from an archive. Must run inside a database
    transaction. Raises `Damaged`.
    """
    row = database.row("SELECT size FROM head")
    log = Log(database, int(row[0]) if row else 0)
    for number, commitment in _all_named(log):
        prior = database.row("SELECT previous FROM prior WHERE number = ?", (number,))
        if not repeats(log, int(prior[0]) if prior else None, commitment):
            database.execute(
                "INSERT INTO item (number, parts, tokens, checksum) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (number) DO NOTHING",
                (number, *contents(number, (), ())),
            )
    rows = database.query("SELECT name, complete, header, proposals, endorsements FROM pending")
    for commitment in waiting_items([decode_pending(row) for row in rows]):
        database.execute(
            "INSERT INTO item_waiting (commitment, parts, tokens, checksum) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (commitment) DO NOTHING",
            (commitment, *contents(commitment, (), ())),
        )


def _all_named(log: Log) -> Iterator[tuple[int, bytes]]:
    for bundle in range(-(-log.size // WIDTH)):
        yield from named_items(bundle * WIDTH, log.bundle(bundle)).items()
