"""Steps of a verification about records: what the index says of them, and which fields of items are shown.

Each step returns what it showed, or raises: `Unverified` or `Malformed` where it failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from counterfoil.errors import Unverified
from counterfoil.proof.bundle import Disclosure, IndexClaim
from counterfoil.proof.canonical import Json, canonical, unlabelled
from counterfoil.proof.disclosure import Presentation, verify_presentation
from counterfoil.proof.entry import ENDING
from counterfoil.proof.evidence import Evidence, Leaf, record_name
from counterfoil.proof.index import IndexProof, record_key, verify_index
from counterfoil.proof.report import plural, quoted
from counterfoil.proof.rules import INDEX, REGISTER, read_index_root, read_rules


class Latest(NamedTuple):
    """What an index claim was shown to say: the record's latest entry as of another, or that there is no such record.

    `leaf` is None for absence; `said` is the whole as a sentence.
    """

    as_of: int
    register: str
    leaf: Leaf | None
    said: str


def check_index(claims: Sequence[IndexClaim], evidence: Evidence) -> tuple[str, list[Latest]]:
    """Check every index claim against the `.index` entry that it names."""
    found = []
    for claim in claims:
        leaf = _check_claim(claim, evidence)
        found.append(Latest(claim.as_of, claim.register, leaf, _describe(claim, leaf, evidence)))
    roots = len({claim.as_of for claim in claims})
    detail = (
        f"index proofs checked against the root of {plural(roots, '.index entry')}: {len(found)}; "
        f"{sum(each.leaf is not None for each in found)} end at an entry of this bundle as the latest of its record, "
        f"{sum(each.leaf is None for each in found)} at a bucket without the record"
    )
    return detail, found


def _describe(claim: IndexClaim, leaf: Leaf | None, evidence: Evidence) -> str:
    until = f"as of entry {claim.as_of} ({evidence.by_number[claim.as_of].entry.time})"
    if leaf is None:
        # Of a key nothing is said: which pseudonym it has, only the holder of the register's secret can tell.
        named, caveat = "", ""
        if _pseudonymous(claim, evidence):
            named, caveat = "named ", ", as far as the holder of the register's key is honest"
        record = f"{named}{quoted(claim.record)}"
        return f"there is no record {record} in the register {quoted(claim.register)} {until}{caveat}"
    entry = leaf.entry
    ended = f", and the record has ended ({entry.operation})" if entry.operation in ENDING else ""
    return f"{record_name(entry.register, entry.record)} version {entry.version} is the latest {until}{ended}"


def check_disclosures(
    disclosures: Sequence[Disclosure], evidence: Evidence
) -> tuple[str, list[tuple[str, str]]]:
    """Check shown fields against the commitments in their entries; gives registers and what the fields say."""
    claims = []
    for disclosure in disclosures:
        leaf = evidence.by_number.get(disclosure.number)
        if leaf is None or leaf.entry.item is None:
            raise Unverified(
                f"fields are shown for entry {disclosure.number}, which is not here or has no item"
            )
        presentation = Presentation(disclosure.shown, disclosure.hidden)
        fields = verify_presentation(presentation, unlabelled(leaf.entry.item))
        claims += [
            (leaf.entry.register, f"{leaf.name} has the field {quoted(name)}: {_value(value)}")
            for name, value in fields.items()
        ]
    detail = f"the hashes of {plural(len(claims), 'shown field')} lead to what the entries commit to"
    return detail, claims


def _check_claim(claim: IndexClaim, evidence: Evidence) -> Leaf | None:
    name = record_name(claim.register, claim.record)
    if claim.register == INDEX:
        raise Unverified("an index claim is about .index, whose entries no index holds")
    index = evidence.by_number.get(claim.as_of)
    if index is None:
        raise Unverified(
            f"the index claim about {name} rests on entry {claim.as_of}, which is not in the bundle"
        )
    key = record_key(claim.register, claim.record)
    if claim.key != key:
        raise Unverified(f"the index claim about {name} has the key of another record")
    stated = read_index_root(index.entry)
    if stated.size != claim.as_of:
        raise Unverified(
            f"entry {claim.as_of} states an index over {stated.size} entries, not over all before it"
        )
    proof = IndexProof(claim.bucket, claim.siblings)
    found = verify_index(proof, key, unlabelled(stated.root))
    latest = evidence.latest(claim.register, claim.record, claim.as_of)
    if found is None and latest is not None:
        raise Unverified(
            f"the index of entry {claim.as_of} holds no {name}, but {latest.name} stands before it"
        )
    if found is not None and (latest is None or latest.hash != found):
        raise Unverified(
            f"the index of entry {claim.as_of} names another entry of {name} than the last one here"
        )
    return latest


def _pseudonymous(claim: IndexClaim, evidence: Evidence) -> bool:
    definitions = evidence.by_record.get((REGISTER, claim.register), ())
    return any(
        read_rules(leaf.entry).pseudonymous for leaf in definitions if leaf.entry.operation not in ENDING
    )


def _value(value: Json) -> str:
    text = canonical(value).decode()
    return text if text.isprintable() else ascii(text)
