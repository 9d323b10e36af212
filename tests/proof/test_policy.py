"""Endorsement policies: threshold trees, what they accept, and what is no policy."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.proof.policy import MAX_DEPTH, MAX_LEAVES, check_policy, leaves, satisfied
from counterfoil.proof.signing import SigningKey

A, B, C, D = (f"agency:EE/GOV/{letter}" for letter in "ABCD")
KEY = "key:" + SigningKey("ed25519", bytes(32)).public.text


def of(require: int, *branches: Any) -> dict[str, Any]:
    return {"require": require, "of": list(branches)}


# ---- What satisfies --------------------------------------------------------------------------------


@pytest.mark.parametrize("signer", [A, KEY])
def test_a_signer_alone_is_a_policy(signer: str) -> None:
    check_policy(signer)
    assert satisfied(signer, {signer})
    assert satisfied(signer, {signer, B})
    assert not satisfied(signer, {B})
    assert not satisfied(signer, set())


@pytest.mark.parametrize("require", [1, 2, 3, 4])
def test_a_threshold_is_satisfied_by_as_many_as_it_requires(require: int) -> None:
    policy = of(require, A, B, C, KEY)
    check_policy(policy)
    for count in range(5):
        for signers in combinations([A, B, C, KEY], count):
            assert satisfied(policy, set(signers)) is (count >= require)


def test_policies_nest() -> None:
    policy = of(1, KEY, of(2, A, B, of(1, C, D)))
    check_policy(policy)
    assert list(leaves(policy)) == [KEY, A, B, C, D]
    assert satisfied(policy, {KEY})
    assert satisfied(policy, {A, D})
    assert satisfied(policy, {B, C})
    assert not satisfied(policy, {C, D})
    assert not satisfied(policy, {A})


def test_one_signer_may_stand_in_two_branches() -> None:
    policy = of(2, of(1, A, B), of(1, A, C))
    check_policy(policy)
    assert satisfied(policy, {A})
    assert satisfied(policy, {B, C})
    assert not satisfied(policy, {B})


SIGNERS = st.sampled_from([A, B, C, D, KEY])
POLICIES = st.recursive(
    SIGNERS,
    lambda inner: st.lists(inner, min_size=1, max_size=4, unique_by=str).flatmap(
        lambda branches: st.integers(1, len(branches)).map(lambda require: of(require, *branches))
    ),
    max_leaves=12,
)


@given(POLICIES, st.sets(SIGNERS), SIGNERS)
def test_one_signer_more_never_hurts(policy: Any, signers: set[str], more: str) -> None:
    check_policy(policy)
    assert satisfied(policy, signers | {more}) >= satisfied(policy, signers)


@given(POLICIES)
def test_all_signers_together_satisfy_and_none_do_not(policy: Any) -> None:
    assert satisfied(policy, set(leaves(policy)))
    assert not satisfied(policy, set())


# ---- What is no policy -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "policy",
    [
        None,
        1,
        True,
        [],
        [A],
        {},
        {"require": 1},
        {"of": [A]},
        {"require": 1, "of": [A], "note": "x"},
        {"require": 1, "of": A},
        {"require": 0, "of": [A]},
        {"require": -1, "of": [A]},
        {"require": 2, "of": [A]},
        {"require": 0, "of": []},
        {"require": 10**400, "of": [A]},
        {"require": 1.0, "of": [A]},
        {"require": True, "of": [A]},
        {"require": "1", "of": [A]},
        {"require": 1, "of": [A, None]},
        {"require": 1, "of": [[A]]},
        {"require": 1, "of": {"a": A}},
    ],
    ids=lambda value: repr(value)[:40],
)
def test_other_shapes_are_malformed(policy: Any) -> None:
    with pytest.raises(Malformed, match=r"^an endorsement policy"):
        check_policy(policy)


@pytest.mark.parametrize(
    "signer", ["", "EE/GOV/A", "agency:", "agency", "Agency:EE/GOV/A", "role:x", "x" * 500]
)
def test_other_signers_are_malformed(signer: str) -> None:
    with pytest.raises(
        Malformed, match=f"^'{re.escape(signer[:80])}' is no signer; an endorsement policy names"
    ):
        check_policy(of(1, A, signer))


@pytest.mark.parametrize(
    "key", ["key:", "key:ed25519", "key:ed25519:", "key:rot13:AAAA", KEY[:-1], KEY + "A", KEY + "="]
)
def test_a_key_that_nobody_can_sign_with_is_malformed(key: str) -> None:
    with pytest.raises(Malformed):
        check_policy(key)


def test_nobody_counts_twice_in_one_list() -> None:
    with pytest.raises(Malformed, match="names one signer twice in one list, who would count twice"):
        check_policy(of(2, A, B, A))
    with pytest.raises(Malformed, match="names one signer twice"):
        check_policy(of(1, B, of(2, KEY, KEY)))


def test_nesting_ends_somewhere() -> None:
    policy: Any = A
    for _ in range(MAX_DEPTH):
        policy = of(1, policy)
    check_policy(policy)
    with pytest.raises(Malformed, match=f"nested more than {MAX_DEPTH} deep"):
        check_policy(of(1, policy))
    for _ in range(10_000):
        policy = of(1, policy)
    with pytest.raises(Malformed, match=f"nested more than {MAX_DEPTH} deep"):
        check_policy(policy)


def test_the_number_of_signers_ends_somewhere() -> None:
    signers = [f"agency:EE/GOV/{number}" for number in range(MAX_LEAVES + 1)]
    check_policy(of(1, *signers[:-1]))
    with pytest.raises(Malformed, match=f"names more than {MAX_LEAVES} signers"):
        check_policy(of(1, *signers))
    with pytest.raises(Malformed, match=f"names more than {MAX_LEAVES} signers"):
        check_policy(of(2, of(1, *signers[:200]), of(1, *signers[:200])))
