"""How a node is: whether it can read, write, tell the time and go on storing."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import msgspec

from counterfoil.errors import CounterfoilError, Damaged, Unavailable
from counterfoil.web.service import Service

MAX_BEHIND_SECONDS: Final = 300
"""How far the clock may be behind the last block before nothing is written."""
MIN_FREE_BYTES: Final = 64 << 20
WRITER_SECONDS: Final = 5.0
"""How long the writer may take to come to a request that writes nothing."""


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
    """Look at everything that a node needs to do its work."""
    size = service.node.store.head.size
    checks = tuple([await _taken(name, look, service) for name, look in LOOKS.items()])
    witnesses = tuple(
        WitnessHealth(each.name, each.size, each.behind) for each in service.witnessing.status()
    )
    behind = max(size - service.catalogue.position, 0)
    return Health("ok" if all(each.ok for each in checks) else "failing", size, behind, checks, witnesses)


async def _taken(name: str, look: Callable[[Service], Awaitable[str]], service: Service) -> Check:
    try:
        return Check(name, True, await look(service))
    except (CounterfoilError, OSError) as error:
        return Check(name, False, str(error))


async def _store(service: Service) -> str:
    size = await service.read(lambda store: store.head.size)
    stored = await service.read(lambda store: len(store.entry(size - 1)))
    if not stored:
        raise Damaged("the last entry is empty; run counterfoil audit")
    return f"the log has {size} entries, and the last one can be read"


async def _writer(service: Service) -> str:
    try:
        await asyncio.wait_for(service.writer.run(lambda: None), WRITER_SECONDS)
    except TimeoutError:
        raise Unavailable(
            f"the writer did not come to a request within {WRITER_SECONDS:.0f} seconds"
        ) from None
    return f"requests that wait to be stored: {service.writer.waiting}"


async def _clock(service: Service) -> str:
    behind = service.node.store.head.time - int(service.node.clock())
    if behind > MAX_BEHIND_SECONDS:
        raise Unavailable(f"the clock is {behind} seconds behind the last block; set it right")
    return "the clock is not behind the last block"


async def _disk(service: Service) -> str:
    free = shutil.disk_usage(service.node.home.folder).free
    if free < MIN_FREE_BYTES:
        raise Unavailable(f"the disk has {free:,} bytes left; make room")
    return f"the disk has over {MIN_FREE_BYTES:,} bytes left"


LOOKS: Final[dict[str, Callable[[Service], Awaitable[str]]]] = {
    "store": _store,
    "writer": _writer,
    "clock": _clock,
    "disk": _disk,
}
