"""The registers that the ledger itself needs: what their records must be, and who may change them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.constraints import check_constraints
from counterfoil.ledger.definition import Definition, parse_definition
from counterfoil.proof import rules
from counterfoil.proof.canonical import Json, unlabelled
from counterfoil.proof.entry import ENDING, Entry, Proposal
from counterfoil.proof.instant import instant
from counterfoil.proof.note import VerifierKey
from counterfoil.proof.policy import check_policy
from counterfoil.proof.signing import PublicKey

AGENCY: Final = rules.AGENCY
REGISTER: Final = rules.REGISTER
PARAMETER: Final = rules.PARAMETER
ALGORITHM: Final = rules.ALGORITHM
TRANSACTION: Final = rules.TRANSACTION
INDEX: Final = rules.INDEX
GOVERNED: Final = rules.GOVERNED
"""System registers that agencies change by transactions, under the governance policy."""
LEDGER_ONLY: Final = rules.LEDGER_ONLY
"""System registers that the ledger writes itself."""
HASH: Final = "hash"
SIGNATURE: Final = "signature"
"""What an algorithm may be for."""
LEDGER_PARAMETERS: Final = rules.PARAMETERS
STATE_MACHINE: Final = rules.STATE_MACHINE
"""The version of the rules in this package; a new one is activated by a record, not by a release."""
_ORIGIN: Final = re.compile(r"[!-*,-~]{1,255}")
"""A key name of C2SP signed-note, in ASCII, so that it can stand in an address."""


class AgencyFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A member: `endorse` lists its endorsement keys, `checkpoint` its verifier keys for the ledger's checkpoints."""

    name: str
    endorse: tuple[str, ...]
    checkpoint: tuple[str, ...] = ()


class AlgorithmFields(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"from_": "from"}
):
    """Which algorithm counts for what (`use`: hash or signature), from when until when, and who says so.

    `until` is the last second at which what is made with it counts.
    """

    use: str
    from_: str
    source: str
    until: str | None = None


class LastSeen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The newest state of a log that was shown when its copy was brought back: size, and labelled root if known."""

    size: int
    root: str | None = None


class Predecessor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The ledger that a ledger goes on from, because only an older copy of it could be brought back.

    `size` and labelled `root` are the copy's, `seen` is the newest checkpoint shown, `lost` the number of entries that
    the copy lacks of it. `archive` is the labelled SHA-256 of the archive that holds the copy whole.
    """

    origin: str
    size: int
    root: str
    seen: LastSeen
    lost: int
    archive: str


class ParameterFields(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"state_machine": "state-machine"},
):
    """The ledger's own: its origin, the version of its rules, the policy by which it is governed, what was before."""

    origin: str
    state_machine: int
    governance: Json
    predecessor: Predecessor | None = None


def check_system_record(register: str, record: str, fields: Json) -> None:
    """Raise `Malformed` unless `fields` are what a record of this system register must hold."""
    try:
        CHECKS[register](record, fields)
    except msgspec.ValidationError as error:
        raise Malformed(f"the record {record!r} of {register} is not in form: {error}") from None


def check_successor(before: Entry | Proposal, after: Proposal) -> None:
    """Raise `Violated` where a system record's next version takes away what the ledger stands on.

    That is the ledger's parameters and origin; and in a definition what its records were already judged by: claims are
    made as records are written, so that a `unique` constraint that came later would not have seen the earlier ones.
    """
    if after.register == PARAMETER:
        _check_parameter_successor(before, after)
    if after.register == REGISTER and after.body is not None and before.body is not None:
        _check_register_successor(before, after)


def _check_parameter_successor(before: Entry | Proposal, after: Proposal) -> None:
    if after.operation in ENDING:
        raise Violated("the ledger's parameters cannot end; amend them", constraint="parameters")
    if after.fields["origin"] != before.fields["origin"]:
        raise Violated(
            "a ledger keeps its origin for its whole life; begin another ledger under the new one",
            constraint="parameters",
        )
    if after.fields.get("predecessor") != before.fields.get("predecessor"):
        raise Violated(
            "a ledger says once, as it begins, which ledger it goes on from; leave the predecessor as it is",
            constraint="parameters",
        )


def _check_register_successor(before: Entry | Proposal, after: Proposal) -> None:
    old, new = (parse_definition(each.record, each.fields) for each in (before, after))
    unique = [
        {(each.name, each.fields, definition.hidden.isdisjoint(each.fields)) for each in definition.unique}
        for definition in (old, new)
    ]
    if unique[0] != unique[1] or old.append != new.append:
        raise Violated(
            f"the register {after.record} keeps its unique constraints and whether it only appends for its whole life, "
            "and who sees the fields of those constraints; create a register of another name",
            constraint="definition",
        )
    for what, kept in _kept_for_life(old, new):
        if not kept:
            raise Violated(
                f"the register {after.record} keeps {what} for its whole life: its records were named, claimed and "
                "sealed by it; create a register of another name",
                constraint="definition",
            )


def _kept_for_life(old: Definition, new: Definition) -> Iterator[tuple[str, bool]]:
    """What a definition may not change any more, and whether it is as it was."""
    named = [(each.pseudonymous, each.key, each.fields.key_form) for each in (old, new)]
    yield "how its records are named", named[0] == named[1] or not (old.pseudonymous or new.pseudonymous)
    claims = [
        {(each.scope, each.claim, each.fields) for each in definition.exclusive} for definition in (old, new)
    ]
    yield "its exclusive claims", claims[0] == claims[1]
    yield "its subjects", not old.hidden or old.fields.subjects == new.fields.subjects
    hidden = [(old.rules.rules[name], new.rules.rules.get(name)) for name in old.hidden]
    kept = [other is not None and other.hidden and one.subject == other.subject for one, other in hidden]
    yield "its hidden fields, and whom they are about", all(kept)


def _check_agency(record: str, fields: Json) -> None:
    agency = msgspec.convert(fields, AgencyFields)
    parts = record.split("/")
    if not 3 <= len(parts) <= 4 or not all(part.strip() for part in parts):
        raise Malformed(f"{record[:80]!r} is no agency; a member is named INSTANCE/CLASS/CODE")
    if not agency.endorse:
        raise Malformed(f"agency {record} has no endorsement key; it needs at least one")
    for key in agency.endorse:
        PublicKey.parse(key)
    for text in agency.checkpoint:
        VerifierKey.parse(text)


def _check_register(record: str, fields: Json) -> None:
    check_constraints(parse_definition(record, fields))


def _check_parameter(record: str, fields: Json) -> None:
    if record != LEDGER_PARAMETERS:
        raise Malformed(
            f"there is no parameter record {record[:80]!r}; the one there is is {LEDGER_PARAMETERS!r}"
        )
    parameters = msgspec.convert(fields, ParameterFields)
    if not _ORIGIN.fullmatch(parameters.origin):
        raise Malformed(
            f"{parameters.origin[:80]!r} is no origin; it is 1 to 255 characters of ASCII without spaces and +"
        )
    check_policy(parameters.governance)
    if parameters.predecessor is not None:
        _check_predecessor(parameters.predecessor, parameters.origin)
    if parameters.state_machine != STATE_MACHINE:
        raise Malformed(
            f"state machine {parameters.state_machine} is not known; this program runs {STATE_MACHINE}"
        )


def _check_predecessor(before: Predecessor, origin: str) -> None:
    if before.origin == origin:
        raise Malformed(
            f"a successor has an origin of its own, and {origin[:80]!r} is its predecessor's; choose another"
        )
    for name in (before.root, before.archive, before.seen.root):
        if name is not None:
            unlabelled(name)
    if not (before.size > 0 and before.lost == before.seen.size - before.size > 0):
        raise Malformed("a predecessor's size, the size seen of it and the number lost do not fit each other")


def _check_algorithm(record: str, fields: Json) -> None:
    algorithm = msgspec.convert(fields, AlgorithmFields)
    if algorithm.use not in {HASH, SIGNATURE}:
        raise Malformed(f"algorithm {record} must say use {HASH!r} or {SIGNATURE!r}")
    start = instant(algorithm.from_)
    if algorithm.until is not None and instant(algorithm.until) < start:
        raise Malformed(f"algorithm {record} ends before it begins; set until to a time after from")


CHECKS: Final = {
    AGENCY: _check_agency,
    REGISTER: _check_register,
    PARAMETER: _check_parameter,
    ALGORITHM: _check_algorithm,
}
