"""Erasure: an `erase` entry in the log, then the keys and salts of one subject's fields, in every version, are gone.

History, versions and proofs stay. Fields about several subjects go with the last of them. What the fields hashed to is
kept in place of the ciphertext, so that the other subjects' fields can still be checked; it tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec

from counterfoil.engine.submission import Submission
from counterfoil.errors import Conflict, Malformed, NotFound, Refused
from counterfoil.keyring.keyring import Keyring
from counterfoil.proof.canonical import Json, unlabelled
from counterfoil.proof.disclosure import disclosure_digest
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.registry.personal.change import Acting, Decision, Draft
from counterfoil.registry.personal.drafting import Drafter
from counterfoil.registry.personal.opening import Items, Opened, entries_back
from counterfoil.registry.personal.plan import SHARED, Plan, Slot
from counterfoil.registry.personal.tokens import Tokeniser
from counterfoil.store.items import ERASED, StoredPart
from counterfoil.store.store import Store

Ground: TypeAlias = Literal[
    "withdrawn-consent",
    "unlawful-processing",
    "legal-obligation",
    "no-longer-needed",
    "objection",
    "court-order",
]
"""Why something is erased (GDPR art. 17(1)(a) to (e), and an order of a court): a word, for it stands in the log."""
GROUNDS: Final = get_args(Ground)


class Erasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to be erased, and on which legal ground: the fields about one `subject` (a slot of the register's).

    `ground`, `law` and `case` stand in the log for ever: articles and file numbers, nobody's name.
    """

    register: str
    ground: Ground
    law: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    subject: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    record: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    key: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    case: Annotated[str, msgspec.Meta(max_length=255)] | None = None


class Erased(msgspec.Struct, frozen=True):
    """What was erased, by which entry. `complete`: the day when the last older backup of the keyring is gone.

    Backups of the store are not counted: those from before hold keyed search tokens until they are destroyed.
    """

    register: str
    record: str
    subject: str
    entry: int
    keys: int
    complete: str | None


@dataclass(frozen=True)
class Remains:
    """What is to go of a record: parts by (number, slot) with the digests that stay, tokens, and key ids.

    `waiting` are parts, by commitment and slot, of changes that wait and that the erasure has overtaken.
    """

    rows: tuple[tuple[int, int], ...]
    digests: Mapping[tuple[int, int], tuple[bytes, ...]]
    tokens: tuple[tuple[int, int], ...]
    keys: tuple[int, ...]
    waiting: tuple[tuple[bytes, int], ...]


class Eraser:
    """Prepares and carries out erasures over a store that is held still meanwhile."""

    def __init__(self, store: Store, keyring: Keyring, plan: Callable[[str], Plan], drafter: Drafter):
        self._store = store
        self._items = Items(store, keyring)
        self._plan = plan
        self._drafter = drafter

    def find(self, erasure: Erasure) -> tuple[Plan, Slot, Entry]:
        """The record that is meant, and the subject. Raises `NotFound`, `Refused` for what was erased already."""
        plan, slot = self.subject(erasure)
        record = erasure.record if erasure.key is None else self._drafter.record_of(plan, erasure.key)
        entry = self._drafter.latest(plan.name, record) if record is not None else None
        if entry is None:
            raise NotFound(f"there is no such record in {plan.name}")
        if all(part.key == ERASED for part in self._parts(entry, slot.number)):
            raise Conflict(f"nothing about {slot.name} is left in this record of {plan.name}")
        return plan, slot, entry

    def subject(self, erasure: Erasure) -> tuple[Plan, Slot]:
        """The register, and the slot of its records that is meant.

        Raises `Refused` where it has none of that name, or only appends.
        """
        plan = self._plan(erasure.register)
        if plan.definition.append:
            raise Refused(
                f"nothing is erased in {plan.name}: that register only appends, and what stands there is kept as long "
                "as its log is"
            )
        return plan, _slot(plan, erasure.subject)

    def draft(self, erasure: Erasure, acting: Acting, decision: Decision | None) -> Draft:
        """The `erase` entry in the making, to be judged: holds and retention periods are constraints on it.

        Raises `Malformed` for a ground that is none of those there are.
        """
        if erasure.ground not in GROUNDS:
            raise Malformed(f"the ground of an erasure is one of {', '.join(GROUNDS)}")
        plan, slot, entry = self.find(erasure)
        opened = self._items.open(entry)
        said: dict[str, Json] = {"why": erasure.ground, "law": erasure.law, "subject": slot.name}
        if erasure.case is not None:
            said["case"] = erasure.case
        said["actor"] = f"{acting.actor}:{acting.officer}"
        if decision is not None:
            said["decided-by"] = decision.officer
        return Draft(
            plan,
            entry.record,
            "erase",
            entry.version + 1,
            entry.status,
            opened.fields,
            said,
            entry,
            opened.fields,
        )

    def proposal(self, draft: Draft) -> Proposal:
        """The `erase` entry: the record's state as it is, and why something about a subject goes."""
        entry = draft.before
        if entry is None:
            raise NotFound("there is no record to erase anything of")
        return Proposal(
            entry.register,
            entry.record,
            "erase",
            entry.version + 1,
            entry.status,
            {"fields": entry.fields, "circumstances": draft.circumstances},
            entry.item,
            entry.document,
            entry.tree,
            entry.claims,
            entry.references,
            entry.control,
        )

    def submission(self, draft: Draft, *, key: str, request: bytes) -> Submission:
        """The transaction of an erasure."""
        return Submission([self.proposal(draft)], idempotency_key=key, request=request, receipt=True)

    def remains(self, plan: Plan, slot: int, entry: Entry, tokeniser: Tokeniser) -> Remains:
        """What there still is of a subject in the versions of a record that its erasing `entry` follows."""
        rows: list[tuple[int, int]] = []
        digests: dict[tuple[int, int], tuple[bytes, ...]] = {}
        tokens: list[tuple[int, int]] = []
        keys: list[int] = []
        going = {slot, *self._last_shared(plan, slot, entry)}
        for version in entries_back(self._store, entry):
            number, parts = self._items.parts(version)
            if number != version.number or not parts:
                continue
            opened = self._items.open(version)
            for part in parts:
                if part.slot in going and part.key != ERASED:
                    rows.append((number, part.slot))
                    keys.append(part.key)
                    digests[number, part.slot] = _digests(plan, part.slot, opened)
            tokens += [(token, number) for token in _tokens(plan, going, opened, tokeniser)]
        waiting = tuple(self._overtaken(going, entry))
        keys += [part.key for _, part in waiting]
        overtaken = tuple((commitment, part.slot) for commitment, part in waiting)
        return Remains(tuple(rows), digests, tuple(tokens), tuple(keys), overtaken)

    def _overtaken(self, going: set[int], entry: Entry) -> Iterator[tuple[bytes, StoredPart]]:
        """The parts of changes that wait to be made on a version before the erasing entry, and never can be."""
        for pending in self._store.waiting():
            for each in pending.transaction.proposals:
                same = (each.register, each.record) == (entry.register, entry.record)
                if (
                    same
                    and each.item is not None
                    and each.version is not None
                    and each.version <= entry.version
                ):
                    for part in self._store.waiting_item(unlabelled(each.item)):
                        if part.slot in going and part.key != ERASED:
                            yield unlabelled(each.item), part

    def _last_shared(self, plan: Plan, slot: int, entry: Entry) -> Iterator[int]:
        """The shared slot, where no other subject's fields are left."""
        others = {each.number for each in plan.slots} - {slot}
        _, parts = self._items.parts(entry)
        if not any(part.slot in others and part.key != ERASED for part in parts):
            yield SHARED

    def _parts(self, entry: Entry, slot: int) -> list[StoredPart]:
        return [
            part
            for version in entries_back(self._store, entry)
            for part in self._store.item(version.number)
            if part.slot == slot
        ]


def _slot(plan: Plan, name: str | None) -> Slot:
    if name is None and len(plan.slots) == 1:
        return plan.slots[0]
    for slot in plan.slots:
        if slot.name == name:
            return slot
    known = ", ".join(each.name for each in plan.slots) or "nobody"
    raise Refused(f"say about whom something of {plan.name} is to be erased; its records are about {known}")


def _digests(plan: Plan, slot: int, opened: Opened) -> tuple[bytes, ...]:
    return tuple(
        disclosure_digest(text) for name, text in opened.disclosures.items() if plan.slot_of(name) == slot
    )


def _tokens(plan: Plan, going: set[int], opened: Opened, tokeniser: Tokeniser) -> set[int]:
    """The tokens of the fields that go, but for those that a field which stays has too."""
    gone = [each for each in plan.searchable if plan.slot_of(each[0]) in going]
    kept = [each for each in plan.searchable if plan.slot_of(each[0]) not in going]
    return set(tokeniser.tokens(gone, opened.values)) - set(tokeniser.tokens(kept, opened.values))
