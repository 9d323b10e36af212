"""Tickets: what opens an attachment, sealed for the officer who sent it, until a change takes it up.

AES-256-GCM (NIST SP 800-38D) under the desk's secret, with a random nonce of 12 bytes before the ciphertext, in
unpadded base64url.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counterfoil.errors import Malformed, Refused
from counterfoil.proof.canonical import Json, canonical, parse

SECONDS: Final = 86_400
"""How long a ticket can be used."""
MAX_TICKET: Final = 2_048
NONCE: Final = 12


def seal_ticket(secret: bytes, officer: str, attachment: msgspec.Struct, now: int) -> str:
    """A ticket for an attachment that an officer sent, good for a day from `now`."""
    nonce = os.urandom(NONCE)
    content = canonical([now + SECONDS, msgspec.to_builtins(attachment)])
    sealed = AESGCM(secret).encrypt(nonce, content, _stated(officer))
    return urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode("ascii")


def open_ticket(secret: bytes, officer: str, ticket: str, now: int) -> Json:
    """The attachment of a ticket. Raises `Malformed` for one of another officer's or none, `Refused` for an old one."""
    try:
        sealed = urlsafe_b64decode(ticket.encode("ascii") + b"=" * (-len(ticket) % 4))
        content = AESGCM(secret).decrypt(sealed[:NONCE], sealed[NONCE:], _stated(officer))
    except (ValueError, InvalidTag):
        raise Malformed(
            "an attachment's ticket is not one that was given to you; send the document again"
        ) from None
    until, attachment = parse(content, "the ticket")
    if now > until:
        raise Refused("an attachment's ticket is older than a day; send the document again")
    return attachment


def _stated(officer: str) -> bytes:
    return canonical(["attachment-ticket/v1", officer])
