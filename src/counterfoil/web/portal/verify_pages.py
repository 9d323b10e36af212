"""The routes of the page that verifies a proof; nothing that is given to it is stored."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Response, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException
from litestar.params import Body

from counterfoil.errors import Unavailable
from counterfoil.proof.trust import MAX_TRUST_BYTES, Trust
from counterfoil.web.judging import MAX_PROOF_BYTES, judged
from counterfoil.web.portal.answer import PageRequest, answer
from counterfoil.web.portal.pages import page
from counterfoil.web.portal.proof_view import own_trust
from counterfoil.web.portal.verify_view import VerifyView, verify_view
from counterfoil.web.service import Service

MAX_FORM_BYTES: Final = MAX_PROOF_BYTES + MAX_TRUST_BYTES
Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]


async def check_size(request: PageRequest) -> None:
    """Refuse what is too large before it is taken apart."""
    if len(await request.body()) > MAX_FORM_BYTES:
        raise HTTPException(
            status_code=413,
            detail=f"what is judged here may have {MAX_PROOF_BYTES >> 20} MB; judge a larger proof on a machine of "
            "your own, with: counterfoil verify FILE --trust trust.json",
        )


@page("/verify", "/verify.json")
async def show_verify(request: PageRequest, service: NamedDependency[Service]) -> Response[bytes]:
    """A place to drop a file."""
    return await answer(request, service, VerifyView(), "verify.html", address="/verify")


@post(["/verify", "/verify.json"], include_in_schema=False, status_code=200, before_request=check_size)
async def judge_proof(request: PageRequest, service: NamedDependency[Service], data: Form) -> Response[bytes]:
    """A proof's verdict."""
    proof, trust = data.get("proof"), data.get("trust")
    content = await proof.read() if isinstance(proof, UploadFile) else b""
    given = await trust.read() if isinstance(trust, UploadFile) else None
    name = proof.filename if isinstance(proof, UploadFile) else ""
    view = await judged(lambda: verify_view(name, content, given, _own(service)))
    return await answer(request, service, view, "verify.html", address="/verify")


def _own(service: Service) -> Trust | None:
    try:
        return own_trust(service.node.home)
    except Unavailable:
        return None
