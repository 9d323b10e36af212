"""Documents to be attached, as they arrive: encrypted part by part, so that none of it is written down in plain."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import IO

from counterfoil.errors import Malformed
from counterfoil.home import refused_by_machine
from counterfoil.proof.canonical import labelled
from counterfoil.registry.personal.attachments import Attachment, seal_attachment
from counterfoil.web.entrance import Receive
from counterfoil.web.service import Service
from counterfoil.web.upload import PART_SECONDS, pieces


async def store_attachment(service: Service, receive: Receive, media_type: str, kind: str) -> Attachment:
    """Encrypt and store a document that a client sends; gives what opens it.

    Raises `Malformed` as `seal_attachment`, and where its sender leaves; `TimeoutError` where it stops.
    """
    cache = service.node.home.cache
    arriving = _Arriving(receive, asyncio.get_running_loop())
    try:
        with refused_by_machine(cache):
            cache.mkdir(mode=0o700, exist_ok=True)
            with tempfile.TemporaryFile(dir=cache) as file:
                attachment = await service.arriving(
                    lambda: seal_attachment(
                        arriving.parts(), lambda sealed: _keep(file, sealed), media_type, kind
                    )
                )
                await service.writer.run(lambda: service.node.put_document(pieces(file)))
                return attachment
    except Malformed:
        if arriving.late:
            raise TimeoutError from None
        raise


class _Arriving:
    """A body that arrives in an event loop, for a thread that takes its parts."""

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop):
        self.late = False
        self._receive = receive
        self._loop = loop

    def parts(self) -> Iterator[bytes]:
        """The body's parts. Raises `Malformed` where it does not arrive whole."""
        more = True
        while more:
            part, more = asyncio.run_coroutine_threadsafe(self._part(), self._loop).result()
            yield part

    async def _part(self) -> tuple[bytes, bool]:
        try:
            async with asyncio.timeout(PART_SECONDS):
                message = await self._receive()
        except TimeoutError:
            self.late = True
            raise Malformed("the document stopped arriving; send it again") from None
        if message["type"] == "http.disconnect":
            raise Malformed("the document ended before it was whole; send it again")
        return message.get("body", b""), message.get("more_body", False)


def _keep(file: IO[bytes], sealed: Iterable[bytes]) -> str:
    """Keep the ciphertext, and give its labelled hash, under which it is stored."""
    hasher = sha256()
    for chunk in sealed:
        file.write(chunk)
        hasher.update(chunk)
    return labelled(hasher.digest())
