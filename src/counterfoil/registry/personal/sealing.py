"""Turning a record's fields into what the log may hold, and ciphertext that stands beside it.

Every hidden field is salted and committed to; what each subject's fields disclose is sealed with AES-256-GCM under a
key of its own, which is used once, so that its nonce can be constant. Who the subjects are stands beside it as
pseudonyms of the register `disclosure`, sealed too: a look must be written down before anything is decrypted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counterfoil.errors import Damaged
from counterfoil.proof.canonical import Json, canonical, labelled
from counterfoil.proof.disclosure import SALT, SaltedItem, commit
from counterfoil.registry.personal.plan import Plan
from counterfoil.store.items import SealedPart, StoredPart

NONCE_BYTES: Final = 12
NONCE: Final = bytes(NONCE_BYTES)
SUBJECTS: Final = "subjects"
"""The name of the keyring's secret under which the subjects beside an item are sealed."""
PSEUDONYM: Final = 32
DRAWN_AT_ONCE: Final = 1024


class Random:
    """Random bytes from the operating system, of one size, many drawn at once. Any thread may ask."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._drawn: list[bytes] = []

    def __call__(self) -> bytes:
        """The next random bytes; nobody gets the same ones."""
        try:
            return self._drawn.pop()
        except IndexError:
            block = os.urandom(self._size * DRAWN_AT_ONCE)
            first, *others = [block[at : at + self._size] for at in range(0, len(block), self._size)]
            self._drawn.extend(others)
            return first


_salt: Final = Random(SALT)
_nonce: Final = Random(NONCE_BYTES)


def part_context(register: str, record: str, commitment: str, slot: int) -> bytes:
    """What a part's ciphertext is bound to: it opens at no other place."""
    return canonical(["item/v1", register, record, commitment, slot])


def seal_parts(
    plan: Plan,
    record: str,
    item: SaltedItem,
    keys: Iterator[tuple[int, bytes]],
    subjects: Mapping[int, Sequence[bytes]],
    subjects_key: AESGCM,
) -> tuple[SealedPart, ...]:
    """Seal a salted item: one part a slot that has fields, each under the next of `keys` (id and 32 bytes).

    `subjects` gives the pseudonyms, 32 bytes each, of the persons in each slot.
    """
    name = labelled(item.commitment)
    disclosed = dict(zip(item.names, item.disclosures, strict=True))
    parts = []
    for slot, names in plan.sealed_in(item.names).items():
        number, secret = next(keys)
        context = part_context(plan.name, record, name, slot)
        sealed = AESGCM(secret).encrypt(NONCE, orjson.dumps([disclosed[each] for each in names]), context)
        about = seal_subjects(subjects_key, subjects.get(slot, ()), context)
        parts.append(SealedPart(slot, number, about, sealed))
    return tuple(parts)


def salt_item(fields: Mapping[str, Json]) -> SaltedItem:
    """Salt a record's hidden fields and commit to them."""
    return commit(fields, _salt)


def open_part(part: StoredPart, secret: bytes, register: str, record: str, commitment: str) -> list[str]:
    """The disclosures that a part holds. Raises `Damaged` where it is not what was sealed."""
    try:
        opened = AESGCM(secret).decrypt(
            NONCE, part.sealed, part_context(register, record, commitment, part.slot)
        )
    except InvalidTag:
        raise Damaged(
            f"the item of entry {part.number} ({register} {record!r}) is not what was sealed; "
            "run counterfoil audit, and bring it back from a backup"
        ) from None
    disclosures: list[str] = orjson.loads(opened)
    return disclosures


def seal_subjects(key: AESGCM, pseudonyms: Sequence[bytes], context: bytes) -> bytes:
    """The subjects of a part, sealed under a nonce of their own; nothing where there are none.

    `context` is the part's, so that nobody puts another person's in their place, who would then be told of a look.
    """
    if not pseudonyms:
        return b""
    nonce = _nonce()
    return nonce + key.encrypt(nonce, b"".join(pseudonyms), context)


def open_subjects(key: AESGCM, sealed: bytes, context: bytes) -> tuple[bytes, ...]:
    """The pseudonyms, 32 bytes each, of a part's subjects. Raises `Damaged`."""
    if not sealed:
        return ()
    try:
        together = key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        raise Damaged("who an item is about is not what was sealed; run counterfoil audit") from None
    return tuple(together[at : at + PSEUDONYM] for at in range(0, len(together), PSEUDONYM))
