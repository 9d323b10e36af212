"""What a proposal may look like before the state is asked: names, operation, content, schema."""

from __future__ import annotations

import re
from calendar import monthrange
from typing import Final

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.names import MAX_NAME, is_name, normal_name
from counterfoil.ledger.system import check_system_record
from counterfoil.proof.canonical import MAX_INTEGER, Json, unlabelled
from counterfoil.proof.entry import ENDING, OPERATIONS, WRITING, Proposal, check_body
from counterfoil.proof.policy import check_policy

MAX_CLAIMS: Final = 64
CIRCUMSTANCES: Final = frozenset(
    {"actor", "on-behalf-of", "why", "law", "case", "recorded", "valid-from", "valid-to", "source"}
)
CLOCKS: Final = ("recorded", "valid-from", "valid-to")
_DAY_OR_TIME: Final = re.compile(
    r"(-?\d{4,6})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01])"
    r"(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d))?)?)?",
    re.ASCII,
)


def check_content(definition: Definition, proposal: Proposal) -> None:
    """Raise `Malformed` or `Violated` unless the proposal is in form and its fields conform to the schema."""
    if proposal.operation not in OPERATIONS:
        raise Malformed(
            f"{proposal.operation[:40]!r} is no operation; use one of {', '.join(sorted(OPERATIONS))}"
        )
    if definition.system and proposal.operation == "erase":
        raise Violated(
            f"{_name(proposal)} holds nothing that could be erased; amend or close it", constraint="erase"
        )
    if not is_name(proposal.record):
        raise Malformed(
            f"{proposal.record[:80]!r} is no name for a record; use 1 to {MAX_NAME} printable characters in NFC"
        )
    if proposal.body is not None:
        _check_body(definition, proposal, proposal.body)
    else:
        _check_bodiless(definition, proposal)
    if proposal.item is not None or proposal.document is not None or proposal.tree is not None:
        _check_commitments(proposal)
    if proposal.control is not None:
        check_policy(proposal.control)
    if proposal.status is not None and not is_name(proposal.status):
        raise Malformed(
            f"a status is a word of 1 to {MAX_NAME} printable characters; {_name(proposal)} has another"
        )
    if proposal.claims or proposal.references:
        _check_names(proposal)


def _check_bodiless(definition: Definition, proposal: Proposal) -> None:
    if definition.system:
        wanted = proposal.operation not in ENDING
    else:
        elsewhere = (proposal.item, proposal.document, proposal.tree)
        wanted = (
            definition.schema is not None
            and proposal.operation in WRITING
            and elsewhere == (None, None, None)
        )
    if wanted:
        raise Violated(
            f"{_name(proposal)} has no content, and its register asks for fields", constraint="schema"
        )


def _check_body(definition: Definition, proposal: Proposal, body: Json) -> None:
    check_body(body)
    fields = body["fields"]
    if len(body) > 1:
        _check_circumstances(body["circumstances"])
    if definition.system:
        check_system_record(definition.name, proposal.record, fields)
    schema = definition.schema
    if schema is not None and not schema.accepts(fields):
        _explain(definition, proposal, fields)
    if definition.key is not None and fields.get(definition.key) != proposal.record:
        _check_key(definition.key, proposal, fields)


def _check_key(key: str, proposal: Proposal, fields: dict[str, Json]) -> None:
    value = fields.get(key)
    if not isinstance(value, str) or normal_name(value) != proposal.record:
        raise Violated(
            f"the record {_name(proposal)} must be named by its field {key!r}, which is {str(value)[:80]!r}",
            constraint="key",
            field=key,
        )


def _check_circumstances(circumstances: dict[str, Json]) -> None:
    for name, value in circumstances.items():
        if name not in CIRCUMSTANCES or not isinstance(value, str) or not value:
            raise Malformed(
                f"circumstance {name[:40]!r} is not known or not text; use {', '.join(sorted(CIRCUMSTANCES))}"
            )
        if name in CLOCKS and not _is_day_or_time(value):
            raise Malformed(
                f"{name} {value[:40]!r} is not a date or time (2026, 2026-11-23, 2026-11-23T10:00:00Z)"
            )


def _is_day_or_time(text: str) -> bool:
    found = _DAY_OR_TIME.fullmatch(text)
    if found is None:
        return False
    year, month, day = found.groups()
    # The Gregorian calendar repeats itself every 400 years, and `monthrange` knows only four-digit ones.
    return day is None or int(day) <= monthrange(2000 + int(year) % 400, int(month))[1]


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


def _check_commitments(proposal: Proposal) -> None:
    for commitment in (proposal.item, proposal.document, proposal.tree.root if proposal.tree else None):
        if commitment is not None:
            unlabelled(commitment)
    if proposal.tree is not None and not 1 <= proposal.tree.size <= MAX_INTEGER:
        raise Malformed(f"the tree of items of {_name(proposal)} must have from 1 up to 2^53 - 1 items")


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
        if not is_name(word):
            raise Malformed(
                f"{word[:80]!r} in a claim or reference is no name; use 1 to {MAX_NAME} printable characters in NFC"
            )


def _name(proposal: Proposal) -> str:
    return f"{proposal.register} {proposal.record[:120]!r}"
