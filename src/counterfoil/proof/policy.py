"""Endorsement policies: threshold trees over agencies and keys, `{"require":2,"of":["agency:…","key:…",{…}]}`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import Json
from counterfoil.proof.signing import PublicKey

MAX_DEPTH: Final = 8
MAX_LEAVES: Final = 256


def check_policy(policy: Json) -> None:
    """Raise `Malformed` unless `policy` is a leaf (`agency:…`, `key:…`) or a threshold over policies.

    A `key:` is followed by a public key as `PublicKey.text` writes it. No list names one signer twice; one that
    stands in two branches fulfils both, and an agency and a key of its own are two signers.
    """
    _check(policy, MAX_DEPTH)
    if sum(1 for _ in leaves(policy)) > MAX_LEAVES:
        raise Malformed(f"an endorsement policy names more than {MAX_LEAVES} signers; nest fewer")


def satisfied(policy: Json, signers: Collection[str]) -> bool:
    """Whether the endorsers in `signers` (written as the policy's leaves are) fulfil a checked policy."""
    if isinstance(policy, str):
        return policy in signers
    return bool(sum(satisfied(branch, signers) for branch in policy["of"]) >= policy["require"])


def leaves(policy: Json) -> Iterator[str]:
    """Every signer that a checked policy names, in its order."""
    if isinstance(policy, str):
        yield policy
    else:
        for branch in policy["of"]:
            yield from leaves(branch)


def _check(policy: Json, depth: int) -> None:
    if isinstance(policy, str):
        _check_signer(policy)
        return
    if not isinstance(policy, dict) or set(policy) != {"require", "of"}:
        raise Malformed('an endorsement policy is a signer or {"require": number, "of": [policies]}')
    require, branches = policy["require"], policy["of"]
    if not isinstance(branches, list) or type(require) is not int or not 1 <= require <= len(branches):
        raise Malformed("an endorsement policy requires between one and all of the policies it lists")
    if depth == 0:
        raise Malformed(f"an endorsement policy is nested more than {MAX_DEPTH} deep")
    for branch in branches:
        _check(branch, depth - 1)
    signers = [branch for branch in branches if isinstance(branch, str)]
    if len(set(signers)) != len(signers):
        raise Malformed("an endorsement policy names one signer twice in one list, who would count twice")


def _check_signer(signer: str) -> None:
    kind, _, name = signer.partition(":")
    if kind == "key":
        PublicKey.parse(name)
    elif kind != "agency" or not name:
        raise Malformed(f"{signer[:80]!r} is no signer; an endorsement policy names agency:… or key:…")
