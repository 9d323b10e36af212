"""How far the witnesses are, for who can do without knowing."""

from __future__ import annotations

from counterfoil.errors import Damaged, Unavailable
from counterfoil.gateway.cosigner import WitnessStatus
from counterfoil.web.service import Service


async def witness_statuses(service: Service) -> tuple[WitnessStatus, ...]:
    """Each witness, and how far it has cosigned; none where their list cannot be read, which `/v1/health` tells of."""
    try:
        return await service.in_thread(service.witnessing.status)
    except (Damaged, Unavailable):
        return ()
