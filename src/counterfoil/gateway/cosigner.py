"""Having a serving node's checkpoints cosigned: a thread for each witness, so that none waits for another.

A checkpoint that is published while a witness is still being asked, or is away, takes the place of those before it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import SystemRandom
from threading import Event, Lock, Thread
from typing import Final, NamedTuple

import msgspec

from counterfoil.errors import CounterfoilError, Unverified
from counterfoil.gateway.cosigning import cosign, cosigned_at, has_answered, merge_cosignatures
from counterfoil.gateway.fetch import SECONDS, Client
from counterfoil.gateway.witnesses import AskedWitness, Witnesses

FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 300.0
"""Seconds between two attempts with a witness that does not cosign: from the one to the other, doubled each time."""
REMEMBERED: Final = 16
"""How many notes are remembered: a slow witness's line joins those of quick ones on the same checkpoint."""

Latest = Callable[[], tuple[bytes, int] | None]
"""The note of the latest published checkpoint, with the lines that it has gained, and its size."""
Prove = Callable[[int, int], Sequence[bytes]]
Publish = Callable[[int, bytes], None]
"""Store the note of a published checkpoint, by its size, with more lines than it had."""


class WitnessStatus(NamedTuple):
    """How far a witness is: the size that it has cosigned, how many entries that is behind, when, and what is wrong."""

    name: str
    url: str
    size: int
    behind: int
    cosigned: int | None
    error: str | None


class Cosigner:
    """Asks the witnesses in a list. What it calls must bear being called from other threads.

    `tell` hears of each witness whose error has come, changed or gone; `wait` gives the seconds to wait after so many
    failures; `clock` seconds since 1970.
    """

    def __init__(
        self,
        witnesses: Witnesses,
        latest: Latest,
        prove: Prove,
        publish: Publish,
        *,
        tell: Callable[[WitnessStatus], None] = lambda status: None,
        wait: Callable[[int], float] | None = None,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.time,
    ):
        self._witnesses = witnesses
        self._latest = latest
        self._prove = prove
        self._publish = publish
        self._tell = tell
        self._wait = wait or backoff
        self._seconds = seconds
        self._clock = clock
        self._askers: dict[str, _Asker] = {}
        self._notes: OrderedDict[int, bytes] = OrderedDict()
        self._joining = Lock()
        self._waking = Lock()
        self._running = False

    def start(self) -> None:
        """Begin to ask, first for the latest checkpoint that there is."""
        with self._waking:
            self._running = True
        self.wake()

    def wake(self) -> None:
        """Say that there is a new checkpoint or that the list has changed; returns at once, whatever is wrong."""
        with self._waking:
            if not self._running:
                return
            # A list that cannot be read now is no reason to leave those alone that are known.
            with suppress(CounterfoilError):
                self._follow({each.name: each for each in self._witnesses.list()})
            for asker in self._askers.values():
                asker.wake()

    def _follow(self, listed: Mapping[str, AskedWitness]) -> None:
        """See that each witness in the list has its thread, and none other."""
        for name, asker in list(self._askers.items()):
            if name not in listed or not asker.asks(listed[name]):
                self._askers.pop(name).end()
        for name, witness in listed.items():
            if name not in self._askers:
                self._askers[name] = _Asker(self, witness)
                self._askers[name].start()

    def stop(self) -> None:
        """Ask no more; waits for what is under way, which has its time limit."""
        with self._waking:
            self._running = False
            askers = list(self._askers.values())
            self._askers.clear()
        for asker in askers:
            asker.end()
        for asker in askers:
            asker.join(2 * self._seconds + 1)

    def status(self) -> tuple[WitnessStatus, ...]:
        """How far each witness is."""
        latest = self._latest()
        return tuple(_status(each, latest[1] if latest else 0) for each in self._witnesses.list())

    def ask(self, name: str, client: Client) -> bool:
        """Have the latest checkpoint cosigned by a witness; False where it is to be asked again. It is recorded."""
        try:
            witness = next((each for each in self._witnesses.list() if each.name == name), None)
            latest = self._latest()
            return witness is None or latest is None or self._ask(witness, *latest, client)
        except CounterfoilError:
            # This machine's own trouble, with the store or the list; whoever writes to them says so.
            return False

    def _ask(self, witness: AskedWitness, note: bytes, size: int, client: Client) -> bool:
        cosigned = witness.cosigned
        try:
            if not has_answered(note, witness):
                lines = cosign(witness, note, self._prove, client, clock=self._clock)
                cosigned = cosigned_at(note, lines, witness)
                self._join(size, note, lines)
        except CounterfoilError as error:
            self._record(witness, size, error)
            return False
        self._record(msgspec.structs.replace(witness, size=size, cosigned=cosigned), size, None)
        return True

    def _join(self, size: int, note: bytes, lines: Sequence[bytes]) -> None:
        with self._joining:
            latest = self._latest()
            stored = latest[0] if latest and latest[1] == size else self._notes.get(size, note)
            self._notes[size] = merge_cosignatures(stored, lines)
            while len(self._notes) > REMEMBERED:
                self._notes.popitem(last=False)
            self._publish(size, self._notes[size])

    def _record(self, witness: AskedWitness, latest: int, error: CounterfoilError | None) -> None:
        told = str(error) if error else None
        self._witnesses.record(
            witness.name,
            size=witness.size,
            cosigned=witness.cosigned,
            error=told,
            unverified=isinstance(error, Unverified),
        )
        if told != witness.error:
            self._tell(_status(msgspec.structs.replace(witness, error=told), latest))

    def waits(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return self._wait(failures)

    def client(self) -> Client:
        """A client of a thread's own."""
        return Client(self._seconds)


class _Asker(Thread):
    """The thread that asks one witness."""

    def __init__(self, cosigner: Cosigner, witness: AskedWitness):
        # A daemon: a witness that is away must not keep a process that wants to end.
        super().__init__(name=f"cosigner {witness.name}", daemon=True)
        self._cosigner = cosigner
        self._witness = witness
        self._due = Event()
        self._ended = Event()

    def asks(self, witness: AskedWitness) -> bool:
        """Whether this is the witness, at the same address and with the same keys."""
        return (witness.url, witness.keys) == (self._witness.url, self._witness.keys)

    def wake(self) -> None:
        self._due.set()

    def end(self) -> None:
        self._ended.set()
        self._due.set()

    def run(self) -> None:
        with self._cosigner.client() as client:
            failures = 0
            while not self._ended.is_set():
                if not failures:
                    self._due.wait()
                self._due.clear()
                if self._ended.is_set():
                    return
                if self._cosigner.ask(self._witness.name, client):
                    failures = 0
                else:
                    failures += 1
                    self._ended.wait(self._cosigner.waits(failures))


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubled from 1 to 300, and half of it left to chance.

    By chance, so that nodes which lost a witness together do not all come back to it at once.
    """
    full = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures - 1, 16))
    return full * SystemRandom().uniform(0.5, 1.0)


def _status(witness: AskedWitness, latest: int) -> WitnessStatus:
    return WitnessStatus(
        witness.name,
        witness.url,
        witness.size,
        max(0, latest - witness.size),
        witness.cosigned,
        witness.error,
    )
