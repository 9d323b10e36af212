"""What a proposal may look like before the state is asked: names, operation, content, schema."""

from __future__ import annotations

import re
from typing import Final

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.system import check_system_record
from counterfoil.proof.canonical import Json, check_profile, unlabelled
from counterfoil.proof.entry import OPERATIONS, Proposal
from counterfoil.proof.policy import check_policy

MAX_NAME: Final = 255
MAX_CLAIMS: Final = 64
MAX_BODY_DEPTH: Final = 16
CIRCUMSTANCES: Final = frozenset(
    {"actor", "on-behalf-of", "why", "law", "case", "recorded", "valid-from", "valid-to", "source"}
)
WRITING: Final = frozenset({"create", "amend", "correct"})
"""Operations that state a record's content; the others may leave it out."""
_DAY_OR_TIME: Final = re.compile(r"-?\d{4,6}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?)?)?", re.ASCII)


def check_content(definition: Definition, proposal: Proposal) -> None:
    """Raise `Malformed` or `Violated` unless the proposal is in form and its fields conform to the schema."""
    if proposal.operation not in OPERATIONS:
        raise Malformed(
            f"{proposal.operation[:40]!r} is no operation; use one of {', '.join(sorted(OPERATIONS))}"
        )
    record = proposal.record
    if not 0 < len(record) <= MAX_NAME or not record.isprintable():
        raise Malformed(f"a record's name has 1 to {MAX_NAME} printable characters; {record[:80]!r} does not")
    if proposal.body is not None:
        _check_body(definition, proposal)
    elif definition.asks_for_fields and proposal.operation in WRITING and not _elsewhere(proposal):
            raise Violated(
                f"{_name(proposal)} has no content, and its register asks for fields", constraint="schema"
            )
    if proposal.item or proposal.document or proposal.tree or proposal.control is not None or proposal.status:
        _check_rest(proposal)
    if proposal.claims or proposal.references:
        _check_names(proposal)


def _elsewhere(proposal: Proposal) -> bool:
    return not proposal.item is proposal.document is proposal.tree is None


def _check_body(definition: Definition, proposal: Proposal) -> None:
    body = proposal.body
    if type(body) is not dict or type(body.get("fields")) is not dict:
        raise Malformed(f'the body of {_name(proposal)} must be an object with "fields"')
    fields = body["fields"]
    check_profile(fields, "the body", MAX_BODY_DEPTH)
    if len(body) > 1:
        _check_circumstances(body)
    if definition.system:
        check_system_record(definition.name, proposal.record, fields)
    schema = definition.schema
    if schema is not None and not schema.accepts(fields):
        _explain(definition, proposal, fields)
    if definition.key is not None and fields.get(definition.key) != proposal.record:
        raise Violated(
            f"the record {_name(proposal)} must be named by its field {definition.key!r}, "
            f"which is {str(fields.get(definition.key))[:80]!r}",
            constraint="key",
            field=definition.key,
        )


def _check_circumstances(body: dict[str, Json]) -> None:
    circumstances = body.get("circumstances")
    if set(body) != {"fields", "circumstances"} or not isinstance(circumstances, dict):
        raise Malformed('a body has "fields" and "circumstances" and nothing else')
    for name, value in circumstances.items():
        if name not in CIRCUMSTANCES or not isinstance(value, str) or not value:
            raise Malformed(
                f"circumstance {name[:40]!r} is not known or not text; use {', '.join(sorted(CIRCUMSTANCES))}"
            )
    for clock in ("recorded", "valid-from", "valid-to"):
        if clock in circumstances and not _DAY_OR_TIME.fullmatch(circumstances[clock]):
            raise Malformed(
                f"{clock} {circumstances[clock][:40]!r} is not a date or time (2026, 2026-11-23, 2026-11-23T10:00:00Z)"
            )


def _explain(definition: Definition, proposal: Proposal, fields: Json) -> None:
    schema = definition.schema
    faults = list(schema.faults(fields)) if schema else []
    path, reason = faults[0] if faults else ("", "it does not conform")
    raise Violated(
        f"{_name(proposal)} does not conform to its register's schema at {path or '/'}: {reason}",
        constraint="schema",
        field=path.removeprefix("/") or None,
        citation=definition.fields.law,
    )


def _check_rest(proposal: Proposal) -> None:
    for commitment in (proposal.item, proposal.document, proposal.tree.root if proposal.tree else None):
        if commitment is not None:
            unlabelled(commitment)
    if proposal.tree is not None and proposal.tree.size < 1:
        raise Malformed("a tree of items has at least one item")
    if proposal.control is not None:
        check_policy(proposal.control)
    if proposal.status is not None and (
        not 0 < len(proposal.status) <= MAX_NAME or not proposal.status.isprintable()
    ):
        raise Malformed(f"a status is a word of 1 to {MAX_NAME} printable characters")


def _check_names(proposal: Proposal) -> None:
    if len(proposal.claims) > MAX_CLAIMS or len(proposal.references) > MAX_CLAIMS:
        raise Malformed(f"an entry states at most {MAX_CLAIMS} claims and {MAX_CLAIMS} references")
    for claim in proposal.claims:
        unlabelled(claim.digest)
        if claim.scope.startswith("register:"):
            raise Malformed(
                f"the claim scope {claim.scope[:80]!r} belongs to the ledger; choose one without 'register:'"
            )
    words = [word for claim in proposal.claims for word in (claim.scope, claim.name)]
    words += [
        word
        for reference in proposal.references
        for word in (reference.role, reference.register, reference.record)
    ]
    for word in words:
        if not 0 < len(word) <= MAX_NAME or not word.isprintable():
            raise Malformed(
                f"{word[:80]!r} in a claim or reference must have 1 to {MAX_NAME} printable characters"
            )


def _name(proposal: Proposal) -> str:
    return f"{proposal.register} {proposal.record!r}"
