"""How a ledger begins: the records of its first block, which no transaction proposed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from counterfoil.ledger.ledger import Genesis
from counterfoil.ledger.system import (
    AGENCY,
    ALGORITHM,
    LEDGER_PARAMETERS,
    PARAMETER,
    STATE_MACHINE,
    AgencyFields,
    AlgorithmFields,
    ParameterFields,
)
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Proposal

FIRST_ALGORITHMS: dict[str, AlgorithmFields] = {
    "sha-256": AlgorithmFields("hash", "2026-01-01T00:00:00Z", "ETSI TS 119 312; FIPS 180-4"),
    "ed25519": AlgorithmFields("signature", "2026-01-01T00:00:00Z", "ETSI TS 119 312; RFC 8032"),
    "ml-dsa-44": AlgorithmFields("signature", "2026-01-01T00:00:00Z", "FIPS 204"),
}


def genesis(origin: str, agencies: Sequence[tuple[str, AgencyFields]], governance: Json) -> Genesis:
    """The first records: parameters, algorithms and members, in this order.

    `agencies` are (name, keys); `governance` is the policy by which members, registers and rules change.
    """
    records = [_record(PARAMETER, LEDGER_PARAMETERS, ParameterFields(origin, STATE_MACHINE, governance))]
    records += [_record(ALGORITHM, name, fields) for name, fields in FIRST_ALGORITHMS.items()]
    records += [_record(AGENCY, name, fields) for name, fields in agencies]
    return Genesis(tuple(records))


def _record(register: str, record: str, fields: msgspec.Struct) -> Proposal:
    return Proposal(register, record, "create", body={"fields": msgspec.to_builtins(fields)})
