"""Having the registers that come with the software in an installation, for files and demonstrations that need them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from counterfoil import registers
from counterfoil.errors import Conflict, Refused
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.system import REGISTER
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.registry.personal.plan import Plan


class Writer(Protocol):
    """What is asked of a node."""

    @property
    def agency(self) -> str:
        """The agency that submits."""
        ...

    def record(self, register: str, record: str) -> Entry | None:
        """The latest entry of a record."""
        ...

    def definition(self, register: str) -> Definition:
        """A register's definition. Raises `Refused` where there is none."""
        ...

    def submit(self, proposals: Sequence[Proposal]) -> object:
        """Have proposals take effect together."""
        ...


def define_shipped(node: Writer) -> tuple[str, ...]:
    """Define every register that comes with the software and is not there yet, kept by this agency; gives their names.

    Raises `Conflict` where a register of one of those names is there that hides nothing: it is another one.
    """
    missing = []
    for name in registers.names():
        if node.record(REGISTER, name) is None:
            missing.append(name)
        elif not Plan(node.definition(name)).personal:
            raise Conflict(
                f"the register {name} of this installation is not the one that comes with the software, and hides "
                "nothing; take another folder with --home"
            )
    if missing:
        node.submit([_proposal(name, node.agency) for name in missing])
    return tuple(missing)


def defining(node: Writer) -> Callable[[str], Definition]:
    """What gives definitions, and defines the registers that come with the software when one of them is first named."""

    def definition(register: str) -> Definition:
        try:
            return node.definition(register)
        except Refused:
            if register not in registers.names():
                raise
            define_shipped(node)
            return node.definition(register)

    return definition


def _proposal(name: str, agency: str) -> Proposal:
    return Proposal(REGISTER, name, "create", 1, body={"fields": registers.shipped(name, agency)})
