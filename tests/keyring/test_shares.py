"""The recovery key: any k of n holders have it, and k - 1 have nothing."""

from __future__ import annotations

import pytest
import shamir_mnemonic  # type: ignore[import-untyped]  # it has annotations, and no py.typed
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.public import PrivateKey, PublicKey, SealedBox

from counterfoil.errors import Malformed, Unverified
from counterfoil.keyring.shares import WORDS, join_shares, make_shares, recovery_key

THREE_OF_FIVE, SHARES = make_shares(5, 3)
OTHER, OTHER_SHARES = make_shares(5, 3)


@given(st.lists(st.sampled_from(SHARES), min_size=3, unique=True))
@settings(max_examples=30)
def test_any_three_of_five_have_the_key_in_any_order(some: list[str]) -> None:
    private = join_shares(some)
    assert recovery_key(private) == THREE_OF_FIVE
    sealed = SealedBox(PublicKey(THREE_OF_FIVE.public)).encrypt(b"master")
    assert SealedBox(PrivateKey(private)).decrypt(sealed) == b"master"


@given(st.lists(st.sampled_from(SHARES), min_size=1, max_size=2, unique=True), st.integers(1, 3))
@settings(max_examples=30)
def test_two_of_them_have_nothing_however_often_they_are_given(some: list[str], times: int) -> None:
    with pytest.raises(
        Unverified, match=f"^{len(some)} different shares are here and 3 are needed; ask more holders$"
    ):
        join_shares(some * times)


@given(st.integers(2, 16).flatmap(lambda n: st.tuples(st.just(n), st.integers(2, n))), st.data())
@settings(max_examples=15)
def test_every_k_of_n_works_with_exactly_k(numbers: tuple[int, int], data: st.DataObject) -> None:
    holders, needed = numbers
    made, shares = make_shares(holders, needed)
    assert len(shares) == holders
    some = data.draw(st.permutations(shares))
    assert recovery_key(join_shares(some[:needed])) == made
    with pytest.raises(Unverified):
        join_shares(some[: needed - 1])


def test_the_words_are_slip_39_as_its_authors_read_it() -> None:
    assert {len(share.split()) for share in SHARES} == {WORDS}
    joined = shamir_mnemonic.combine_mnemonics(SHARES[1:4])
    assert bytes(PrivateKey(joined).public_key) == THREE_OF_FIVE.public


def test_one_holder_alone_is_possible() -> None:
    made, shares = make_shares(1, 1)
    assert recovery_key(join_shares(shares)) == made


@pytest.mark.parametrize(("holders", "needed"), [(5, 1), (5, 6), (17, 2), (0, 0), (1, 0), (-1, -1)])
def test_numbers_that_protect_nothing_or_cannot_be_are_refused(holders: int, needed: int) -> None:
    with pytest.raises(Malformed, match="at most 16 holders, of whom at least 2"):
        make_shares(holders, needed)


def test_shares_of_two_keys_do_not_mix() -> None:
    with pytest.raises(Unverified, match="do not belong to one recovery key"):
        join_shares([*SHARES[:2], OTHER_SHARES[2]])


def test_no_share_is_no_key() -> None:
    with pytest.raises(Unverified, match="no share is here"):
        join_shares([])


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "abandon",
        SHARES[1].rsplit(" ", 1)[0],
        SHARES[1] + " academic",
        " ".join(SHARES[1].split()[::-1]),
        SHARES[1].replace(SHARES[1].split()[-1], "counterfoil"),
        "academic " * 33,
        "a" * 1001,
        "ü" * 33,
    ],
)
def test_a_mistyped_share_is_named_by_its_place_and_never_repeated(wrong: str) -> None:
    with pytest.raises(Malformed) as refused:
        join_shares([SHARES[0], wrong])
    assert str(refused.value) == (
        "share 2 is not in form: a word is missing or misspelt; compare it with the holder's paper"
    )
