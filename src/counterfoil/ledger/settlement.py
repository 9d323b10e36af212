"""What can only be judged on the state after a whole transaction: claims, references and constraints."""

from __future__ import annotations

from counterfoil.errors import Violated
from counterfoil.ledger.constraints import Question, Verdict, claim_key, derived_claims, judge
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.scope import Scope
from counterfoil.ledger.state import CLAIMS, REFERENCES, ReferenceRow
from counterfoil.ledger.system import REGISTER, check_successor
from counterfoil.ledger.view import View
from counterfoil.proof.entry import ENDING, Entry, Proposal
from counterfoil.proof.index import record_key


def settle(scope: Scope) -> None:
    """Judge a placed transaction's claims, references and constraints, and note them in the view. Raises `Violated`."""
    view, definitions = scope.view, scope.definitions
    last = dict(zip(scope.keys, scope.transaction.proposals, strict=True))
    acquired: list[tuple[bytes, bytes, Proposal]] = []
    questions: list[Question] = []
    for key, proposal in last.items():
        before, definition = scope.before[key], definitions[proposal.register]
        held = before is not None and before.flags & (CLAIMS | REFERENCES)
        if not (held or proposal.claims or proposal.references or definition.constraints or definition.system):
            continue
        earlier = view.entry(before.number) if before else None
        acquired += _release(view, key, definition, earlier, proposal)
        _refer(view, key, earlier, proposal)
        if proposal.register == REGISTER and earlier is not None:
            check_successor(earlier, proposal)
        questions.append(Question(definition, earlier, proposal, view))
    for claim, holder, proposal in acquired:
        other = view.claim(claim)
        if other is not None and other != holder:
            raise _held_already(definitions[proposal.register], proposal, claim)
        view.hold(claim, holder)
    for question in questions:
        _ask(question)


def _release(
    view: View, key: bytes, definition: Definition, before: Entry | None, after: Proposal
) -> list[tuple[bytes, bytes, Proposal]]:
    old = set() if before is None or before.operation in ENDING else _claims(definition, before)
    new = set() if after.operation in ENDING else _claims(definition, after)
    for claim in sorted(old - new):
        view.hold(claim, None)
    return [(claim, key, after) for claim in sorted(new - old)]


def _claims(definition: Definition, content: Entry | Proposal) -> set[bytes]:
    claims = {claim_key(claim) for claim in content.claims}
    if definition.unique:
        claims |= {claim_key(claim) for claim in derived_claims(definition, content.body)}
    return claims


def _refer(view: View, key: bytes, before: Entry | None, after: Proposal) -> None:
    old = set() if before is None or before.operation in ENDING else _references(key, before)
    new = set() if after.operation in ENDING else _references(key, after)
    for row in sorted(old - new):
        view.refer(row, False)
    for row in sorted(new - old):
        view.refer(row, True)


def _references(key: bytes, content: Entry | Proposal) -> set[ReferenceRow]:
    return {ReferenceRow(record_key(to.register, to.record), to.role, key) for to in content.references}


def _held_already(definition: Definition, proposal: Proposal, claim: bytes) -> Violated:
    name = f"{proposal.register} {proposal.record!r}"
    for constraint in definition.unique:
        for derived in derived_claims(definition, proposal.body):
            if derived.name == constraint.name and claim_key(derived) == claim:
                fields = ", ".join(constraint.fields)
                return Violated(
                    f"{name} has the same {fields} as another record, and {constraint.name} allows it once",
                    constraint=constraint.name,
                    field=constraint.fields[0],
                    citation=constraint.citation,
                )
    return Violated(f"{name} claims what another live record holds", constraint="claim")


def _ask(question: Question) -> None:
    for constraint in question.definition.constraints:
        if judge(constraint, question) is Verdict.FALSE:
            proposal = question.after
            field = constraint.fields[0] if constraint.fields else None
            raise Violated(
                f"{proposal.register} {proposal.record!r} breaks {constraint.name} ({constraint.kind}"
                f"{' on ' + ', '.join(constraint.fields) if constraint.fields else ''})"
                f"{': ' + constraint.citation if constraint.citation else ''}",
                constraint=constraint.name,
                field=field,
                citation=constraint.citation,
            )
