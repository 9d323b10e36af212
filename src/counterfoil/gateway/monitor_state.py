"""A monitor's folder: the checkpoints of one log that it has seen, when it saw them where, and evidence.

checkpoints/   those shown to follow each other: SIZE-ROOT.txt, the note as it was served; none is ever changed
unproven/      those that the log has signed and whose place among these could not be found out yet
evidence/      what contradicts them (see monitor_evidence.py); a fork is told of until its file is moved away
addresses.json the log's origin and, of each address, when it was last well
lock           held while one monitor works
"""

from __future__ import annotations

import fcntl
import os
import re
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from counterfoil.errors import Busy, Damaged, Malformed
from counterfoil.gateway.fetch import address
from counterfoil.gateway.monitor_evidence import Evidence
from counterfoil.gateway.monitor_keys import Seen
from counterfoil.home import refused_by_machine, write_whole
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.note import parse_note

_NAME: Final = re.compile(r"([0-9]{19})-[0-9a-f]{64}\.txt")


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of an address; times are in seconds since 1970.

    `since`: first asked. `seen`: last well, and `size` the largest size then. `grew`: when that last became larger.
    """

    since: int
    seen: int
    size: int
    grew: int


class _Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    origin: str | None
    addresses: dict[str, Address]


class _Place(NamedTuple):
    size: int
    name: str


class MonitorState:
    """The folder, held by one monitor; see `monitor_state`."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._file = folder / "addresses.json"
        known = self._read_known()
        self.origin = known.origin
        self._addresses = known.addresses
        self._places = sorted(_places(folder / "checkpoints"))

    def bind(self, origin: str) -> None:
        """Take the folder for the log of this origin. Raises `Malformed` where it is another's."""
        if self.origin not in {None, origin}:
            raise Malformed(
                f"{self._folder} holds the checkpoints of the log {self.origin!r}, and this one is of {origin[:80]!r}; "
                "name another folder with --state"
            )
        self.origin = origin

    def address(self, url: str, now: int) -> Address:
        """What is known of an address; of a new one, that it is asked now."""
        return self._addresses.setdefault(normal_address(url), Address(now, now, 0, now))

    def update(self, url: str, address: Address) -> None:
        """Note what an address has shown; `save` writes it down."""
        self._addresses[normal_address(url)] = address

    def save(self) -> None:
        """Write down what was noted of the addresses."""
        known = _Known(self.origin, self._addresses)
        write_whole(self._file, msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n", 0o600)

    # Checkpoints

    def largest(self) -> int:
        """The largest size that was seen of the log and is well, also where its checkpoint is not here any more."""
        kept = self._places[-1].size if self._places else 0
        return max([kept, *(each.size for each in self._addresses.values())])

    def at_size(self, size: int) -> list[Seen]:
        """Every checkpoint of this size, proved or not."""
        unproven = [place for place in _places(self._folder / "unproven") if place.size == size]
        start = bisect_left(self._places, (size, ""))
        kept = [place for place in self._places[start : start + 1] if place.size == size]
        return [*map(self._read, kept), *(self._read(place, "unproven") for place in unproven)]

    def keeps(self, seen: Seen) -> bool:
        """Whether a checkpoint is among those that follow each other."""
        return _Place(seen.size, _name(seen)) in self._places

    def below(self, size: int) -> Seen | None:
        """The largest checkpoint kept that is smaller."""
        at = bisect_left(self._places, (size, ""))
        return self._read(self._places[at - 1]) if at else None

    def above(self, size: int) -> Seen | None:
        """The smallest checkpoint kept that is larger."""
        at = bisect_left(self._places, (size + 1, ""))
        return self._read(self._places[at]) if at < len(self._places) else None

    def keep(self, seen: Seen) -> None:
        """Keep a checkpoint that follows those before it; it is on the disk before this returns."""
        place = _Place(seen.size, _name(seen))
        if place not in self._places:
            _write(self._folder / "checkpoints", place.name, seen.note)
            self._places.insert(bisect_left(self._places, place), place)
        self.drop_unproven(seen)

    def keep_unproven(self, seen: Seen) -> None:
        """Keep a checkpoint whose place could not be found out."""
        if not (self._folder / "unproven" / _name(seen)).exists():
            _write(self._folder / "unproven", _name(seen), seen.note)

    def unproven(self) -> list[Seen]:
        """Those, the smallest first."""
        return [self._read(place, "unproven") for place in sorted(_places(self._folder / "unproven"))]

    def drop_unproven(self, seen: Seen) -> None:
        """Forget one of them, since it is kept elsewhere now."""
        with refused_by_machine(self._folder):
            (self._folder / "unproven" / _name(seen)).unlink(missing_ok=True)

    # Evidence

    def accuse(self, evidence: Evidence, first: Seen, second: Seen) -> Path:
        """Keep evidence, once for each pair of checkpoints; gives its file."""
        pair = "-".join(f"{each.size}-{each.root.hex()[:16]}" for each in (first, second))
        name = f"{evidence.kind}-{pair}.json"
        path = self._folder / "evidence" / name
        if not path.exists():
            _write(path.parent, name, evidence.encode())
        return path

    def forks(self) -> list[Path]:
        """The files with evidence of a fork."""
        with refused_by_machine(self._folder):
            return sorted((self._folder / "evidence").glob("fork-*.json"))

    def _read(self, place: _Place, folder: str = "checkpoints") -> Seen:
        path = self._folder / folder / place.name
        with refused_by_machine(path):
            note = path.read_bytes()
        try:
            seen = Seen(Checkpoint.parse(parse_note(note).text), note)
        except Malformed as error:
            raise Damaged(f"{path} is no checkpoint any more ({error}); restore it from a copy") from None
        if _name(seen) != place.name:
            raise Damaged(f"{path} is not the checkpoint that it is named after; restore it from a copy")
        return seen

    def _read_known(self) -> _Known:
        with refused_by_machine(self._file):
            data = self._file.read_bytes() if self._file.exists() else b""
        try:
            known = msgspec.json.decode(data, type=_Known) if data else _Known(None, {})
            # An address that was written in two ways is one; what it has shown most counts.
            addresses = sorted(known.addresses.items(), key=lambda item: item[1].size)
            return _Known(known.origin, {normal_address(url): each for url, each in addresses})
        except (msgspec.DecodeError, UnicodeDecodeError, Malformed) as error:
            raise Damaged(f"{self._file} cannot be read ({error}); restore it from a copy") from None


def normal_address(url: str) -> str:
    """An address as it is known by, however it is written: `HTTPS://Log.Example:443/x/` is `https://log.example/x`.

    Raises `Malformed` where it is none.
    """
    if url.startswith("file:"):
        return url.replace("file://localhost/", "file:///", 1).rstrip("/")
    return str(address(url).copy_with(fragment=None)).rstrip("/")


@contextmanager
def monitor_state(folder: Path) -> Iterator[MonitorState]:
    """A monitor's folder, made where it is missing, for one process at a time.

    Raises `Busy` where another monitor works in it, `Unavailable` or `Damaged` where it cannot be used.
    """
    with refused_by_machine(folder):
        for each in (folder, folder / "checkpoints", folder / "unproven", folder / "evidence"):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"another monitor works in {folder}; let it end, or name a folder of its own"
            ) from None
        yield MonitorState(folder)
    finally:
        os.close(lock)


def _name(seen: Seen) -> str:
    return f"{seen.size:019}-{seen.root.hex()}.txt"


def _places(folder: Path) -> Iterator[_Place]:
    with refused_by_machine(folder):
        names = [path.name for path in folder.iterdir()]
    for name in names:
        match = _NAME.fullmatch(name)
        if match:
            yield _Place(int(match[1]), name)


def _write(folder: Path, name: str, data: bytes) -> None:
    write_whole(folder / name, data, 0o600)
