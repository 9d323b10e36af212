"""What another implementation of RFC 9421 signs is taken here, and what is signed here is taken there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, InvalidSignature
from http_message_signatures.algorithms import ED25519
from http_message_signatures.resolvers import MappingKeyResolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.errors import Unverified
from counterfoil.identity.access import Access
from counterfoil.identity.http_signature import SignedRequest, sign_request, verify_request
from counterfoil.proof.signing import ED25519 as OURS
from tests.identity.asking import BODY, KEY, KEYID

SECRET = Ed25519PrivateKey.from_private_bytes(KEY.seed)
RESOLVER = MappingKeyResolver(public_keys={KEYID: SECRET.public_key()}, private_keys={KEYID: SECRET})
ALPHABET = st.sampled_from("abcXYZ019-._~!$&'()*+,;=:@/")
PATHS = st.text(ALPHABET, max_size=12).map(lambda text: f"/{text}")
QUERIES = st.text(ALPHABET, max_size=12)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=12)
NOT_EVERY_TEST = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass
class Message:
    """A request as the other implementation takes one."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


def now() -> int:
    return int(datetime.now(UTC).timestamp())


def ours(message: Message, path: str, query: str, body: bytes) -> SignedRequest:
    """The same request as it comes here."""
    lines = [(name.encode(), value.encode()) for name, value in message.headers.items()]
    asked = f"?{query}" if query else ""
    return SignedRequest(message.method, "https", "registers.example:8443", path, asked, lines, body)


def message(path: str, query: str, **headers: str) -> Message:
    url = f"https://registers.example:8443{path}" + (f"?{query}" if query else "")
    return Message("POST", url, {name.replace("_", "-"): value for name, value in headers.items()})


@NOT_EVERY_TEST
@given(PATHS, QUERIES, st.binary(min_size=1, max_size=20), VALUES)
def test_what_they_sign_is_taken(access: Access, path: str, query: str, body: bytes, key: str) -> None:
    theirs = message(path, query, Idempotency_Key=key)
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=RESOLVER).sign(
        theirs,
        key_id=KEYID,
        nonce=f"{datetime.now(UTC).isoformat()}{path}{query}",
        covered_component_ids=("@method", "@authority", "@path", "@query", "idempotency-key"),
        body=body,
    )
    asked = ours(theirs, path, query, body)
    assert verify_request(asked, access, now()).name == KEYID
    with pytest.raises(Unverified):
        verify_request(ours(theirs, path + "x", query, body), access, now())


@pytest.mark.parametrize(
    "covered",
    [("@method", "@target-uri"), ("@method", "@authority", "@request-target", "@scheme", "content-type")],
)
def test_whichever_components_they_take(access: Access, covered: tuple[str, ...]) -> None:
    theirs = message("/v1/registers", "limit=2", Content_Type="text/plain")
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=RESOLVER).sign(
        theirs, key_id=KEYID, covered_component_ids=covered, body=BODY, label="any", include_alg=False
    )
    assert verify_request(ours(theirs, "/v1/registers", "limit=2", BODY), access, now()).name == KEYID


@NOT_EVERY_TEST
@given(PATHS, QUERIES, st.binary(max_size=20), VALUES)
def test_what_is_signed_here_they_take(path: str, query: str, body: bytes, key: str) -> None:
    theirs = message(path, query, Idempotency_Key=key, If_Match='"3"')
    theirs.headers |= sign_request(ours(theirs, path, query, body), KEY, KEYID, now())
    verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=RESOLVER)
    required = ["@method", "@authority", "@path", "idempotency-key", "if-match"]
    required += ["@query"] if query else []
    (result,) = verifier.verify(theirs, body=body, require_components=required)
    assert result.parameters["keyid"] == KEYID
    theirs.headers["Idempotency-Key"] = f"{key}x"
    with pytest.raises(InvalidSignature):
        verifier.verify(theirs, body=body)


def test_both_speak_of_the_same_key() -> None:
    assert SECRET.public_key().public_bytes_raw() == KEY.public.raw
    assert KEY.algorithm == OURS.name
