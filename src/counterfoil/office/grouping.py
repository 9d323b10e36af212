"""Which rows of a file can be one transaction: as if each had been taken by itself, one after the other.

A change is drafted on what is stored, and judged on what will be after the whole transaction. So no two rows may change
one record, and none may change a record into a status in which an earlier row could not have referred to it. What this
overlooks is found out when the transaction is judged, and costs time, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Final, NamedTuple

from counterfoil.ledger.declared import ClaimTarget, Constraint
from counterfoil.ledger.operands import parse_operand, values_at
from counterfoil.office.wanted import Wanted
from counterfoil.proof.transaction import MAX_PROPOSALS, MAX_TRANSACTION_BYTES
from counterfoil.registry.personal.change import AS_FOUND, Change
from counterfoil.registry.personal.plan import Plan

_ENTRY: Final = 600
"""About how many bytes an entry has whose fields are all hidden; an effect is one."""
UNSURE: Final = ("~", "?", "%")
"""How a date ends that decides nothing (ISO 8601-2)."""

Holder = Callable[[str, str, str], Hashable | None]
"""Gives what identifies the record that holds a claim now, by scope, name and value; None where none does."""


class Place(NamedTuple):
    """A record that changes, and the status that it gets, where that is known."""

    name: Hashable
    status: str | None


class Group:
    """Rows on their way into one transaction."""

    def __init__(self, holder: Holder):
        self.rows: list[Wanted] = []
        self._holder = holder
        self._changed: set[Hashable] = set()
        self._referred: dict[Hashable, frozenset[str]] = {}
        self._entries = 0
        self._size = 0

    def take(self, wanted: Wanted, plan: Plan) -> bool:
        """Take a row in; False, and nothing is done, where it must wait for the next transaction."""
        places = list(_places(wanted.change, plan, self._holder))
        entries = 1 + sum(1 for _ in _effects(wanted.change, plan))
        public = len(plan.hidden) < len(plan.definition.rules.rules)
        size = entries * _ENTRY + (wanted.raw.size if public else 0)
        if self.rows and (
            self._entries + entries > MAX_PROPOSALS
            or self._size + size > MAX_TRANSACTION_BYTES
            or any(map(self._in_the_way, places))
        ):
            return False
        self.rows.append(wanted)
        self._changed.update(place.name for place in places)
        for name, status in _references(wanted.change, plan):
            self._referred[name] = self._referred.get(name, status) & status
        self._entries += entries
        self._size += size
        return True

    def _in_the_way(self, place: Place) -> bool:
        if place.name in self._changed:
            return True
        allowed = self._referred.get(place.name)
        return allowed is not None and place.status is not None and place.status not in allowed


def sure_to_wait(change: Change, plan: Plan) -> bool:
    """Whether a second officer will have to decide a change, as far as that shows before it is judged."""
    words = plan.definition.fields.four_eyes
    if change.operation in words or change.status in {AS_FOUND, *words}:
        return True
    ordered = (each for each in plan.definition.constraints if each.kind == "order")
    return any(
        value.endswith(UNSURE)
        for constraint in _applying(ordered, change)
        for value in _values(change, constraint.fields)
    )


def _places(change: Change, plan: Plan, holder: Holder) -> Iterator[Place]:
    """What a change is about to change: its record, those of its effects, and the claims that are made or ended."""
    key = change.key or change.fields.get(plan.definition.key or "") or change.record
    if isinstance(key, str):
        yield Place((plan.name, key), change.status)
    for constraint in _applying(plan.exclusives, change):
        for value in _values(change, constraint.fields):
            yield Place((constraint.scope, constraint.claim, value), None)
    for constraint in _effects(change, plan):
        effect = constraint.effect
        if effect is None:
            continue
        if isinstance(effect.record, ClaimTarget):
            claim = effect.record.claim
            for value in _values(change, (claim.field,)):
                yield Place((claim.scope, claim.name, value), None)
                held = holder(claim.scope, claim.name, value)
                if held is not None:
                    yield Place(held, effect.status)
        else:
            for value in _values(change, (effect.record,)):
                yield Place((effect.register, value), effect.status)


def _references(change: Change, plan: Plan) -> Iterator[tuple[Hashable, frozenset[str]]]:
    """The records that a change refers to, and the statuses in which it may."""
    for constraint in _applying(
        (each for each in plan.definition.constraints if each.kind == "reference"), change
    ):
        allowed = frozenset(constraint.status)
        for value in _values(change, constraint.fields) if allowed else ():
            yield (constraint.register, value), allowed


def _effects(change: Change, plan: Plan) -> Iterator[Constraint]:
    return _applying((each for each in plan.definition.constraints if each.effect is not None), change)


def _applying(constraints: Iterable[Constraint], change: Change) -> Iterator[Constraint]:
    for constraint in constraints:
        if constraint.concerns(change.operation) and (
            change.status is None or constraint.applies(change.operation, change.status)
        ):
            yield constraint


def _values(change: Change, operands: Iterable[str]) -> Iterator[str]:
    for operand in operands:
        read = parse_operand(operand)
        if read.path is not None and read.into is None:
            yield from (
                value for value in values_at(change.fields, read.path.steps) if isinstance(value, str)
            )
