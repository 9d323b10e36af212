"""Declared constraints as pure functions that answer true, false or undecidable.

They are asked with the state as it stands after the whole transaction: by the submitting agency with all fields, and
by every node with those in the clear. A field that the asker cannot see makes a constraint on it undecidable; who then
decides is said in the definition.
"""

from __future__ import annotations

from counterfoil.ledger.constraints.claims import claim_key, claims_of, derived_claims, normal
from counterfoil.ledger.constraints.enforcement import Enforced, Enforcement, enforcement, hidden_fields
from counterfoil.ledger.constraints.exclusive import claimed_field
from counterfoil.ledger.constraints.kinds import KINDS, Kind, check_constraints, judge
from counterfoil.ledger.constraints.question import (
    ABSENT,
    TRUE,
    UNDECIDABLE,
    UNKNOWN,
    Absent,
    Answer,
    Fields,
    Question,
    Sight,
    Standing,
    Unknown,
    Verdict,
    false,
)
from counterfoil.ledger.constraints.sight import ClearSight

__all__ = [
    "ABSENT",
    "KINDS",
    "TRUE",
    "UNDECIDABLE",
    "UNKNOWN",
    "Absent",
    "Answer",
    "ClearSight",
    "Enforced",
    "Enforcement",
    "Fields",
    "Kind",
    "Question",
    "Sight",
    "Standing",
    "Unknown",
    "Verdict",
    "check_constraints",
    "claim_key",
    "claimed_field",
    "claims_of",
    "derived_claims",
    "enforcement",
    "false",
    "hidden_fields",
    "judge",
    "normal",
]
