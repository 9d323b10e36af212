"""Opening items: the fields that an entry commits to, as far as their keys are still there.

Whoever wants to show them to somebody goes through `disclosing`, which writes that down first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counterfoil.errors import Damaged, NotFound
from counterfoil.keyring.keyring import Keyring
from counterfoil.ledger.fields import ATTACHMENTS, CIRCUMSTANCES
from counterfoil.proof.bundle import Disclosure
from counterfoil.proof.canonical import Json, unlabelled
from counterfoil.proof.disclosure import DIGEST, Presentation, commitment, disclosure_digest, read_disclosure
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.registry.personal.sealing import SUBJECTS, open_part, open_subjects, part_context
from counterfoil.store.items import ERASED, StoredPart
from counterfoil.store.store import Store

_BESIDE: Final = frozenset({CIRCUMSTANCES, ATTACHMENTS})


@dataclass(frozen=True)
class Opened:
    """An entry's fields: those in the clear, and those of the item that could be opened.

    `disclosures` are by name, `closed` are the digests of the fields that were not to be opened. `lost`: whether some
    of the item's keys are gone.
    """

    entry: Entry
    number: int
    clear: Mapping[str, Json]
    values: Mapping[str, Json]
    disclosures: Mapping[str, str]
    lost: bool
    closed: tuple[bytes, ...] = ()

    @property
    def fields(self) -> dict[str, Json]:
        """Every field that is known, without the circumstances and what is attached."""
        return {**self.clear, **{name: self.values[name] for name in self.values if name not in _BESIDE}}

    @property
    def attachments(self) -> list[Json]:
        """What is attached, with what opens it."""
        return list(self.values.get(ATTACHMENTS) or ())

    @property
    def circumstances(self) -> dict[str, Json]:
        """Who acted and why, where it is known."""
        return dict(self.values.get(CIRCUMSTANCES) or self.entry.circumstances)


class Items:
    """The items of a store whose keys are in a keyring."""

    def __init__(self, store: Store, keyring: Keyring):
        self._store = store
        self._keyring = keyring

    def open(self, entry: Entry, slots: Collection[int] | None = None) -> Opened:
        """Open the parts in these slots that have their key, or every one.

        Of the others nothing leaves but their fields' digests, which any proof of the rest needs. Raises `Damaged`
        where what is stored is not what was sealed.
        """
        number, parts = self.parts(entry)
        shown: dict[str, str] = {}
        values: dict[str, Json] = {}
        closed: list[bytes] = []
        lost = not parts and entry.item is not None
        for part in parts:
            secret = self._key(part)
            if secret is None:
                lost = True
                continue
            disclosed = open_part(part, secret, entry.register, entry.record, entry.item or "")
            if slots is not None and part.slot not in slots:
                closed += map(disclosure_digest, disclosed)
                continue
            for text in disclosed:
                name, value = read_disclosure(text)
                shown[name], values[name] = text, value
        if entry.item is not None and not lost:
            _check(entry, [*map(disclosure_digest, shown.values()), *closed])
        return Opened(entry, number, entry.fields, values, shown, lost, tuple(closed))

    def parts(self, entry: Entry) -> tuple[int, tuple[StoredPart, ...]]:
        """The sealed parts of an entry's item, and the number of the entry that brought them.

        A version that repeats the item of the one before it (an erasure does) has none of its own.
        """
        number, item = entry.number, entry.item
        while item is not None:
            parts = self._store.item(number)
            if parts:
                return number, parts
            before = self._store.prior(number)
            if before is None or decode_entry(self._store.entry(before)).item != item:
                break
            number = before
        return entry.number, ()

    def subjects(self, entry: Entry, parts: Collection[StoredPart]) -> tuple[bytes, ...]:
        """The pseudonyms of everybody whom some parts of an entry's item are about. Raises `Damaged`."""
        key = AESGCM(self._keyring.secret(SUBJECTS))
        found: list[bytes] = []
        for part in parts:
            context = part_context(entry.register, entry.record, entry.item or "", part.slot)
            found += open_subjects(key, part.subject, context)
        return tuple(dict.fromkeys(found))

    def presentation(self, opened: Opened, names: Collection[str]) -> Disclosure:
        """Some fields of an item, for a proof bundle. Raises `NotFound` for one that it has not."""
        absent = sorted(set(names) - opened.disclosures.keys())
        if absent:
            raise NotFound(f"the item has no field {absent[0]!r}, or its key is gone")
        shown = tuple(opened.disclosures[name] for name in opened.disclosures if name in names)
        hidden = [disclosure_digest(text) for name, text in opened.disclosures.items() if name not in names]
        hidden += [*opened.closed, *self._lost_digests(opened)]
        made = Presentation(shown, tuple(sorted(hidden)))
        return Disclosure(opened.entry.number, made.disclosures, made.hidden_digests)

    def _lost_digests(self, opened: Opened) -> list[bytes]:
        """The digests of the fields whose key is gone; they are kept beside the erased part."""
        if not opened.lost:
            return []
        known = set(map(disclosure_digest, opened.disclosures.values()))
        _, parts = self.parts(opened.entry)
        return [each for part in parts for each in erased_digests(part) if each not in known]

    def _key(self, part: StoredPart) -> bytes | None:
        if part.key == ERASED:
            return None
        try:
            return self._keyring.key(part.key)
        except NotFound:
            return None


def erased_digests(part: StoredPart) -> list[bytes]:
    """The digests of the fields of an erased part, which stand in place of its ciphertext; they tell nothing."""
    if part.key != ERASED:
        return []
    return [part.sealed[at : at + DIGEST] for at in range(0, len(part.sealed), DIGEST)]


def _check(entry: Entry, digests: Sequence[bytes]) -> None:
    if commitment(digests) != unlabelled(entry.item or ""):
        raise Damaged(
            f"the item of entry {entry.number} ({entry.register} {entry.record!r}) is not what the entry commits to; "
            "run counterfoil audit, and bring it back from a backup"
        )


def entries_back(store: Store, entry: Entry) -> Iterator[Entry]:
    """A record's entries from this one back to its first."""
    yield entry
    number = store.prior(entry.number)
    while number is not None:
        yield decode_entry(store.entry(number))
        number = store.prior(number)
