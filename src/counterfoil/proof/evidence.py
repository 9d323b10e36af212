"""The entries that a proof bundle brings, read once, and how they follow each other."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from operator import attrgetter
from typing import Final, NamedTuple

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.canonical import LABEL
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.merkle import leaf_hashes
from counterfoil.proof.report import entries, numbers, quoted
from counterfoil.proof.rules import INDEX, LEDGER_ONLY, TRANSACTION

MAX_NAME: Final = 255


class Leaf(NamedTuple):
    """An entry and its RFC 9162 leaf hash."""

    entry: Entry
    hash: bytes

    @property
    def number(self) -> int:
        """Where it stands in the log."""
        return self.entry.number

    @property
    def name(self) -> str:
        """What it is, for reports: `country GB version 3 (entry 1042)`."""
        entry = self.entry
        return f"{record_name(entry.register, entry.record)} version {entry.version} (entry {entry.number})"


class Evidence:
    """The entries of a bundle in the order of their numbers. Raises `Malformed` where one is not an entry.

    `check_history` must have passed before what is said of versions can be relied on.
    """

    def __init__(self, texts: Sequence[str]):
        data = [text.encode() for text in texts]
        self.leaves = list(map(Leaf, _read(data), leaf_hashes(data)))
        self.by_number = {leaf.entry.number: leaf for leaf in self.leaves}
        self.by_record: dict[tuple[str, str], list[Leaf]] = {}
        for leaf in self.leaves:
            self.by_record.setdefault((leaf.entry.register, leaf.entry.record), []).append(leaf)

    @cached_property
    def by_transaction(self) -> dict[str, list[Leaf]]:
        """The entries that transactions proposed, by the transaction's hash."""
        found: dict[str, list[Leaf]] = {}
        for leaf in self.leaves:
            if leaf.entry.transaction is not None and leaf.entry.register not in LEDGER_ONLY:
                found.setdefault(leaf.entry.transaction, []).append(leaf)
        return found

    def latest(self, register: str, record: str, before: int) -> Leaf | None:
        """The last entry here of a record among those with a number below `before`."""
        versions = self.by_record.get((register, record), ())
        at = bisect_left(versions, before, key=_number)
        return versions[at - 1] if at else None

    @cached_property
    def before(self) -> dict[int, Leaf]:
        """From an entry's number to the version before it, where both are here."""
        return {
            later.entry.number: earlier
            for versions in self.by_record.values()
            for earlier, later in pairwise(versions)
            if later.entry.version == earlier.entry.version + 1
        }

    def check_history(self) -> None:
        """Check that versions follow each other as the ledger lets them. Raises `Unverified`.

        A first version names none before it, each other names one, and a version whose predecessor is here names
        exactly that by its hash. Numbers, versions and times rise together.
        """
        for earlier, later in pairwise(self.leaves):
            if earlier.entry.time > later.entry.time:
                raise Unverified(
                    f"entry {later.number} is older than entry {earlier.number}, which stands before it"
                )
        for versions in self.by_record.values():
            _check_versions(versions)

    def describe_records(self) -> Iterator[tuple[str, str]]:
        """Each record's register and a sentence about it, those of `.index` left out."""
        for (register, _), versions in self.by_record.items():
            if register != INDEX:
                yield register, _describe(versions)


_number = attrgetter("number")


def record_name(register: str, record: str) -> str:
    """A record's name as reports write it."""
    return f"{quoted(register)} {quoted(record)}"


def _read(data: Sequence[bytes]) -> list[Entry]:
    found: list[Entry] = []
    last = -1
    for position, each in enumerate(data):
        try:
            entry = decode_entry(each)
        except Malformed as error:
            raise Malformed(f"the bundle's entry at position {position}: {error}") from None
        if entry.number <= last:
            raise Malformed(f"entry {entry.number} stands twice in the bundle, or after a later one")
        if len(entry.register) > MAX_NAME or len(entry.record) > MAX_NAME:
            raise Malformed(
                f"the register or record of entry {entry.number} has a name of over {MAX_NAME} characters"
            )
        if entry.register in LEDGER_ONLY and entry.transaction != _about(entry):
            raise Malformed(
                f"entry {entry.number} is the ledger's own, and names a transaction that it is not about"
            )
        last = entry.number
        found.append(entry)
    return found


def _about(entry: Entry) -> str | None:
    """The transaction that an entry of the ledger's own must name: a record of `.transaction` is named by it."""
    return entry.record if entry.register == TRANSACTION else None


def _check_versions(versions: Sequence[Leaf]) -> None:
    for leaf in versions:
        if (leaf.entry.version == 1) is not (leaf.entry.previous is None):
            raise Unverified(
                f"{leaf.name} is a first version and names one before it, or a later one and names none"
            )
    for earlier, later in pairwise(versions):
        if later.entry.version <= earlier.entry.version:
            raise Unverified(f"{later.name} stands after {earlier.name}, which is not an earlier version")
        if (
            later.entry.version == earlier.entry.version + 1
            and later.entry.previous != LABEL + earlier.hash.hex()
        ):
            raise Unverified(
                f"{later.name} does not name {earlier.name} by its hash as the version before it"
            )


def _describe(versions: Sequence[Leaf]) -> str:
    first = versions[0].entry
    name = record_name(first.register, first.record)
    if len(versions) == 1:
        return f"{name} version {first.version} stands in the log as entry {first.number} since {first.time}"
    last = versions[-1].entry
    when = f"at {first.time}" if first.time == last.time else f"from {first.time} to {last.time}"
    said = (
        f"{name} versions {numbers(leaf.entry.version for leaf in versions)} stand in the log as "
        f"{entries(leaf.number for leaf in versions)}, {when}"
    )
    return f"{said}; {_describe_gaps(versions)}"


def _describe_gaps(versions: Sequence[Leaf]) -> str:
    gaps = [
        (earlier.entry.version + 1, later.entry.version - 1)
        for earlier, later in pairwise(versions)
        if later.entry.version - earlier.entry.version > 1
    ]
    if not gaps:
        return "each names the one before it by its hash, so none is missing between them"
    missing = ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in gaps)
    return f"not here, and not to be judged: {missing}"
