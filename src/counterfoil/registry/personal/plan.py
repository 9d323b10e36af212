"""What a register's definition says about its items: which fields are hidden, about whom each is, what is searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from counterfoil.ledger.constraints import Enforcement, enforcement
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.fields import ATTACHMENTS, CIRCUMSTANCES
from counterfoil.ledger.operands import parse_path, values_at
from counterfoil.proof.canonical import Json

SHARED: Final = 0
"""The slot of fields about several subjects, or none."""
PSEUDONYM_SCHEME: Final = "hmac-sha256"


class Slot(NamedTuple):
    """A subject of a register's records: its number, its name, and the path of that person's number.

    `path` is None where the record itself is the person's.
    """

    number: int
    name: str
    path: str | None


class Plan:
    """How a register's records are kept; made once for each version of its definition."""

    def __init__(self, definition: Definition):
        fields = definition.fields
        self.definition = definition
        self.name = definition.name
        self.hidden = definition.rules.hidden
        """The names of the fields that go by the item."""
        self.pseudonymous = fields.record_id == PSEUDONYM_SCHEME
        self.personal = bool(self.hidden) or self.pseudonymous
        """Whether the register has anything that must not stand in the log."""
        self.slots = tuple(
            Slot(number, name, path) for number, (name, path) in enumerate(sorted(fields.subjects.items()), 1)
        )
        paths = [(slot.number, parse_path(slot.path).steps) for slot in self.slots if slot.path is not None]
        self._paths = {
            number: [steps for at, steps in paths if number in (at, SHARED)] for number in self._numbers()
        }
        """By slot, the paths of the numbers of the persons whom its fields are about."""
        self._own = {number for slot in self.slots if slot.path is None for number in (slot.number, SHARED)}
        self.searchable = tuple(
            (name, rule.searchable) for name, rule in definition.rules.rules.items() if rule.searchable
        )
        self.exclusives = tuple(each for each in definition.constraints if each.kind == "exclusive")
        self.uniques = tuple(
            each
            for each in definition.constraints
            if each.kind == "unique" and not self.hidden.isdisjoint(each.fields)
        )
        self.judged_here = tuple(
            each
            for each in definition.constraints
            if enforcement(definition, each).by is not Enforcement.EVERY_NODE
        )
        """The constraints that not every node can judge: the agency asks them with all fields."""
        self.effects = tuple(each for each in definition.constraints if each.effect is not None)
        self.stated = tuple(
            each
            for each in definition.constraints
            if each.kind == "reference" and each.role and each.register
        )
        """The constraints whose references an entry states in the clear."""
        # Where no subject is named for a field it goes to the only subject, or to what all share.
        common = self.slots[0].number if len(self.slots) == 1 else SHARED
        self._slot_of = dict.fromkeys((*definition.rules.rules, CIRCUMSTANCES, ATTACHMENTS), common)
        self._slot_of.update(self._slots())
        self._sealed_in = lru_cache(maxsize=256)(self._by_slot)

    def slot_of(self, field: str) -> int:
        """The slot under whose key a field is sealed."""
        return self._slot_of.get(field, SHARED)

    def sealed_in(self, fields: Iterable[str]) -> Mapping[int, Sequence[str]]:
        """The names of the fields given, by the slot under whose key they are sealed; the slots in ascending order."""
        return self._sealed_in(tuple(fields))

    def _by_slot(self, fields: tuple[str, ...]) -> Mapping[int, Sequence[str]]:
        found: dict[int, list[str]] = {}
        for name in fields:
            found.setdefault(self.slot_of(name), []).append(name)
        return {slot: tuple(found[slot]) for slot in sorted(found)}

    def hide(self, fields: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
        """A record's fields in two: what stands in the log, and what goes by the item."""
        return self.public(fields), self.secret(fields)

    def public(self, fields: Mapping[str, Json]) -> dict[str, Json]:
        """Those of a record's fields that stand in the log."""
        hidden = self.hidden
        return {name: value for name, value in fields.items() if name not in hidden}

    def secret(self, fields: Mapping[str, Json]) -> dict[str, Json]:
        """Those of a record's fields that go by the item."""
        hidden = self.hidden
        return {name: value for name, value in fields.items() if name in hidden}

    def numbers(self, slot: int, fields: dict[str, Json]) -> tuple[str, ...]:
        """The numbers of the persons whom a slot's fields are about; for the shared slot, of all of them."""
        paths = self._paths.get(slot)
        if not paths:
            return ()
        found = [value for steps in paths for value in values_at(fields, steps) if isinstance(value, str)]
        return tuple(dict.fromkeys(found))

    def is_the_person(self, slot: int) -> bool:
        """Whether a slot is the record's own person."""
        return slot in self._own

    def _numbers(self) -> tuple[int, ...]:
        return (SHARED, *(slot.number for slot in self.slots))

    def _slots(self) -> Iterator[tuple[str, int]]:
        numbers = {slot.name: slot.number for slot in self.slots}
        for name, rule in self.definition.rules.rules.items():
            if rule.subject is not None:
                yield name, numbers[rule.subject]
