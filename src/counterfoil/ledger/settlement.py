"""What can only be judged on the state after a whole transaction: claims, references and constraints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from counterfoil.errors import Violated
from counterfoil.ledger.constraints import Question, Verdict, claim_key, claims_of, derived_claims, judge
from counterfoil.ledger.definition import Constraint, Definition
from counterfoil.ledger.knowledge import check_checkpoint_keys, check_governable
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
    if any(definition.ends for definition in definitions):
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
    for key, proposal in last.items():
        definition = scope.definitions[proposal.register]
        if definition.ends:
            question = Question(definition, scope.earlier(key), proposal, scope.view)
            for constraint in definition.ends:
                _ask(constraint, question)


def _judge_steps(scope: Scope) -> None:
    """Ask what compares each version with the one before it, which may be of the same transaction."""
    stated: dict[bytes, Proposal] = {}
    for key, proposal in zip(scope.keys, scope.transaction.proposals, strict=True):
        definition = scope.definitions[proposal.register]
        if definition.steps or definition.system or proposal.operation == "erase":
            before = stated.get(key) or scope.earlier(key)
            question = Question(definition, before, proposal, scope.view)
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
        return Violated(f"{name} claims what another live record holds", constraint="claim")
    constraint = next((each for each in definition.unique if each.name == made.name), None)
    fields = constraint.fields if constraint else (made.name,)
    return Violated(
        f"{name} has the same {', '.join(fields)} as another record, and {made.name} allows it once",
        constraint=made.name,
        field=fields[0],
        citation=constraint.citation if constraint else None,
    )


def _ask(constraint: Constraint, question: Question) -> None:
    if judge(constraint, question) is Verdict.FALSE:
        proposal = question.after
        raise Violated(
            f"{proposal.register} {proposal.record!r} breaks {constraint.name} ({constraint.kind}"
            f"{' on ' + ', '.join(constraint.fields) if constraint.fields else ''})"
            f"{': ' + constraint.citation if constraint.citation else ''}",
            constraint=constraint.name,
            field=constraint.fields[0] if constraint.fields else None,
            citation=constraint.citation,
        )
