"""Documents that arrive part by part: kept in a file until they are whole, so that a slow sender holds nobody up."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from typing import IO, Final

from counterfoil.errors import Malformed
from counterfoil.home import refused_by_machine
from counterfoil.web.entrance import Receive
from counterfoil.web.service import Service

MAX_DOCUMENT_BYTES: Final = 64 << 20
"""The largest document that is taken from a client: other writes wait while it is stored."""
PART_SECONDS: Final = 30.0
"""How long a client may take for the next part."""
PIECE: Final = 1 << 18


async def store_streamed(service: Service, receive: Receive, limit: int = MAX_DOCUMENT_BYTES) -> str:
    """Store a document that a client sends; gives its labelled hash.

    Raises `Malformed` where it is over `limit` bytes long or its sender leaves, `TimeoutError` where it stops.
    """
    cache = service.node.home.cache
    with refused_by_machine(cache):
        cache.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache) as file:
            if await _spool(service, receive, file, limit):
                name: str = await service.writer.run(lambda: service.node.put_document(pieces(file)))
                return name
    # Raised here: it is an `OSError` as well, and the machine has refused nothing.
    raise TimeoutError


async def _spool(service: Service, receive: Receive, file: IO[bytes], limit: int) -> bool:
    """Keep the document in the file; whether it arrived whole, and did not stop."""
    size, more = 0, True
    while more:
        try:
            async with asyncio.timeout(PART_SECONDS):
                message = await receive()
        except TimeoutError:
            return False
        if message["type"] == "http.disconnect":
            raise Malformed("the document ended before it was whole; send it again")
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size > limit:
            raise Malformed(f"the document is over {limit:,} bytes long, the most that is taken here")
        await service.in_thread(lambda data=part: file.write(data))  # type: ignore[misc]  # bound to this part
    return True


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """What a file holds, a piece at a time."""
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece
