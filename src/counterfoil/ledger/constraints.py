"""Declared constraints as pure functions that answer true, false or undecidable.

They are asked with the state as it stands after the whole transaction. A field that is not in the clear makes a
constraint on it undecidable here; who then decides is said in the definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from hashlib import sha256
from typing import Final, NamedTuple

from counterfoil.errors import Malformed
from counterfoil.ledger.definition import Constraint, Definition
from counterfoil.ledger.state import ENDED
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json, canonical, digest
from counterfoil.proof.entry import ENDING, Claim, Entry, Proposal
from counterfoil.proof.index import record_key
from counterfoil.proof.policy import check_policy


class Verdict(Enum):
    """What a constraint answers."""

    TRUE = "true"
    FALSE = "false"
    UNDECIDABLE = "undecidable"


class Question(NamedTuple):
    """One change of one record, and the state after its whole transaction."""

    definition: Definition
    before: Entry | None
    after: Proposal
    view: View


def judge(constraint: Constraint, question: Question) -> Verdict:
    """Ask one constraint. A record that ends (annul, close) or is erased is judged by `transition` alone."""
    if question.after.operation in ENDING | {"erase"} and constraint.kind != "transition":
        return Verdict.TRUE
    return KINDS[constraint.kind].judge(constraint, question)


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


def claim_key(claim: Claim) -> bytes:
    """The name under which the ledger keeps a claim: SHA-256 of canonical `[scope, name, digest]`."""
    return sha256(canonical([claim.scope, claim.name, claim.digest])).digest()


def derived_claims(definition: Definition, body: Json | None) -> Iterator[Claim]:
    """The claims that the `unique` constraints of a register make of a body: one for each whose fields are all there."""
    fields = body["fields"] if body else {}
    for constraint in definition.constraints:
        if constraint.kind == "unique" and all(name in fields for name in constraint.fields):
            values = canonical([fields[name] for name in constraint.fields])
            yield Claim(f"register:{definition.name}", constraint.name, digest(values))


def _unique(constraint: Constraint, question: Question) -> Verdict:
    return _decidable(constraint, question.after.body)


def _immutable(constraint: Constraint, question: Question) -> Verdict:
    if question.before is None:
        return Verdict.TRUE
    before, after = question.before.body, question.after.body
    if before is None or after is None:
        return Verdict.UNDECIDABLE
    same = all(before["fields"].get(name) == after["fields"].get(name) for name in constraint.fields)
    return Verdict.TRUE if same else Verdict.FALSE


def _reference(constraint: Constraint, question: Question) -> Verdict:
    body = question.after.body
    if body is None:
        return Verdict.UNDECIDABLE
    for name in constraint.fields:
        value = body["fields"].get(name, [])
        for record in value if isinstance(value, list) else [value]:
            if not _stands(question.view, constraint.register or "", record, constraint.status):
                return Verdict.FALSE
    return Verdict.TRUE


def _stands(view: View, register: str, record: Json, status: tuple[str, ...]) -> bool:
    state = view.record(record_key(register, record)) if isinstance(record, str) else None
    if state is None or state.flags & ENDED:
        return False
    return not status or view.entry(state.number).status in status


def _transition(constraint: Constraint, question: Question) -> Verdict:
    status = question.after.status or ""
    if question.before is None:
        allowed: tuple[str, ...] = constraint.initial
    else:
        allowed = (
            *constraint.transitions.get(question.before.status or "", ()),
            question.before.status or "",
        )
    return Verdict.TRUE if status in allowed else Verdict.FALSE


def _authorised_by(constraint: Constraint, question: Question) -> Verdict:
    """The policy is asked with the endorsements (`Scope.policies`), not a second time here."""
    return Verdict.TRUE


def _decidable(constraint: Constraint, body: Json | None) -> Verdict:
    return Verdict.UNDECIDABLE if body is None else Verdict.TRUE


class Kind(NamedTuple):
    """How a kind of constraint is judged, and the members a constraint of that kind must have."""

    judge: Callable[[Constraint, Question], Verdict]
    needs: tuple[str, ...]


KINDS: Final[dict[str, Kind]] = {
    "unique": Kind(_unique, ("fields",)),
    "immutable": Kind(_immutable, ("fields",)),
    "reference": Kind(_reference, ("fields", "register")),
    "transition": Kind(_transition, ("initial",)),
    "authorised-by": Kind(_authorised_by, ("policy",)),
}
