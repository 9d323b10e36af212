"""What the routes work with: the node, who may ask, the catalogue, and how the store is read and written from them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from counterfoil.errors import Unavailable
from counterfoil.identity.access import Access
from counterfoil.ledger.state import Head
from counterfoil.node import Node
from counterfoil.office.office import Office
from counterfoil.registry.catalogue.catalogue import Catalogue
from counterfoil.registry.catalogue.follower import CatalogueFollower
from counterfoil.store.store import Store
from counterfoil.web.auditing import Auditing
from counterfoil.web.desks import Desks
from counterfoil.web.looking import Seen, Wanted
from counterfoil.web.witnessing import Witnessing
from counterfoil.web.writer import Writer

T = TypeVar("T")

PROOF_SECONDS = 2.5
"""How long a proof waits for the index: the log is settled a second after its last block."""
PROOF_INTERVAL: Final = 0.05
CATALOGUE_SECONDS = 2.0
"""How long a list waits for the catalogue to take in what the log had when it was asked for."""


@dataclass(frozen=True)
class Service:
    """One serving installation."""

    node: Node
    writer: Writer
    catalogue: Catalogue
    follower: CatalogueFollower
    access: Access
    witnessing: Witnessing
    auditing: Auditing
    public_url: str | None = None
    """The address at which others reach this node, where that is not the one at which it listens."""
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(4, thread_name_prefix="reading")
    )
    desks: Desks = field(default_factory=Desks)

    @property
    def office(self) -> Office:
        """The agency's office over this node, opened at first use. Raises `Unavailable` where the node only reads."""
        return self.desks.open(self.node, self.writer)

    async def at_office(self, call: Callable[[Office], T]) -> T:
        """Have the office do something, in one of its threads; it may wait for a block there."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.desks.threads, lambda: call(self.office))

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

    async def proved(self, ask: Callable[[Store], T], *, long: bool = False) -> T:
        """Ask the store, in a thread, for a proof; waits until the index knows what was written just now.

        `long`: as `read_long` does. Raises `Unavailable` where the index is not as far in time.
        """
        read = self.read_long if long else self._read_in_thread
        end = time.monotonic() + PROOF_SECONDS
        while True:
            before = self.node.store.head
            try:
                return await read(ask)
            except Unavailable:
                if _settled(before) and _settled(self.node.store.head):
                    raise
                # Only this is looked at meanwhile, so that many who wait hold nobody up.
                while self.node.store.head.index == before.index:
                    if time.monotonic() >= end:
                        raise
                    await asyncio.sleep(PROOF_INTERVAL)

    async def in_thread(self, call: Callable[[], T]) -> T:
        """Run what would hold up other requests."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, call)

    async def show(self, wanted: Wanted) -> Seen:
        """Show items to an officer, once it is in the log. Raises as `Office.disclose`, and `Busy`."""
        # Opening the office may take a key out of a passphrase, which is slow on purpose.
        office = self.desks.opened
        if office is None:
            office = await self.at_office(lambda opened: opened)
        return await self.desks.looks.show(office, self.writer, wanted)

    async def arriving(self, call: Callable[[], T]) -> T:
        """Take in a document that arrives slowly, in one of few threads of their own."""
        return await asyncio.get_running_loop().run_in_executor(self.desks.arriving, call)

    async def current_catalogue(self) -> Catalogue:
        """The catalogue, once it has taken in every entry that the log has now. Raises `Unavailable`."""
        size = self.node.store.head.size
        if self.catalogue.position < size:
            caught_up = await self.in_thread(lambda: self.catalogue.wait_for(size, CATALOGUE_SECONDS))
            if not caught_up and self.follower.error:
                raise Unavailable(f"lists and search stand still: {self.follower.error}")
            if not caught_up:
                raise Unavailable(
                    "the catalogue is taking in many entries at this moment; ask again in a while"
                )
        return self.catalogue

    async def _read_in_thread(self, ask: Callable[[Store], T]) -> T:
        return await self.in_thread(lambda: self._read(ask))

    def _read(self, ask: Callable[[Store], T]) -> T:
        with self.node.reading() as store:
            return ask(store)


def _settled(head: Head) -> bool:
    """Whether the index knows every entry of the log."""
    return head.index is not None and head.index.number == head.size - 1
