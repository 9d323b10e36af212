"""How a ledger begins: the records of its first block, which no transaction proposed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from counterfoil.errors import Malformed, Refused, Violated
from counterfoil.ledger.command import Genesis, Outcome, Standing
from counterfoil.ledger.constraints import claims_of
from counterfoil.ledger.content import check_content
from counterfoil.ledger.knowledge import governed
from counterfoil.ledger.system import (
    AGENCY,
    ALGORITHM,
    GOVERNED,
    HASH,
    LEDGER_PARAMETERS,
    PARAMETER,
    SIGNATURE,
    STATE_MACHINE,
    AgencyFields,
    AlgorithmFields,
    ParameterFields,
    Predecessor,
)
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Proposal
from counterfoil.proof.index import record_key

FIRST_ALGORITHMS: Final[Mapping[str, AlgorithmFields]] = MappingProxyType(
    {
        "sha-256": AlgorithmFields(HASH, "2015-08-05T00:00:00Z", "ETSI TS 119 312; FIPS 180-4"),
        "ed25519": AlgorithmFields(SIGNATURE, "2017-01-01T00:00:00Z", "ETSI TS 119 312; RFC 8032"),
        "ml-dsa-44": AlgorithmFields(SIGNATURE, "2024-08-13T00:00:00Z", "FIPS 204"),
    }
)
"""Each counts from the day on which its standard was published."""


def genesis(
    origin: str,
    agencies: Sequence[tuple[str, AgencyFields]],
    governance: Json,
    predecessor: Predecessor | None = None,
) -> Genesis:
    """The first records: parameters, algorithms and members, in this order.

    `agencies` are (name, keys); `governance` is the policy by which members, registers and rules change; `predecessor`
    is the ledger that this one goes on from.
    """
    parameters = ParameterFields(origin, STATE_MACHINE, governance, predecessor)
    records = [_record(PARAMETER, LEDGER_PARAMETERS, parameters)]
    records += [_record(ALGORITHM, name, fields) for name, fields in FIRST_ALGORITHMS.items()]
    records += [_record(AGENCY, name, fields) for name, fields in agencies]
    return Genesis(tuple(records))


def begin(view: View, first: Genesis) -> Outcome:
    """Write a ledger's first records, or none of them.

    Raises `Refused` where the ledger has begun already, `Malformed` where one of them is no system record in form or
    the parameters are not among them, `Violated` where two members have one key.
    """
    if view.size:
        raise Refused("this ledger has begun already; genesis happens once")
    with view.attempt():
        for proposal in first.records:
            _begin_record(view, proposal)
        if view.record(record_key(PARAMETER, LEDGER_PARAMETERS)) is None:
            raise Malformed(f"the first records must hold {LEDGER_PARAMETERS!r} in {PARAMETER}")
    return Outcome(Standing.TAKEN, count=len(first.records))


def _begin_record(view: View, proposal: Proposal) -> None:
    key = record_key(proposal.register, proposal.record)
    name = f"{proposal.register[:120]} {proposal.record[:120]!r}"
    if proposal.register not in GOVERNED or proposal.operation != "create" or view.record(key) is not None:
        raise Malformed(
            f"{name} cannot begin a ledger; each first record is created once, in a system register"
        )
    if proposal.version not in {None, 1}:
        raise Malformed(f"{name} begins at version 1, and not at {proposal.version}")
    definition = governed(proposal.register, f"agency:{proposal.record}")
    check_content(definition, proposal)
    view.write(proposal)
    for claim in sorted(claims_of(definition, proposal)):
        if view.claim(claim) is not None:
            raise Violated(f"{name} claims what another first record holds", constraint="claim")
        view.hold(claim, key)


def _record(register: str, record: str, fields: msgspec.Struct) -> Proposal:
    # By way of JSON, where a tuple is an array like any other.
    return Proposal(
        register, record, "create", body={"fields": msgspec.json.decode(msgspec.json.encode(fields))}
    )
