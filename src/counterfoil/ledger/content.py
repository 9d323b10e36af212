"""What a proposal may look like before the state is asked: names, operation, content, schema."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from typing import Final

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.dates import parse_date
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.names import MAX_NAME, is_name
from counterfoil.ledger.system import check_system_record
from counterfoil.proof.canonical import MAX_INTEGER, Json, unlabelled
from counterfoil.proof.entry import ENDING, OPERATIONS, WRITING, Proposal, check_body
from counterfoil.proof.policy import check_policy

MAX_CLAIMS: Final = 64
CIRCUMSTANCES: Final = frozenset(
    {"actor", "on-behalf-of", "decided-by", "why", "law", "case", "subject"}
    | {"recorded", "valid-from", "valid-to", "source"}
)
CLOCKS: Final = ("recorded", "valid-from", "valid-to")
_PSEUDONYM: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
"""The last of 43 characters has 4 bits: one of these."""
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
    if definition.pseudonymous:
        _check_pseudonym(definition, proposal)
    if proposal.body is not None:
        _check_body(definition, proposal, proposal.body)
    else:
        _check_bodiless(definition, proposal)
    if not definition.itemless and proposal.item is None and proposal.operation in WRITING:
        field = min(definition.hidden & definition.rules.required)
        raise Violated(
            f"{_name(proposal)} has no item, and its register asks for the field {field!r}, which goes by item",
            constraint="schema",
            field=field,
            citation=definition.fields.law,
        )
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
        _check_scopes(definition, proposal)


def _check_scopes(definition: Definition, proposal: Proposal) -> None:
    """A register claims in its own scopes only, and where constraints say what is claimed there, nothing else."""
    declared = {(each.scope, each.claim) for each in definition.exclusive}
    declared |= {
        (definition.unique_scope, each.name)
        for each in definition.unique
        if not definition.hidden.isdisjoint(each.fields)
    }
    closed = {scope for scope, _ in declared} | {definition.unique_scope}
    for claim in proposal.claims:
        inside = (claim.scope, claim.name) in declared or claim.scope not in closed
        if claim.scope not in definition.scopes or not inside:
            raise Violated(
                f"{_name(proposal)} claims {claim.name[:80]!r} in the scope {claim.scope[:80]!r}, which its register's "
                "definition does not provide for",
                constraint="scopes",
            )


def _check_bodiless(definition: Definition, proposal: Proposal) -> None:
    if definition.system:
        wanted = proposal.operation not in ENDING
    else:
        elsewhere = (proposal.item, proposal.document, proposal.tree)
        writes = definition.schema is not None and proposal.operation in WRITING
        wanted = writes and elsewhere == (None, None, None)
        if writes and not wanted and not definition.bodiless:
            _explain(definition, proposal, {})
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
    key = definition.named_by
    if key is not None and not (definition.key_as_is and fields.get(key) == proposal.record):
        _check_key(definition, key, proposal, fields)
    if definition.fields.authority_from is not None:
        check_validity(definition, body.get("circumstances", {}))


def _check_pseudonym(definition: Definition, proposal: Proposal) -> None:
    if not is_pseudonym(proposal.record):
        raise Malformed(
            f"the records of {definition.name} are named by keyed pseudonyms (43 characters of base64url), and "
            f"this one is not; write its key into the field {definition.key!r} of its item"
        )
    if definition.key is not None and definition.key in proposal.fields:
        raise Violated(
            f"the field {definition.key!r} of {_name(proposal)} is its key, which goes by item and in no body",
            constraint="key",
            field=definition.key,
        )


def is_pseudonym(record: str) -> bool:
    """Whether a name is 32 bytes in unpadded base64url (RFC 4648 section 5), as a keyed pseudonym is."""
    return _PSEUDONYM.fullmatch(record) is not None


def check_validity(definition: Definition, circumstances: Mapping[str, Json]) -> None:
    """Raise `Violated` where validity begins before the agency had authority over the register.

    What an older book recorded then (`recorded` lies before that day too) is what its keeper stated, and may be told.
    Nothing is refused that is only perhaps so: of a partial date the last day counts.
    """
    start = definition.fields.authority_from
    if start is None or "valid-from" not in circumstances:
        return
    first = parse_date(start).first
    told = [
        parse_date(str(circumstances[name])) for name in ("valid-from", "recorded") if name in circumstances
    ]
    if told[0].last < first and not (len(told) > 1 and told[1].last < first):
        raise Violated(
            f"the agency has kept {definition.name} since {start}, and cannot state what was valid before; state when "
            "an older book recorded it, or begin later",
            constraint="authority-from",
            field="valid-from",
            citation=definition.fields.law,
        )


def _check_key(definition: Definition, key: str, proposal: Proposal, fields: dict[str, Json]) -> None:
    value = fields.get(key)
    name = definition.normal_key(value) if isinstance(value, str) else None
    if name != proposal.record:
        form = f", in the form in which keys are compared {name[:80]!r}" if name not in {None, value} else ""
        raise Violated(
            f"the record {_name(proposal)} must be named by its field {key!r}, which is {str(value)[:80]!r}{form}",
            constraint="key",
            field=key,
        )


def _check_circumstances(circumstances: dict[str, Json]) -> None:
    for name, value in circumstances.items():
        if name not in CIRCUMSTANCES or not isinstance(value, str) or not value:
            raise Malformed(
                f"circumstance {name[:40]!r} is not known or not text; use {', '.join(sorted(CIRCUMSTANCES))}"
            )
        if name in CLOCKS and not is_day_or_time(value):
            raise Malformed(
                f"{name} {value[:40]!r} is not a date or time (2026, 2026-11-23, 2026-11-23T10:00:00Z)"
            )


def is_day_or_time(text: str) -> bool:
    """Whether a text is a year, month, day or time, as the clocks among the circumstances are."""
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
