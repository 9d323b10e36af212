"""How a node is: whether it can read, write, tell the time and go on storing."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal
from weakref import WeakKeyDictionary

import msgspec

from counterfoil.errors import CounterfoilError, Damaged, Unavailable
from counterfoil.gateway.cosigner import WitnessStatus
from counterfoil.node import Node
from counterfoil.proof.instant import instant_text
from counterfoil.web.problem import without_paths
from counterfoil.web.service import Service

KEPT_SECONDS = 1.0
"""How long what was seen is told again: whoever asks more often learns nothing more by it."""
MAX_BEHIND_SECONDS: Final = 300
"""How far the clock may be behind the last block before nothing is written."""
MIN_FREE_BYTES = 64 << 20
WRITER_SECONDS = 5.0
"""How long the writer may take to come to a request that writes nothing."""
TURN_SECONDS = 2.0
"""How long to wait for the store's turn: a block takes less."""
LONGEST_SECONDS = 120.0
"""How long something large may be stored."""
STORING: Final = (
    "something large, such as a document, is being stored at this moment; what else there is waits for it"
)


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at, and what was seen."""

    name: str
    ok: bool
    detail: str


class WitnessHealth(msgspec.Struct, frozen=True):
    """How far a witness has cosigned, and how many entries that is behind; this is shown, and holds nothing up."""

    name: str
    size: int
    behind: int


class Health(msgspec.Struct, frozen=True, rename={"catalogue_behind": "catalogue-behind"}):
    """How a node is; `status` is `ok` where every check is."""

    status: Literal["ok", "failing"]
    size: int
    catalogue_behind: int
    checks: tuple[Check, ...]
    witnesses: tuple[WitnessHealth, ...]


async def health_of(service: Service) -> Health:
    """Look at everything that a node needs to do its work, at most once a second."""
    examination = _EXAMINATIONS.get(service.node)
    if examination is None:
        examination = _EXAMINATIONS[service.node] = _Examination()
    return await examination.health(service)


class _Examination:
    """Looks at one node, and remembers what was seen."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._health: Health | None = None
        self._at = 0.0
        self._held_since: float | None = None
        """Since when the store has been in use whenever it was looked at."""
        self._witnesses: tuple[WitnessStatus, ...] = ()

    async def health(self, service: Service) -> Health:
        """What was seen within the last second, or is seen now."""
        async with self._turn:
            if self._health is None or time.monotonic() - self._at >= KEPT_SECONDS:
                self._health = await self._look(service)
                self._at = time.monotonic()
            return self._health

    async def _look(self, service: Service) -> Health:
        looks: dict[str, Callable[[Service], Awaitable[str]]] = {
            "store": self._look_at_store,
            "writer": self._look_at_writer,
            "clock": _look_at_clock,
            "disk": _look_at_disk,
            "catalogue": _look_at_catalogue,
            "audit": _look_at_audit,
            "witnesses": self._look_at_witnesses,
        }
        checks = tuple([await _taken(name, look, service) for name, look in looks.items()])
        size = service.node.store.head.size
        return Health(
            "ok" if all(each.ok for each in checks) else "failing",
            size,
            max(size - service.catalogue.position, 0),
            checks,
            tuple(WitnessHealth(each.name, each.size, each.behind) for each in self._witnesses),
        )

    async def _look_at_store(self, service: Service) -> str:
        size = await service.in_thread(lambda: _read_last(service.node))
        if size is not None:
            self._held_since = None
            return f"the log has {size} entries, and the last one can be read"
        now = time.monotonic()
        self._held_since = now if self._held_since is None else self._held_since
        if now - self._held_since >= LONGEST_SECONDS:
            raise Unavailable(
                f"whenever it was looked at for {LONGEST_SECONDS:.0f} seconds, something was being stored; see whether "
                "the disk still answers"
            )
        return STORING

    async def _look_at_writer(self, service: Service) -> str:
        if not service.writer.alive:
            raise Unavailable("the thread that writes has ended; start the node anew")
        # The witnesses are asked after whatever the writer does, so that it is only given something to do where others
        # wait for it as well.
        if service.writer.waiting and self._held_since is None:
            try:
                await asyncio.wait_for(service.writer.run(lambda: None), WRITER_SECONDS)
            except TimeoutError:
                if await service.in_thread(lambda: _read_last(service.node)) is None:
                    return STORING
                raise Unavailable(
                    f"the writer did not come to a request within {WRITER_SECONDS:.0f} seconds"
                ) from None
        return f"requests that wait to be stored: {service.writer.waiting}"

    async def _look_at_witnesses(self, service: Service) -> str:
        self._witnesses = ()
        self._witnesses = await service.in_thread(service.witnessing.status)
        return f"witnesses that are asked to cosign: {len(self._witnesses)}"


async def _taken(name: str, look: Callable[[Service], Awaitable[str]], service: Service) -> Check:
    try:
        return Check(name, True, await look(service))
    except (CounterfoilError, OSError) as error:
        return Check(name, False, without_paths(str(error)))


def _read_last(node: Node) -> int | None:
    """Read the last entry, and give the log's size; None where the store is in use all the time."""
    if not node.store.turn.acquire(timeout=TURN_SECONDS):
        return None
    try:
        with node.reading() as store:
            size = store.head.size
            if not store.entry(size - 1):
                raise Damaged("the last entry is empty; run counterfoil audit")
            return size
    finally:
        node.store.turn.release()


async def _look_at_clock(service: Service) -> str:
    behind = service.node.store.head.time - int(service.node.clock())
    if behind > MAX_BEHIND_SECONDS:
        raise Unavailable(f"the clock is {behind} seconds behind the last block; set it right")
    return "the clock is not behind the last block"


async def _look_at_disk(service: Service) -> str:
    free = shutil.disk_usage(service.node.home.folder).free
    if free < MIN_FREE_BYTES:
        raise Unavailable(f"the disk has {free:,} bytes left; make room")
    return f"the disk has over {MIN_FREE_BYTES:,} bytes left"


async def _look_at_catalogue(service: Service) -> str:
    if service.follower.error is not None:
        raise Unavailable(f"lists and search stand still: {service.follower.error}")
    return "lists and search follow the log"


async def _look_at_audit(service: Service) -> str:
    latest = service.auditing.latest
    if latest is None:
        return "not audited yet since the node was started"
    when = instant_text(int(latest.began))
    if latest.audited is None:
        raise Unavailable(f"the audit of {when} could not be done: {latest.error}")
    if latest.audited.found:
        raise Damaged(f"the audit of {when} found {latest.audited.found} faults; the page /audit names them")
    return f"the audit of {when} found nothing"


_EXAMINATIONS: Final[WeakKeyDictionary[Node, _Examination]] = WeakKeyDictionary()
