"""The route that verifies a proof bundle, for whoever has no verifier at hand."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import post
from litestar.di import NamedDependency

from counterfoil.errors import Malformed
from counterfoil.identity.caller import Caller
from counterfoil.proof.canonical import canonical, parse
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify
from counterfoil.web.api.answers import Answer, answer
from counterfoil.web.api.asking import JSON, Asked, NoQuery, check_type, limited, query
from counterfoil.web.entrance import MAX_BODY_BYTES
from counterfoil.web.judging import MAX_PROOF_BYTES, check_format, judged
from counterfoil.web.service import Service

OWN: Final = (
    "this node's own trust policy, since none was sent: compare it with one that you have from elsewhere"
)
SENT: Final = "the trust policy that was sent with the bundle"


@post("/verify", status_code=200)
async def verify_bundle(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """Verify a proof bundle, step by step: alone by this node's trust policy, or by one that is sent beside it."""
    query(request, NoQuery)
    check_type(request, JSON)
    data = limited(await request.body(), MAX_PROOF_BYTES if caller.kind == "anonymous" else MAX_BODY_BYTES)
    return answer(await judged(lambda: _judged(service, data)))


def _judged(service: Service, data: bytes) -> dict[str, Any]:
    check_format(data)
    value = parse(data, "the body")
    sent = None
    if "bundle" in value:
        if unknown := value.keys() - {"bundle", "trust"}:
            raise Malformed(
                f"the body has a member {min(unknown)!r:.80}; beside the bundle it takes trust alone"
            )
        sent, value = value.get("trust"), value["bundle"]
        data = canonical(value)
    trust = Trust.parse(service.node.home.trust.read_bytes() if sent is None else canonical(sent))
    report: dict[str, Any] = msgspec.to_builtins(verify(data, trust))
    return {**report, "trust": OWN if sent is None else SENT}


verify_routes: Final = [verify_bundle]
