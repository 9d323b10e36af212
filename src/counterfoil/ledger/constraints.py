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
from counterfoil.ledger.definition import STEPWISE, Constraint, Definition
from counterfoil.ledger.names import MAX_NAME, is_name, normal_name
from counterfoil.ledger.state import ENDED
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json, canonical, digest
from counterfoil.proof.entry import OPERATIONS, WRITING, Claim, Entry, Proposal
from counterfoil.proof.index import record_key
from counterfoil.proof.policy import check_policy


class Verdict(Enum):
    """What a constraint answers."""

    TRUE = "true"
    FALSE = "false"
    UNDECIDABLE = "undecidable"


class Question(NamedTuple):
    """One change of one record, and the state after its whole transaction.

    For a constraint that compares, `before` is the version before; for the others, that before the transaction.
    """

    definition: Definition
    before: Entry | Proposal | None
    after: Proposal
    view: View


def judge(constraint: Constraint, question: Question) -> Verdict:
    """Ask one constraint. A record that ends or is erased need not fulfil what is asked of live ones."""
    if question.after.operation not in WRITING and constraint.kind not in STEPWISE:
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
        for operation in constraint.operations:
            if operation not in OPERATIONS:
                raise Malformed(
                    f"constraint {constraint.name!r} names the operation {operation!r}, which there is not"
                )
        if not is_name(constraint.name):
            raise Malformed(
                f"constraint {constraint.name[:80]!r} needs a name of 1 to {MAX_NAME} printable characters"
            )


def claim_key(claim: Claim) -> bytes:
    """The name under which the ledger keeps a claim: SHA-256 of canonical `[scope, name, digest]`."""
    return sha256(canonical([claim.scope, claim.name, claim.digest])).digest()


def derived_claims(definition: Definition, body: Json | None) -> Iterator[Claim]:
    """The claims that a register makes of a body: one for each `unique` constraint whose fields are all there."""
    fields = body["fields"] if body else {}
    scope = f"register:{definition.name}"
    for constraint in definition.unique:
        if all(name in fields for name in constraint.fields):
            values = canonical([normal(fields[name]) for name in constraint.fields])
            yield Claim(scope, constraint.name, digest(values))
    for name in definition.unique_each:
        for value in fields.get(name, ()):
            yield Claim(scope, name, digest(canonical([value])))


def normal(value: Json) -> Json:
    """A value as uniqueness compares it: text in NFC, also in lists; what could be no name is taken as it is."""
    if isinstance(value, str):
        name = normal_name(value)
        return value if name is None else name
    return [normal(each) for each in value] if isinstance(value, list) else value


def claims_of(definition: Definition, content: Entry | Proposal) -> set[bytes]:
    """The keys of all that a record claims: what it states, and what its register derives from its body."""
    claims = {claim_key(claim) for claim in content.claims}
    claims |= {claim_key(claim) for claim in derived_claims(definition, content.body)}
    return claims


def _unique(constraint: Constraint, question: Question) -> Verdict:
    """What decides is the claim that the register makes of the body (`derived_claims`)."""
    return Verdict.UNDECIDABLE if question.after.body is None else Verdict.TRUE


def _immutable(constraint: Constraint, question: Question) -> Verdict:
    if question.before is None:
        return Verdict.TRUE
    before, after = question.before, question.after
    if after.body is None and after.operation not in WRITING:
        return Verdict.TRUE
    if before.body is None:
        return Verdict.UNDECIDABLE
    # What stood in the clear must go on standing there. As bytes: to Python, 1 and true are equal.
    same = _stated(constraint.fields, before) == _stated(constraint.fields, after)
    return Verdict.TRUE if same else Verdict.FALSE


def _stated(names: tuple[str, ...], content: Entry | Proposal) -> bytes:
    return canonical({name: content.fields[name] for name in names if name in content.fields})


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
