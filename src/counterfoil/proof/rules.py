"""Who must endorse a change: what the entries that define registers, members and governance ask for.

The ledger judges by these rules when it takes a transaction. Here they are read again from the entries
themselves, so that a proof can show that they were kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

import msgspec

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import ENDING, WRITING, Entry
from counterfoil.proof.policy import check_policy

AGENCY: Final = ".agency"
REGISTER: Final = ".register"
PARAMETER: Final = ".parameter"
ALGORITHM: Final = ".algorithm"
TRANSACTION: Final = ".transaction"
INDEX: Final = ".index"
GOVERNED: Final = frozenset({AGENCY, REGISTER, PARAMETER, ALGORITHM})
"""System registers that change by transactions under the governance policy."""
LEDGER_ONLY: Final = frozenset({TRANSACTION, INDEX})
"""System registers that the ledger writes itself: their entries have no proposal."""
PARAMETERS: Final = "ledger"
INDEX_RECORD: Final = "root"
ENDORSED: Final = frozenset({"authorised-by", "quorum"})
"""Kinds of constraints that endorsements alone fulfil."""
ALWAYS: Final = frozenset({"immutable", "transition"}) | ENDORSED
"""Kinds of constraints that name no operations to be asked for every one; the others are then asked for writing."""
STATE_MACHINE: Final = 1
"""The version of the ledger's rules that these are. No release runs it yet: until one does, they change under it."""


class Member(msgspec.Struct, frozen=True):
    """An agency as its entry in `.agency` says: the keys it endorses with, and those that sign checkpoints."""

    endorse: tuple[str, ...]
    checkpoint: tuple[str, ...] = ()


class IndexRoot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an `.index` entry says: the labelled root of the index over the `size` entries before it."""

    root: str
    size: int


class Authorisation(NamedTuple):
    """A policy of a constraint, and the operations and statuses of an entry that it is for; none: all."""

    policy: Json
    operations: frozenset[str] = frozenset()
    when: tuple[str, ...] = ()

    def applies(self, operation: str, status: str | None) -> bool:
        """Whether an entry by this operation and with this status needs it."""
        concerned = not self.operations or operation in self.operations
        return concerned and (not self.when or status in self.when)


@dataclass(frozen=True)
class Rules:
    """What a register's definition, or for system registers the ledger's parameters, asks of a change.

    `authorisations` are the policies of its constraints. `recovery` may stand in for a record's `control`. `unseen`:
    the definition says things of fields that the ledger may not see; `seconded` are the names of the constraints among
    them that a second agency endorses.
    """

    policy: Json
    append: bool = False
    recovery: Json | None = None
    authorisations: tuple[Authorisation, ...] = ()
    unseen: bool = False
    seconded: tuple[str, ...] = ()
    pseudonymous: bool = False

    def policies(self, operation: str, status: str | None) -> Iterator[Json]:
        """The policies that the endorsements of a change by this operation, to this status, must satisfy."""
        yield self.policy
        for each in self.authorisations:
            if each.applies(operation, status):
                yield each.policy

    def control_policy(self, control: Json) -> Json:
        """The policy that the next change of a record with this `control` must satisfy. Raises `Malformed`."""
        check_policy(control)
        return control if self.recovery is None else {"require": 1, "of": [control, self.recovery]}


def governed_by(register: str) -> tuple[str, str]:
    """The record (register, name) whose entry says who may change this register."""
    return (PARAMETER, PARAMETERS) if register in GOVERNED else (REGISTER, register)


def read_rules(entry: Entry) -> Rules:
    """The rules that an entry of `.register` or `.parameter` sets.

    Raises `Malformed` where it sets none that are known here, `Unverified` where the register has ended.
    """
    if entry.operation in ENDING:
        raise Unverified(
            f"the register {entry.record!r} has ended with entry {entry.number}; nothing can follow"
        )
    if entry.register == PARAMETER:
        return _read_parameters(entry)
    fields = _convert(entry, _Definition)
    policy = f"agency:{fields.authority}" if fields.policy is None else fields.policy
    asked = tuple(_authorisation(each) for each in fields.constraints if _is_endorsed(each))
    for each in (
        policy,
        *(authorisation.policy for authorisation in asked),
        *([] if fields.recovery is None else [fields.recovery]),
    ):
        check_policy(each)
    judged = [each for each in fields.constraints if each.kind not in ENDORSED]
    unseen = fields.schema is not None or bool(judged)
    seconded = tuple(each.name for each in judged if each.policy is not None)
    return Rules(
        policy, fields.append, fields.recovery, asked, unseen, seconded, fields.record_id != "natural"
    )


def _is_endorsed(constraint: _Constraint) -> bool:
    """Whether a constraint asks for endorsements; one of a kind that must, and has no policy, is then found out."""
    return constraint.policy is not None or (constraint.kind in ENDORSED and not constraint.control)


def _authorisation(constraint: _Constraint) -> Authorisation:
    # A constraint that names no operations is for writing, but for kinds that are asked at every step.
    operations = constraint.operations or (() if constraint.kind in ALWAYS else WRITING)
    return Authorisation(constraint.policy, frozenset(operations), constraint.when)


def read_member(entry: Entry) -> Member:
    """The keys that an entry of `.agency` gives; none where the membership has ended. Raises `Malformed`."""
    return Member(()) if entry.operation in ENDING else _convert(entry, Member)


def read_index_root(entry: Entry) -> IndexRoot:
    """What an `.index` entry says. Raises `Malformed` where it is not one."""
    if (entry.register, entry.record) != (INDEX, INDEX_RECORD):
        raise Malformed(f"entry {entry.number} is of the register {entry.register!r}, and not an index root")
    return _convert(entry, IndexRoot)


class _Constraint(msgspec.Struct):
    kind: str
    name: str
    operations: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    policy: Json | None = None
    control: bool = False


class _Definition(msgspec.Struct, rename={"record_id": "record-id"}):
    authority: str
    policy: Json | None = None
    recovery: Json | None = None
    append: bool = False
    constraints: tuple[_Constraint, ...] = ()
    schema: Json | None = None
    record_id: str = "natural"


class _Parameters(msgspec.Struct, rename={"state_machine": "state-machine"}):
    governance: Json
    state_machine: int


Fields = TypeVar("Fields", _Definition, _Parameters, Member, IndexRoot)


def _read_parameters(entry: Entry) -> Rules:
    fields = _convert(entry, _Parameters)
    if fields.state_machine != STATE_MACHINE:
        raise Malformed(
            f"entry {entry.number} says that the ledger follows rules of version {fields.state_machine}; this program "
            f"knows version {STATE_MACHINE}: verify with a newer one"
        )
    check_policy(fields.governance)
    return Rules(fields.governance)


def _convert(entry: Entry, kind: type[Fields]) -> Fields:
    try:
        return msgspec.convert(entry.fields, kind)
    except msgspec.ValidationError as error:
        raise Malformed(
            f"entry {entry.number} ({entry.register} {entry.record!r}) is not in form: {error}"
        ) from None
