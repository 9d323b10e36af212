"""What can only be judged on the state after a whole transaction: claims, references and constraints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.constraints import (
    Answer,
    ClearSight,
    Question,
    Verdict,
    claim_key,
    claimed_field,
    claims_of,
    derived_claims,
    false,
    judge,
)
from counterfoil.ledger.content import is_pseudonym
from counterfoil.ledger.definition import Constraint, Definition
from counterfoil.ledger.knowledge import check_checkpoint_keys, check_governable
from counterfoil.ledger.operands import parse_operand
from counterfoil.ledger.scope import Scope
from counterfoil.ledger.state import CLAIMS, ENDED, REFERENCES, RecordState, ReferenceRow
from counterfoil.ledger.system import AGENCY, check_successor
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import canonical
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.proof.index import record_key


def settle(scope: Scope, written: Mapping[bytes, RecordState]) -> None:
    """Judge a placed transaction, and note its claims and references in the view. Raises `Violated`.

    `written` holds the state of each record after the transaction.
    """
    view = scope.view
    _judge_steps(scope)
    last = dict(zip(scope.keys, scope.transaction.proposals, strict=True))
    acquired: list[tuple[bytes, bytes, Proposal]] = []
    for key, proposal in last.items():
        before, definition = scope.before[key], scope.definitions[proposal.register]
        held = 0 if before is None or before.flags & ENDED else before.flags
        claims = held & CLAIMS or proposal.claims or definition.unique or definition.unique_each
        references = held & REFERENCES or proposal.references
        if claims or references:
            earlier = scope.earlier(key) if before is not None and not before.flags & ENDED else None
            later = proposal if not written[key].flags & ENDED else None
            if claims:
                acquired += _release(view, key, definition, earlier, later)
            if references:
                _refer(view, key, earlier, later)
    _acquire(scope, acquired)
    definitions = scope.definitions.values()
    if any(definition.asked for definition in definitions):
        _judge_ends(scope, last)
    if any(definition.system for definition in definitions):
        check_governable(view, scope.knowledge)


def _acquire(scope: Scope, acquired: Iterable[tuple[bytes, bytes, Proposal]]) -> None:
    """Give out what was claimed, once all that is given up in the transaction has been released."""
    view = scope.view
    for claim, holder, proposal in acquired:
        other = view.claim(claim)
        if other is not None and other != holder:
            raise _held_already(scope.definitions[proposal.register], proposal, claim)
        view.hold(claim, holder)


def _judge_ends(scope: Scope, last: Mapping[bytes, Proposal]) -> None:
    """Ask what is asked of the state after the whole transaction."""
    sight, proposals = clear_sight(scope), scope.transaction.proposals
    for key, proposal in last.items():
        definition = scope.definitions[proposal.register]
        asked = definition.asked_for[proposal.operation]
        if asked:
            question = Question(definition, scope.earlier(key), proposal, scope.view, proposals, sight)
            for constraint in asked:
                _ask(constraint, question)


def _judge_steps(scope: Scope) -> None:
    """Ask what compares each version with the one before it, which may be of the same transaction."""
    stated: dict[bytes, Proposal] = {}
    sight, proposals = clear_sight(scope), scope.transaction.proposals
    for key, proposal in zip(scope.keys, scope.transaction.proposals, strict=True):
        definition = scope.definitions[proposal.register]
        if definition.steps or definition.system or proposal.operation == "erase":
            before = stated.get(key) or scope.earlier(key)
            question = Question(definition, before, proposal, scope.view, proposals, sight)
            if before is not None:
                _check_succession(definition, before, proposal)
            if proposal.register == AGENCY:
                check_checkpoint_keys(scope.view, scope.knowledge, proposal)
            for constraint in definition.steps:
                _ask(constraint, question)
        stated[key] = proposal


def _check_succession(definition: Definition, before: Entry | Proposal, after: Proposal) -> None:
    if definition.system:
        check_successor(before, after)
    added = [
        name
        for name in ("item", "document", "tree")
        if getattr(after, name) not in (None, getattr(before, name))
    ]
    if after.operation == "erase" and (added or _public_state(before) != _public_state(after)):
        raise Violated(
            f"{after.register} {after.record!r} is to be erased; that repeats status, fields, claims, references and "
            "control as they are, and names no content that was not there",
            constraint="erase",
        )


def _public_state(content: Entry | Proposal) -> tuple[object, ...]:
    clear = canonical([content.fields, content.control])
    return content.status, content.claims, content.references, clear


def _release(
    view: View, key: bytes, definition: Definition, before: Entry | None, after: Proposal | None
) -> list[tuple[bytes, bytes, Proposal]]:
    old = claims_of(definition, before) if before else set()
    new = claims_of(definition, after) if after else set()
    for claim in sorted(old - new):
        view.hold(claim, None)
    return [(claim, key, after) for claim in sorted(new - old)] if after else []


def _refer(view: View, key: bytes, before: Entry | None, after: Proposal | None) -> None:
    old = _references(key, before) if before else set()
    new = _references(key, after) if after else set()
    for row in sorted(old - new):
        view.refer(row, False)
    for row in sorted(new - old):
        view.refer(row, True)


def _references(key: bytes, content: Entry | Proposal) -> set[ReferenceRow]:
    return {ReferenceRow(record_key(to.register, to.record), to.role, key) for to in content.references}


def _held_already(definition: Definition, proposal: Proposal, claim: bytes) -> Violated:
    name = f"{proposal.register} {proposal.record!r}"
    made = next(
        (each for each in derived_claims(definition, proposal.body) if claim_key(each) == claim), None
    )
    if made is None:
        return _stated_already(definition, proposal, claim)
    constraint = next((each for each in definition.unique if each.name == made.name), None)
    fields = constraint.fields if constraint else (made.name,)
    citation = (
        f"; {constraint.citation}" if constraint is not None and constraint.citation is not None else ""
    )
    return Violated(
        f"{name} is refused: it has the same {', '.join(fields)} as another live record ({made.name}, field "
        f"{fields[0]}{citation})",
        constraint=made.name,
        field=fields[0],
        citation=constraint.citation if constraint else None,
    )


def _stated_already(definition: Definition, proposal: Proposal, claim: bytes) -> Violated:
    """What a stated claim collides with: it is told by the constraint that has it stated, where there is one."""
    said = "it claims what another live record holds"
    stated = next(each for each in proposal.claims if claim_key(each) == claim)
    for constraint in (*definition.exclusive, *definition.unique):
        by_name = (stated.scope, stated.name) == (definition.unique_scope, constraint.name)
        if by_name or (stated.scope, stated.name) == (constraint.scope, constraint.claim):
            return broken(
                constraint, proposal, false(said, claimed_field(constraint, proposal.claims, stated))
            )
    return Violated(f"{_called(proposal)} is refused: {said}", constraint="claim")


def broken(constraint: Constraint, proposal: Proposal, answer: Answer) -> Violated:
    """The refusal of a change that breaks a constraint: what must hold, why it does not, its name, field and citation.

    A pseudonym is left out: it tells people nothing.
    """
    field = _field_of(constraint, answer)
    said = [each for each in (constraint.says, answer.reason) if each]
    where = [constraint.name, *([f"field {field}"] if field is not None else [])]
    behind = [constraint.citation] if constraint.citation is not None else []
    return Violated(
        f"{_called(proposal)} is refused: {'; '.join(said) or f'a rule of the kind {constraint.kind} does not hold'} "
        f"({'; '.join([', '.join(where), *behind])})",
        constraint=constraint.name,
        field=field,
        citation=constraint.citation,
    )


def _called(proposal: Proposal) -> str:
    """How a refusal calls what was to change."""
    if not is_pseudonym(proposal.record):
        return f"{proposal.register} {proposal.record!r}"
    return f"{'an' if proposal.register[:1] in 'aeiou' else 'a'} {proposal.register}"


def _field_of(constraint: Constraint, answer: Answer) -> str | None:
    """The field that failed, or the first that a constraint is on; what it is about where that is none.

    Of an operand that leads into another record it is the field that names the record.
    """
    for text in (answer.field, *constraint.fields):
        path = _path(text) if text is not None else None
        if path is not None:
            return path
    return constraint.role or {"transition": "status", "authorised-by": "control"}.get(constraint.kind)


def _path(text: str) -> str | None:
    try:
        operand = parse_operand(text)
    except Malformed:
        # A name of a kind that compares names as they are.
        return text
    return str(operand.path) if operand.path is not None else None


def clear_sight(scope: Scope) -> ClearSight:
    """The ledger's eyes on a transaction that is placed."""
    view, before = scope.view, scope.before
    return ClearSight(
        view,
        lambda register: scope.definitions.get(register) or scope.knowledge.known(view, register),
        lambda key: before[key] if key in before else view.record(key),
    )


def _ask(constraint: Constraint, question: Question) -> None:
    answer = judge(constraint, question)
    if answer.verdict is Verdict.FALSE:
        raise broken(constraint, question.after, answer)
