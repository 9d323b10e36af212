"""Checksums over what a row says and nothing else authenticates, so that the audit sees a change in it."""

from __future__ import annotations

from hashlib import sha256


def checksum(*values: int | str | bytes) -> bytes:
    """Eight bytes of SHA-256 over short values; of long ones give their hash."""
    return sha256(repr(values).encode()).digest()[:8]


def bundle_checksum(number: int, form: str, stored: bytes) -> bytes:
    """The checksum of an entry bundle: which it is, in which form it is compressed, and its compressed bytes."""
    return checksum(number, form, sha256(stored).digest())
