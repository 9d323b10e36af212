"""Proposals as clients write them: not for the personal registers that this agency keeps."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from counterfoil.errors import Refused
from counterfoil.ledger.definition import Definition
from counterfoil.node import Node
from counterfoil.store.store import Store
from counterfoil.web.service import Service


async def refuse_raw(service: Service, registers: Iterable[str]) -> None:
    """Raise `Refused` where this agency keeps one of the registers and it hides fields: the office judges and seals.

    What another agency's register is sent, the ledger judges, and that agency endorses.
    """
    node = service.node
    for register in registers:
        if register.startswith("."):
            continue
        definition = await service.read(partial(_definition, node, register))
        if definition.fields.authority == node.agency and (definition.hidden or definition.pseudonymous):
            raise Refused(
                f"records of {register} are written by the office, which judges and seals them; send what is to "
                "change to POST /v1/changes, and an erasure to POST /v1/erasures"
            )


def _definition(node: Node, register: str, _: Store) -> Definition:
    return node.definition(register)
