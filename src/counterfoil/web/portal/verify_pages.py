"""The routes of the page that verifies a proof; nothing that is given to it is stored."""

from __future__ import annotations

import threading
from typing import Annotated, Any, Final

from litestar import Response, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body

from counterfoil.errors import Busy, Unavailable
from counterfoil.proof.trust import Trust
from counterfoil.web.portal.answer import PageRequest, answer
from counterfoil.web.portal.pages import page
from counterfoil.web.portal.proof_view import own_trust
from counterfoil.web.portal.verify_view import VerifyView, verify_view
from counterfoil.web.service import Service

AT_ONCE: Final = 2
"""How many proofs are judged at once: a large one takes seconds."""
Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]

_turns = threading.BoundedSemaphore(AT_ONCE)


@page("/verify", "/verify.json")
async def show_verify(request: PageRequest, service: NamedDependency[Service]) -> Response[bytes]:
    """A place to drop a file."""
    return await answer(request, service, VerifyView(), "verify.html", address="/verify")


@post(["/verify", "/verify.json"], include_in_schema=False, status_code=200)
async def judge_proof(request: PageRequest, service: NamedDependency[Service], data: Form) -> Response[bytes]:
    """A proof's verdict."""
    proof, trust = data.get("proof"), data.get("trust")
    content = await proof.read() if isinstance(proof, UploadFile) else b""
    given = await trust.read() if isinstance(trust, UploadFile) else None
    name = proof.filename if isinstance(proof, UploadFile) else ""
    view = await service.in_thread(lambda: _judged(name, content, given, service))
    return await answer(request, service, view, "verify.html", address="/verify")


def _judged(name: str, content: bytes, given: bytes | None, service: Service) -> VerifyView:
    if not _turns.acquire(blocking=False):
        raise Busy("other proofs are being judged at this moment; try again in a second")
    try:
        return verify_view(name, content, given, _own(service))
    finally:
        _turns.release()


def _own(service: Service) -> Trust | None:
    try:
        return own_trust(service.node.home)
    except Unavailable:
        return None
