"""Where a constraint is enforced: what a definition's page says of it, so that nobody trusts it for more."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from counterfoil.ledger.constraints.effect import is_counted
from counterfoil.ledger.constraints.wording import fields_of, operands_of
from counterfoil.ledger.declared import ClaimTarget, Constraint
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.operands import parse_operand


class Enforcement(Enum):
    """Who refuses what breaks a constraint."""

    EVERY_NODE = "every node"
    SECOND_AGENCY = "a second agency"
    SUBMITTER = "the submitting agency only"


class Enforced(NamedTuple):
    """Who enforces a constraint, and what is to be said beside."""

    by: Enforcement
    remark: str = ""


def enforcement(definition: Definition, constraint: Constraint) -> Enforced:
    """Where a constraint of this definition is enforced: by the classes of its fields, and by its policy."""
    other = Enforcement.SUBMITTER if constraint.policy is None else Enforcement.SECOND_AGENCY
    fields = hidden_fields(definition, constraint)
    by_claim = constraint.effect is not None and isinstance(constraint.effect.record, ClaimTarget)
    if not fields and not by_claim and not _is_circumstantial(definition, constraint):
        return Enforced(Enforcement.EVERY_NODE)
    match constraint.kind:
        case "exclusive":
            remark = f"that a claim is the right person's, by {other.value}"
            return Enforced(Enforcement.EVERY_NODE, remark)
        case "unique":
            return Enforced(Enforcement.EVERY_NODE, f"that a claim is that of the values, by {other.value}")
        case "effect" if constraint.effect is not None and is_counted(constraint.effect, definition):
            return Enforced(other, "that there are as many such entries as are due, by every node")
        case "reference" if constraint.role is not None:
            return Enforced(other, "that what is stated in the clear stands, by every node")
    return Enforced(other)


def hidden_fields(definition: Definition, constraint: Constraint) -> frozenset[str]:
    """The fields of a constraint that stand in no body."""
    paths = [parse_operand(text).path for text in operands_of(constraint)]
    named = fields_of(constraint) | {path.field for path in paths if path is not None}
    return definition.hidden & named


def _is_circumstantial(definition: Definition, constraint: Constraint) -> bool:
    clocks = [parse_operand(text).clock for text in operands_of(constraint)]
    return bool(definition.hidden) and any(clock not in {None, "now"} for clock in clocks)
