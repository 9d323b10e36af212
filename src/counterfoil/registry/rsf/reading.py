"""Reading the Register Serialisation Format of GOV.UK Registers: the whole file is checked, line by line."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO, Final

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.canonical import Json, parse_canonical
from counterfoil.proof.merkle import CompactRange, leaf_hash
from counterfoil.registry.rsf.format import (
    ADD_ITEM,
    APPEND_ENTRY,
    ASSERT_ROOT_HASH,
    KINDS,
    LABEL,
    MAX_LINES,
    REGISTER_PREFIX,
    Kind,
    RsfAssertion,
    RsfEntry,
    RsfFile,
    check_columns,
    check_hash,
    check_key,
    check_timestamp,
    rsf_hash,
)

MAX_FILE_BYTES: Final = 1 << 30
MAX_LINE_BYTES: Final = 65_535
"""Without the newline; a log's entry holds no more (C2SP tlog-tiles)."""
PROGRESS_BYTES: Final = 1 << 18
"""How much is read between two calls of `progress`."""
_LEAVES_AT_ONCE: Final = 1024


def read_rsf(source: bytes | BinaryIO, progress: Callable[[int], None] | None = None) -> RsfFile:
    """Read and check a whole file, from its bytes or line by line from an open one.

    `progress` is told how many bytes are done, now and then and at the end. Raises `Malformed` or, where an
    asserted root does not hold, `Unverified`; the message begins with the line, `line 8: …`, and is about the
    first that is wrong. An item without an entry can only show at the end.
    """
    stream = BytesIO(source) if isinstance(source, bytes) else source
    reader = _Reader()
    number = done = told = 0
    # One byte more than a line may have, for its newline: a longer line shows, and is not read whole.
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        done += len(raw)
        try:
            if done > MAX_FILE_BYTES:
                raise Malformed(f"the file is over {MAX_FILE_BYTES} bytes long, the most that is read")
            reader.read_line(number, raw)
        except Malformed as error:
            raise Malformed(f"line {number}: {error}{_hint(raw)}") from None
        except Unverified as error:
            raise Unverified(f"line {number}: {error}") from None
        if progress is not None and done - told >= PROGRESS_BYTES:
            progress(done)
            told = done
    if progress is not None:
        progress(done)
    return reader.finish()


class _Item:
    """An item and the lines that add it; the first `used` of them have an entry that refers to them."""

    __slots__ = ("hash", "lines", "used", "value")

    def __init__(self, label: str, value: dict[str, Json]) -> None:
        self.hash = label
        self.value = value
        self.lines: list[int] = []
        self.used = 0

    def refer(self) -> int:
        """The line that the next entry refers to."""
        if self.used < len(self.lines):
            self.used += 1
        return self.lines[self.used - 1]


class _Reader:
    """What the lines so far have said."""

    def __init__(self) -> None:
        self.lines = 0
        self._register: str | None = None
        self._items: dict[str, _Item] = {}
        self._added = 0
        self._entries: list[RsfEntry] = []
        self._assertions: list[RsfAssertion] = []
        self._counts: dict[Kind, int] = {"system": 0, "user": 0}
        self._latest: dict[tuple[Kind, str], RsfEntry] = {}
        self._tree = CompactRange()
        self._leaves: list[bytes] = []
        self._newline = True

    def read_line(self, number: int, raw: bytes) -> None:
        """Carry out a line, given with its newline. Raises `Malformed` or `Unverified`, without its number."""
        self.lines = number
        self._newline = raw.endswith(b"\n")
        line = _text(raw[:-1] if self._newline else raw)
        if number > MAX_LINES:
            raise Malformed(f"the file has over {MAX_LINES} lines, the most that are read")
        command, *columns = line.split("\t")
        if command == ADD_ITEM:
            self._add_item(*check_columns(command, columns, "canonical JSON"))
        elif command == APPEND_ENTRY:
            self._append_entry(*check_columns(command, columns, "user or system", "key", "time", "item hash"))
        elif command == ASSERT_ROOT_HASH:
            self._assert_root_hash(*check_columns(command, columns, "root hash"))
        else:
            raise Malformed(
                f"{command[:40]!r} is not a command of RSF; a line begins with "
                f"{ADD_ITEM}, {APPEND_ENTRY} or {ASSERT_ROOT_HASH} and a tab"
            )

    def finish(self) -> RsfFile:
        """What the file holds, now that all lines are read. Raises `Malformed` for an item without an entry."""
        if self.lines == 0:
            raise Malformed("line 1: the file is empty; an RSF file has a line at least")
        orphans = [item for item in self._items.values() if item.used < len(item.lines)]
        if orphans:
            raise Malformed(_orphan(min(orphans, key=lambda item: item.lines[item.used])))
        return RsfFile(
            register=self._register,
            entries=tuple(self._entries),
            assertions=tuple(self._assertions),
            items=self._added,
            lines=self.lines,
            ends_in_newline=self._newline,
        )

    def _add_item(self, text: str) -> None:
        data = text.encode()
        label = rsf_hash(data)
        item = self._items.get(label)
        if item is None:
            value = parse_canonical(data, "the item")
            if not isinstance(value, dict):
                raise Malformed("the item is not a JSON object, which an item must be")
            item = self._items[label] = _Item(label, value)
        item.lines.append(self.lines)
        self._added += 1

    def _append_entry(self, kind_text: str, key: str, time: str, item_hash: str) -> None:
        kind = KINDS.get(kind_text)
        if kind is None:
            raise Malformed(f"{kind_text[:40]!r} is not a kind of entry; it is user or system")
        check_key(key)
        time = check_timestamp(time)
        item = self._items.get(check_hash(item_hash))
        if item is None:
            raise Malformed(
                f"the {kind} entry {key!r} refers to {item_hash}, which no line above adds: "
                "an item is missing or was changed"
            )
        self._check_order(kind, key, time)
        if kind == "system":
            self._define(key)
        self._counts[kind] += 1
        entry = RsfEntry(kind, key, time, item.value, item.hash, self._counts[kind], item.refer(), self.lines)
        self._entries.append(entry)
        self._latest[kind, key] = entry
        if kind == "user":
            self._grow(entry)

    def _check_order(self, kind: Kind, key: str, time: str) -> None:
        before = self._latest.get((kind, key))
        if before is not None and time < before.timestamp:
            raise Malformed(
                f"the {kind} entry {key!r} steps back in time, to {time}: "
                f"its entry in line {before.line} is of {before.timestamp}"
            )

    def _define(self, key: str) -> None:
        if not key.startswith(REGISTER_PREFIX):
            return
        name = key.removeprefix(REGISTER_PREFIX)
        if self._register not in (None, name):
            raise Malformed(
                f"the system entry {key!r} defines a second register beside {self._register!r}; a file holds one"
            )
        self._register = name

    def _grow(self, entry: RsfEntry) -> None:
        # Batches: the tree takes many leaves at once for a fraction of what each alone costs.
        self._leaves.append(leaf_hash(entry.leaf()))
        if len(self._leaves) == _LEAVES_AT_ONCE:
            self._tree.extend(self._leaves)
            self._leaves.clear()

    def _assert_root_hash(self, asserted: str) -> None:
        check_hash(asserted)
        self._tree.extend(self._leaves)
        self._leaves.clear()
        count = self._counts["user"]
        root = LABEL + self._tree.root().hex()
        if asserted != root:
            continues = "" if count else "; a file that continues another one must be joined to it first"
            raise Unverified(
                f"the root after {count} user entries is asserted as {asserted}, but is {root}{continues}"
            )
        self._assertions.append(RsfAssertion(self.lines, root, count))


def _text(line: bytes) -> str:
    if len(line) > MAX_LINE_BYTES:
        raise Malformed(f"the line is over {MAX_LINE_BYTES} bytes long, the most that is read")
    if not line:
        raise Malformed("the line is empty; take it out")
    if line.endswith(b"\r"):
        raise Malformed("the line ends in CR LF; RSF ends lines in LF alone")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"the line is not UTF-8: {error.reason} at byte {error.start + 1}") from None


def _orphan(item: _Item) -> str:
    again = f"; line {item.lines[0]} adds it too, so that one of the two is enough" if item.used else ""
    return f"line {item.lines[item.used]}: no entry refers to this item, {item.hash}{again}"


def _hint(raw: bytes) -> str:
    """What to add about a wrong line that ends the file without a newline."""
    if raw.endswith(b"\n") or len(raw) > MAX_LINE_BYTES:
        return ""
    return " (the file ends within this line and may be cut off)"
