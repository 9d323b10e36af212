"""Signature algorithms by name: Ed25519 as libsodium judges it, and ML-DSA-44.

A secret key is always its 32-byte seed, a signature stands beside its message, a public key as text names its
algorithm. The libraries beneath are slow to start: the first key that needs one loads it.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from string import ascii_letters, digits
from types import MappingProxyType
from typing import Final, TypeAlias

from counterfoil.errors import Malformed, Unverified

SEED_BYTES: Final = 32
_BASE64URL: Final = ascii_letters + digits + "-_"

Sign: TypeAlias = Callable[[bytes], bytes]
"""From a message to its signature."""
Verify: TypeAlias = Callable[[bytes, bytes], bool]
"""Whether the signature (first) is over the message (second)."""


@dataclass(frozen=True)
class Algorithm:
    """A signature algorithm: its name, its sizes in bytes, and how keys of it are put to work."""

    name: str
    public_bytes: int
    signature_bytes: int
    signer: Callable[[bytes], tuple[bytes, Sign]]
    """From a seed to the raw public key and what signs."""
    verifier: Callable[[bytes], Verify]
    """From a raw public key to what verifies."""


def _ed25519_signer(seed: bytes) -> tuple[bytes, Sign]:
    from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

    public, secret = crypto_sign_seed_keypair(seed)
    return public, lambda message: crypto_sign(message, secret)[:64]


def _ed25519_verifier(public: bytes) -> Verify:
    from nacl.bindings import crypto_sign_open
    from nacl.exceptions import BadSignatureError

    def verify(signature: bytes, message: bytes) -> bool:
        # libsodium takes the two in one piece and cuts at byte 64, wherever the signature really ends.
        if len(signature) != 64:
            return False
        try:
            crypto_sign_open(signature + message, public)
        except BadSignatureError:
            return False
        return True

    return verify


def _ml_dsa_44_signer(seed: bytes) -> tuple[bytes, Sign]:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

    key = MLDSA44PrivateKey.from_seed_bytes(seed)
    return key.public_key().public_bytes_raw(), key.sign


def _ml_dsa_44_verifier(public: bytes) -> Verify:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    key = MLDSA44PublicKey.from_public_bytes(public)

    def verify(signature: bytes, message: bytes) -> bool:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify


ED25519: Final = Algorithm("ed25519", 32, 64, _ed25519_signer, _ed25519_verifier)
"""RFC 8032. libsodium's verdict is the verdict, also in the edge cases where libraries differ."""
ML_DSA_44: Final = Algorithm("ml-dsa-44", 1312, 2420, _ml_dsa_44_signer, _ml_dsa_44_verifier)
"""FIPS 204 with an empty context. Signatures are randomised: two over one message differ."""
ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType(
    {algorithm.name: algorithm for algorithm in (ED25519, ML_DSA_44)}
)
"""Every signature algorithm there is, by its name."""


def algorithm(name: str) -> Algorithm:
    """The algorithm of this name. Raises `Malformed` where there is none."""
    found = ALGORITHMS.get(name)
    if found is None:
        raise Malformed(
            f"{name[:40]!r} is no signature algorithm; those known are {', '.join(sorted(ALGORITHMS))}"
        )
    return found


@dataclass(frozen=True)
class PublicKey:
    """A public key: its algorithm's name, and its raw bytes (RFC 8032 section 5.1.5, FIPS 204 section 7.2).

    Raises `Malformed` for an unknown algorithm or a wrong length. Whether the bytes are a point is known only
    when a signature is verified: where they are none, nothing verifies.
    """

    algorithm: str
    raw: bytes = field(repr=False)

    def __post_init__(self) -> None:
        expected = algorithm(self.algorithm).public_bytes
        if len(self.raw) != expected:
            raise Malformed(
                f"a public key of {self.algorithm} has {expected} bytes; this one has {len(self.raw)}"
            )

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read what `text` writes: the algorithm, a colon, the raw key in base64url. Raises `Malformed`.

        The same text gives the same object while it is in use, so that a key is made ready only once.
        """
        return _parse(text)

    @cached_property
    def text(self) -> str:
        """The key as text: `ed25519:` and the raw key in base64url (RFC 4648 section 5) without padding."""
        return f"{self.algorithm}:{urlsafe_b64encode(self.raw).decode().rstrip('=')}"

    @cached_property
    def _verify(self) -> Verify:
        return ALGORITHMS[self.algorithm].verifier(self.raw)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raise `Unverified` unless `signature` is over `message` by this key."""
        if not self._verify(signature, message):
            raise Unverified(
                f"this is not the signature of {self.text[:60]} over these bytes; "
                "one of the three is changed or another's: get the original"
            )


@dataclass(frozen=True)
class SigningKey:
    """A secret key: the name of its algorithm, and its 32-byte seed, which nothing here ever prints.

    Raises `Malformed` for an unknown algorithm or a seed of another length.
    """

    algorithm: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        algorithm(self.algorithm)
        if len(self.seed) != SEED_BYTES:
            raise Malformed(
                f"the seed of a signing key has {SEED_BYTES} bytes; this one has {len(self.seed)}"
            )

    @classmethod
    def generate(cls, algorithm: str) -> SigningKey:
        """A new key, from the operating system's randomness. Raises `Malformed` for an unknown algorithm."""
        return cls(algorithm, os.urandom(SEED_BYTES))

    @cached_property
    def _pair(self) -> tuple[bytes, Sign]:
        return ALGORITHMS[self.algorithm].signer(self.seed)

    @cached_property
    def public(self) -> PublicKey:
        """The public key that verifies what this key signs."""
        return PublicKey(self.algorithm, self._pair[0])

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`."""
        return self._pair[1](message)


# An ML-DSA-44 key and its text are 4 kB together: the keys kept are 4 MB at most.
@lru_cache(maxsize=1024)
def _parse(text: str) -> PublicKey:
    name, colon, encoded = text.partition(":")
    if not colon:
        raise Malformed(f"{text[:60]!r} is no public key; it must be an algorithm, a colon and base64url")
    expected = algorithm(name).public_bytes
    # Four thirds of the length, before anything is decoded: the text may come from anyone.
    if len(encoded) != -(-expected * 4 // 3) or encoded.strip(_BASE64URL):
        raise Malformed(f"the {name} key {text[:60]!r} is not {expected} bytes in base64url without padding")
    key = PublicKey(name, urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    if key.text != text:
        raise Malformed(f"the {name} key {text[:60]!r} is not in the one form that base64url gives it")
    return key
