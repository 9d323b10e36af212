"""The master key at work: it wraps item keys and register secrets by AES-256-GCM (NIST SP 800-38D).

An item key's nonce is its id in 12 bytes, which is given out once; a secret's is random with its first bit set, so
that the two never meet under one master key.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counterfoil.errors import Damaged
from counterfoil.proof.canonical import canonical

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
WRAPPED_BYTES: Final = KEY_BYTES + 16
"""A wrapped item key: ciphertext and tag."""
SECRET_BYTES: Final = NONCE_BYTES + WRAPPED_BYTES
MAX_ID: Final = 2**53 - 1


class Master:
    """The master key of one generation (1 when the keyring is made, one more at each rotation)."""

    def __init__(self, key: bytes, generation: int):
        self.key = key
        self.generation = generation
        self._cipher = AESGCM(key)

    @classmethod
    def generate(cls, generation: int) -> Master:
        """A new one, from the system's randomness."""
        return cls(os.urandom(KEY_BYTES), generation)

    def wrap_key(self, number: int, key: bytes) -> bytes:
        """An item key of 32 bytes as the 48 bytes that are stored under its id."""
        nonce = number.to_bytes(NONCE_BYTES, "big")
        return self._cipher.encrypt(nonce, key, nonce)

    def unwrap_key(self, number: int, wrapped: bytes) -> bytes:
        """The 32 bytes of an item key. Raises `Damaged` where these bytes are not what was stored under this id."""
        nonce = number.to_bytes(NONCE_BYTES, "big")
        try:
            return self._cipher.decrypt(nonce, wrapped, nonce)
        except (InvalidTag, ValueError, TypeError):
            raise Damaged(
                f"the keyring's key {number} is damaged; restore the keyring from a backup"
            ) from None

    def wrap_secret(self, name: str, secret: bytes) -> bytes:
        """A named secret of 32 bytes, with its nonce before it: 60 bytes."""
        drawn = os.urandom(NONCE_BYTES)
        nonce = bytes((drawn[0] | 0x80,)) + drawn[1:]
        return nonce + self._cipher.encrypt(nonce, secret, _about(name))

    def unwrap_secret(self, name: str, wrapped: bytes) -> bytes:
        """The secret of that name. Raises `Damaged` where these bytes are not what was stored under it."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _about(name))
        except (InvalidTag, ValueError, TypeError):
            raise Damaged(
                f"the keyring's secret {name} is damaged; restore the keyring from a backup"
            ) from None


def _about(name: str) -> bytes:
    return canonical(["secret/v1", name])
