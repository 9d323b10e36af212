"""The kinds of constraints: how each is judged, and what a constraint of that kind must have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from counterfoil.errors import Malformed
from counterfoil.ledger.constraints.authorised import (
    check_authorised_by,
    check_quorum,
    judge_authorised_by,
    judge_quorum,
)
from counterfoil.ledger.constraints.blocked import judge_blocked_by
from counterfoil.ledger.constraints.effect import check_effect, judge_effect
from counterfoil.ledger.constraints.exclusive import judge_exclusive
from counterfoil.ledger.constraints.immutable import judge_immutable
from counterfoil.ledger.constraints.order import check_order, judge_order
from counterfoil.ledger.constraints.question import TRUE, Answer, Question
from counterfoil.ledger.constraints.reference import judge_reference
from counterfoil.ledger.constraints.required import check_required, judge_required
from counterfoil.ledger.constraints.sums import check_sum, judge_sum
from counterfoil.ledger.constraints.transition import judge_transition
from counterfoil.ledger.constraints.unique import judge_unique
from counterfoil.ledger.constraints.wording import operands_of
from counterfoil.ledger.declared import Constraint
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.names import MAX_NAME, is_name
from counterfoil.ledger.operands import parse_operand, parse_path
from counterfoil.proof.entry import OPERATIONS
from counterfoil.proof.policy import check_policy


class Kind(NamedTuple):
    """How a kind of constraint is judged, the members a constraint of that kind must have, and what else it must."""

    judge: Callable[[Constraint, Question], Answer]
    needs: tuple[str, ...] = ()
    check: Callable[[Constraint], None] | None = None


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "unique": Kind(judge_unique, ("fields",)),
        "immutable": Kind(judge_immutable, ("fields",)),
        "reference": Kind(judge_reference, ("fields", "register")),
        "exclusive": Kind(judge_exclusive, ("scope", "claim", "fields")),
        "transition": Kind(judge_transition, ("initial",)),
        "authorised-by": Kind(judge_authorised_by, (), check_authorised_by),
        "quorum": Kind(judge_quorum, ("policy",), check_quorum),
        "sum": Kind(judge_sum, ("fields",), check_sum),
        "blocked-by": Kind(judge_blocked_by, ("register", "role")),
        "order": Kind(judge_order, ("fields",), check_order),
        "effect": Kind(judge_effect, ("effect",), check_effect),
        "required": Kind(judge_required, ("fields",), check_required),
    }
)


def judge(constraint: Constraint, question: Question) -> Answer:
    """Ask one constraint. It is true of a change, and of a status, that it does not concern."""
    after = question.after
    # An exclusive state is asked in every status: where it is not `when`, nothing may be claimed.
    asked = constraint.applies(after.operation, after.status) or (
        constraint.kind == "exclusive" and constraint.concerns(after.operation)
    )
    return KINDS[constraint.kind].judge(constraint, question) if asked else TRUE


def check_constraints(definition: Definition) -> None:
    """Raise `Malformed` unless each constraint is of a kind known here and has the members its kind needs."""
    for constraint in definition.constraints:
        kind = KINDS.get(constraint.kind)
        if kind is None:
            known = ", ".join(sorted(KINDS))
            raise Malformed(f"constraint kind {constraint.kind!r} is not known; there are {known}")
        for member in kind.needs:
            if not getattr(constraint, member):
                raise Malformed(f"constraint {constraint.name!r} of kind {constraint.kind} needs {member!r}")
        if constraint.policy is not None:
            check_policy(constraint.policy)
        if kind.check is not None:
            kind.check(constraint)
        _check_words(constraint)
        _check_fields(definition, constraint)
    _check_exclusive(definition)


def _check_words(constraint: Constraint) -> None:
    for operation in constraint.operations:
        if operation not in OPERATIONS:
            raise Malformed(
                f"constraint {constraint.name!r} names the operation {operation!r}, which there is not"
            )
    if not is_name(constraint.name):
        raise Malformed(
            f"constraint {constraint.name[:80]!r} needs a name of 1 to {MAX_NAME} printable characters"
        )


def _check_fields(definition: Definition, constraint: Constraint) -> None:
    """A register that hides fields lists them all, so that a misspelt one shows at once."""
    listed = definition.rules.rules
    for text in operands_of(constraint):
        operand = parse_operand(text)
        if operand.path is None:
            continue
        if definition.hidden and operand.path.field not in listed:
            raise Malformed(
                f"constraint {constraint.name!r} is about {operand.path.field[:80]!r}, which the schema does not list"
            )
        if operand.into is not None and definition.reference(str(operand.path)) is None:
            raise Malformed(
                f"constraint {constraint.name!r} follows {str(operand.path)[:80]!r}, which no reference lists"
            )
    if constraint.kind in {"reference", "exclusive"}:
        for text in constraint.fields:
            parse_path(text)


def _check_exclusive(definition: Definition) -> None:
    taken: set[tuple[str | None, str | None, str | None]] = set()
    for constraint in definition.exclusive:
        if constraint.scope not in definition.fields.scopes:
            raise Malformed(
                f"constraint {constraint.name!r} claims in the scope {constraint.scope!r}; list it in the definition's "
                "scopes"
            )
        for status in constraint.when or (None,):
            each = (constraint.scope, constraint.claim, status)
            whole = (constraint.scope, constraint.claim, None)
            if each in taken or whole in taken or (status is None and _named(taken, whole)):
                raise Malformed(
                    f"two constraints make the claim {constraint.claim!r} in {constraint.scope!r} in one status"
                )
            taken.add(each)


def _named(taken: set[tuple[str | None, str | None, str | None]], whole: tuple[str | None, ...]) -> bool:
    return any(each[:2] == whole[:2] for each in taken)
