"""Withdrawing a case from the desk: one that waits, or one that was approved and cannot be carried out."""

from __future__ import annotations

from counterfoil.errors import Refused
from counterfoil.node import Node
from counterfoil.office.papers import ERASURE
from counterfoil.office.removing import entered_as
from counterfoil.office.repeating import filed_before
from counterfoil.registry.desk.case import READING, Case
from counterfoil.registry.desk.desk import Desk
from counterfoil.registry.personal.registrar import Terms


def withdraw(node: Node, desk: Desk, case: str, by: str, reason: str) -> Case:
    """Withdraw a case for good; what it held is scrubbed.

    Raises `Malformed` without a reason, `Refused` for one that is decided otherwise, or whose change is in the log or
    waits there: then `carry_out` ends it.
    """
    about = desk.get(case).case
    if about.standing == "approved" and _is_done(node, about):
        raise Refused("what this case asks for is stored already; carry it out, which brings it to its end")
    return desk.withdraw(case, by, reason)


def _is_done(node: Node, case: Case) -> bool:
    if case.kind == READING:
        return True
    key = f"case:{case.id}"
    if case.kind == ERASURE:
        return entered_as(node, key) is not None
    return filed_before(node, Terms(key, case.id.encode())) is not None
