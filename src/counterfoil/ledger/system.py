"""The registers that the ledger itself needs: what their records must be, and who may change them."""

from __future__ import annotations

from typing import Final

import msgspec

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.constraints import check_constraints
from counterfoil.ledger.definition import parse_definition
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.proof.instant import instant
from counterfoil.proof.note import VerifierKey
from counterfoil.proof.policy import check_policy
from counterfoil.proof.signing import PublicKey

AGENCY: Final = ".agency"
REGISTER: Final = ".register"
PARAMETER: Final = ".parameter"
ALGORITHM: Final = ".algorithm"
TRANSACTION: Final = ".transaction"
INDEX: Final = ".index"
GOVERNED: Final = frozenset({AGENCY, REGISTER, PARAMETER, ALGORITHM})
"""System registers that agencies change by transactions, under the governance policy."""
LEDGER_ONLY: Final = frozenset({TRANSACTION, INDEX})
"""System registers that the ledger writes itself."""
LEDGER_PARAMETERS: Final = "ledger"
STATE_MACHINE: Final = 1
"""The version of the rules in this package; a new one is activated by a record, not by a release."""


class AgencyFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A member: `endorse` lists its endorsement keys, `checkpoint` its verifier keys for the ledger's checkpoints."""

    name: str
    endorse: tuple[str, ...]
    checkpoint: tuple[str, ...] = ()


class AlgorithmFields(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"from_": "from"}
):
    """Which algorithm counts for what, from when until when, and who says so."""

    use: str
    from_: str
    source: str
    until: str | None = None


class ParameterFields(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"state_machine": "state-machine"},
):
    """The ledger's own: its origin, the version of its rules, and the policy by which it is governed."""

    origin: str
    state_machine: int
    governance: Json


def check_system_record(register: str, record: str, fields: Json) -> None:
    """Raise `Malformed` unless `fields` are what a record of this system register must hold."""
    try:
        CHECKS[register](record, fields)
    except msgspec.ValidationError as error:
        raise Malformed(f"the record {record!r} of {register} is not in form: {error}") from None


def check_successor(before: Entry, after: Proposal) -> None:
    """Raise `Violated` where a definition's next version changes what its records were already judged by.

    Claims are made as records are written; a `unique` constraint that came later would not have seen the earlier ones.
    """
    if after.body is None:
        return
    old = parse_definition(before.record, before.fields)
    new = parse_definition(after.record, after.body["fields"])
    if old.unique != new.unique or old.append != new.append:
        raise Violated(
            f"the register {after.record} keeps its unique constraints and whether it only appends for its whole life; "
            "create a register of another name",
            constraint="definition",
        )


def _check_agency(record: str, fields: Json) -> None:
    agency = msgspec.convert(fields, AgencyFields)
    parts = record.split("/")
    if not 3 <= len(parts) <= 4 or not all(part.isprintable() and part.strip() for part in parts):
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
    check_policy(parameters.governance)
    if parameters.state_machine != STATE_MACHINE:
        raise Malformed(
            f"state machine {parameters.state_machine} is not known; this program runs {STATE_MACHINE}"
        )


def _check_algorithm(record: str, fields: Json) -> None:
    algorithm = msgspec.convert(fields, AlgorithmFields)
    if algorithm.use not in {"hash", "signature"}:
        raise Malformed(f"algorithm {record} must say use 'hash' or 'signature'")
    for time in (algorithm.from_, algorithm.until):
        if time is not None:
            instant(time)


CHECKS: Final = {
    AGENCY: _check_agency,
    REGISTER: _check_register,
    PARAMETER: _check_parameter,
    ALGORITHM: _check_algorithm,
}
