"""A register's definition as the ledger judges by it: what a record of `.register` says, checked and compiled."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from counterfoil.errors import Malformed
from counterfoil.ledger.schema import Schema
from counterfoil.proof.canonical import Json
from counterfoil.proof.policy import check_policy

REGISTER_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,98}(\.[a-z][a-z0-9-]{0,98})?", re.ASCII)

STEPWISE: Final = frozenset({"immutable", "transition"})
"""Kinds of constraints that compare a version with the one before it."""


class Constraint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A declared rule. Which members a kind uses is said at the function that judges it (`constraints`)."""

    kind: str
    name: str
    fields: tuple[str, ...] = ()
    register: str | None = None
    status: tuple[str, ...] = ()
    initial: tuple[str, ...] = ()
    transitions: dict[str, tuple[str, ...]] = {}
    operations: tuple[str, ...] = ()
    policy: Json | None = None
    citation: str | None = None


class DefinitionFields(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"record_id": "record-id"},
):
    """The fields of a record of `.register`.

    `authority` is the agency that keeps the register; `policy` says who endorses its entries (the authority alone
    where it is left out). `recovery` is the quorum that may stand in for a record's `control`: for lost keys and court
    orders. `key` names the field that the record is named by. `append`: the ledger gives the version and every
    operation is `amend`. `record-id` names the scheme by which a record gets its name.
    """

    title: str
    authority: str
    description: str | None = None
    policy: Json | None = None
    recovery: Json | None = None
    key: str | None = None
    schema: Json | None = None
    append: bool = False
    constraints: tuple[Constraint, ...] = ()
    record_id: str = "natural"
    law: str | None = None
    source: Json | None = None


class Definition:
    """A compiled definition. Raises `Malformed` where a part is outside what the ledger can judge."""

    def __init__(
        self, name: str, fields: DefinitionFields, *, system: bool = False, unique_each: tuple[str, ...] = ()
    ):
        self.name = name
        self.fields = fields
        self.system = system
        self.unique_each = unique_each
        """Lists of which no member may stand in two live records."""
        self.append = fields.append
        self.policy: Json = fields.policy if fields.policy is not None else f"agency:{fields.authority}"
        check_policy(self.policy)
        self.recovery: Json | None = fields.recovery
        if self.recovery is not None:
            check_policy(self.recovery)
        self.schema = Schema(fields.schema) if fields.schema is not None else None
        self.key = fields.key
        if fields.record_id != "natural":
            raise Malformed(
                f"record-id {fields.record_id!r} is not known here; this version names records 'natural'"
            )
        names = [constraint.name for constraint in fields.constraints]
        if len(set(names)) != len(names):
            raise Malformed(f"the register {name} gives two constraints the same name")
        self.steps = tuple(each for each in fields.constraints if each.kind in STEPWISE)
        """The constraints that are asked at every version, against the one before it."""
        self.ends = tuple(each for each in fields.constraints if each.kind not in STEPWISE)
        """The constraints that are asked of the state after a whole transaction."""
        self.unique = tuple(each for each in fields.constraints if each.kind == "unique")
        """The constraints from which the ledger derives claims."""
        self.authorisations = tuple(each for each in fields.constraints if each.kind == "authorised-by")
        """The constraints that ask for endorsements of their own."""

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The declared rules, in their order."""
        return self.fields.constraints


def parse_definition(name: str, fields: Json) -> Definition:
    """Read and compile the fields of the record `name` of `.register`. Raises `Malformed`."""
    if not REGISTER_NAME.fullmatch(name):
        raise Malformed(
            f"{name[:120]!r} is no name for a register; use a-z, 0-9 and hyphens, beginning with a letter "
            "(names that begin with a dot belong to the ledger)"
        )
    try:
        return Definition(name, msgspec.convert(fields, DefinitionFields))
    except msgspec.ValidationError as error:
        raise Malformed(f"the definition of register {name} is not in form: {error}") from None
