"""Routes about the node itself: what it keeps, how it is, how to trust it, who is asking."""

from __future__ import annotations

from typing import Final

from litestar import get, post, route
from litestar.di import NamedDependency

from counterfoil.errors import NotFound
from counterfoil.identity.caller import Caller
from counterfoil.proof.canonical import labelled
from counterfoil.proof.instant import instant_text
from counterfoil.store.store import Store
from counterfoil.web.api.answers import Answer, answer
from counterfoil.web.api.asking import Asked, NoQuery, query, require
from counterfoil.web.api.health import health_of
from counterfoil.web.metrics import CONTENT_TYPE, Metrics
from counterfoil.web.service import Service
from counterfoil.web.witness_statuses import witness_statuses

LINKS: Final = {
    "registers": "/v1/registers",
    "entries": "/v1/entries",
    "pending": "/v1/pending",
    "checkpoint": "/v1/log/checkpoint",
    "trust": "/v1/trust",
    "health": "/v1/health",
    "description": "/v1/openapi.json",
}


@route("/", http_method=["GET", "HEAD"])
async def show_node(request: Asked, service: NamedDependency[Service]) -> Answer:
    """Which ledger this is, how large its log is, and how far it can be trusted."""
    query(request, NoQuery)

    def read(store: Store) -> tuple[int, bytes, int]:
        return store.head.size, store.log.root(), store.head.time

    size, root, time = await service.read(read)
    level = await service.in_thread(service.witnessing.level)
    return answer(
        {
            "origin": service.node.origin,
            "agency": service.node.agency,
            "size": size,
            "root": labelled(root),
            "time": instant_text(time),
            "level": level,
            "links": LINKS,
        }
    )


@route("/health", http_method=["GET", "HEAD"])
async def show_health(request: Asked, service: NamedDependency[Service]) -> Answer:
    """Whether the node can do its work; 503 where it cannot."""
    query(request, NoQuery)
    health = await health_of(service)
    return answer(health, 200 if health.status == "ok" else 503, {"cache-control": "no-store"})


@route("/trust", http_method=["GET", "HEAD"])
async def show_trust(request: Asked, service: NamedDependency[Service]) -> Answer:
    """The trust policy that verifies this ledger's proofs. Get it once, from elsewhere too, and compare."""
    query(request, NoQuery)
    path = service.node.home.trust
    try:
        return answer(await service.in_thread(path.read_bytes))
    except FileNotFoundError:
        raise NotFound("this node has no trust policy yet; it is made when the node starts") from None


@route("/caller", http_method=["GET", "HEAD"])
async def show_caller(request: Asked, caller: NamedDependency[Caller]) -> Answer:
    """Who is asking, as this node sees it, and what they may do."""
    query(request, NoQuery)
    return _caller(caller)


@post("/caller", status_code=200)
async def try_caller(request: Asked, caller: NamedDependency[Caller]) -> Answer:
    """The same for a request with a body, to try a signature over one. Nothing is stored."""
    query(request, NoQuery)
    await request.body()
    return _caller(caller)


@get("/metrics")
async def show_metrics(
    request: Asked,
    service: NamedDependency[Service],
    caller: NamedDependency[Caller],
    metrics: NamedDependency[Metrics],
) -> Answer:
    """What the node counts, for Prometheus, to who has the scope `metrics`."""
    query(request, NoQuery)
    require(caller, "metrics")
    behind = {each.name: each.behind for each in await witness_statuses(service)}
    latest = service.auditing.latest
    faults = latest.audited.found if latest is not None and latest.audited is not None else None
    text = metrics.text(service.node.store.head.size, service.writer.waiting, behind, faults)
    return answer(
        text, headers={"cache-control": "no-store"}, media_type=CONTENT_TYPE.removesuffix("; charset=utf-8")
    )


def _caller(caller: Caller) -> Answer:
    return answer(
        {"name": caller.name, "kind": caller.kind, "scopes": sorted(caller.scopes)},
        headers={"cache-control": "no-store"},
    )


about_routes: Final = [show_node, show_health, show_trust, show_caller, try_caller, show_metrics]
