"""Sealed items for tests: real disclosures, under keys that follow from their ids."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counterfoil.errors import Damaged
from counterfoil.proof.canonical import Json, labelled
from counterfoil.proof.disclosure import SaltedItem, commit, disclosure_digest
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.store.items import SealedItem, SealedPart, StoredPart

NONCE = bytes(12)


class Sealer:
    """Seals items under keys with the ids 1, 2, 3, ...; a key that is `destroyed` opens nothing any more."""

    def __init__(self) -> None:
        self.drawn = 0
        self.destroyed: set[int] = set()

    def seal(
        self, record: str, slots: Mapping[int, Mapping[str, Json]], tokens: Sequence[int] = ()
    ) -> SealedItem:
        """An item of a record: fields by slot. Salts follow from record, field and key, the same at every run."""
        salted: list[SaltedItem] = []
        parts = []
        for slot, fields in slots.items():
            self.drawn += 1
            salts = iter(sha256(f"{record} {name} {self.drawn}".encode()).digest()[:16] for name in fields)
            salted.append(commit(fields, lambda salts=salts: next(salts)))  # type: ignore[misc]  # bound at once
            text = json.dumps(salted[-1].disclosures).encode()
            sealed = self._cipher(self.drawn).encrypt(NONCE, text, record.encode())
            parts.append(SealedPart(slot, self.drawn, f"subject {slot} of {record}".encode(), sealed))
        digests = sorted(digest for each in salted for digest in each.digests)
        return SealedItem(sha256(b"".join(digests)).digest(), tuple(parts), tuple(tokens))

    def open(self, part: StoredPart, entry: Entry) -> list[str] | None:
        """The disclosures of a part; None where its key was destroyed."""
        if part.key in self.destroyed:
            return None
        try:
            text = self._cipher(part.key).decrypt(NONCE, part.sealed, entry.record.encode())
        except InvalidTag:
            raise Damaged("it does not open under its key; run counterfoil audit") from None
        return list(json.loads(text))

    def digests(self, part: StoredPart, record: str) -> list[bytes]:
        """The digests of a part's fields."""
        text = self._cipher(part.key).decrypt(NONCE, part.sealed, record.encode())
        return [disclosure_digest(each) for each in json.loads(text)]

    def _cipher(self, key: int) -> AESGCM:
        return AESGCM(sha256(f"key {key}".encode()).digest())


def person(record: str, item: SealedItem, version: int = 1, operation: str = "", **content: Any) -> Proposal:
    """A proposal in the register of persons, all of whose content is an item."""
    operation = operation or ("create" if version == 1 else "amend")
    return Proposal(
        "person", record, operation, version, status="alive", item=labelled(item.commitment), **content
    )


def tokens_of(number: int) -> tuple[int, int, int]:
    """Three tokens: one's own, one of ten, one that all have; one of them is negative."""
    return number << 20, -1 - number % 10, 7
