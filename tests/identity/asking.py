"""Requests as these tests make and sign them, and the key of the one who does."""

from __future__ import annotations

from dataclasses import replace

from counterfoil.identity.http_signature import SignedRequest, sign_request
from counterfoil.proof.signing import SigningKey

NOW = 1_800_000_000
KEY = SigningKey("ed25519", bytes(range(32)))
KEYID = "land-office"
BODY = b'{"fields":{"owner":"Ann"}}'


def request(
    method: str = "POST",
    path: str = "/v1/registers/land-title/records/1",
    query: str = "",
    body: bytes = BODY,
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),),
) -> SignedRequest:
    """A request to write a record, not signed yet."""
    lines = [("host", "registers.example"), *headers]
    return SignedRequest(
        method, "https", "registers.example", path, query, [(n.encode(), v.encode()) for n, v in lines], body
    )


def with_fields(request: SignedRequest, *added: tuple[str, str]) -> SignedRequest:
    """The request with further field lines."""
    return replace(request, headers=[*request.headers, *((n.encode(), v.encode()) for n, v in added)])


def without(request: SignedRequest, *names: str) -> SignedRequest:
    """The request without its lines of some fields."""
    return replace(
        request, headers=[line for line in request.headers if line[0].decode().lower() not in names]
    )


def signed(
    request: SignedRequest, key: SigningKey = KEY, keyid: str = KEYID, now: int = NOW
) -> SignedRequest:
    """The request with the fields that sign it."""
    return with_fields(request, *sign_request(request, key, keyid, now))
