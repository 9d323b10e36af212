"""Routes over documents: bytes of any kind that entries name by their hash."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from itertools import count
from typing import Any, Final

from litestar import Response, post, route
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Stream

from counterfoil.identity.caller import Caller
from counterfoil.proof.canonical import unlabelled
from counterfoil.registry.documents import check_document, document_exists, read_piece
from counterfoil.web.api.answers import FOREVER, Answer, answer
from counterfoil.web.api.asking import Asked, NoQuery, query, repeatable, require
from counterfoil.web.api.places import DOCUMENTS
from counterfoil.web.service import Service
from counterfoil.web.upload import MAX_DOCUMENT_BYTES, store_streamed


@post("/documents")
async def store_document(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """Store a document; the same bytes are stored once."""
    query(request, NoQuery)
    require(caller, "documents")
    repeatable(request, caller, b"")
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MAX_DOCUMENT_BYTES:
        raise HTTPException(status_code=413, detail=f"a document has at most {MAX_DOCUMENT_BYTES:,} bytes")
    try:
        name = await store_streamed(service, request.receive)  # type: ignore[arg-type]  # ASGI, as the library has it
    except TimeoutError:
        raise HTTPException(status_code=408, detail="the document stopped arriving; send it again") from None
    size = await service.read(lambda store: document_exists(store, name))
    return answer({"document": name, "size": size}, 201, {"location": f"{DOCUMENTS}/{name}"})


@route("/documents/{document:str}", http_method=["GET", "HEAD"])
async def show_document(
    request: Asked, service: NamedDependency[Service], document: FromPath[str]
) -> Response[Any]:
    """A document's bytes. A damaged one is refused before any of it is sent."""
    query(request, NoQuery)
    unlabelled(document)
    size = await service.read(lambda store: document_exists(store, document))
    headers = {
        **FOREVER,
        "etag": f'"{document}"',
        "content-disposition": f'attachment; filename="{document.replace(":", "-")}"',
    }
    if request.method == "HEAD":
        return Response(
            b"", media_type="application/octet-stream", headers={**headers, "content-length": str(size)}
        )
    await service.read_long(lambda store: check_document(store, document))
    return Stream(
        _pieces(service, document),
        media_type="application/octet-stream",
        headers={**headers, "content-length": str(size)},
    )


async def _pieces(service: Service, document: str) -> AsyncIterator[bytes]:
    for number in count():
        piece = await service.read(partial(read_piece, name=document, number=number))
        if piece is None:
            return
        yield piece


document_routes: Final = [store_document, show_document]
