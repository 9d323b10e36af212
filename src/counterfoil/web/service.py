"""What the routes work with: the node, who may ask, the catalogue, and how the store is read and written from them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from counterfoil.errors import Unavailable
from counterfoil.identity.access import Access
from counterfoil.node import Node
from counterfoil.registry.catalogue import Catalogue
from counterfoil.store.store import Store
from counterfoil.web.auditing import Auditing
from counterfoil.web.witnessing import Witnessing
from counterfoil.web.writer import Writer

T = TypeVar("T")

CATALOGUE_SECONDS = 2.0
"""How long a list waits for the catalogue to take in what the log had when it was asked for."""


@dataclass(frozen=True)
class Service:
    """One serving installation."""

    node: Node
    writer: Writer
    catalogue: Catalogue
    access: Access
    witnessing: Witnessing
    auditing: Auditing
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(4, thread_name_prefix="reading")
    )

    async def read(self, ask: Callable[[Store], T]) -> T:
        """Ask the store something that takes milliseconds at most; it waits in a thread where a block is stored now."""
        node = self.node
        if node.store.turn.acquire(blocking=False):
            try:
                with node.reading() as store:
                    return ask(store)
            finally:
                node.store.turn.release()
        return await self.in_thread(lambda: self._read(ask))

    async def read_long(self, ask: Callable[[Store], T]) -> T:
        """Ask a view of the store of its own something that takes longer, in a thread; blocks are stored meanwhile."""

        def asked() -> T:
            with self.node.snapshot() as store:
                return ask(store)

        return await self.in_thread(asked)

    async def in_thread(self, call: Callable[[], T]) -> T:
        """Run what would hold up other requests."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, call)

    async def current_catalogue(self) -> Catalogue:
        """The catalogue, once it has taken in every entry that the log has now. Raises `Unavailable`."""
        size = self.node.store.head.size
        if self.catalogue.position < size:
            caught_up = await self.in_thread(lambda: self.catalogue.wait_for(size, CATALOGUE_SECONDS))
            if not caught_up:
                raise Unavailable(
                    "the catalogue is taking in many entries at this moment; ask again in a while"
                )
        return self.catalogue

    def _read(self, ask: Callable[[Store], T]) -> T:
        with self.node.reading() as store:
            return ask(store)
