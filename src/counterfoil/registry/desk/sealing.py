"""Papers on the desk are sealed: AES-256-GCM (NIST SP 800-38D) under the agency's secret for the desk.

What is said of a case when it is put stands in the seal's authenticated data, so that nobody who can only write the
file makes a case another officer's, to decide it alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counterfoil.errors import Damaged, Malformed
from counterfoil.proof.canonical import canonical
from counterfoil.registry.desk.case import Case

SEALED_UNDER: Final = "desk"
"""The keyring's secret under which an agency's papers are sealed."""
NONCE_BYTES: Final = 12
SECRET_BYTES: Final = 32
Part: TypeAlias = Literal["content", "decision"]


class Sealing:
    """Seals and opens the parts of cases. `secret` gives 32 bytes, each time they are needed."""

    def __init__(self, secret: Callable[[], bytes]):
        self._secret = secret

    def seal(self, case: Case, part: Part, data: bytes) -> bytes:
        """A random nonce and the ciphertext."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, data, _stated(case, part))

    def open(self, case: Case, part: Part, sealed: bytes) -> bytes:
        """What was sealed. Raises `Damaged` where it, or what is said of the case, is not as it was put."""
        try:
            return self._cipher().decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _stated(case, part))
        except (InvalidTag, ValueError):
            raise damaged(case) from None

    def _cipher(self) -> AESGCM:
        secret = self._secret()
        if len(secret) != SECRET_BYTES:
            raise Malformed(
                f"the desk's secret has {len(secret)} bytes and must have {SECRET_BYTES}; look at the keyring"
            )
        return AESGCM(secret)


def damaged(case: Case) -> Damaged:
    """The error for a case that is not as it was put or decided."""
    return Damaged(
        f"the case {case.id} on the desk is not as it was put or decided, or it was sealed under another secret; "
        "put it anew, and find out who can write the file"
    )


def _stated(case: Case, part: Part) -> bytes:
    put = [case.id, case.kind, case.register, case.by, list(case.reasons), case.put, case.until]
    return canonical(["desk/v1", part, *put])
