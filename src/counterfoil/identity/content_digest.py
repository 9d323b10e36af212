"""The Content-Digest field: that a body is the one that was sent (RFC 9530)."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from hashlib import sha256, sha512
from types import MappingProxyType
from typing import Any, Final

from counterfoil.errors import Malformed, Unverified
from counterfoil.identity.structured_fields import Item, parse_dictionary, serialise_dictionary

FIELD: Final = "content-digest"
HASHES: Final[Mapping[str, Callable[[bytes], Any]]] = MappingProxyType({"sha-256": sha256, "sha-512": sha512})
"""The algorithms that are registered as active (section 7.2)."""


def content_digest(body: bytes, algorithm: str = "sha-256") -> str:
    """The field's value for `body`. Raises `Malformed` for any algorithm but `sha-256` and `sha-512`."""
    if algorithm not in HASHES:
        raise Malformed(
            f"{algorithm[:40]!r} is no algorithm for a digest of content; use {' or '.join(HASHES)}"
        )
    return serialise_dictionary([(algorithm, Item(HASHES[algorithm](body).digest()))])


def verify_content_digest(field: str, body: bytes) -> None:
    """Raise `Unverified` unless every digest of a known algorithm in `field` is that of `body`, and there is one.

    Others are passed over (section 2). Raises `Malformed` where the field is not in form.
    """
    members = parse_dictionary(field, FIELD)
    known = [name for name in members if name in HASHES]
    if not known:
        raise Unverified(
            f"the field {FIELD} has no digest by {' or '.join(HASHES)}; send one, of the body as it is sent"
        )
    for name in known:
        member = members[name]
        if not isinstance(member, Item) or not isinstance(member.value, bytes):
            raise Malformed(f"the digest {name} in {FIELD} is no byte sequence; write it as {name}=:base64:")
        if not hmac.compare_digest(HASHES[name](body).digest(), member.value):
            raise Unverified(
                f"the body does not have the digest that {FIELD} states by {name}; "
                "one of the two was changed on the way: send both anew"
            )
