"""`reference`: what these fields name are live records of a register, in a required status."""

from __future__ import annotations

from counterfoil.ledger.constraints.question import (
    TRUE,
    UNDECIDABLE,
    UNKNOWN,
    Answer,
    Question,
    Standing,
    false,
)
from counterfoil.ledger.constraints.reading import keys_of
from counterfoil.ledger.declared import Constraint
from counterfoil.proof.canonical import Json
from counterfoil.proof.index import record_key


def judge_reference(constraint: Constraint, question: Question) -> Answer:
    """Uses `fields`, `register` and `status`. With `role`, the entry states each of them in its `references` too."""
    fields = question.sight.fields(question.after)
    keys: list[Json] = []
    unknown = False
    for name in constraint.fields:
        found = keys_of(name, fields)
        if found is UNKNOWN:
            unknown = True
            continue
        keys += found
        for key in found:
            standing = question.sight.standing(constraint.register or "", key)
            if standing is UNKNOWN:
                unknown = True
            elif not standing.stands(constraint.status):
                return false(field=name)
    if constraint.role is not None:
        stated = _judge_stated(constraint, question, keys, whole=not unknown)
        if stated is not None:
            return stated
    return UNDECIDABLE if unknown else TRUE


def _judge_stated(
    constraint: Constraint, question: Question, keys: list[Json], *, whole: bool
) -> Answer | None:
    """Judge the references that are stated in the clear, as far as the keys are known (`whole`: they all are)."""
    register, role = constraint.register or "", constraint.role
    named = set()
    for key in keys:
        name = question.sight.name(register, key)
        whole = whole and name is not UNKNOWN
        if isinstance(name, str):
            named.add(name)
    stated = {each for each in question.after.references if each.role == role}
    records = {each.record for each in stated if each.register == register}
    strays = {each.register for each in stated} - _registers(question, role)
    if strays or not named <= records or (whole and named != records):
        return false(f"its references in the role {role} are not those that its fields name")
    for record in sorted(records - named):
        if not _state(question, register, record).stands(constraint.status):
            return false()
    return None


def _registers(question: Question, role: str | None) -> set[str | None]:
    """The registers into which the definition refers in this role: a legal hold names a record of any."""
    return {
        each.register
        for each in question.definition.constraints
        if each.kind == "reference" and each.role == role
    }


def _state(question: Question, register: str, record: str) -> Standing:
    view = question.view
    state = view.record(record_key(register, record))
    if state is None:
        return Standing(False)
    return Standing(True, view.entry(state.number).status, state.ended)
