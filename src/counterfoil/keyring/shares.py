"""The recovery key: an X25519 key pair whose private half exists only as words that k of n holders keep.

The words are SLIP-39 (SatoshiLabs Improvement Proposal 39, one group, no passphrase): 33 for each holder. Fewer than
k say nothing about the key.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, NamedTuple

import shamir_mnemonic  # type: ignore[import-untyped]  # it has annotations, and no py.typed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.public import PrivateKey

from counterfoil.errors import Malformed, Unverified

MAX_HOLDERS: Final = 16
"""SLIP-39's limit."""
WORDS: Final = 33
_MAX_SHARE: Final = 1000
_MIXED: Final = "these shares do not belong to one recovery key; take those that were handed out together"
_TAG_ABOUT: Final = b"keyring-backup/v1 tag"


class RecoveryKey(NamedTuple):
    """What a keyring keeps of its recovery key, 32 bytes each: to seal backups, and to show that it wrote them."""

    public: bytes
    tag: bytes


def make_shares(holders: int, needed: int) -> tuple[RecoveryKey, tuple[str, ...]]:
    """A new recovery key, split: one share of 33 words for each holder. The private half is kept nowhere.

    Raises `Malformed` unless 2 <= needed <= holders <= 16 (or both are 1).
    """
    if not (2 <= needed <= holders <= MAX_HOLDERS or holders == needed == 1):
        raise Malformed(
            f"{needed} of {holders} cannot be: name at most {MAX_HOLDERS} holders, of whom at least 2 are needed"
        )
    private = os.urandom(PrivateKey.SIZE)
    groups = shamir_mnemonic.generate_mnemonics(1, [(needed, holders)], private)
    return recovery_key(private), tuple(groups[0])


def join_shares(shares: Sequence[str]) -> bytes:
    """The private half of the recovery key, from at least as many shares as are needed.

    Raises `Malformed` for what is no share and `Unverified` where they are too few or do not belong together. No
    message repeats a word.
    """
    if not shares:
        raise Unverified("no share is here; ask the holders for theirs")
    for number, share in enumerate(shares, 1):
        _check(share, number)
    try:
        group = shamir_mnemonic.decode_mnemonics(shares)[0]
    except (shamir_mnemonic.MnemonicError, KeyError):
        raise Unverified(_MIXED) from None
    needed = group.member_threshold()
    if len(group) < needed:
        raise Unverified(f"{len(group)} different shares are here and {needed} are needed; ask more holders")
    try:
        joined = shamir_mnemonic.recover_ems({0: group.get_minimal_group()}).decrypt(b"")
    except shamir_mnemonic.MnemonicError:
        raise Unverified(_MIXED) from None
    return bytes(joined)


def recovery_key(private: bytes) -> RecoveryKey:
    """What follows from the private half: X25519 public key, and the tag key by HKDF-SHA256 (RFC 5869)."""
    tag = HKDF(algorithm=SHA256(), length=32, salt=None, info=_TAG_ABOUT).derive(private)
    return RecoveryKey(bytes(PrivateKey(private).public_key), tag)


def _check(share: str, number: int) -> None:
    try:
        if len(share) > _MAX_SHARE:
            raise ValueError
        shamir_mnemonic.Share.from_mnemonic(share)
    except (shamir_mnemonic.MnemonicError, ValueError):
        raise Malformed(
            f"share {number} is not in form: a word is missing or misspelt; compare it with the holder's paper"
        ) from None
