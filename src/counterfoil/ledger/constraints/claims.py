"""Claims: the names under which the ledger keeps them, and those that a register makes of a body."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from counterfoil.ledger.definition import Definition
from counterfoil.ledger.names import normal_name
from counterfoil.proof.canonical import Json, canonical, digest
from counterfoil.proof.entry import Claim, Entry, Proposal


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
