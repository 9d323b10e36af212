"""Writing the Register Serialisation Format: as it was imported, byte for byte, or in a plain form.

What an imported entry keeps of its file is its `RsfPosition`. All lines that hold no item and no entry are
asserted roots, which are recomputed, so that the positions of a file's entries give the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import Json, canonical
from counterfoil.proof.merkle import CompactRange, leaf_hash
from counterfoil.registry.rsf.format import (
    ADD_ITEM,
    APPEND_ENTRY,
    ASSERT_ROOT_HASH,
    LABEL,
    MAX_LINES,
    Kind,
    RsfEntry,
    RsfFile,
    check_key,
    check_timestamp,
    rsf_hash,
    rsf_leaf,
)

Layout: TypeAlias = Literal["imported", "plain"]
_POSITION: Final = re.compile(r"rsf:([1-9]\d{0,7}):([1-9]\d{0,7}):([1-9]\d{0,7})(:no-newline)?", re.ASCII)


class RsfPosition(msgspec.Struct, frozen=True, gc=False):
    """Where an entry stood in the file of `lines` lines that it came from; lines count from 1.

    As text it is `rsf:item line:entry line:lines`, and `:no-newline` where the file's last line ended in none.
    Raises `Malformed` where no file has such a position.
    """

    item_line: int
    entry_line: int
    lines: int
    ends_in_newline: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.item_line < self.entry_line <= self.lines <= MAX_LINES:
            raise Malformed(
                f"{self.encode()!r} is no position in an RSF file: item line, entry line, and lines in all, "
                f"at most {MAX_LINES}, must rise"
            )

    def encode(self) -> str:
        """The position as text."""
        end = "" if self.ends_in_newline else ":no-newline"
        return f"rsf:{self.item_line}:{self.entry_line}:{self.lines}{end}"

    @classmethod
    def parse(cls, text: str) -> RsfPosition:
        """Read what `encode` wrote. Raises `Malformed`."""
        found = _POSITION.fullmatch(text)
        if found is None:
            raise Malformed(f"{text[:80]!r} is no position in an RSF file; it is written rsf:17:243:456")
        item_line, entry_line, lines, end = found.groups()
        return cls(int(item_line), int(entry_line), int(lines), end is None)


class ExportEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry to be written; `position` where it came from an RSF file."""

    kind: Kind
    key: str
    timestamp: str
    item: dict[str, Json]
    position: RsfPosition | None = None


_Slots: TypeAlias = dict[int, tuple[str, ExportEntry]]
"""Line number to the command that stands there and the entry that it is for."""


def position_of(entry: RsfEntry, file: RsfFile) -> RsfPosition:
    """What an entry must keep so that its file can be written again."""
    return RsfPosition(entry.item_line, entry.line, file.lines, file.ends_in_newline)


def export_entries(file: RsfFile) -> Iterator[ExportEntry]:
    """The entries of a file as `write_rsf` takes them."""
    for entry in file.entries:
        yield ExportEntry(entry.kind, entry.key, entry.timestamp, entry.item, position_of(entry, file))


def write_rsf(entries: Iterable[ExportEntry], layout: Layout = "imported") -> Iterator[bytes]:
    """The lines of a file with these entries, each with its newline; within a kind the order is kept.

    In the layout `imported`, the entries of the first file among them come first, in the form of that file; the
    others follow, each with its item where that is new, and then the root. That needs positions that agree with
    each other and with the order. Where they do not, or there are none, or the layout is `plain`: the empty root,
    the items, the system entries, the user entries, the root.

    Raises `Malformed`, before the first line, for a key or time that RSF cannot hold.
    """
    listed = list(entries)
    for entry in listed:
        check_key(entry.key)
        check_timestamp(entry.timestamp)
    position = next((entry.position for entry in listed if entry.position is not None), None)
    if layout == "imported" and position is not None:
        slots = _slots(listed, position)
        if slots is not None:
            later = [entry for entry in listed if not _same_file(entry, position)]
            return _write_imported(slots, position, later)
    return _write_plain(listed)


def _same_file(entry: ExportEntry, position: RsfPosition) -> bool:
    own = entry.position
    return own is not None and own.lines == position.lines and own.ends_in_newline == position.ends_in_newline


def _slots(entries: list[ExportEntry], position: RsfPosition) -> _Slots | None:
    """What stands where in the file of `position`; None where the positions contradict each other or the order."""
    slots: _Slots = {}
    above: dict[Kind, int] = {"system": 0, "user": 0}
    for entry in entries:
        own = entry.position
        if own is None or not _same_file(entry, position):
            above[entry.kind] = MAX_LINES
            continue
        if own.entry_line <= above[entry.kind] or own.entry_line in slots:
            return None
        above[entry.kind] = own.entry_line
        slots[own.entry_line] = APPEND_ENTRY, entry
        command, other = slots.setdefault(own.item_line, (ADD_ITEM, entry))
        if command != ADD_ITEM or (other is not entry and canonical(other.item) != canonical(entry.item)):
            return None
    return slots


def _write_imported(slots: _Slots, position: RsfPosition, later: list[ExportEntry]) -> Iterator[bytes]:
    writer = _Writer()
    for number in range(1, position.lines + 1):
        command, entry = slots.get(number, (ASSERT_ROOT_HASH, None))
        if entry is None:
            line = writer.assertion()
        else:
            line = writer.item(entry) if command == ADD_ITEM else writer.entry(entry)
        last = number == position.lines and not later and not position.ends_in_newline
        yield line[:-1] if last else line
    for entry in later:
        yield from writer.new_item(entry)
        yield writer.entry(entry)
    if later:
        yield writer.assertion()


def _write_plain(entries: list[ExportEntry]) -> Iterator[bytes]:
    writer = _Writer()
    ordered = sorted(entries, key=lambda entry: entry.kind)  # "system" sorts before "user"
    yield writer.assertion()
    for entry in ordered:
        yield from writer.new_item(entry)
    for entry in ordered:
        yield writer.entry(entry)
    yield writer.assertion()


class _Writer:
    """Makes lines, and remembers what the file has so far."""

    def __init__(self) -> None:
        self._added: set[str] = set()
        self._tree = CompactRange()
        self._leaves: list[bytes] = []
        self._count = 0

    def item(self, entry: ExportEntry) -> bytes:
        data = canonical(entry.item)
        self._added.add(rsf_hash(data))
        return b"%s\t%s\n" % (ADD_ITEM.encode(), data)

    def new_item(self, entry: ExportEntry) -> Iterator[bytes]:
        if rsf_hash(canonical(entry.item)) not in self._added:
            yield self.item(entry)

    def entry(self, entry: ExportEntry) -> bytes:
        label = rsf_hash(canonical(entry.item))
        if entry.kind == "user":
            self._count += 1
            self._leaves.append(leaf_hash(rsf_leaf(self._count, entry.timestamp, entry.key, label)))
        return f"{APPEND_ENTRY}\t{entry.kind}\t{entry.key}\t{entry.timestamp}\t{label}\n".encode()

    def assertion(self) -> bytes:
        self._tree.extend(self._leaves)
        self._leaves.clear()
        return f"{ASSERT_ROOT_HASH}\t{LABEL}{self._tree.root().hex()}\n".encode()
