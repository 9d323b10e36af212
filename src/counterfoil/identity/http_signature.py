"""HTTP message signatures with Ed25519: verifying who made a request, and making one (RFC 9421)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from counterfoil.errors import Malformed, Unverified
from counterfoil.identity.access import Access
from counterfoil.identity.caller import Caller
from counterfoil.identity.content_digest import FIELD as CONTENT_DIGEST
from counterfoil.identity.content_digest import content_digest, verify_content_digest
from counterfoil.identity.signature_base import SignedRequest, signature_base
from counterfoil.identity.structured_fields import (
    Bare,
    InnerList,
    Item,
    parse_dictionary,
    serialise,
    serialise_dictionary,
)
from counterfoil.proof.signing import ED25519, PublicKey, SigningKey

__all__ = ["WINDOW_SECONDS", "SignedRequest", "sign_request", "verify_request"]

WINDOW_SECONDS: Final = 300
"""How far a signature's time may be from now, on either side."""
LABEL: Final = "sig"
CONDITIONS: Final = ("idempotency-key", "if-match", "if-none-match")
"""Fields that change what a request does: where they are sent, they are signed."""
_TYPES: Final[Mapping[str, type]] = {
    "created": int,
    "expires": int,
    "keyid": str,
    "alg": str,
    "nonce": str,
    "tag": str,
}
"""The parameters that section 2.3 defines; others are signed, and passed over."""


class _Signature(NamedTuple):
    """A signature by a key that is known here."""

    covered: list[str]
    parameters: Mapping[str, Bare]
    text: str
    raw: bytes
    key: PublicKey
    caller: Caller


def verify_request(request: SignedRequest, access: Access, now: int) -> Caller:
    """Who made a request, by the one signature on it whose `keyid` names a key in `access`.

    It must cover the method, authority and path, the query where there is one, Content-Digest where there is a body,
    and each of `CONDITIONS` that is sent; be created within 300 seconds of `now` (seconds since 1970) and not have
    expired. The same signature or nonce is taken once in a process: a request that is sent again is signed anew, and
    an Idempotency-Key is what makes that safe.

    Raises `Unverified` with what is wrong (section 3.2), `Busy` where too many were signed within the last minutes to
    tell them apart, and as `Access` does where nobody is let in.
    """
    signature = _usable(request, access, now)
    created = _check_times(signature.parameters, now)
    if created < access.used.since:
        raise Unverified(
            "the signature was made before this node was started, which cannot tell whether it was used then; "
            "sign the request anew (an Idempotency-Key makes that safe)"
        )
    for missing in _uncovered(request, frozenset(signature.covered)):
        raise Unverified(f"the signature does not cover {missing}; sign that too")
    base = signature_base(request, signature.covered, signature.text)
    try:
        signature.key.verify(signature.raw, base)
    except Unverified:
        raise Unverified(
            f"the signature is not by the key of {signature.caller.name} over this request; "
            "sign it with that key, exactly as it is sent"
        ) from None
    if CONTENT_DIGEST in signature.covered:
        try:
            verify_content_digest(request.fields[CONTENT_DIGEST], request.body)
        except Malformed as error:
            raise Unverified(str(error)) from None
    access.used.use(_marks(signature), created + WINDOW_SECONDS, now)
    return signature.caller


def sign_request(request: SignedRequest, key: SigningKey, keyid: str, now: int) -> list[tuple[str, str]]:
    """The fields to add to a request, so that `verify_request` takes it: Signature-Input, Signature, Content-Digest.

    A Content-Digest that the request has is left as it is. Each call has a nonce of its own, so that equal requests in
    one second have different signatures. Raises `Malformed` for a `keyid` that is not printable ASCII, and `Unverified`
    for a request that cannot be signed.
    """
    added = []
    if request.body and CONTENT_DIGEST not in request.fields:
        added.append(("Content-Digest", content_digest(request.body)))
        digest = (CONTENT_DIGEST.encode(), added[0][1].encode())
        request = replace(request, headers=[*request.headers, digest])
    signed = (CONTENT_DIGEST, "content-type", *CONDITIONS)
    covered = ["@method", "@authority", "@path"]
    covered += ["@query"] if request.query else []
    covered += [name for name in signed if name in request.fields]
    nonce = secrets.token_urlsafe(16)
    parameters: dict[str, Bare] = {"created": now, "keyid": keyid, "alg": ED25519.name, "nonce": nonce}
    member = InnerList(tuple(map(Item, covered)), parameters)
    base = signature_base(request, covered, serialise(member))
    return [
        *added,
        ("Signature-Input", serialise_dictionary([(LABEL, member)])),
        ("Signature", serialise_dictionary([(LABEL, Item(key.sign(base)))])),
    ]


def _usable(request: SignedRequest, access: Access, now: int) -> _Signature:
    """The one signature by a key that is known here; a proxy may have added its own."""
    try:
        inputs = parse_dictionary(request.fields.get("signature-input", ""), "the field Signature-Input")
        signatures = parse_dictionary(request.fields.get("signature", ""), "the field Signature")
    except Malformed as error:
        raise Unverified(str(error)) from None
    known: list[_Signature] = []
    refused = Unverified("the request has no signature; it needs the fields Signature-Input and Signature")
    for label, member in inputs.items():
        try:
            known.append(_signature(label, member, signatures.get(label), access, now))
        except Unverified as error:
            refused = error
    if len(known) > 1:
        raise Unverified(f"the request has {len(known)} signatures by keys that are known here; send one")
    if not known:
        raise refused
    return known[0]


def _signature(
    label: str, member: Item | InnerList, signature: Item | InnerList | None, access: Access, now: int
) -> _Signature:
    """A signature from its members in both fields. Raises `Unverified` where it is of no use here."""
    if not isinstance(member, InnerList) or not isinstance(signature, Item):
        raise Unverified(f"the signature {label[:40]!r} is not in form, or not in both fields")
    covered = [item.value for item in member.items if isinstance(item.value, str) and not item.parameters]
    if len(covered) != len(member.items):
        raise Unverified(
            f"the signature {label[:40]!r} covers components that are no names, or have parameters, "
            "which are not used here; sign whole fields"
        )
    parameters = member.parameters
    for name, kind in _TYPES.items():
        if name in parameters and not isinstance(parameters[name], kind):
            raise Unverified(f"the parameter {name} of the signature {label[:40]!r} is not of its type")
    if parameters.get("alg", ED25519.name) != ED25519.name:
        raise Unverified(
            f"the signature's algorithm is {str(parameters['alg'])[:40]!r}; sign by {ED25519.name}"
        )
    keyid = parameters.get("keyid")
    if not isinstance(keyid, str):
        raise Unverified("the signature has no keyid; name the key by which you have access")
    found = access.key(keyid, now)
    if found is None:
        raise Unverified(f"no key is known here by the keyid {keyid[:64]!r}, or its access has ended")
    if not isinstance(signature.value, bytes) or len(signature.value) != ED25519.signature_bytes:
        raise Unverified(
            f"a signature by {ED25519.name} has {ED25519.signature_bytes} bytes; this one has not"
        )
    return _Signature(covered, parameters, serialise(member), signature.value, *found)


def _check_times(parameters: Mapping[str, Bare], now: int) -> int:
    """When the signature was created. Raises `Unverified` where that or its end is too far from now."""
    created, expires = parameters.get("created"), parameters.get("expires")
    if not isinstance(created, int):
        raise Unverified("the signature does not say when it was created; sign with the parameter created")
    if abs(now - created) > WINDOW_SECONDS:
        raise Unverified(
            f"the signature was created at {created}, over {WINDOW_SECONDS} seconds from now, {now}; "
            "set the clock right, and sign anew"
        )
    if isinstance(expires, int) and expires < now:
        raise Unverified(f"the signature expired at {expires}, and it is {now}; sign anew")
    return created


def _uncovered(request: SignedRequest, covered: frozenset[str]) -> Iterator[str]:
    """What the signature must cover, and does not."""
    if "@method" not in covered:
        yield "@method"
    if covered.isdisjoint(("@authority", "@target-uri")):
        yield "@authority (or @target-uri)"
    if covered.isdisjoint(("@path", "@target-uri", "@request-target")):
        yield "@path (or @target-uri or @request-target)"
    if request.query and covered.isdisjoint(("@query", "@target-uri", "@request-target")):
        yield "@query (or @target-uri or @request-target)"
    if request.body and CONTENT_DIGEST not in covered:
        yield CONTENT_DIGEST
    for name in CONDITIONS:
        if name in request.fields and name not in covered:
            yield name


def _marks(signature: _Signature) -> tuple[bytes, ...]:
    nonce = signature.parameters.get("nonce")
    if not isinstance(nonce, str):
        return (signature.raw,)
    # The nonce is signed: where it is new, so is the signature.
    return (f"{signature.caller.name} {nonce}".encode(),)
